package sqlstore

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// locker is the part of a tx that locks accounts and reads what a decision needs.
type locker struct {
	*session
	guard guard
}

// Gather locks the accounts as the mode says, and reads the rest after that.
func (l locker) Gather(ctx context.Context, book int64, w *driver.Wanted) (*driver.Gathered, error) {
	g := &driver.Gathered{Accounts: make(map[string]*driver.AccountRow, len(w.Paths))}
	rows := make([]driver.AccountRow, len(w.Paths))
	p := l.pipeline(ctx)
	if err := l.lockAndRead(p, book, w, g, rows); err != nil {
		return nil, l.fault(p.step, err)
	}
	if l.joined && l.dialect.Can.HiddenLevel {
		if err := l.seen(ctx, rows[:len(g.Accounts)]); err != nil {
			return nil, err
		}
	}
	if w.Hold {
		p.step = "hold accounts"
		if err := l.guard.hold(p, byNumber(g.Accounts)); err != nil {
			return nil, l.fault(p.step, err)
		}
		if err := p.flush(); err != nil {
			return nil, l.fault(p.step, err)
		}
	}
	if l.locking == lockFree && len(g.Accounts) < len(w.Paths) {
		var err error
		if g.Blocked, err = l.blocked(ctx, book, w.Paths, g.Accounts); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func byNumber(accounts map[string]*driver.AccountRow) []*driver.AccountRow {
	return slices.SortedFunc(maps.Values(accounts), func(a, b *driver.AccountRow) int {
		return cmp.Compare(a.Number, b.Number)
	})
}

// lockAndRead takes locks in the order in which everybody takes them, and then reads.
func (l locker) lockAndRead(
	p *pipeline, book int64, w *driver.Wanted, g *driver.Gathered, rows []driver.AccountRow,
) (err error) {
	if l.locking == lockFree {
		if err := l.wait(p, book, w.Await); err != nil {
			return err
		}
	}
	if l.memory != nil {
		err = l.recall(p, book, w, g, rows)
	} else if err = l.accounts(p, book, w.Paths, g.Accounts, rows); err == nil {
		err = l.known(p, book, w.IDs, &g.Requests)
	}
	if err != nil {
		return err
	}
	p.step = "look up references"
	if err := l.lookUp(p, l.sql.Taken, []any{book}, anys(w.References), column(&g.References)); err != nil {
		return err
	}
	p.step = "read the head"
	head, err := l.requireHead(p, l.sql.Head, book)
	if err != nil {
		return err
	}
	if err := p.flush(); err != nil {
		return err
	}
	g.Head, g.Now = head.Head, instantOf(head.now)
	return nil
}

// wait waits, in ModeQueue, for the account that is awaited, and then for the turn: until no other database
// transaction in that mode works on the book.
func (l locker) wait(p *pipeline, book int64, await string) error {
	if await != "" {
		p.step = "wait for an account"
		err := l.lookUp(p, l.sql.LockAccounts, []any{book}, []any{await}, func(scan scanner) error {
			return scanAccount(scan, &driver.AccountRow{})
		})
		if err != nil {
			return err
		}
	}
	p.step = "wait for the turn"
	return p.query(l.sql.Turn, []any{book}, func(scan scanner) error { return scan(new(any)) })
}

// accounts reads accounts into rows, by path, and locks them as the mode says.
func (l locker) accounts(
	p *pipeline, book int64, paths []string, into map[string]*driver.AccountRow, rows []driver.AccountRow,
) error {
	p.step = "lock accounts"
	statement, waits := l.sql.LockAccounts, l.dialect.Can.ManyWriters
	switch {
	case l.locking.late():
		statement, waits = l.sql.ReadAccounts, false
	case l.locking == lockFree && l.dialect.Can.NoWait:
		return l.tryAccounts(p, book, paths, into)
	case l.locking == lockFree:
		statement, waits = l.sql.TryAccounts, false
	}
	if waits && l.lookedUp(statement, len(paths)) < len(paths) {
		var err error
		if paths, err = l.inOrder(p.ctx, book, paths); err != nil {
			return err
		}
	}
	return l.lookUp(p, statement, []any{book}, anys(paths), func(scan scanner) error {
		row := &rows[len(into)]
		if err := scanAccount(scan, row); err != nil {
			return err
		}
		into[row.Path] = row
		return nil
	})
}

// inOrder sorts paths by the number of their accounts. A statement locks its accounts in that order, and several that
// wait must do so too.
func (l locker) inOrder(ctx context.Context, book int64, paths []string) ([]string, error) {
	numbers := make(map[string]int64, len(paths))
	err := l.find(ctx, l.sql.ReadAccounts, []any{book}, anys(paths), func(scan scanner) error {
		var row driver.AccountRow
		err := scanAccount(scan, &row)
		numbers[row.Path] = row.Number
		return err
	})
	sorted := slices.Clone(paths)
	slices.SortStableFunc(sorted, func(a, b string) int { return cmp.Compare(numbers[a], numbers[b]) })
	return sorted, err
}

// seen refuses a caller's database transaction whose plain reads are of an old snapshot: one in which a locked account
// is older than it is. Such a snapshot may not show that a request on the account has been posted already, and is the
// past of what would be written.
func (l locker) seen(ctx context.Context, rows []driver.AccountRow) error {
	locked := make([]*driver.AccountRow, len(rows))
	for i := range rows {
		locked[i] = &rows[i]
	}
	p := l.pipeline(ctx)
	err := l.guard.sameVersions(p, l.sql.SeenVersions, locked)
	if err == nil {
		err = p.flush()
	}
	if errors.Is(err, errStale) {
		return &bursar.Error{Code: bursar.CodeUnsafeTransaction, Err: err, Message: "the database transaction reads " +
			"from an old snapshot: roll it back and begin it READ COMMITTED, with " +
			"&sql.TxOptions{Isolation: sql.LevelReadCommitted}"}
	}
	return l.fault("look for an old snapshot", err)
}

// blocked are the paths of accounts that exist and could not be locked.
func (l locker) blocked(
	ctx context.Context, book int64, paths []string, locked map[string]*driver.AccountRow,
) (blocked []string, err error) {
	missing := make([]string, 0, len(paths)-len(locked))
	for _, path := range paths {
		if locked[path] == nil {
			missing = append(missing, path)
		}
	}
	err = l.find(ctx, l.sql.Paths, []any{book}, anys(missing), column(&blocked))
	return blocked, l.fault("look for accounts", err)
}
