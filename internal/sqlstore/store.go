package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
)

// Store is a driver.Store over a pool of connections. It is safe for concurrent use.
type Store struct {
	*handle
	migrator
	library
	bulks  *bulks
	stock  *keyStock
	memory *memory // nil where nothing is remembered
}

var _ driver.Store = (*Store)(nil)

// New makes a store over pool. It does not talk to the database.
func New(pool *sql.DB, d Dialect, o *Options) *Store {
	h := newHandle(pool, &d, o)
	s := &Store{handle: h, migrator: migrator{h}, library: library{h}, bulks: newBulks(&d), stock: &keyStock{}}
	if h.private != nil && d.Can.Remembers {
		s.memory = newMemory()
	}
	return s
}

// DB is the handle for atomic.Do over the same pool.
func (s *Store) DB() *atomic.DB { return s.db }

// On runs database transactions of an application's in blocks of [Store.DB].
func (s *Store) On() driver.Transactor[*atomic.Tx] { return OnAtomic(s.db, *s.dialect) }

// SealsLater reports whether the engine has many writers.
func (s *Store) SealsLater() bool { return s.dialect.Can.ManyWriters }

// Standing is what the server says of its own part.
func (s *Store) Standing(ctx context.Context) (driver.Standing, error) { return s.standing.ask(ctx) }

// InTransaction reports whether ctx carries an open atomic database transaction.
func (s *Store) InTransaction(ctx context.Context) bool { return atomic.InTransaction(ctx) }

// Close closes the pool when the store owns it, and the connection that only the store uses.
func (s *Store) Close() error {
	var own, private error
	if s.private != nil {
		private = s.private.Close()
	}
	if s.own {
		own = s.pool.Close()
	}
	return errors.Join(private, own)
}

// optimisticMax is how often a database transaction that took no locks is tried before it takes them.
const optimisticMax = 3

// Write runs fn in one database transaction of the store's own.
//
// A mode that finds out late that others were faster could go on being too late where many want one account. After
// optimisticMax attempts the next one locks as driver.ModeLocks does, in the order that all modes keep, and so has its
// turn.
func (s *Store) Write(
	ctx context.Context, mode driver.Mode, retried func(code string), fn func(context.Context, driver.Tx) error,
) error {
	if err := s.standing.mayWrite(ctx); err != nil {
		return err
	}
	if retried != nil {
		ctx = context.WithValue(ctx, retriedKey{}, retried)
	}
	late := mode == driver.ModeSwap || mode == driver.ModeHybrid || mode == driver.ModeSerializable
	if !late || !s.dialect.Can.ManyWriters {
		return s.dialect.codedWrite(s.within(ctx, mode, s.retry, fn))
	}
	few := s.retry
	few.Attempts = optimisticMax
	err := s.within(ctx, mode, few, fn)
	if errors.Is(err, atomic.ErrBudget) && ctx.Err() == nil {
		err = s.within(ctx, driver.ModeLocks, s.retry, fn)
	}
	return s.dialect.codedWrite(err)
}

// within runs fn in database transactions until one is committed or a budget is spent. Inside a block of [Store.DB]
// that a test records, that is the block's own: its locks would keep any other connection out.
func (s *Store) within(
	ctx context.Context, mode driver.Mode, budget atomic.Budget, fn func(context.Context, driver.Tx) error,
) error {
	writes := s.writes
	if _, recorded := atomic.From(ctx, s.db); recorded {
		writes = s.db
	}
	return atomic.Do(ctx, writes, func(ctx context.Context, db *atomic.Tx) error {
		session := newSession(s.dialect, s.dialect.executor(db))
		session.locking, session.block = s.dialect.Can.locking(mode), db
		if writes == s.writes {
			if err := s.connect(ctx, session); err != nil {
				return err
			}
		}
		return fn(ctx, s.tx(session))
	}, &atomic.Options{
		Nesting: atomic.Outermost, Isolation: s.dialect.isolation(mode), Retry: budget, RetryStale: true,
	})
}

// connect finds the store's own connection under a session. Where the store has none, it does nothing.
func (s *Store) connect(ctx context.Context, session *session) error {
	if s.private == nil {
		return nil
	}
	return session.block.Raw(ctx, func(_ context.Context, driverConn any) error {
		private, ok := driverConn.(Private)
		if !ok {
			return fmt.Errorf("a %T is no connection of the store's own", driverConn)
		}
		session.private, session.memory = private, s.memory
		if s.memory != nil {
			s.memory.settle(private)
		}
		return nil
	})
}

// Read runs fn over one snapshot.
func (s *Store) Read(ctx context.Context, fn func(context.Context, driver.Reader) error) error {
	for _, db := range [2]*atomic.DB{s.db, s.writes} {
		if open, ok := atomic.From(ctx, db); ok {
			return s.dialect.coded(fn(ctx, s.tx(newSession(s.dialect, std{open}))))
		}
	}
	err := atomic.Do(ctx, s.db, func(ctx context.Context, db *atomic.Tx) error {
		return fn(ctx, s.tx(newSession(s.dialect, std{db})))
	}, &atomic.Options{ReadOnly: true, Isolation: sql.LevelSnapshot, Retry: s.retry})
	return s.dialect.coded(err)
}

// Join makes a Tx of the caller's database transaction.
func (s *Store) Join(ctx context.Context, caller driver.CallerTx) (driver.Tx, error) {
	session, err := s.join(caller)
	if err != nil {
		return nil, err
	}
	session.posting = true
	if err := s.dialect.Admit(ctx, session.db, caller.DatabaseTx()); err != nil {
		return nil, s.dialect.coded(err)
	}
	return s.tx(session), nil
}

// JoinReader makes a Reader of the caller's database transaction, which need not be one that may write.
func (s *Store) JoinReader(ctx context.Context, caller driver.CallerTx) (driver.Reader, error) {
	session, err := s.join(caller)
	if err != nil {
		return nil, err
	}
	if err := s.dialect.Open(ctx, session.db, caller.DatabaseTx()); err != nil {
		return nil, s.dialect.coded(err)
	}
	return s.tx(session), nil
}

// join is a session in the caller's database transaction.
func (s *Store) join(caller driver.CallerTx) (*session, error) {
	if caller == nil || caller.DatabaseTx() == nil {
		return nil, bursar.Errorf(bursar.CodeUnsafeTransaction, "there is no database transaction to take part in")
	}
	session := newSession(s.dialect, nil)
	session.joined = true
	switch db := caller.DatabaseTx().(type) {
	case *sql.DB:
		return nil, bursar.Errorf(bursar.CodeUnsafeTransaction,
			"a *sql.DB is not a database transaction: begin one and pass the *sql.Tx")
	case *atomic.Tx:
		session.db, session.block = s.dialect.executor(db), db
	case Executor:
		session.db = db
	case DBTX:
		session.db = std{db}
	default:
		return nil, bursar.Errorf(bursar.CodeUnsupported,
			"a %T does not run statements: it needs ExecContext and QueryContext", db)
	}
	return session, nil
}

func (s *Store) tx(session *session) *tx { return newTx(session, s.bulks, s.stock) }
