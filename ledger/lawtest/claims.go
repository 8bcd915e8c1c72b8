package lawtest

import (
	"context"
	"fmt"
	"sync"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
)

// refusedOrPosted posts one attempt from two programs with two contents that share no account: one can be paid, and the
// other cannot. A refusal and a posting have no lock in common, and yet one id has one content for ever.
func refusedOrPosted(f *fixture) {
	paths := f.accounts(4, fundCents)
	ledgers := f.processes()
	for round := range rounds(50) {
		id := attemptOf("claimed", round)
		pay := transfer(id, paths[0], paths[1], f.cents(1))
		short := transfer(id, paths[2], paths[3], f.cents(fundCents+1))
		answers := f.race(ledgers, pay, short, round)
		if err := oneContent(answers); err != nil {
			f.t.Fatalf("round %d: %v", round, err)
		}
		last := [2]postAnswer{f.answerOf(f.t.Context(), f.ledger, pay), f.answerOf(f.t.Context(), f.ledger, short)}
		if err := stayed(answers, last); err != nil {
			f.t.Fatalf("round %d: %v", round, err)
		}
	}
}

// race posts both at once, each to a ledger of its own. Unless the harness posts inside, the one that can be paid is
// posted inside a database transaction of the caller's in every other round. Inside, no refusal is remembered.
func (f *fixture) race(ledgers []*ledger.Ledger, pay, short bursar.Transfer, round int) (answers [2]postAnswer) {
	ctx := f.t.Context()
	begin := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		<-begin
		to := ledgers[round/2%len(ledgers)]
		if round%2 == 0 {
			answers[0] = f.answerOf(ctx, to, pay)
			return
		}
		posted, err := f.insideAgain(ctx, to, pay)
		answers[0] = postAnswer{posted, err, true}
	})
	wg.Go(func() {
		<-begin
		answers[1] = f.answerOf(ctx, ledgers[(round/2+1)%len(ledgers)], short)
	})
	close(begin)
	wg.Wait()
	return answers
}

// insideAgain posts inside a database transaction, which begins again after a conflict.
func (f *fixture) insideAgain(ctx context.Context, l *ledger.Ledger, t bursar.Transfer) (bursar.Posted, error) {
	for {
		posted, err := f.postIn(ctx, l, t)
		if bursar.CodeOf(err) != bursar.CodeConflict {
			return posted, err
		}
	}
}

// oneContent returns a violation unless exactly one of the two answers decides the id. answers[0] is of the content
// that can be paid. A refusal inside decides nothing.
func oneContent(answers [2]postAnswer) error {
	paid, refused := bursar.CodeOf(answers[0].err), bursar.CodeOf(answers[1].err)
	switch {
	case answers[0].err == nil && refused == bursar.CodeIDReused:
		return nil
	case answers[0].err == nil && refused == bursar.CodeInsufficientFunds && answers[1].inside:
		return nil
	case paid == bursar.CodeIDReused && refused == bursar.CodeInsufficientFunds && !answers[1].inside:
		return nil
	default:
		return fmt.Errorf("one content was answered %+v, %v; the other %+v, %v",
			answers[0].posted, answers[0].err, answers[1].posted, answers[1].err)
	}
}

// stayed returns a violation unless the answers to both contents stay, in the end, what they were.
func stayed(answers, last [2]postAnswer) error {
	won := 0
	if answers[0].err != nil {
		won = 1
	}
	same := bursar.CodeOf(last[won].err) == bursar.CodeOf(answers[won].err)
	if !same || bursar.CodeOf(last[1-won].err) != bursar.CodeIDReused {
		return fmt.Errorf("content %d won with %v, and then the answers are %v and %v",
			won, answers[won].err, last[0].err, last[1].err)
	}
	return nil
}
