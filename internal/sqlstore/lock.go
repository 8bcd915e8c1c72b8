package sqlstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// Gather locks the accounts, as the mode says, and reads the rest after that.
func (t *tx) Gather(ctx context.Context, book int64, w *driver.Wanted) (*driver.Gathered, error) {
	g := &driver.Gathered{Accounts: make(map[string]*driver.AccountRow, len(w.Paths))}
	rows := make([]driver.AccountRow, len(w.Paths))
	p := newPipeline(ctx, t.db)
	err := t.lock(p, book, w, rows, g)
	if err == nil {
		err = t.known(p, book, w, g)
	}
	if err == nil {
		p.step = "read the head"
		err = t.head(p, t.sql.Head, book, &g.Head)
	}
	if err == nil {
		err = p.flush()
	}
	if err != nil {
		return nil, t.fault(p.step, err)
	}
	if t.joined && t.sql.SeenVersions != "" {
		if err := t.current(ctx, rows[:len(g.Accounts)]); err != nil {
			return nil, err
		}
	}
	if t.mode == driver.ModeQueue && t.sql.TryAccounts != "" && len(g.Accounts) < len(w.Paths) {
		g.Blocked, err = t.blocked(ctx, book, w.Paths, g.Accounts)
	}
	return g, err
}

// lock reads accounts into rows, and locks them as the mode says.
func (t *tx) lock(p *pipeline, book int64, w *driver.Wanted, rows []driver.AccountRow, g *driver.Gathered) (err error) {
	statement, paths := t.sql.LockAccounts, w.Paths
	switch t.mode {
	case driver.ModeSwap, driver.ModeHybrid, driver.ModeSerializable:
		if !t.readingLocks() {
			statement = cmp.Or(t.sql.ReadAccounts, statement)
		}
	case driver.ModeQueue:
		if err := t.await(p, book, w.Await); err != nil {
			return err
		}
		p.step = "wait for the turn"
		if err := t.turn(p, book); err != nil {
			return err
		}
		statement = cmp.Or(t.sql.TryAccounts, statement)
	}
	p.step = "lock accounts"
	if statement == t.sql.LockAccounts && len(paths) > inParameters && !t.store.dialect.Columnar {
		if paths, err = t.inOrder(p.ctx, book, paths); err != nil {
			return err
		}
	}
	return inChunks(p, t.store.dialect.Columnar, statement, book, paths, identity[string], func(scan func(...any) error) error {
		row := &rows[len(g.Accounts)]
		if err := scanAccount(scan, row); err != nil {
			return err
		}
		g.Accounts[row.Path] = row
		return nil
	})
}

// inOrder sorts paths by the number of their accounts. A statement locks its accounts in that order, and several must do so too.
func (t *tx) inOrder(ctx context.Context, book int64, paths []string) ([]string, error) {
	if t.sql.ReadAccounts == "" {
		return paths, nil // reading is locking
	}
	numbers := make(map[string]int64, len(paths))
	err := lookUp(ctx, t, t.sql.ReadAccounts, book, paths, identity[string], func(scan func(...any) error) error {
		var row driver.AccountRow
		err := scanAccount(scan, &row)
		numbers[row.Path] = row.Number
		return err
	})
	sorted := slices.Clone(paths)
	slices.SortStableFunc(sorted, func(a, b string) int { return cmp.Compare(numbers[a], numbers[b]) })
	return sorted, err
}

// current refuses a caller's database transaction whose plain reads are of a snapshot in which one of the locked accounts is
// older than it is. Such a snapshot may not show that a request on the account has been posted already, and is the
// past of what would be written.
func (t *tx) current(ctx context.Context, rows []driver.AccountRow) error {
	locked := make([]*driver.AccountRow, len(rows))
	for i := range rows {
		locked[i] = &rows[i]
	}
	p := newPipeline(ctx, t.db)
	err := t.sameVersions(p, t.sql.SeenVersions, locked)
	if err == nil {
		err = p.flush()
	}
	if errors.Is(err, errStale) {
		return &bursar.Error{Code: bursar.CodeUnsafeTransaction, Err: err,
			Message: "the database transaction reads from an old snapshot: roll it back and begin it READ COMMITTED, with &sql.TxOptions{Isolation: sql.LevelReadCommitted}"}
	}
	return t.fault("look for an old snapshot", err)
}

// await locks an account while nothing else is locked.
func (t *tx) await(p *pipeline, book int64, path string) error {
	if path == "" || t.sql.TryAccounts == "" {
		return nil
	}
	p.step = "wait for an account"
	return inChunks(p, t.store.dialect.Columnar, t.sql.LockAccounts, book, []string{path}, identity[string], func(scan func(...any) error) error {
		return scanAccount(scan, &driver.AccountRow{})
	})
}

// turn waits until no other database transaction in mode Queue works on the book.
func (t *tx) turn(p *pipeline, book int64) error {
	if t.sql.Turn == "" {
		return nil
	}
	return p.query(t.sql.Turn, []any{book}, func(scan func(...any) error) error { return scan(new(any)) })
}

// blocked are the paths that exist and could not be locked.
func (t *tx) blocked(ctx context.Context, book int64, paths []string, locked map[string]*driver.AccountRow) (blocked []string, err error) {
	missing := make([]string, 0, len(paths)-len(locked))
	for _, path := range paths {
		if locked[path] == nil {
			missing = append(missing, path)
		}
	}
	err = lookUp(ctx, t, t.sql.Paths, book, missing, identity[string], func(scan func(...any) error) error {
		var path string
		err := scan(&path)
		blocked = append(blocked, path)
		return err
	})
	return blocked, t.fault("look for accounts", err)
}

// swaps reports whether the balances are written without having been locked before.
func (t *tx) swaps() bool {
	return t.sql.ReadAccounts != "" && (t.mode == driver.ModeSwap || t.mode == driver.ModeSerializable) && !t.readingLocks()
}

// readingLocks reports whether the engine's SERIALIZABLE would lock the accounts as they are read.
func (t *tx) readingLocks() bool {
	return t.mode == driver.ModeSerializable && t.store.dialect.ReadsLock
}

// guard makes sure that what was read without a lock is still so, and locks it: in Hybrid with one statement, else by
// writing the balances. It goes through the accounts in order of number.
func (t *tx) guard(p *pipeline, b *driver.Batch) error {
	switch {
	case t.swaps():
		return t.swap(p, b)
	case t.mode == driver.ModeHybrid && t.sql.LockVersions != "":
		return t.lockVersions(p, slices.Concat(b.Changed, b.Relied))
	}
	return nil
}

// swap writes balances one by one, so that locks are taken in order. Accounts that were merely decided on are locked between
// them; the engine's SERIALIZABLE keeps those by itself.
func (t *tx) swap(p *pipeline, b *driver.Batch) error {
	relied := b.Relied
	if t.mode == driver.ModeSerializable {
		relied = nil
	}
	for _, a := range b.Changed {
		for len(relied) > 0 && relied[0].Number < a.Number {
			if err := t.lockVersions(p, relied[:1]); err != nil {
				return err
			}
			relied = relied[1:]
		}
		err := t.store.bulk.update.run(p, 1, func(args []any, _ int) []any { return appendChange(args, a) })
		if err != nil {
			return err
		}
	}
	return t.lockVersions(p, relied)
}

// lockVersions locks accounts and compares their versions with those that were read.
func (t *tx) lockVersions(p *pipeline, accounts []*driver.AccountRow) error {
	slices.SortFunc(accounts, func(a, b *driver.AccountRow) int { return cmp.Compare(a.Number, b.Number) })
	return t.sameVersions(p, t.sql.LockVersions, accounts)
}

// sameVersions compares the versions that a statement reads with those that were read before.
func (t *tx) sameVersions(p *pipeline, statement string, accounts []*driver.AccountRow) error {
	if len(accounts) == 0 {
		return nil
	}
	found := make(map[int64]int64, len(accounts))
	err := inChunks(p, t.store.dialect.Columnar, statement, nil, accounts, func(a *driver.AccountRow) any { return a.Number },
		func(scan func(...any) error) error {
			var number, version int64
			err := scan(&number, &version)
			found[number] = version
			return err
		})
	if err != nil {
		return err
	}
	return p.then(func() error {
		for _, a := range accounts {
			if found[a.Number] != a.Locked {
				return fmt.Errorf("%w: %s has version %d, not %d", errStale, a.Path, found[a.Number], a.Locked)
			}
		}
		return nil
	})
}

// Claim writes what others may be writing, locks the head and looks for unsealed entries.
func (t *tx) Claim(ctx context.Context, b *driver.Batch) (bursar.Head, []int64, error) {
	p := newPipeline(ctx, t.db)
	p.step = claiming
	if err := t.claim(p, b); err != nil {
		return bursar.Head{}, nil, t.failed(p, err)
	}
	head, keys, err := t.takeHead(p, b.Book, true)
	if err != nil {
		return bursar.Head{}, nil, err
	}
	return *head, keys, nil
}

// TakeHead locks the head and looks for unsealed entries.
func (t *tx) TakeHead(ctx context.Context, book int64, wait bool) (*bursar.Head, []int64, error) {
	return t.takeHead(newPipeline(ctx, t.db), book, wait)
}

func (t *tx) takeHead(p *pipeline, book int64, wait bool) (*bursar.Head, []int64, error) {
	statement := cmp.Or(t.sql.LockHead, t.sql.Head)
	if !wait {
		statement = cmp.Or(t.sql.TryHead, statement)
	}
	p.step = "lock the head"
	head := &bursar.Head{}
	var keys []int64
	err := t.tryHead(p, statement, book, &head, wait)
	if err == nil {
		p.step = "look for unsealed entries"
		err = t.unsealed(p, book, &keys)
	}
	if err == nil {
		err = p.flush()
	}
	if err != nil {
		return nil, nil, t.failed(p, err)
	}
	return head, keys, nil
}

// Unsealed are the keys of unsealed entries.
func (t *tx) Unsealed(ctx context.Context, book int64) (keys []int64, err error) {
	p := newPipeline(ctx, t.db)
	if err = t.unsealed(p, book, &keys); err == nil {
		err = p.flush()
	}
	return keys, t.fault("look for unsealed entries", err)
}

func (t *tx) unsealed(p *pipeline, book int64, keys *[]int64) error {
	if t.sql.UnsealedKeys == "" {
		return nil
	}
	return p.query(t.sql.UnsealedKeys, []any{book}, func(scan func(...any) error) error {
		var key int64
		err := scan(&key)
		*keys = append(*keys, key)
		return err
	})
}

// LockEntries returns entries by key and locks what it can.
func (t *tx) LockEntries(ctx context.Context, _ int64, keys []int64) (entries []driver.EntryRow, locked map[int64]bool, err error) {
	locked = make(map[int64]bool, len(keys))
	p := newPipeline(ctx, t.db)
	p.step = "lock entries"
	err = inChunks(p, t.store.dialect.Columnar, t.sql.TryEntries, nil, keys, identity[int64], func(scan func(...any) error) error {
		var key int64
		err := scan(&key)
		locked[key] = true
		return err
	})
	if err == nil {
		p.step = "read entries"
		err = inChunks(p, t.store.dialect.Columnar, t.sql.EntriesOf, nil, keys, identity[int64], func(scan func(...any) error) error {
			entries = append(entries, driver.EntryRow{})
			return scanEntry(scan, &entries[len(entries)-1])
		})
	}
	if err == nil {
		err = p.flush()
	}
	return entries, locked, t.fault(p.step, err)
}

// keys hands out row keys from a block that the database gave to this store alone. Those of a block that is dropped, or
// left over when the program ends, are never used.
type keys struct {
	mu        sync.Mutex
	next, end int64
}

func (k *keys) take(n int64) (first int64, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.end-k.next < n {
		return 0, false
	}
	k.next += n
	return k.next - n, true
}

// give adds what is left of a new block, unless there is more of the one at hand.
func (k *keys) give(next, end int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if end-next > k.end-k.next {
		k.next, k.end = next, end
	}
}

func (k *keys) drop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.next, k.end = 0, 0
}

// reserve takes n consecutive keys.
func (s *Store) reserve(ctx context.Context, db Executor, n int64) (first int64, err error) {
	if first, ok := s.keys.take(n); ok {
		return first, nil
	}
	block := s.dialect.KeyBlock
	if n > block {
		return 0, bursar.Errorf(bursar.CodeTooLarge, "%d entries in one database transaction are more than %d", n, block)
	}
	if take := s.dialect.Statements.TakeKeys; take != "" {
		if _, err := db.Exec(ctx, take); err != nil {
			return 0, err
		}
	}
	err = query(ctx, db, s.dialect.Statements.NextKeys, nil, func(scan func(...any) error) error { return scan(&first) })
	if err != nil {
		return 0, err
	}
	s.keys.give(first+n, first+block)
	return first, nil
}
