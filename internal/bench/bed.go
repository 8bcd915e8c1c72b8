package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"

	atomicdb "github.com/bursar-ledger/bursar/atomic"
)

// openers is how many accounts are opened side by side.
const openers = 512

// bed is a book with accounts that one subject posts to.
type bed struct {
	name     string
	place    *place
	ledger   *ledger.Ledger
	paths    []string
	currency money.Currency
	again    *tally
	posted   int64 // transfers that were answered
}

// strategies are those that can be named, in the order in which they are shown.
var strategies = [...]struct {
	name     string
	strategy ledger.Strategy
}{
	{"queue", ledger.Queue{}}, {"locks", ledger.Locks{}}, {"swap", ledger.Swap{}}, {"hybrid", ledger.Hybrid{}},
	{"serializable", ledger.Serializable{}}, {"none", nil},
}

// strategyOf finds a strategy by its name. In has none of its own.
func strategyOf(name string) ledger.Strategy {
	for _, s := range strategies {
		if s.name == name {
			return s.strategy
		}
	}
	return nil
}

// openBed makes a book and opens its accounts, which may all go below zero. The book stays where it is: a journal
// cannot be removed.
func openBed(ctx context.Context, p *place, book, name string, paths []string, said func(done int)) (*bed, error) {
	currency, err := money.Lookup("USD")
	if err != nil {
		return nil, err
	}
	b := &bed{name: name, place: p, paths: paths, currency: currency, again: new(tally)}
	// Accounts are opened by a queue, whatever posts to them afterwards: many at once share a commit.
	opening, err := ledger.New(ctx, p.store, &ledger.Options{Book: book, Migrate: true, Strategy: ledger.Queue{}})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(b.openAccounts(ctx, opening, said), opening.Close(ctx)); err != nil {
		return nil, err
	}
	b.again.take(map[string]int64{}) // what opening accounts took is nobody's
	b.ledger, err = ledger.New(ctx, p.store, &ledger.Options{Book: book, Strategy: strategyOf(name),
		Observer: &ledger.Observer{Retried: func(_ context.Context, code string) { b.again.add(code) }}})
	return b, err
}

func (b *bed) openAccounts(ctx context.Context, l *ledger.Ledger, said func(done int)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next, done atomic.Int64
	var wg sync.WaitGroup
	for range min(openers, len(b.paths)) {
		wg.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(b.paths)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				opening := bursar.Opening{Path: b.paths[i], Currency: b.currency, NoMin: true}
				if err := b.again.until(func() error {
					_, err := l.OpenAccount(ctx, opening)
					return err
				}); err != nil {
					cancel(err)
					return
				}
				if n := done.Add(1); n%1000 == 0 {
					said(int(n))
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// posting is what callers of the ledger do: single transfers, or batches of many.
func (b *bed) posting(s *source, batch int) task {
	transfers := make([]bursar.Transfer, batch)
	return func(ctx context.Context) (int64, error) {
		for i := range transfers {
			id, err := b.ledger.NewID()
			if err != nil {
				return 0, err
			}
			transfers[i] = s.next().transfer(id, b.paths, b.currency)
		}
		if batch == 1 {
			if err := b.again.until(func() error {
				_, err := b.ledger.Post(ctx, transfers[0])
				return err
			}); err != nil {
				return 0, err
			}
			return 1, nil
		}
		return b.postBatch(ctx, transfers)
	}
}

func (b *bed) postBatch(ctx context.Context, transfers []bursar.Transfer) (posted int64, err error) {
	var results []bursar.Result
	if err := b.again.until(func() (err error) {
		results, err = b.ledger.PostBatch(ctx, transfers)
		return err
	}); err != nil {
		return 0, err
	}
	for i := range results {
		if results[i].Err == nil {
			posted++
		} else if err == nil {
			err = fmt.Errorf("transfer %v of a batch: %w", transfers[i].ID, results[i].Err)
		}
	}
	return posted, err
}

// together is what callers of In do: a row of the application's and a transfer in one database transaction.
func (b *bed) together(s *source, insert string) task {
	on := b.place.store.On()
	return func(ctx context.Context) (int64, error) {
		id, err := b.ledger.NewID()
		if err != nil {
			return 0, err
		}
		m := s.next()
		transfer := m.transfer(id, b.paths, b.currency)
		err = b.again.until(func() error {
			runs := 0
			return ledger.Do(ctx, b.ledger, on, func(tx *atomicdb.Tx, in *ledger.Joined) error {
				if runs++; runs > 1 {
					b.again.add(string(bursar.CodeConflict))
				}
				if _, err := tx.ExecContext(ctx, insert, id, m.Cents); err != nil {
					return err
				}
				_, err := in.Post(ctx, transfer)
				return err
			})
		})
		if err != nil {
			return 0, err
		}
		return 1, nil
	}
}

// seal gives all entries their places, so that the next subject does not pay for it.
func (b *bed) seal(ctx context.Context) error {
	_, err := b.ledger.Seal(ctx)
	return err
}

// verify replays the book's journal, and compares it with what the callers were told.
func (b *bed) verify(ctx context.Context, progress func(done, total int64)) (Verified, error) {
	report, err := verify.Run(ctx, b.place.store, b.ledger.Book(), &verify.Options{Progress: progress})
	if err != nil {
		return Verified{}, err
	}
	v := Verified{
		Subject: b.name, Book: b.ledger.Book().Name, Entries: report.Entries, Accounts: report.Accounts,
		Posted: b.posted, OK: report.OK(),
	}
	if err := report.Err(); err != nil {
		return v, err
	}
	if want := b.posted + int64(len(b.paths)); report.Entries != want {
		v.OK = false
		return v, bursar.Errorf(bursar.CodeVerificationFailed,
			"book %s has %d entries, and %d were answered", v.Book, report.Entries, want)
	}
	return v, nil
}
