package lawtest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

const identityClients = 50

// postAnswer is the answer to one of several clients that post under the same id.
type postAnswer struct {
	posted bursar.Posted
	err    error
	inside bool // a caller's database transaction, where no refusal is final
}

// postAtOnce has each transfer posted by a client of its own, all at once, in all processes.
func (f *fixture) postAtOnce(ledgers []*ledger.Ledger, transfers []bursar.Transfer) []postAnswer {
	answers := make([]postAnswer, len(transfers))
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i := range transfers {
		wg.Go(func() {
			<-begin
			answers[i] = f.answerOf(f.t.Context(), ledgers[i%len(ledgers)], transfers[i])
		})
	}
	close(begin)
	wg.Wait()
	return answers
}

// answerOf is the answer to a client that posts as the harness says.
func (f *fixture) answerOf(ctx context.Context, l *ledger.Ledger, t bursar.Transfer) postAnswer {
	posted, err := f.postTo(ctx, l, t)
	return postAnswer{posted, err, f.h.In}
}

// equalAnswers returns a violation where the answers to one transfer differ. last is the answer after sealing. An
// earlier answer may lack the place in the journal, but may not have another place.
func equalAnswers(answers []postAnswer, last bursar.Posted) error {
	first := 0
	for i, a := range answers {
		p := a.posted
		switch {
		case a.err != nil:
			return fmt.Errorf("client %d: %w", i, a.err)
		case p.ID != last.ID, p.Decided != last.Decided, p.Seq != 0 && p.Seq != last.Seq, p.Seq != 0 && p.At != last.At:
			return fmt.Errorf("client %d was answered %+v, and later the postAnswer is %+v", i, p, last)
		}
		if !p.Replayed {
			first++
		}
	}
	if first != 1 {
		return fmt.Errorf("%d of %d answers say that they were the first", first, len(answers))
	}
	return nil
}

// oneID posts one transfer from fifty clients, as a thing and as an attempt, once with money and once without.
func oneID(f *fixture) {
	paths := f.accounts(3, fundCents)
	ledgers := f.processes()
	for round := range rounds(3) {
		for _, idOf := range []func(string, int) bursar.ID{thingOf, attemptOf} {
			f.onePosting(ledgers, transfer(idOf("pay", round), paths[round%2], paths[1-round%2], f.cents(fundCents)))
			// Send it back, so that the next posting finds all the money in one place again.
			back := transfer(idOf("back", round), paths[1-round%2], paths[round%2], f.cents(fundCents))
			f.must(f.post(f.t.Context(), back))
			f.oneRefusal(ledgers, transfer(idOf("short", round), paths[2], paths[0], f.cents(fundCents+1)))
		}
	}
}

// fifty is a transfer as often as there are clients.
func fifty(t bursar.Transfer) []bursar.Transfer {
	same := make([]bursar.Transfer, identityClients)
	for i := range same {
		same[i] = t
	}
	return same
}

// onePosting takes all the money there is. A second posting would be refused, and so would a request that is judged
// before its id is looked up.
func (f *fixture) onePosting(ledgers []*ledger.Ledger, pay bursar.Transfer) {
	before := f.seal()
	answers := f.postAtOnce(ledgers, fifty(pay))
	if after := f.seal(); after.Seq != before.Seq+1 {
		f.t.Errorf("the head went from %d to %d", before.Seq, after.Seq)
	}
	last := f.must(f.post(f.t.Context(), pay))
	if last.Seq == 0 {
		f.t.Errorf("sealed, the postAnswer is %+v", last)
	}
	if err := equalAnswers(answers, last); err != nil {
		f.t.Error(err)
	}
}

// oneRefusal takes more than there is, and then there is more. The answers to an attempt stay equal, in one row. A
// thing, and whatever is inside a caller's database transaction, is posted then.
func (f *fixture) oneRefusal(ledgers []*ledger.Ledger, pay bursar.Transfer) {
	before, stored := f.seal(), f.refusals()
	answers := f.postAtOnce(ledgers, fifty(pay))
	if after := f.seal(); after.Seq != before.Seq {
		f.t.Errorf("refused, the head went from %d to %d", before.Seq, after.Seq)
	}
	payer := pay.Legs[0].From
	fund := transfer(f.newID(), world, payer, f.cents(1))
	f.must(f.post(f.t.Context(), fund))
	last := f.answerOf(f.t.Context(), f.ledger, pay)
	answers = append(answers, last)
	want := 0
	if !pay.ID.Thing() && !f.h.In {
		want = 1
		if err := oneDecision(answers); err != nil || last.err == nil {
			f.t.Errorf("a refused attempt: %v; and then it is answered %+v", err, last)
		}
		fund.ID, fund.Legs[0].From, fund.Legs[0].To = f.newID(), payer, world // the account is as before
	} else {
		if err := onceFunded(answers, identityClients); err != nil {
			f.t.Error(err)
		}
		fund.ID, fund.Legs[0].Amount = f.newID(), f.cents(fundCents)
	}
	if got := f.refusals() - stored; got != want {
		f.t.Errorf("%d refusals of %v are stored, want %d", got, pay.ID, want)
	}
	f.must(f.post(f.t.Context(), fund))
}

// refusals counts the stored refusals.
func (f *fixture) refusals() int {
	f.t.Helper()
	codes, err := f.db.Strings(f.t.Context(), `SELECT refusal FROM bursar_request WHERE refusal IS NOT NULL`)
	if err != nil {
		f.t.Fatal(err)
	}
	return len(codes)
}

// twoContents posts one id with two contents from fifty clients. The contents share no account.
func twoContents(f *fixture) {
	paths := f.accounts(4, fundCents)
	ledgers := f.processes()
	for round := range rounds(3) {
		id := either("either", round)
		contents := []bursar.Transfer{
			transfer(id, paths[0], paths[1], f.cents(1)),
			transfer(id, paths[2], paths[3], f.cents(1)),
		}
		both := make([]bursar.Transfer, identityClients)
		for i := range both {
			both[i] = contents[i%7%2]
		}
		before := f.seal()
		answers := f.postAtOnce(ledgers, both)
		if after := f.seal(); after.Seq != before.Seq+1 {
			f.t.Errorf("the head went from %d to %d", before.Seq, after.Seq)
		}
		groups := make([][]postAnswer, 2)
		for i, a := range answers {
			groups[i%7%2] = append(groups[i%7%2], a)
		}
		if err := f.oneWon(contents, groups); err != nil {
			f.t.Error(err)
		}
	}
}

// oneWon returns a violation unless all clients with one content have equal answers and all with the other are refused.
func (f *fixture) oneWon(contents []bursar.Transfer, groups [][]postAnswer) error {
	won := 0
	last, err := f.post(f.t.Context(), contents[0])
	if bursar.CodeOf(err) == bursar.CodeIDReused {
		won = 1
		last, err = f.post(f.t.Context(), contents[1])
	}
	if err != nil {
		return err
	}
	for i, a := range groups[1-won] {
		if bursar.CodeOf(a.err) != bursar.CodeIDReused {
			return fmt.Errorf("client %d with the other content: %+v, %v", i, a.posted, a.err)
		}
	}
	return equalAnswers(groups[won], last)
}

// failsAlone posts good and bad transfers at once, in one call and from many clients.
func failsAlone(f *fixture) {
	paths := f.accounts(2, fundCents)
	good := func(i int) bursar.Transfer {
		return transfer(bursar.IDOf("good", i), paths[0], paths[1], f.cents(1))
	}
	bad := []bursar.Transfer{
		transfer(attemptOf("bad", 0), paths[0], paths[1], f.cents(2*fundCents)),
		transfer(attemptOf("bad", 1), paths[0], "nobody", f.cents(1)),
		transfer(bursar.IDOf("bad", 2), paths[0], paths[0], f.cents(1)),
		transfer(bursar.IDOf("bad", 3), paths[0], paths[1], money.MustParse("1 JPY")),
	}
	want := []bursar.Code{
		bursar.CodeInsufficientFunds, bursar.CodeAccountNotFound, bursar.CodeSameAccount, bursar.CodeCurrencyMismatch,
	}
	if !f.h.In { // In posts all of a batch or nothing
		f.badInBatch(good, bad, want)
	}
	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			if i%2 == 0 {
				if _, err := f.post(f.t.Context(), good(len(bad)+i)); err != nil {
					f.t.Errorf("good: %v", err)
				}
				return
			}
			b := bad[i/2%len(bad)]
			if b.ID = thingOf("worse", i); i%16 < 2*len(bad) { // each of them as both
				b.ID = attemptOf("worse", i)
			}
			if _, err := f.post(f.t.Context(), b); bursar.CodeOf(err) != want[i/2%len(bad)] {
				f.t.Errorf("bad: %v, want %s", err, want[i/2%len(bad)])
			}
		})
	}
	wg.Wait()
	f.replay()
}

func (f *fixture) badInBatch(good func(int) bursar.Transfer, bad []bursar.Transfer, want []bursar.Code) {
	var batch []bursar.Transfer
	for i := range bad {
		batch = append(batch, good(i), bad[i])
	}
	results, err := f.ledger.PostBatch(f.t.Context(), batch)
	if err != nil {
		f.t.Fatal(err)
	}
	for i := range bad {
		if err := results[2*i].Err; err != nil {
			f.t.Errorf("good %d: %v", i, err)
		}
		if got := bursar.CodeOf(results[2*i+1].Err); got != want[i] {
			f.t.Errorf("bad %d: %v, want %s", i, results[2*i+1].Err, want[i])
		}
	}
}

// cancelledOnce cancels posts at random moments and sends each again until it is answered.
func cancelledOnce(f *fixture) {
	const clients = 16
	paths := f.accounts(2, fundCents)
	deadline, stop := context.WithTimeout(f.t.Context(), duration())
	defer stop()
	var mu sync.Mutex
	seen := map[bursar.Code]int{}
	posted := map[bursar.ID]bool{}
	cut := 0 // calls that failed after their context was done
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for r := f.random(i); deadline.Err() == nil; {
				send := transfer(f.newID(), world, paths[i%2], f.cents(1))
				ctx, cancel := context.WithTimeout(f.t.Context(), time.Duration(r.Int64N(int64(20*time.Millisecond))))
				_, err := f.post(ctx, send)
				ended := ctx.Err() != nil
				cancel()
				if err != nil && !unwritten(err) {
					f.t.Errorf("cancelled: %v", err)
					return
				}
				again, failed := f.post(f.t.Context(), send)
				if failed != nil {
					f.t.Errorf("sent again: %v", failed)
					return
				}
				if err == nil && !again.Replayed {
					f.t.Errorf("%v was answered as posted, and then posted again", send.ID)
				}
				if again.Replayed && err != nil && bursar.CodeOf(err) != bursar.CodeOutcomeUnknown {
					f.t.Errorf("%v was answered %v, and yet it had happened", send.ID, err)
				}
				mu.Lock()
				seen[bursar.CodeOf(err)]++
				if err != nil && ended {
					cut++
				}
				posted[send.ID] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	f.t.Logf("codes of the cancelled calls: %v", seen)
	if err := once(f.journal(), posted); err != nil {
		f.t.Error(err)
	}
	if cut == 0 {
		f.t.Error("no call was cancelled: the law was not put to the test")
	}
}
