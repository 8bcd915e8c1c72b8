package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/ledger"
)

var thingCases = []testCase{
	{"a thing that was refused is posted once it is funded", thingFunded},
	{"a thing that was refused has no content yet", thingWithoutContent},
	{"a refused attempt is refused for ever", attemptRefused},
	{"a refusal inside is not final", insideNotFinal},
	{"inside, an attempt stays refused and a thing does not", insideAfterOutside},
	{"funded inside one batch", fundedInBatch},
	{"a refused opening of a thing is not remembered", openingOfAThing},
	{"refusals say what is missing", saysWhatIsMissing},
}

// refusal is an error as a refusal.
func (f *fixture) refusal(err error) *bursar.Error {
	f.Helper()
	var refusal *bursar.Error
	if !errors.As(err, &refusal) {
		f.Fatalf("got %v, want a refusal", err)
	}
	return refusal
}

// wantFinal wants a refusal to say whether it is final, and whether it is told again.
func (f *fixture) wantFinal(err error, final, replayed bool) *bursar.Error {
	f.Helper()
	refusal := f.refusal(err)
	if refusal.Final != final || refusal.Replayed != replayed {
		f.Errorf("%v: final %v, replayed %v; want %v, %v", err, refusal.Final, refusal.Replayed, final, replayed)
	}
	if refusal.Decided == 0 {
		f.Errorf("%v does not say when it was decided", err)
	}
	return refusal
}

// wantRows counts what is remembered of an id.
func (f *fixture) wantRows(id bursar.ID, want int) {
	f.Helper()
	err := f.Store.Read(f.Context(), func(ctx context.Context, r driver.Reader) error {
		record, _, err := r.Request(ctx, f.ledger.Book().Number, id)
		if (record != nil) != (want == 1) {
			f.Errorf("under %v %+v is remembered, want %d requests", id, record, want)
		}
		return err
	})
	f.must(err)
}

// tooMuch takes 60.00 USD more from users:1 than a funded account has.
func tooMuch(id bursar.ID) bursar.Transfer {
	t := move("users:1", "world", "160.00 USD")
	t.ID = id
	return t
}

func thingFunded(f *fixture) {
	f.funded("users:1")
	t := tooMuch(id(1))
	second := f.startOver(f.Reopen(f.T), &ledger.Options{})
	for range 2 {
		f.wantFinal(f.refused(t, bursar.CodeInsufficientFunds, "legs[0]"), false, false)
		_, err := second.Post(f.Context(), t)
		f.wantFinal(err, false, false)
		f.wantRows(id(1), 0)
		_, err = f.ledger.Transfer(f.Context(), id(1))
		f.wantError(err, bursar.CodeTransferNotFound, "")
	}
	f.pay("world", "users:1", "100.00 USD")
	first := f.post(t)
	if first.Replayed || first.ID != id(1) {
		f.Errorf("the funded thing is answered %+v", first)
	}
	f.pay("world", "users:1", "200.00 USD")
	for _, l := range []*ledger.Ledger{f.ledger, second} {
		again, err := l.Post(f.Context(), t)
		f.must(err)
		if !again.Replayed || again.Decided != first.Decided {
			f.Errorf("the thing is answered %+v, and was %+v", again, first)
		}
	}
	f.wantRows(id(1), 1)
	f.wantBalance("users:1", "240.00 USD")
	other := t
	other.Legs = move("users:1", "world", "1.00 USD").Legs
	f.refused(other, bursar.CodeIDReused, "legs[0].amount")
	other.Legs = move("users:1", "world", "999.00 USD").Legs // that it is too much does not matter
	f.wantUndecided(f.refused(other, bursar.CodeIDReused, "legs[0].amount"))
}

// wantUndecided wants an error that is no decision, such as id_reused, not to be told as one.
func (f *fixture) wantUndecided(err error) {
	f.Helper()
	if refusal := f.refusal(err); refusal.Final || refusal.Replayed || refusal.Decided != 0 {
		f.Errorf("%v is told as a decision: %+v", err, refusal)
	}
}

// thingWithoutContent refuses a thing with one content and posts it with another.
func thingWithoutContent(f *fixture) {
	f.funded("users:1")
	t := tooMuch(id(1))
	f.refused(t, bursar.CodeInsufficientFunds, "legs[0]")
	less := t
	less.Legs = move("users:1", "world", "60.00 USD").Legs
	f.post(less)
	f.refused(t, bursar.CodeIDReused, "legs[0].amount")
	f.wantRows(id(1), 1)
	f.wantBalance("users:1", "40.00 USD")
}

func attemptRefused(f *fixture) {
	f.funded("users:1")
	t := tooMuch(attempt(1))
	first := f.wantFinal(f.refused(t, bursar.CodeInsufficientFunds, "legs[0]"), true, false)
	f.clock.Advance(time.Hour)
	f.pay("world", "users:1", "500.00 USD")
	second := f.startOver(f.Reopen(f.T), &ledger.Options{})
	for _, l := range []*ledger.Ledger{f.ledger, second} {
		_, err := l.Post(f.Context(), t)
		f.wantError(err, bursar.CodeInsufficientFunds, "legs[0]")
		again := f.wantFinal(err, true, true)
		results, err := l.PostBatch(f.Context(), []bursar.Transfer{move("world", "users:1", "1.00 USD"), t})
		f.must(err)
		f.must(results[0].Err)
		f.wantError(results[1].Err, bursar.CodeInsufficientFunds, "legs[0]")
		batched := f.wantFinal(results[1].Err, true, true)
		for _, refusal := range []*bursar.Error{again, batched} {
			if refusal.Decided != first.Decided || refusal.Message != first.Message {
				f.Errorf("it is told again as %v at %v, and was %v at %v",
					refusal, refusal.Decided, first, first.Decided)
			}
			if refusal.Account != "" || refusal.Available != nil || refusal.Needed != nil || refusal.Limit != nil {
				f.Errorf("what is not remembered is told again: %+v", refusal)
			}
		}
	}
	f.wantRows(attempt(1), 1)
	f.wantBalance("users:1", "602.00 USD")
	other := t
	other.Legs = move("users:1", "world", "1.00 USD").Legs
	f.wantUndecided(f.refused(other, bursar.CodeIDReused, "legs[0].amount"))
}

// insideNotFinal refuses under In what then posts, under In and by Post.
func insideNotFinal(f *fixture) {
	f.funded("users:1")
	ids := []bursar.ID{id(1), attempt(1), id(2), attempt(2)}
	f.within(func(j *ledger.Joined) error {
		for _, id := range ids {
			_, err := j.Post(f.Context(), tooMuch(id))
			f.wantError(err, bursar.CodeInsufficientFunds, "legs[0]")
			f.wantFinal(err, false, false)
			_, err = j.PostAll(f.Context(), []bursar.Transfer{tooMuch(id)})
			f.wantFinal(err, false, false)
		}
		return nil
	})
	for _, id := range ids {
		f.wantRows(id, 0)
		_, err := f.ledger.Transfer(f.Context(), id)
		f.wantError(err, bursar.CodeTransferNotFound, "")
	}
	f.pay("world", "users:1", "600.00 USD")
	f.within(func(j *ledger.Joined) error {
		for _, id := range ids[:2] {
			_, err := j.Post(f.Context(), tooMuch(id))
			f.must(err)
		}
		return nil
	})
	for _, id := range ids[2:] {
		f.post(tooMuch(id))
	}
	f.wantBalance("users:1", "60.00 USD")
}

// insideAfterOutside refuses by Post and asks again under In.
func insideAfterOutside(f *fixture) {
	f.funded("users:1")
	first := f.refusal(f.refused(tooMuch(attempt(1)), bursar.CodeInsufficientFunds, "legs[0]"))
	f.refused(tooMuch(id(1)), bursar.CodeInsufficientFunds, "legs[0]")
	f.pay("world", "users:1", "500.00 USD")
	f.within(func(j *ledger.Joined) error {
		_, err := j.Post(f.Context(), tooMuch(attempt(1)))
		f.wantError(err, bursar.CodeInsufficientFunds, "legs[0]")
		if again := f.wantFinal(err, true, true); again.Decided != first.Decided {
			f.Errorf("inside it was decided at %v, outside at %v", again.Decided, first.Decided)
		}
		posted, err := j.Post(f.Context(), tooMuch(id(1)))
		if posted.Replayed {
			f.Error("a thing that was refused is told to have been posted before")
		}
		return err
	})
	f.wantRows(attempt(1), 1)
	f.wantBalance("users:1", "440.00 USD")
}

// fundedInBatch has a thing and an attempt before and after the transfer that funds both.
func fundedInBatch(f *fixture) {
	f.funded("users:1")
	thing, try := tooMuch(id(1)), tooMuch(attempt(1))
	fund := move("world", "users:1", "300.00 USD")
	results, err := f.ledger.PostBatch(f.Context(), []bursar.Transfer{thing, try, thing, fund, thing, try, thing})
	f.must(err)
	for i, result := range results {
		switch i {
		case 0, 2:
			f.wantFinal(result.Err, false, false)
		case 1, 5:
			refusal := f.wantFinal(result.Err, true, i == 5)
			if first := f.refusal(results[1].Err); refusal.Decided != first.Decided {
				f.Errorf("transfer %d was decided at %v, the first at %v", i, refusal.Decided, first.Decided)
			}
		default:
			if result.Err != nil || result.Posted.Replayed != (i == 6) {
				f.Errorf("transfer %d: %+v", i, result)
			}
		}
	}
	if results[6].Posted.ID != id(1) || results[6].Posted.Decided != results[4].Posted.Decided {
		f.Errorf("the thing is answered %+v, and was %+v", results[6].Posted, results[4].Posted)
	}
	f.sealPosted()
	f.wantRows(id(1), 1)
	f.wantRows(attempt(1), 1)
	f.wantBalance("users:1", "240.00 USD")
}

func openingOfAThing(f *fixture) {
	f.account("users:1")
	open := func(id bursar.ID) error {
		_, err := f.ledger.OpenAccount(f.Context(), bursar.Opening{ID: id, Path: "users:1", Currency: currency("USD")})
		f.wantError(err, bursar.CodeAccountExists, "path")
		return err
	}
	for _, replayed := range []bool{false, true} {
		f.wantFinal(open(id(1)), false, false)
		f.wantFinal(open(attempt(1)), true, replayed)
	}
	f.wantRows(id(1), 0)
	f.wantRows(attempt(1), 1)
}

// saysWhatIsMissing compares what a refusal says with the state of the account.
func saysWhatIsMissing(f *fixture) {
	f.funded("users:1")
	f.opening(bursar.Opening{Path: "credit", Currency: currency("USD"), Min: limit("-50.00 USD")})
	f.opening(bursar.Opening{Path: "small", Currency: currency("USD"), Max: limit("20.00 USD")})
	f.pay("world", "small", "15.00 USD")
	poor := move("users:1", "world", "1.00 USD")
	poor.Conditions = []bursar.Condition{{Path: "small", AtLeast: limit("15.01 USD")}}
	for _, test := range []struct {
		transfer bursar.Transfer
		code     bursar.Code
		field    string
		says     []string // account, available, needed and limit
	}{
		{move("users:1", "world", "100.01 USD"), bursar.CodeInsufficientFunds, "legs[0]",
			[]string{"users:1", "100.00 USD", "100.01 USD", "0.00 USD"}},
		{bursar.Transfer{Legs: []bursar.Leg{leg("credit", "world", "30.00 USD"), leg("credit", "world", "20.01 USD")}},
			bursar.CodeInsufficientFunds, "legs[1]", []string{"credit", "0.00 USD", "50.01 USD", "-50.00 USD"}},
		{bursar.Transfer{Legs: []bursar.Leg{leg("users:1", "small", "99.00 USD"), leg("small", "world", "99.00 USD")}},
			bursar.CodeLimitExceeded, "legs[0]", []string{"small", "15.00 USD", "99.00 USD", "20.00 USD"}},
		{bursar.Transfer{Legs: []bursar.Leg{
			leg("users:1", "world", "60.00 USD"), leg("world", "users:1", "30.00 USD"), leg("users:1", "world", "70.50 USD"),
		}}, bursar.CodeInsufficientFunds, "legs[2]", []string{"users:1", "100.00 USD", "100.50 USD", "0.00 USD"}},
		{move("users:1", "small", "5.01 USD"), bursar.CodeLimitExceeded, "legs[0]",
			[]string{"small", "15.00 USD", "5.01 USD", "20.00 USD"}},
		{poor, bursar.CodeConditionFailed, "conditions[0]", []string{"small", "15.00 USD", "15.01 USD", "<nil>"}},
	} {
		for _, id := range []bursar.ID{{}, id(1)} {
			test.transfer.ID = id
			refusal := f.refusal(f.refused(test.transfer, test.code, test.field))
			f.wantSame("what a refusal says", test.says, saying(refusal))
		}
	}
	_, err := f.ledger.Post(f.Context(), move("users:1", "nobody", "1.00 USD"))
	f.wantError(err, bursar.CodeAccountNotFound, "legs[0].to")
	f.wantSame("what another refusal says", []string{"", "<nil>", "<nil>", "<nil>"}, saying(f.refusal(err)))
}

func saying(e *bursar.Error) []string {
	return []string{e.Account, text(e.Available), text(e.Needed), text(e.Limit)}
}
