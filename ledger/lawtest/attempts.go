package lawtest

import (
	"context"
	"fmt"
	"sync"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
)

// The laws of fundingRaces.
const (
	lawAttempts = "money never moves under an attempt that was told to be refused"
	lawThings   = "a thing that is funded and asked for again moves money once"
)

const (
	racesMin    = 8     // rounds
	racesMax    = 1_000 // rounds, and as many under torture
	raceClients = 6     // of two servers, in turns
)

// fundingRaces has two servers post the same transfer while the money for it is on its way. Much later each of them
// sends every transfer again.
func fundingRaces(f *fixture) {
	payer := f.accounts(1, 0)[0]
	f.law(lawAttempts, func() {
		r := newRace(f, "race", attemptOf, payer)
		posted := r.run(func(n int, answers []postAnswer) bool {
			if err := oneDecision(answers); err != nil {
				f.t.Errorf("round %d: %v", n, err)
			}
			return answers[len(answers)-1].err == nil
		})
		if err := once(f.journal(), posted); err != nil {
			f.t.Error(err)
		}
	})
	f.law(lawThings, func() {
		r := newRace(f, "lap", thingOf, payer)
		posted := r.run(func(n int, answers []postAnswer) bool {
			if err := onceFunded(answers, raceClients); err != nil {
				f.t.Errorf("round %d: %v", n, err)
			}
			return true
		})
		if err := once(f.journal(), posted); err != nil {
			f.t.Error(err)
		}
	})
	f.replay()
	f.verify()
}

// race is transfers of one kind, each from an empty account that is funded at the same time.
type race struct {
	f       *fixture
	name    string
	idOf    func(string, int) bursar.ID
	payer   string
	ledgers []*ledger.Ledger
	answers [][]postAnswer // to the transfer of each round, those that were sent later last
}

func newRace(f *fixture, name string, idOf func(string, int) bursar.ID, payer string) *race {
	return &race{f: f, name: name, idOf: idOf, payer: payer, ledgers: f.processes()}
}

func (r *race) pay(round int) bursar.Transfer {
	return transfer(r.idOf(r.name, round), r.payer, world, r.f.cents(1))
}

// send sends a transfer to one of two servers. The first always posts in a database transaction of the ledger's own,
// the second as the harness says. In every round the second is another process, if there are many.
func (r *race) send(ctx context.Context, round, server int, t bursar.Transfer) postAnswer {
	if server%2 == 0 {
		posted, err := r.ledgers[0].Post(ctx, t)
		return postAnswer{posted: posted, err: err}
	}
	others := r.ledgers[1:]
	return r.f.answerOf(ctx, others[round%len(others)], t)
}

// run runs the rounds, and judges the answers of each round when all are there. judge returns whether the transfer has
// happened by them.
func (r *race) run(judge func(round int, answers []postAnswer) bool) (posted map[bursar.ID]bool) {
	ctx, cancel := context.WithTimeout(r.f.t.Context(), duration())
	defer cancel()
	for n := 0; n < racesMin || n < racesMax && (torture() || ctx.Err() == nil); n++ {
		r.round(n)
	}
	// There is money now for everything that was refused.
	fund := transfer(bursar.IDOf(r.name+".late", 0), world, r.payer, r.f.cents(racesMax))
	r.f.must(r.f.post(r.f.t.Context(), fund))
	posted = make(map[bursar.ID]bool)
	refusals := 0
	for n := range r.answers {
		for server := range 2 {
			r.answers[n] = append(r.answers[n], r.send(r.f.t.Context(), n, server, r.pay(n)))
		}
		for _, a := range r.answers[n][:raceClients] {
			if a.err != nil {
				refusals++
			}
		}
		posted[r.pay(n).ID] = judge(n, r.answers[n])
	}
	drain := transfer(bursar.IDOf(r.name+".late", 1), r.payer, world, r.f.cents(racesMax))
	r.f.must(r.f.post(r.f.t.Context(), drain))
	r.f.t.Logf("%d rounds, in %d of them it was posted; %d of %d racing answers were refusals",
		len(r.answers), count(posted), refusals, len(r.answers)*raceClients)
	if n := len(r.answers) * raceClients; torture() && (refusals == 0 || refusals == n || count(posted) == 0) {
		r.f.t.Error("nobody was refused, or nothing posted: the law was not put to the test")
	}
	return posted
}

// round lets clients of both servers and the money race. Then one more client asks, and the account is emptied.
func (r *race) round(n int) {
	ctx, pay := r.f.t.Context(), r.pay(n)
	fund := transfer(bursar.IDOf(r.name+".fund", n), world, r.payer, r.f.cents(1))
	answers := make([]postAnswer, raceClients)
	begin, funding := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		<-begin
		close(funding)
		if a := r.send(ctx, n, n, fund); a.err != nil {
			r.f.t.Errorf("the money: %v", a.err)
		}
	})
	for i := range answers {
		wg.Go(func() {
			<-begin
			if n%2 == 1 { // the money has a head start
				<-funding
			}
			answers[i] = r.send(ctx, n, i, pay)
		})
	}
	close(begin)
	wg.Wait()
	again := r.send(ctx, n, n+1, pay)
	r.answers = append(r.answers, append(answers, again))
	if again.err != nil {
		drain := transfer(bursar.IDOf(r.name+".drain", n), r.payer, world, r.f.cents(1))
		r.f.must(r.f.post(ctx, drain))
	}
}

func count(posted map[bursar.ID]bool) (n int) {
	for _, there := range posted {
		if there {
			n++
		}
	}
	return n
}

// oneDecision returns a violation unless the answers to one attempt tell one decision: all say that it was posted, or
// all say that it is refused for ever. One of them says so as the first. A refusal inside is no decision unless it is
// final.
func oneDecision(answers []postAnswer) error {
	var posted, final, first int
	var decided bursar.Instant
	for i, a := range answers {
		told, replayed := a.posted.Decided, a.posted.Replayed
		if a.err != nil {
			refusal := refusalOf(a.err)
			if !refused(a.err) || !refusal.Final && (refusal.Replayed || !a.inside) {
				return fmt.Errorf("client %d: %w, final %v, replayed %v", i, a.err, refusal.Final, refusal.Replayed)
			}
			if !refusal.Final {
				continue
			}
			told, replayed = refusal.Decided, refusal.Replayed
			final++
		} else {
			posted++
		}
		if !replayed {
			first++
		}
		if decided == 0 {
			decided = told
		}
		if told != decided {
			return fmt.Errorf("client %d was told of a decision at %v, another at %v", i, told, decided)
		}
	}
	switch {
	case posted > 0 && final > 0:
		return fmt.Errorf("%d answers say that it was posted, and %d that it is refused for ever", posted, final)
	case first != 1:
		return fmt.Errorf("%d of %d answers say that they were the first to decide", first, len(answers))
	}
	return nil
}

// onceFunded returns a violation unless the answers to one thing tell of one posting. racing is how many of the answers
// may be refusals, because there was no money yet. No refusal is final, or told again.
func onceFunded(answers []postAnswer, racing int) error {
	first := 0
	for i, a := range answers {
		switch refusal := refusalOf(a.err); {
		case a.err == nil && !a.posted.Replayed:
			first++
		case a.err == nil:
		case !refused(a.err) || i >= racing:
			return fmt.Errorf("client %d: %w", i, a.err)
		case refusal.Final || refusal.Replayed:
			return fmt.Errorf("client %d was told for ever: %w", i, a.err)
		}
	}
	if first != 1 {
		return fmt.Errorf("%d of %d answers say that they were the first", first, len(answers))
	}
	return nil
}
