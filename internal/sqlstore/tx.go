package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"math/bits"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
)

// tx is the writing and the reading side over one database transaction.
type tx struct {
	db     Executor
	store  *Store
	sql    *Statements
	joined bool // the database transaction is the caller's
}

var _ bursar.Tx = (*tx)(nil)

// errStale means that a row guarded by its version, or the head, was changed by someone else in between. On an
// engine with one writer it cannot happen; elsewhere it is a conflict.
var errStale = errors.New("changed by another database transaction")

// inParameters bounds how many values one IN list has.
const inParameters = 512

// inChunks runs a statement whose (...) is an IN list over all values.
func inChunks[T any](ctx context.Context, db Executor, statement string, first any, values []T, arg func(T) any,
	each func(scan func(...any) error) error) error {
	for len(values) > 0 {
		n := min(len(values), inParameters)
		args := make([]any, 1, 2*n+1)
		args[0] = first
		for _, value := range values[:n] {
			args = append(args, arg(value))
		}
		// A list as long as the next power of two, its last value repeated: few texts to prepare and to keep.
		length := 1 << bits.Len(uint(n-1))
		for len(args) <= length {
			args = append(args, args[n])
		}
		if err := query(ctx, db, expand(statement, length), args, each); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

// Lock returns the accounts by path.
func (t *tx) Lock(ctx context.Context, book int64, paths []string) (map[string]*bursar.AccountRow, error) {
	accounts := make(map[string]*bursar.AccountRow, len(paths))
	rows := make([]bursar.AccountRow, len(paths))
	err := inChunks(ctx, t.db, t.sql.LockAccounts, book, paths, func(path string) any { return path },
		func(scan func(...any) error) error {
			row := &rows[len(accounts)]
			if err := scanAccount(scan, row); err != nil {
				return err
			}
			accounts[row.Path] = row
			return nil
		})
	return accounts, t.fault("lock accounts", err)
}

// Known returns what is remembered of ids and references.
func (t *tx) Known(ctx context.Context, book int64, ids []bursar.ID, references []string) (records []bursar.RequestRecord, taken []string, err error) {
	err = inChunks(ctx, t.db, t.sql.Known, book, ids, func(id bursar.ID) any { return id[:] },
		func(scan func(...any) error) error {
			var record bursar.RequestRecord
			err := scanRequest(scan, &record)
			records = append(records, record)
			return err
		})
	if err != nil {
		return nil, nil, t.fault("look up ids", err)
	}
	err = inChunks(ctx, t.db, t.sql.Taken, book, references, func(reference string) any { return reference },
		func(scan func(...any) error) error {
			var reference string
			err := scan(&reference)
			taken = append(taken, reference)
			return err
		})
	return records, taken, t.fault("look up references", err)
}

// Keys reserves row keys.
func (t *tx) Keys(ctx context.Context, entries, accounts int) (entry, account int64, err error) {
	err = query(ctx, t.db, t.sql.NextKeys, nil, func(scan func(...any) error) error { return scan(&entry, &account) })
	return entry, account, t.fault("reserve keys", err)
}

// Insert writes a batch. In a database transaction of the caller's it does so under a savepoint: the caller may
// commit in spite of an error, and must not commit half a batch.
func (t *tx) Insert(ctx context.Context, b *bursar.Batch) error {
	if !t.joined {
		return t.insert(ctx, b)
	}
	if db, ok := t.db.(*atomic.Tx); ok {
		return db.Savepoint(ctx, func(ctx context.Context, _ *atomic.Tx) error { return t.insert(ctx, b) })
	}
	if _, err := t.db.ExecContext(ctx, "SAVEPOINT bursar_insert"); err != nil {
		return t.fault("set a savepoint", err)
	}
	err := t.insert(ctx, b)
	if err != nil {
		ctx = context.WithoutCancel(ctx)
		_, undo := t.db.ExecContext(ctx, "ROLLBACK TO SAVEPOINT bursar_insert")
		err = errors.Join(err, undo)
	}
	_, release := t.db.ExecContext(ctx, "RELEASE SAVEPOINT bursar_insert")
	return errors.Join(err, release)
}

// insert writes what was asked for first and the head last.
func (t *tx) insert(ctx context.Context, b *bursar.Batch) error {
	for _, step := range []struct {
		what  string
		write func(context.Context, *bursar.Batch) error
	}{
		{"requests", t.insertRequests}, {"accounts", t.insertAccounts}, {"balances", t.writeBalances},
		{"entries", t.insertEntries}, {"checkpoints", t.insertCheckpoints}, {"effective times", t.insertBackdated},
		{"head", t.moveHead},
	} {
		if err := step.write(ctx, b); err != nil {
			return t.fault("write "+step.what, err)
		}
	}
	return nil
}

func (t *tx) insertRequests(ctx context.Context, b *bursar.Batch) error {
	return t.store.bulk.requests.run(ctx, t.db, len(b.Requests), func(args []any, i int) []any {
		r := &b.Requests[i]
		var last, code, field, message any
		if r.Refusal != nil {
			code, field, message = string(r.Refusal.Code), text(r.Refusal.Field), text(r.Refusal.Message)
		} else {
			last = r.LastEntry
		}
		return append(args, b.Book, r.ID[:], r.Content, int64(r.Decided), last, text(r.Reference), text(r.Metadata), code, field, message)
	})
}

func (t *tx) insertAccounts(ctx context.Context, b *bursar.Batch) error {
	err := t.store.bulk.accounts.run(ctx, t.db, len(b.Opened), func(args []any, i int) []any {
		a := &b.Opened[i]
		return append(args, a.Number, b.Book, a.Path, a.Currency.Code(), a.Currency.Scale(), int64(a.Opened), text(a.Metadata))
	})
	if err != nil {
		return err
	}
	return t.store.bulk.balances.run(ctx, t.db, len(b.Opened), func(args []any, i int) []any {
		a := &b.Opened[i].AccountRow
		var low, high any
		var min, max pair
		if a.Min.Set {
			min = pairOf(a.Min.Amount)
			low = min.lo
		}
		if a.Max.Set {
			max = pairOf(a.Max.Amount)
			high = max.lo
		}
		args = appendBalance(append(args, a.Number, int64(a.State), a.Version), a)
		return append(args, low, min.hi, high, max.hi, int64(a.Decided), a.LastEntry)
	})
}

// writeBalances updates the accounts that a batch changed, each guarded by the version it was decided on.
func (t *tx) writeBalances(ctx context.Context, b *bursar.Batch) error {
	return t.store.bulk.updates.run(ctx, t.db, len(b.Changed), func(args []any, i int) []any {
		a := b.Changed[i]
		args = appendBalance(append(args, a.Number, a.Locked, a.Version), a)
		return append(args, int64(a.Decided), a.LastEntry)
	})
}

func appendBalance(args []any, a *bursar.AccountRow) []any {
	available, err := a.Available()
	if err != nil {
		panic(fmt.Sprintf("sqlstore: account %s was decided with an impossible balance: %v", a.Path, err))
	}
	balance, held, free := pairOf(a.Balance), pairOf(a.Held), pairOf(available)
	return append(args, balance.lo, balance.hi, held.lo, held.hi, free.lo, free.hi)
}

func (t *tx) insertEntries(ctx context.Context, b *bursar.Batch) error {
	return t.store.bulk.entries.run(ctx, t.db, len(b.Entries), func(args []any, i int) []any {
		e := &b.Entries[i]
		amount := pairOf(e.Amount)
		fromBalance, fromHeld := pairOf(e.FromAfter.Balance), pairOf(e.FromAfter.Held)
		toBalance, toHeld := pairOf(e.ToAfter.Balance), pairOf(e.ToAfter.Held)
		var from, effective any
		if e.FromAccount != 0 {
			from = e.FromAccount
		}
		if e.Backdated {
			effective = int64(e.Effective)
		}
		return append(args, e.Key, b.Book, e.Seq, int64(e.At), e.Hash[:], int64(e.Kind), e.Transfer[:], e.Leg, e.RequestHash[:],
			from, e.ToAccount, amount.lo, amount.hi,
			e.FromAfter.Version, fromBalance.lo, fromBalance.hi, fromHeld.lo, fromHeld.hi,
			e.ToAfter.Version, toBalance.lo, toBalance.hi, toHeld.lo, toHeld.hi,
			e.FromPrev, e.ToPrev, effective, int64(e.Decided))
	})
}

func (t *tx) insertCheckpoints(ctx context.Context, b *bursar.Batch) error {
	return t.store.bulk.checkpoints.run(ctx, t.db, len(b.Checkpoints), func(args []any, i int) []any {
		c := &b.Checkpoints[i]
		return append(args, c.Account, c.Version, c.Seq, c.Key)
	})
}

func (t *tx) insertBackdated(ctx context.Context, b *bursar.Batch) error {
	type date struct{ account, effective, entry int64 }
	var dates []date
	for i := range b.Entries {
		if e := &b.Entries[i]; e.Backdated {
			dates = append(dates, date{e.FromAccount, int64(e.Effective), e.Key}, date{e.ToAccount, int64(e.Effective), e.Key})
		}
	}
	return t.store.bulk.backdated.run(ctx, t.db, len(dates), func(args []any, i int) []any {
		return append(args, dates[i].account, dates[i].effective, dates[i].entry)
	})
}

// moveHead advances the head from exactly where the batch was built.
func (t *tx) moveHead(ctx context.Context, b *bursar.Batch) error {
	if b.From.Seq == b.To.Seq {
		return nil
	}
	result, err := t.db.ExecContext(ctx, t.sql.UpdateHead, b.To.Seq, int64(b.To.At), b.To.Hash[:], b.Book, b.From.Seq, b.From.Hash[:])
	if err != nil {
		return err
	}
	touched, err := result.RowsAffected()
	if err == nil && touched != 1 {
		err = errStale
	}
	return err
}

// fault says what the store was doing when the database failed. Errors get their codes at the store's edge; inside a
// caller's database transaction this is the edge.
func (t *tx) fault(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errStale):
		return &bursar.Error{Code: bursar.Conflict, Message: doing, Err: err}
	case t.joined:
		return t.store.wrap(fmt.Errorf("%s: %w", doing, err))
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
}
