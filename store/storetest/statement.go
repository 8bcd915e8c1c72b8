package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

var statementCases = []testCase{
	{"page by page", statementPages},
	{"a line is a transfer", statementLine},
	{"a page never parts a transfer", statementLegs},
	{"months follow one another", statementMonths},
	{"a transfer is in one month", statementMidnight},
	{"what is not sealed is there", statementUnsealed},
	{"inside a database transaction", statementIn},
	{"a question without sense is refused", statementRefused},
	{"it adds up while others post", statementRace},
}

func (f *fixture) statement(path string, q bursar.StatementQuery) bursar.Statement {
	f.Helper()
	s, err := f.ledger.Statement(f.Context(), path, q)
	f.must(err)
	return s
}

// described is the lines of a statement as texts.
func described(lines []bursar.StatementLine) (texts []string) {
	for _, l := range lines {
		texts = append(texts, fmt.Sprintf("%d %v %s %v %v", l.Version, l.Kind, l.Other, l.Amount, l.Balance))
	}
	return texts
}

func statementPages(f *fixture) {
	f.funded("users:1")
	f.account("users:2")
	for i := range 10 {
		f.pay("users:1", "users:2", fmt.Sprintf("%d.00 USD", i+1))
	}
	whole := f.statement("users:1", bursar.StatementQuery{})
	if whole.Path != "users:1" || whole.Currency != currency("USD") || whole.Seq != f.head().Seq || whole.Next != 0 ||
		!whole.Opening.IsZero() || whole.Closing.String() != "45.00 USD" {
		f.Errorf("the statement is %+v", whole)
	}
	f.wantSame("the first lines", []string{
		"4 transfer users:2 -2.00 USD 97.00 USD", "3 transfer users:2 -1.00 USD 99.00 USD",
		"2 transfer world 100.00 USD 100.00 USD", "1 open  0.00 USD 0.00 USD",
	}, described(whole.Lines[8:]))
	for _, forward := range []bool{false, true} {
		want := slices.Clone(whole.Lines)
		if forward {
			slices.Reverse(want)
		}
		for limit := 1; limit <= 13; limit++ {
			var got []bursar.StatementLine
			q := bursar.StatementQuery{Limit: limit, Forward: forward}
			for more := true; more; more = q.After != 0 {
				page := f.statement("users:1", q)
				if full := len(page.Lines) == limit; !full && page.Next != 0 || len(page.Lines) == 0 {
					f.Fatalf("a page of %d lines where %d were asked for, and the next is %d", len(page.Lines), limit, page.Next)
				}
				got = append(got, page.Lines...)
				q.After = page.Next
			}
			f.wantSame(fmt.Sprintf("the statement in pages of %d, forward is %v", limit, forward), want, got)
		}
	}
	past := f.statement("users:1", bursar.StatementQuery{After: 99, Limit: 1})
	f.wantSame("the line before a version to come", whole.Lines[:1], past.Lines)
	past = f.statement("users:1", bursar.StatementQuery{After: 99, Forward: true})
	f.wantSame("the lines after a version to come", 0, len(past.Lines))
}

func statementLine(f *fixture) {
	f.funded("users:1", "users:2")
	f.account("users:3")
	posted := f.post(full())
	entries := f.journal(f.ledger)
	last := &entries[len(entries)-1]
	line := f.statement("users:1", bursar.StatementQuery{Limit: 1}).Lines[0]
	usd := money.MustParse
	f.wantSame("a line", bursar.StatementLine{
		Seq: last.Seq, At: last.At, Effective: last.Effective, Decided: posted.Decided, Kind: bursar.EntryLeg,
		Transfer: id(1), Reference: "order 7", Metadata: bursar.Metadata{"a": "1", "b": ""},
		Amount: usd("-11.00 USD"), Balance: usd("89.00 USD"), Version: 4,
		Legs: []bursar.StatementLeg{
			{Leg: 0, Seq: last.Seq - 1, Other: "users:2", Amount: usd("-10.00 USD"), Balance: usd("90.00 USD")},
			{Leg: 1, Seq: last.Seq, Other: "users:3", Amount: usd("-1.00 USD"), Balance: usd("89.00 USD")},
		},
	}, line)
	other := f.statement("users:2", bursar.StatementQuery{Limit: 1}).Lines[0]
	if other.Seq != last.Seq || other.At != last.At || other.Other != "users:1" || other.Legs[0].Seq != last.Seq-1 {
		f.Errorf("the account of the first leg sees %+v", other)
	}
	f.post(bursar.Transfer{Legs: []bursar.Leg{
		leg("users:2", "users:3", "5.00 USD"), leg("users:3", "users:2", "2.00 USD"),
	}})
	both := f.statement("users:3", bursar.StatementQuery{Limit: 1}).Lines[0]
	f.wantSame("there and back", []string{"4 transfer users:2 3.00 USD 4.00 USD"},
		described([]bursar.StatementLine{both}))
	f.opening(bursar.Opening{Path: "users:4", Currency: currency("USD"), Metadata: awkward})
	opening := f.statement("users:4", bursar.StatementQuery{}).Lines[0]
	if opening.Kind != bursar.EntryOpen || opening.Legs == nil || len(opening.Legs) != 0 {
		f.Errorf("an opening is %+v", opening)
	}
	f.wantSame("its metadata", awkward, opening.Metadata)
}

// statementLegs has transfers of very many legs, and asks from every version, also one in the middle of a transfer.
func statementLegs(f *fixture) {
	f.funded("users:1")
	f.account("users:2")
	for range 9 {
		f.post(bursar.Transfer{Legs: slices.Repeat([]bursar.Leg{leg("users:1", "users:2", "0.01 USD")}, bursar.LegsMax)})
	}
	f.pay("users:1", "users:2", "0.01 USD")
	for _, forward := range []bool{false, true} {
		q := bursar.StatementQuery{Forward: forward}
		var pages, legs []int
		for more := true; more; more = q.After != 0 {
			page := f.statement("users:1", q)
			of := 0
			for _, line := range page.Lines {
				if n := len(line.Legs); n > 1 && n != bursar.LegsMax {
					f.Errorf("a line has %d legs of %d", n, bursar.LegsMax)
				}
				of += len(line.Legs)
			}
			pages, legs = append(pages, len(page.Lines)), append(legs, of)
			q.After = page.Next
		}
		wantPages := []int{5, 4, 3}
		if forward {
			wantPages = []int{6, 4, 2}
		}
		f.wantSame("the lines of the pages", wantPages, pages)
		for _, n := range legs {
			if n >= bursar.PageMax+bursar.LegsMax {
				f.Errorf("a page has %d legs", n)
			}
		}
	}
	for version := int64(1); version <= 9*bursar.LegsMax+3; version += 51 {
		back := f.statement("users:1", bursar.StatementQuery{After: version, Limit: 1})
		if n := len(back.Lines); n > 0 && back.Lines[0].Version >= version || n == 0 && version > 1 {
			f.Errorf("before version %d is %v", version, described(back.Lines))
		}
		on := f.statement("users:1", bursar.StatementQuery{After: version, Limit: 1, Forward: true})
		if n := len(on.Lines); n > 0 && (on.Lines[0].Version <= version || len(on.Lines[0].Legs)%255 != 1) {
			f.Errorf("after version %d is %v", version, described(on.Lines))
		}
	}
}

// statementMonths looks at months of which one has nothing, and the last is not over.
func statementMonths(f *fixture) {
	f.funded("users:1")
	month := func(n int) time.Time { return time.Date(2026, time.Month(n), 1, 0, 0, 0, 0, time.UTC) }
	f.clock.Set(month(2))
	f.pay("users:1", "world", "10.00 USD")
	f.clock.Set(month(3).Add(-1))
	f.pay("users:1", "world", "20.00 USD")
	f.clock.Set(month(5).Add(time.Hour))
	read := func(n int) string {
		s := f.statement("users:1", bursar.StatementQuery{From: month(n), To: month(n + 1)})
		return fmt.Sprintf("%v %d %v", s.Opening, len(s.Lines), s.Closing)
	}
	want := []string{
		"0.00 USD 0 0.00 USD", "0.00 USD 2 100.00 USD", "100.00 USD 2 70.00 USD",
		"70.00 USD 0 70.00 USD", "70.00 USD 0 70.00 USD", "70.00 USD 0 70.00 USD",
	}
	for range 2 {
		for n, want := range want {
			f.wantSame(fmt.Sprintf("month %d", n), want, read(n))
		}
		f.clock.Set(month(4).Add(-time.Hour)) // what comes now is later all the same
	}
	f.pay("users:1", "world", "1.00 USD")
	f.wantSame("May", "70.00 USD 1 69.00 USD", read(5))
	f.wantSame("April", "70.00 USD 0 70.00 USD", read(4))
	f.wantSame("a month to come", "69.00 USD 0 69.00 USD", read(11))
}

// statementMidnight posts two legs of which the first is in the last nanosecond of a month.
func statementMidnight(f *fixture) {
	f.funded("users:1", "users:2")
	midnight := time.Date(2026, time.February, 1, 0, 0, 0, 0, time.UTC)
	f.clock.Set(midnight.Add(-1))
	f.post(bursar.Transfer{Legs: []bursar.Leg{
		leg("users:1", "world", "1.00 USD"), leg("users:2", "world", "2.00 USD"),
	}})
	entries := f.journal(f.ledger)
	first := &entries[len(entries)-2]
	if first.At != instant(midnight)-1 {
		f.Fatalf("the first leg is at %v", first.At)
	}
	for path, cents := range map[string]int64{"users:1": -100, "users:2": -200, "world": 300} {
		before := f.statement(path, bursar.StatementQuery{To: midnight})
		after := f.statement(path, bursar.StatementQuery{From: midnight})
		b, err := f.ledger.Balance(f.Context(), path, bursar.AsOf{At: midnight.Add(-1)})
		f.must(err)
		if before.Closing != after.Opening || before.Closing != b.Balance || len(after.Lines) != 1 ||
			units(after.Lines[0].Amount) != cents || after.Lines[0].At != instant(midnight) {
			f.Errorf("%s: %v before, %v after with %+v, and a balance of %v",
				path, before.Closing, after.Opening, after.Lines, b.Balance)
		}
	}
	f.wantAsOf("users:1", bursar.AsOf{Seq: first.Seq}, "99.00 USD of 3") // a position may part the legs
}

func statementUnsealed(f *fixture) {
	f.funded("users:1")
	f.must(f.ledger.Close(f.Context())) // it would seal
	f.ledger = f.start(&ledger.Options{SealEvery: -1})
	for range 3 {
		_, err := f.ledger.Post(f.Context(), move("users:1", "world", "1.00 USD"))
		f.must(err)
	}
	for _, q := range []bursar.StatementQuery{
		{}, {From: clockStart}, {To: clockStart.Add(time.Hour)}, {From: clockStart, To: clockStart.Add(time.Hour)},
	} {
		s := f.statement("users:1", q)
		f.wantSame("the closing balance", "97.00 USD", s.Closing.String())
		if len(s.Lines) != 5 {
			f.Fatalf("%d lines of %+v", len(s.Lines), q)
		}
		for i, line := range s.Lines {
			unsealed := f.Store.SealsLater() && i < 3
			if (line.Seq == 0) != unsealed || (line.At == 0) != unsealed || (line.Effective == 0) != unsealed ||
				line.Decided == 0 || (len(line.Legs) == 1 && line.Legs[0].Seq == 0) != unsealed {
				f.Errorf("line %d is %+v", i, line)
			}
		}
	}
	if f.Store.SealsLater() {
		s := f.statement("users:1", bursar.StatementQuery{To: f.headNow().At.Time().Add(1)})
		f.wantSame("up to the head", "100.00 USD 2", fmt.Sprint(s.Closing, " ", len(s.Lines)))
	}
	f.clock.Advance(time.Hour)
	s := f.statement("users:1", bursar.StatementQuery{From: f.clock.Now()})
	want := "97.00 USD 0 "
	if f.Store.SealsLater() {
		want = "100.00 USD 3 sealed" // only then, and so not before
	}
	got := fmt.Sprint(s.Opening, " ", len(s.Lines), " ")
	if len(s.Lines) > 0 && s.Lines[0].Seq > 0 {
		got += "sealed"
	}
	f.wantSame("what is not sealed is later than a past time", want, got)
}

// headNow is the head without sealing anything.
func (f *fixture) headNow() bursar.Head {
	f.Helper()
	head, err := f.ledger.Head(f.Context())
	f.must(err)
	return head
}

func statementIn(f *fixture) {
	f.funded("users:1")
	head := f.head()
	f.clock.Advance(time.Hour)
	undo := errors.New("undo")
	err := atomic.Do(f.Context(), f.Atomic, func(ctx context.Context, tx *atomic.Tx) error {
		in := f.ledger.In(tx)
		if _, err := in.Post(ctx, move("users:1", "world", "1.00 USD")); err != nil {
			return err
		}
		s, err := in.Statement(ctx, "users:1", bursar.StatementQuery{To: f.clock.Now().Add(time.Hour), Limit: 1})
		if err != nil {
			return err
		}
		f.wantSame("what it has posted itself", "99.00 USD -1.00 USD", fmt.Sprint(s.Closing, " ", s.Lines[0].Amount))
		return undo
	}, nil)
	if !errors.Is(err, undo) {
		f.Fatal(err)
	}
	err = atomic.Do(f.Context(), f.Atomic, func(ctx context.Context, tx *atomic.Tx) error {
		in := f.ledger.In(tx)
		for _, q := range []bursar.StatementQuery{{From: f.clock.Now()}, {To: f.clock.Now()}} {
			if _, err := in.Statement(ctx, "users:1", q); bursar.CodeOf(err) != bursar.CodeAsOfAhead {
				f.Errorf("what is past and not reached: %v", err)
			}
		}
		s, err := in.Statement(ctx, "users:1", bursar.StatementQuery{To: head.At.Time().Add(1)})
		if err == nil {
			f.wantSame("up to the head", "100.00 USD", s.Closing.String())
		}
		return err
	}, &atomic.Options{ReadOnly: true, Isolation: sql.LevelSnapshot})
	f.must(err)
	f.wantSame("nothing was moved", head, f.headNow())
}

func statementRefused(f *fixture) {
	f.funded("users:1")
	for field, q := range map[string]bursar.StatementQuery{
		"from": {From: clockStart.Add(1), To: clockStart}, "after": {After: -1}, "limit": {Limit: bursar.PageMax + 1},
	} {
		_, err := f.ledger.Statement(f.Context(), "users:1", q)
		f.wantError(err, bursar.CodeMalformed, field)
	}
	for field, q := range map[string]bursar.StatementQuery{
		"from": {From: clockStart.AddDate(-1000, 0, 0)}, "to": {To: clockStart.AddDate(1000, 0, 0)},
	} {
		_, err := f.ledger.Statement(f.Context(), "users:1", q)
		f.wantError(err, bursar.CodeTimeInvalid, field)
	}
	same := f.statement("users:1", bursar.StatementQuery{From: clockStart, To: clockStart})
	f.wantSame("nothing between", "0.00 USD 0 0.00 USD", fmt.Sprint(same.Opening, " ", len(same.Lines), " ", same.Closing))
}

// statementRace reads statements while others post, by itself and in a database transaction of the application's,
// where each look may see more than the one before. Each must add up within itself.
func statementRace(f *fixture) {
	f.funded("users:1", "users:2")
	f.ledger = f.start(&ledger.Options{SealEvery: time.Millisecond})
	ctx, stop := context.WithCancel(f.Context())
	var writers sync.WaitGroup
	for i := range 3 {
		writers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				t := move("users:1", "users:2", "0.01 USD")
				if (n+i)%2 == 0 {
					t = bursar.Transfer{Legs: []bursar.Leg{
						leg("users:2", "users:1", "0.03 USD"), leg("users:1", "users:2", "0.01 USD"),
					}}
				}
				if _, err := f.ledger.Post(context.WithoutCancel(ctx), t); err != nil && !bursar.Retryable(err) {
					f.Error(err)
					return
				}
			}
		})
	}
	for n := range 60 {
		q := bursar.StatementQuery{Limit: bursar.PageMax, Forward: n%2 == 0}
		var s bursar.Statement
		if n%3 == 0 {
			f.must(atomic.Do(f.Context(), f.Atomic, func(ctx context.Context, tx *atomic.Tx) (err error) {
				s, err = f.ledger.In(tx).Statement(ctx, "users:1", q)
				return err
			}, nil))
		} else {
			s = f.statement("users:1", q)
		}
		sum := s.Opening
		for _, line := range s.Lines {
			next, err := sum.Add(line.Amount)
			f.must(err)
			sum = next
			if q.Forward && line.Balance != sum {
				f.Errorf("line %d has the balance %v after %v", line.Version, line.Balance, sum)
			}
		}
		if s.Next == 0 && sum != s.Closing {
			f.Errorf("%d lines add up to %v, and the balance is %v", len(s.Lines), sum, s.Closing)
		}
	}
	stop()
	writers.Wait()
}
