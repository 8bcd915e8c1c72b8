package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"math/bits"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
)

// tx is the writing and the reading side over one database transaction.
type tx struct {
	db     Executor
	store  *Store
	sql    *Statements
	mode   driver.Mode
	joined bool       // the database transaction is the caller's
	block  *atomic.Tx // which it began with package atomic
}

var _ driver.Tx = (*tx)(nil)

var (
	// errStale means that a row guarded by its version, or the head, was changed by someone else in between.
	errStale = fmt.Errorf("changed by another database transaction: %w", atomic.ErrStale)
	// errOvertaken means that what a batch claims was claimed by someone else.
	errOvertaken = fmt.Errorf("%w: %w", driver.ErrOvertaken, atomic.ErrStale)
)

// inParameters bounds how many values one IN list has.
const inParameters = 512

// inChunks adds a statement over all values, after an argument that comes first unless it is nil. An array takes all of
// them at once, so that what the statement locks is locked in one order.
func inChunks[T any](p *pipeline, columnar bool, statement string, first any, values []T, arg func(T) any,
	each func(scan func(...any) error) error) error {
	for len(values) > 0 {
		n := min(len(values), inParameters)
		if columnar {
			n = len(values)
		}
		args := make([]any, 0, 2*n+1)
		if first != nil {
			args = append(args, first)
		}
		fixed := len(args)
		for _, value := range values[:n] {
			args = append(args, arg(value))
		}
		text := statement
		if columnar {
			args = append(args[:fixed:fixed], array(args[fixed:], n, 0, 1))
		} else {
			// A list as long as the next power of two, its last value repeated: few texts to prepare and to keep.
			length := 1 << bits.Len(uint(n-1))
			for len(args) < fixed+length {
				args = append(args, args[len(args)-1])
			}
			text = expand(statement, length)
		}
		if err := p.query(text, args, each); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}

// lookUp runs a statement over all values by itself.
func lookUp[T any](ctx context.Context, t *tx, statement string, first any, values []T, arg func(T) any,
	each func(scan func(...any) error) error) error {
	p := newPipeline(ctx, t.db)
	if err := inChunks(p, t.store.dialect.Columnar, statement, first, values, arg, each); err != nil {
		return err
	}
	return p.flush()
}

// Requests are what is remembered of ids.
func (t *tx) Requests(ctx context.Context, book int64, ids []bursar.ID) ([]driver.RequestRecord, error) {
	var g driver.Gathered
	p := newPipeline(ctx, t.db)
	err := t.known(p, book, &driver.Wanted{IDs: ids}, &g)
	if err == nil {
		err = p.flush()
	}
	return g.Requests, t.fault(p.step, err)
}

func (t *tx) known(p *pipeline, book int64, w *driver.Wanted, g *driver.Gathered) error {
	columnar := t.store.dialect.Columnar
	p.step = "look up ids"
	err := inChunks(p, columnar, t.sql.Known, book, w.IDs, func(id bursar.ID) any { return id[:] },
		func(scan func(...any) error) error {
			var record driver.RequestRecord
			err := scanRequest(scan, &record)
			g.Requests = append(g.Requests, record)
			return err
		})
	if err != nil {
		return err
	}
	p.step = "look up references"
	return inChunks(p, columnar, t.sql.Taken, book, w.References, identity[string],
		func(scan func(...any) error) error {
			var reference string
			err := scan(&reference)
			g.References = append(g.References, reference)
			return err
		})
}

func identity[T any](value T) any { return value }

// Keys reserves row keys. Where the engine hands them out in blocks, entries and accounts share the store's own.
func (t *tx) Keys(ctx context.Context, entries, accounts int) (entry, account int64, err error) {
	if t.store.dialect.KeyBlock == 0 {
		err = query(ctx, t.db, t.sql.NextKeys, nil, func(scan func(...any) error) error { return scan(&entry, &account) })
		return entry, account, t.fault("reserve keys", err)
	}
	entry, err = t.store.reserve(ctx, t.db, int64(entries+accounts))
	return entry, entry + int64(entries), t.fault("reserve keys", err)
}

// Insert writes a batch. In a database transaction of the caller's it does so under a savepoint: the caller may
// commit in spite of an error, and must not commit half a batch.
func (t *tx) Insert(ctx context.Context, b *driver.Batch) error {
	p := newPipeline(ctx, t.db)
	if !t.joined {
		return t.insert(p, b)
	}
	if t.block != nil {
		return t.block.Savepoint(ctx, func(ctx context.Context, _ *atomic.Tx) error {
			p.ctx = ctx
			return t.insert(p, b)
		})
	}
	p.step = "set a savepoint"
	if err := p.exec("SAVEPOINT bursar_insert", nil, -1); err != nil {
		return t.fault(p.step, err)
	}
	if t.store.dialect.Atomic.Traits().EmptyCommit {
		// Rolling back to it does nothing, and fails if it is gone, because no database transaction is open any more.
		if _, err := t.db.Exec(ctx, "ROLLBACK TO SAVEPOINT bursar_insert"); err != nil {
			return t.ended(err)
		}
	}
	err := t.insert(p, b)
	if err != nil {
		ctx = context.WithoutCancel(ctx)
		_, undo := t.db.Exec(ctx, "ROLLBACK TO SAVEPOINT bursar_insert")
		err = errors.Join(err, undo)
	}
	_, release := t.db.Exec(ctx, "RELEASE SAVEPOINT bursar_insert")
	return errors.Join(err, release)
}

// ended is the error of a savepoint that is not there. On some engines a deadlock, or a lock wait that took too long, ends
// the whole database transaction, and what comes after it would be committed statement by statement.
func (t *tx) ended(err error) error {
	if class := t.store.dialect.Atomic.Classify(err); class.Kind != atomic.KindStatement {
		return t.fault("look for the savepoint", err)
	}
	return &bursar.Error{Code: bursar.CodeUnsafeTransaction, Err: err,
		Message: "the database transaction is not open any more: an earlier error has rolled it back, so begin again from the start"}
}

// step is a part of the writing.
type step struct {
	what  string
	write func(*pipeline, *driver.Batch) error
}

// claiming is the step in which others may be faster.
const claiming = "write requests"

// insert writes in the order in which everybody takes locks: accounts, what is claimed, and the head last.
func (t *tx) insert(p *pipeline, b *driver.Batch) error {
	return t.steps(p, b, append([]step{{"write versions", t.guard}, {claiming, t.claim}}, t.unclaimed()...))
}

// InsertClaimed writes what Claim has left, in a database transaction of the store's own.
func (t *tx) InsertClaimed(ctx context.Context, b *driver.Batch) error {
	return t.steps(newPipeline(ctx, t.db), b, append([]step{{"write versions", t.guard}}, t.unclaimed()...))
}

// unclaimed are the steps that nobody else has to wait for.
func (t *tx) unclaimed() []step {
	return []step{
		{"write balances", t.writeBalances}, {"write places", t.sealEntries},
		{"write entries", t.insertEntries}, {"write checkpoints", t.insertCheckpoints},
		{"write effective times", t.insertBackdated}, {"write the head", t.moveHead},
	}
}

func (t *tx) steps(p *pipeline, b *driver.Batch, steps []step) error {
	for _, step := range steps {
		p.step = step.what
		if err := step.write(p, b); err != nil {
			return t.failed(p, err)
		}
	}
	return t.failed(p, p.flush())
}

// failed is the error of the step that a pipeline stopped at.
func (t *tx) failed(p *pipeline, err error) error {
	unique := t.unique(err)
	switch {
	case p.step == claiming && t.store.dialect.SealsLater && (unique || errors.Is(err, errStale)):
		err = fmt.Errorf("%w: %v", errOvertaken, err)
	case unique && t.store.dialect.KeyBlock > 0:
		// A server that crashed may hand out a block of keys twice.
		t.store.keys.drop()
		err = fmt.Errorf("%w: %w", errStale, err)
	}
	return t.fault(p.step, err)
}

// claim writes what others may be writing too.
func (t *tx) claim(p *pipeline, b *driver.Batch) error {
	if err := t.insertRequests(p, b); err != nil {
		return err
	}
	return t.insertAccounts(p, b)
}

func (t *tx) unique(err error) bool {
	return err != nil && t.store.dialect.Atomic.Classify(err).Kind == atomic.KindUnique
}

func (t *tx) insertRequests(p *pipeline, b *driver.Batch) error {
	return t.store.bulk.requests.run(p, len(b.Requests), func(args []any, i int) []any {
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

func (t *tx) insertAccounts(p *pipeline, b *driver.Batch) error {
	err := t.store.bulk.accounts.run(p, len(b.Opened), func(args []any, i int) []any {
		a := &b.Opened[i]
		return append(args, a.Number, b.Book, a.Path, a.Currency.Code(), a.Currency.Scale(), int64(a.Opened), text(a.Metadata))
	})
	if err != nil {
		return err
	}
	return t.store.bulk.balances.run(p, len(b.Opened), func(args []any, i int) []any {
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

// writeBalances updates the accounts that a batch changed, each guarded by the version it was decided on. In modes that did not
// lock them, guard has done so.
func (t *tx) writeBalances(p *pipeline, b *driver.Batch) error {
	if t.swaps() {
		return nil
	}
	return t.store.bulk.updates.run(p, len(b.Changed), func(args []any, i int) []any { return appendChange(args, b.Changed[i]) })
}

func appendChange(args []any, a *driver.AccountRow) []any {
	args = appendBalance(append(args, a.Number, a.Locked, a.Version), a)
	return append(args, int64(a.Decided), a.LastEntry)
}

func appendBalance(args []any, a *driver.AccountRow) []any {
	available, err := a.Available()
	if err != nil {
		panic(fmt.Sprintf("sqlstore: account %s was decided with an impossible balance: %v", a.Path, err))
	}
	balance, held, free := pairOf(a.Balance), pairOf(a.Held), pairOf(available)
	return append(args, balance.lo, balance.hi, held.lo, held.hi, free.lo, free.hi)
}

func (t *tx) insertEntries(p *pipeline, b *driver.Batch) error {
	return t.store.bulk.entries.run(p, len(b.Entries), func(args []any, i int) []any {
		e := &b.Entries[i]
		seq, at, hash := placeOf(e)
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
		return append(args, e.Key, b.Book, seq, at, hash, int64(e.Kind), e.Transfer[:], e.Leg, e.RequestHash[:],
			from, e.ToAccount, amount.lo, amount.hi,
			e.FromAfter.Version, fromBalance.lo, fromBalance.hi, fromHeld.lo, fromHeld.hi,
			e.ToAfter.Version, toBalance.lo, toBalance.hi, toHeld.lo, toHeld.hi,
			e.FromPrev, e.ToPrev, effective, int64(e.Decided))
	})
}

// placeOf is an entry's place as it is stored: empty until it is sealed.
func placeOf(e *driver.EntryRow) (seq, at, hash any) {
	if e.Seq == 0 {
		return nil, nil, nil
	}
	return e.Seq, int64(e.At), e.Hash[:]
}

// sealEntries gives entries of others their places.
func (t *tx) sealEntries(p *pipeline, b *driver.Batch) error {
	return t.store.bulk.seals.run(p, len(b.Sealed), func(args []any, i int) []any {
		e := &b.Sealed[i]
		return append(args, e.Key, e.Seq, int64(e.At), e.Hash[:])
	})
}

func (t *tx) insertCheckpoints(p *pipeline, b *driver.Batch) error {
	return t.store.bulk.checkpoints.run(p, len(b.Checkpoints), func(args []any, i int) []any {
		c := &b.Checkpoints[i]
		return append(args, c.Account, c.Version, c.Seq, c.Key)
	})
}

func (t *tx) insertBackdated(p *pipeline, b *driver.Batch) error {
	type date struct{ account, effective, entry int64 }
	var dates []date
	for i := range b.Entries {
		if e := &b.Entries[i]; e.Backdated {
			dates = append(dates, date{e.FromAccount, int64(e.Effective), e.Key}, date{e.ToAccount, int64(e.Effective), e.Key})
		}
	}
	return t.store.bulk.backdated.run(p, len(dates), func(args []any, i int) []any {
		return append(args, dates[i].account, dates[i].effective, dates[i].entry)
	})
}

// moveHead advances the head from exactly where the batch was built.
func (t *tx) moveHead(p *pipeline, b *driver.Batch) error {
	if b.From.Seq == b.To.Seq {
		return nil
	}
	args := []any{b.To.Seq, int64(b.To.At), b.To.Hash[:], b.Book, b.From.Seq, b.From.Hash[:]}
	return p.exec(t.sql.UpdateHead, args, 1)
}

// fault says what the store was doing when the database failed. Errors get their codes at the store's edge; inside a
// caller's database transaction this is the edge.
func (t *tx) fault(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, atomic.ErrStale):
		return &bursar.Error{Code: bursar.CodeConflict, Message: doing, Err: err}
	case t.joined:
		return t.store.wrap(fmt.Errorf("%s: %w", doing, err))
	default:
		return fmt.Errorf("%s: %w", doing, err)
	}
}
