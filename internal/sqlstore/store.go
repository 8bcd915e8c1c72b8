package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
)

// Options is how a store is made. The zero value is the usual one.
type Options struct {
	// Own makes Close close the pool.
	Own bool
	// Clock measures retry budgets and waits between attempts. Defaults to the machine's clock.
	Clock atomic.Clock
	// Retry bounds how long a database transaction is tried again after conflicts. Defaults to 20 attempts within a minute,
	// in which an engine that bounds the wait for a lock may wait once more.
	Retry atomic.Budget
}

// Store is a driver.Store over a pool of connections. It is safe for concurrent use.
type Store struct {
	pool    *sql.DB
	db      *atomic.DB
	dialect Dialect
	options Options
	bulk    bulk
	keys    keys
}

var _ driver.Store = (*Store)(nil)

// New makes a store over pool. It does not talk to the database.
func New(pool *sql.DB, d Dialect, o *Options) *Store {
	if o == nil {
		o = &Options{}
	}
	s := &Store{pool: pool, dialect: d, options: *o, bulk: newBulk(&d)}
	if s.options.Retry == (atomic.Budget{}) {
		s.options.Retry = atomic.Budget{Attempts: 20, Time: time.Minute}
	}
	s.db = atomic.Open(pool, d.Atomic, &atomic.OpenOptions{Clock: o.Clock, Retried: func(ctx context.Context, _, code string, _ int) {
		if retried, ok := ctx.Value(retriedKey{}).(func(string)); ok {
			retried(code)
		}
	}})
	return s
}

// DB is the handle for atomic.Do over the same pool: a database transaction begun with it can be given to
// ledger.In as it is.
func (s *Store) DB() *atomic.DB { return s.db }

// retriedKey finds, in the context of a Write, whom to tell of another attempt.
type retriedKey struct{}

// SealsLater reports whether the engine has many writers.
func (s *Store) SealsLater() bool { return s.dialect.SealsLater }

// optimisticMax is how often a database transaction that took no locks is tried before it takes them.
const optimisticMax = 3

// Write runs fn in one database transaction of the store's own.
//
// A mode that finds out late that others were faster could go on being too late where many want one account. After
// optimisticMax attempts the next one locks as driver.ModeLocks does, in the order that all modes keep, and so has its turn.
func (s *Store) Write(ctx context.Context, mode driver.Mode, retried func(code string), fn func(context.Context, driver.Tx) error) error {
	if retried != nil {
		ctx = context.WithValue(ctx, retriedKey{}, retried)
	}
	budget := s.options.Retry
	optimistic := s.dialect.SealsLater && (mode == driver.ModeSwap || mode == driver.ModeHybrid || mode == driver.ModeSerializable)
	if optimistic {
		budget.Attempts = optimisticMax
	}
	err := s.write(ctx, mode, budget, fn)
	if optimistic && errors.Is(err, atomic.ErrBudget) && ctx.Err() == nil {
		err = s.write(ctx, driver.ModeLocks, s.options.Retry, fn)
	}
	return s.wrap(err)
}

func (s *Store) write(ctx context.Context, mode driver.Mode, budget atomic.Budget, fn func(context.Context, driver.Tx) error) error {
	o := &atomic.Options{Nesting: atomic.Outermost, Retry: budget, RetryStale: true}
	switch isolation := s.dialect.Isolation; {
	case isolation != nil:
		o.Isolation = isolation(mode)
	case mode == driver.ModeSerializable:
		o.Isolation = sql.LevelSerializable
	}
	return atomic.Do(ctx, s.db, func(ctx context.Context, db *atomic.Tx) error {
		t := s.tx(s.executor(db))
		t.mode = mode
		return fn(ctx, t)
	}, o)
}

// Join makes a Tx of the caller's database transaction.
func (s *Store) Join(ctx context.Context, caller driver.CallerTx) (driver.Tx, error) {
	if caller == nil || caller.DatabaseTx() == nil {
		return nil, bursar.Errorf(bursar.CodeUnsafeTransaction, "there is no database transaction to take part in")
	}
	t := s.tx(nil)
	t.joined = true
	switch db := caller.DatabaseTx().(type) {
	case *sql.DB:
		return nil, bursar.Errorf(bursar.CodeUnsafeTransaction, "a *sql.DB is not a database transaction: begin one and pass the *sql.Tx")
	case *atomic.Tx:
		t.db, t.block = s.executor(db), db
	case Executor:
		t.db = db
	case DBTX:
		t.db = std{db}
	default:
		return nil, bursar.Errorf(bursar.CodeUnsupported, "a %T does not run statements: it needs ExecContext and QueryContext", db)
	}
	if err := s.dialect.Admit(ctx, t.db, caller.DatabaseTx()); err != nil {
		return nil, s.wrap(err)
	}
	return t, nil
}

// Read runs fn over one snapshot.
func (s *Store) Read(ctx context.Context, fn func(context.Context, driver.Reader) error) error {
	if open, ok := atomic.From(ctx, s.db); ok {
		return s.wrap(fn(ctx, s.tx(std{open})))
	}
	err := atomic.Do(ctx, s.db, func(ctx context.Context, db *atomic.Tx) error {
		return fn(ctx, s.tx(std{db}))
	}, &atomic.Options{ReadOnly: true, Isolation: sql.LevelSnapshot, Retry: s.options.Retry})
	return s.wrap(err)
}

// InTransaction reports whether ctx carries an open atomic database transaction.
func (s *Store) InTransaction(ctx context.Context) bool { return atomic.InTransaction(ctx) }

// Close closes the pool when the store owns it.
func (s *Store) Close() error {
	if s.options.Own {
		return s.pool.Close()
	}
	return nil
}

// Book returns the book with fresh's name, or makes it if create is true. One that exists is found without writing.
func (s *Store) Book(ctx context.Context, fresh bursar.Book, create bool) (book bursar.Book, err error) {
	var found *bursar.Book
	err = atomic.Do(ctx, s.db, func(ctx context.Context, db *atomic.Tx) error {
		if err := s.dialect.Ready(ctx, std{db}); err != nil {
			return err
		}
		found, err = s.findBook(ctx, std{db}, fresh.Name)
		return err
	}, &atomic.Options{ReadOnly: true, Retry: s.options.Retry})
	if err != nil || found != nil {
		return dereference(found), s.wrap(err)
	}
	if !create {
		return book, bursar.Errorf(bursar.CodeBookNotFound, "there is no book %q", fresh.Name)
	}
	err = atomic.Do(ctx, s.db, func(ctx context.Context, db *atomic.Tx) error {
		book, err = s.makeBook(ctx, std{db}, fresh)
		return err
	}, &atomic.Options{Nesting: atomic.Outermost, Retry: s.options.Retry})
	return book, s.wrap(err)
}

// makeBook inserts a book and its head, unless another process has just done so.
func (s *Store) makeBook(ctx context.Context, db Executor, fresh bursar.Book) (bursar.Book, error) {
	insert, head := s.dialect.Statements.InsertBook, s.dialect.Statements.InsertHead
	if _, err := db.Exec(ctx, insert, fresh.Name, fresh.UUID[:], fresh.Genesis[:]); err != nil {
		return bursar.Book{}, err
	}
	book, err := s.findBook(ctx, db, fresh.Name)
	if err != nil || book == nil {
		return bursar.Book{}, errors.Join(err, fmt.Errorf("book %s is not there after it was inserted", fresh.Name))
	}
	_, err = db.Exec(ctx, head, book.Number, 0, 0, book.Genesis[:])
	return *book, err
}

func dereference(book *bursar.Book) bursar.Book {
	if book == nil {
		return bursar.Book{}
	}
	return *book
}

func (s *Store) findBook(ctx context.Context, db Executor, name string) (*bursar.Book, error) {
	var found *bursar.Book
	err := query(ctx, db, s.dialect.Statements.Book, []any{name}, func(scan func(...any) error) error {
		book := bursar.Book{Name: name}
		found = &book
		return scan(&book.Number, fixed(book.UUID[:]), fixed(book.Genesis[:]))
	})
	return found, err
}

func (s *Store) tx(db Executor) *tx { return &tx{db: db, store: s, sql: &s.dialect.Statements} }
