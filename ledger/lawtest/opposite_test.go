package lawtest_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/pgxatomic"
	atomicpostgres "github.com/bursar-ledger/bursar/atomic/postgres"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/postgres"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// opposite posts twice in one database transaction, every second client the other way round.
type opposite struct {
	l   *ledger.Ledger
	one money.Amount
}

// twice is a way to run such a database transaction: it posts first and then second.
type twice func(ctx context.Context, first, second bursar.Transfer) error

// through makes a way out of the store's own, with or without locking first.
func through[T any](l *ledger.Ledger, on driver.Transactor[T], lock bool) twice {
	return func(ctx context.Context, first, second bursar.Transfer) error {
		return ledger.Do(ctx, l, on, func(_ T, in *ledger.Joined) error {
			if lock {
				if err := in.Lock(ctx, first.Legs[0].To, second.Legs[0].To); err != nil {
					return err
				}
			}
			_, err := in.Post(ctx, first)
			if err == nil {
				_, err = in.Post(ctx, second)
			}
			return err
		})
	}
}

// throughBlocks makes a way out of package atomic itself and In, with nested blocks, each of which joins anew.
func throughBlocks(l *ledger.Ledger, db *atomic.DB) twice {
	return func(ctx context.Context, first, second bursar.Transfer) error {
		return atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
			if _, err := l.In(tx).Post(ctx, first); err != nil {
				return err
			}
			return tx.Savepoint(ctx, func(ctx context.Context, inner *atomic.Tx) error {
				_, err := l.In(inner).Post(ctx, second)
				return err
			})
		}, nil)
	}
}

// throughPgx is throughBlocks with a pgx.Tx.
func throughPgx(l *ledger.Ledger, db *atomic.DB) twice {
	return func(ctx context.Context, first, second bursar.Transfer) error {
		return pgxatomic.Do(ctx, db, func(ctx context.Context, tx *pgxatomic.Tx) error {
			in := l.In(tx)
			_, err := in.Post(ctx, first)
			if err == nil {
				_, err = in.Post(ctx, second)
			}
			return err
		}, nil)
	}
}

// TestOppositeOrders lets more and more clients post in opposite orders, at the engines' own settings. After a deadlock
// the next attempt locks in the one order, so nobody gives up.
func TestOppositeOrders(t *testing.T) {
	for _, clients := range []int{2, 4} {
		t.Run(fmt.Sprint(clients), func(t *testing.T) { oppositeOrders(t, clients, 2) })
	}
}

// TestTortureOppositeOrders does so longer.
func TestTortureOppositeOrders(t *testing.T) {
	if os.Getenv("BURSAR_TORTURE") == "" {
		t.Skip("takes minutes; set BURSAR_TORTURE=1")
	}
	for _, clients := range []int{2, 4, 8} {
		t.Run(fmt.Sprint(clients), func(t *testing.T) { oppositeOrders(t, clients, 50) })
	}
}

func oppositeOrders(t *testing.T, clients, calls int) {
	t.Run("sqlite", func(t *testing.T) {
		db := opened(t, "sqlite", sqlite.DSN(filepath.Join(t.TempDir(), "app.db")))
		store := sqlite.New(db)
		o := newOpposite(t, store)
		o.race(t, clients, calls, through(o.l, sqlite.On(db), false))
		t.Run("atomic", func(t *testing.T) { o.race(t, clients, calls, throughBlocks(o.l, store.DB())) })
	})
	t.Run("postgres", func(t *testing.T) {
		server := sqltest.Postgres(t)
		pool, err := pgxpool.New(t.Context(), server.DSN())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		o := newOpposite(t, postgres.New(pool))
		on := postgres.On(pool)
		t.Run("as it comes", func(t *testing.T) { o.race(t, clients, calls, through[pgx.Tx](o.l, on, false)) })
		t.Run("locked first", func(t *testing.T) { o.race(t, clients, 10*calls, through[pgx.Tx](o.l, on, true)) })
		blocks := pgxatomic.Open(pool, nil)
		t.Run("pgxatomic", func(t *testing.T) { o.race(t, clients, calls, throughPgx(o.l, blocks)) })
		db := opened(t, "pgx", server.DSN())
		standard := atomic.Open(db, atomicpostgres.Dialect{}, nil)
		t.Run("atomic", func(t *testing.T) { o.race(t, clients, calls, throughBlocks(o.l, standard)) })
		t.Run("over database/sql", func(t *testing.T) { o.race(t, clients, calls, through(o.l, postgres.OnSQL(db), false)) })
	})
	t.Run("mariadb", func(t *testing.T) {
		db := opened(t, "mysql", mariaDSN(t, sqltest.MariaDB(t)))
		store := mysql.New(db)
		o := newOpposite(t, store)
		t.Run("atomic", func(t *testing.T) { o.race(t, clients, calls, throughBlocks(o.l, store.DB())) })
		t.Run("as it comes", func(t *testing.T) { o.race(t, clients, calls, through(o.l, mysql.On(db), false)) })
		t.Run("locked first", func(t *testing.T) { o.race(t, clients, 10*calls, through(o.l, mysql.On(db), true)) })
	})
}

func opened(t *testing.T, name, dsn string) *sql.DB {
	t.Helper()
	db, err := sql.Open(name, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func newOpposite(t *testing.T, store driver.Store) *opposite {
	t.Helper()
	one := money.MustParse("0.01 USD")
	var accounts []bursartest.Fixture
	for _, path := range []string{"world:0", "world:1", "x:0", "x:1"} {
		accounts = append(accounts, bursartest.Opened(bursar.Opening{Path: path, Currency: one.Currency(), NoMin: true}))
	}
	return &opposite{l: bursartest.With(t, store, accounts...).Ledger, one: one}
}

// race runs the clients and fails the test if one of them is told of a conflict, or if money is missing.
func (o *opposite) race(t *testing.T, clients, calls int, post twice) {
	before := o.total(t)
	var mu sync.Mutex
	var took []time.Duration
	var failed []error
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for range calls {
				first, second := o.pay(c%2), o.pay(1-c%2)
				began := time.Now()
				err := post(t.Context(), first, second)
				mu.Lock()
				took = append(took, time.Since(began))
				if err != nil {
					failed = append(failed, err)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(failed) > 0 {
		t.Errorf("%d of %d calls failed: %v", len(failed), len(took), errors.Join(failed...))
	}
	if got, want := o.total(t)-before, int64(2*clients*calls); got != want {
		t.Errorf("%d cents arrived, want %d", got, want)
	}
	sum := time.Duration(0)
	for _, d := range took {
		sum += d
	}
	t.Logf("%d clients: %d calls, %d failed, mean %v, worst %v", clients, len(took), len(failed),
		(sum / time.Duration(len(took))).Round(time.Millisecond), slices.Max(took).Round(time.Millisecond))
}

func (o *opposite) pay(n int) bursar.Transfer {
	return bursar.Transfer{Legs: []bursar.Leg{{
		From: fmt.Sprintf("world:%d", n), To: fmt.Sprintf("x:%d", n), Amount: o.one}}}
}

// total is what both accounts have, in cents.
func (o *opposite) total(t *testing.T) (cents int64) {
	t.Helper()
	for _, path := range []string{"x:0", "x:1"} {
		b, err := o.l.Balance(t.Context(), path, bursar.AsOf{})
		if err != nil {
			t.Fatal(err)
		}
		_, lo := b.Balance.Parts()
		cents += lo
	}
	return cents
}
