package storetest

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// modelLine is a request as one of its accounts sees it. seq and at are 0 while it is unsealed.
type modelLine struct {
	seq, at, effective int64
	cents, balance     int64
	version            int64
	legs               int
}

// history is all lines of an account.
func (m *model) history(path string) (lines []modelLine) {
	balance, version := int64(0), int64(0)
	for i := 0; i < len(m.entries); {
		first := i
		line := modelLine{}
		opened := false
		for ; i < len(m.entries) && m.entries[i].request == first; i++ {
			e := &m.entries[i]
			switch path {
			case e.to:
				line.cents += e.cents
			case e.from:
				line.cents -= e.cents
			default:
				continue
			}
			version++
			line.legs++
			opened = e.from == ""
		}
		if line.legs == 0 {
			continue
		}
		if opened {
			line.legs = 0
		}
		last := &m.entries[i-1]
		balance += line.cents
		line.balance, line.version = balance, version
		if line.seq, line.at = int64(i), last.done; i > m.sealed {
			line.seq, line.at = 0, 0
		}
		if line.effective = last.effective; !last.backdated {
			line.effective = line.at
		}
		lines = append(lines, line)
	}
	return lines
}

// past reports whether a bound is past, and seals everything when the journal has not reached it yet.
func (m *model) past(bound time.Time, now int64) bool {
	at := bound.UnixNano() - 1
	if at > m.headAt && at <= now {
		m.seal()
		m.headAt = max(m.headAt, at)
	}
	return at <= m.headAt
}

// statement is the lines between two bounds, the first one first, and the balances around them.
func (m *model) statement(path string, from, to time.Time, now int64) (lines []modelLine, opening, closing int64) {
	fromPast := !from.IsZero() && m.past(from, now)
	toPast := !to.IsZero() && m.past(to, now)
	for _, line := range m.history(path) {
		sealed := line.seq > 0
		switch {
		case toPast && (!sealed || line.at >= to.UnixNano()):
			continue
		case !from.IsZero() && (!fromPast || sealed && line.at < from.UnixNano()):
			opening += line.cents
		default:
			lines = append(lines, line)
		}
		closing += line.cents
	}
	return lines, opening, closing
}

// bound is a random time near an entry, near now, far away, or none.
func (r *modelRun) bound(what string) time.Time {
	switch rapid.SampledFrom([]string{"none", "entry", "entry", "now", "past", "future"}).Draw(r.rt, what) {
	case "entry":
		i := rapid.IntRange(0, len(r.model.entries)-1).Draw(r.rt, what+" entry")
		return time.Unix(0, r.model.entries[i].at+rapid.Int64Range(-1, 2).Draw(r.rt, what+" off"))
	case "now":
		return r.clock.Now().Add(time.Duration(rapid.IntRange(-2, 2).Draw(r.rt, what+" off")))
	case "past":
		return clockStart.AddDate(-1, 0, 0)
	case "future":
		return clockStart.AddDate(1, 0, 0)
	default:
		return time.Time{}
	}
}

// compareStatement reads a random statement page by page and compares it with the model.
func (r *modelRun) compareStatement() {
	account := rapid.SampledFrom(r.model.accounts).Draw(r.rt, "statement").path
	q := bursar.StatementQuery{
		From: r.bound("from"), To: r.bound("to"), Forward: rapid.Bool().Draw(r.rt, "forward"),
		Limit: rapid.SampledFrom([]int{1, 2, 3, 40, 64, 0}).Draw(r.rt, "page"),
	}
	if !q.From.IsZero() && !q.To.IsZero() && q.From.After(q.To) {
		q.From, q.To = q.To, q.From
	}
	want, opening, closing := r.model.statement(account, q.From, q.To, r.clock.Now().UnixNano())
	var got []modelLine
	for more := true; more; more = q.After != 0 {
		page, err := r.ledger.Statement(r.Context(), account, q)
		if err != nil {
			r.rt.Fatal(err)
		}
		if o, c := units(page.Opening), units(page.Closing); o != opening || c != closing {
			r.rt.Fatalf("%s %+v goes from %d to %d, the model from %d to %d", account, q, o, c, opening, closing)
		}
		if len(page.Lines) == 0 && page.Next != 0 || q.Limit > 0 && len(page.Lines) > q.Limit {
			r.rt.Fatalf("%s %+v: a page of %d lines, and the next is %d", account, q, len(page.Lines), page.Next)
		}
		for i := range page.Lines {
			got = append(got, r.seen(&page.Lines[i]))
		}
		q.After = page.Next
	}
	if !q.Forward {
		slices.Reverse(got)
	}
	if !slices.Equal(got, want) {
		r.rt.Fatalf("the statement of %s, %+v, is\n%s\nthe model says\n%s", account, q, printed(got), printed(want))
	}
	r.wantAround(account, &q, opening, closing)
}

// wantAround compares the balances around a statement with those as of the same times.
func (r *modelRun) wantAround(account string, q *bursar.StatementQuery, opening, closing int64) {
	for _, end := range []struct {
		at    time.Time
		cents int64
	}{{q.From, opening}, {q.To, closing}} {
		if end.at.IsZero() || end.at.UnixNano()-1 > r.model.headAt {
			continue
		}
		balance, err := r.ledger.Balance(r.Context(), account, bursar.AsOf{At: end.at.Add(-1)})
		if err != nil {
			r.rt.Fatal(err)
		}
		if got := units(balance.Balance); got != end.cents {
			r.rt.Fatalf("%s has %d before %v, and a statement says %d", account, got, end.at, end.cents)
		}
	}
}

// seen is a line as the model has it. Its legs must add up.
func (r *modelRun) seen(l *bursar.StatementLine) modelLine {
	sum, balance := int64(0), units(l.Balance)-units(l.Amount)
	for _, leg := range l.Legs {
		sum += units(leg.Amount)
		if balance += units(leg.Amount); units(leg.Balance) != balance {
			r.rt.Fatalf("leg %+v does not follow in %+v", leg, l)
		}
	}
	if sum != units(l.Amount) {
		r.rt.Fatalf("the legs of %+v add up to %d", l, sum)
	}
	return modelLine{
		seq: l.Seq, at: int64(l.At), effective: int64(l.Effective), cents: units(l.Amount), balance: units(l.Balance),
		version: l.Version, legs: len(l.Legs),
	}
}

func units(a money.Amount) int64 {
	n, _ := a.Units()
	return n
}

func printed(lines []modelLine) (text string) {
	for _, line := range lines {
		text += fmt.Sprintf("%+v\n", line)
	}
	return text
}
