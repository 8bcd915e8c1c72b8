package mysql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/mysql"
)

func begin(t *testing.T, db *sql.DB, level sql.IsolationLevel) *sql.Tx {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), &sql.TxOptions{Isolation: level})
	must(t, err)
	t.Cleanup(func() { _ = tx.Rollback() }) // after Commit it does nothing
	return tx
}

// meanwhile runs fn, which must wait for another session, until that has done what then does.
func meanwhile(t *testing.T, db *sql.DB, fn func() error, then func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- fn() }()
	waits(t, db)
	must(t, then())
	return <-done
}

// TestOvertaken posts in a database transaction what another one has written and not committed: it waits, and then
// either finds it or writes it. It can go on in each case.
func TestOvertaken(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqltest.MariaDB(t).URL())
	store := mysql.New(db)
	l := startLedger(t, store, nil)
	referenced := func(t bursar.Transfer) bursar.Transfer { t.Reference = "order 7"; return t }
	usd := money.MustParse("1.00 USD").Currency()
	open := func(ctx context.Context, j *ledger.Joined) error {
		_, err := j.OpenAccount(ctx, bursar.Opening{Path: "users:new", Currency: usd})
		return err
	}
	post := func(transfer bursar.Transfer) func(context.Context, *ledger.Joined) error {
		return func(ctx context.Context, j *ledger.Joined) error {
			_, err := j.Post(ctx, transfer)
			return err
		}
	}
	for _, test := range []struct {
		name          string
		first, second func(context.Context, *ledger.Joined) error
		want          bursar.Code
	}{
		{
			"the same id and content", post(identified(1, pay("users:1", "users:2", "1.00 USD"))),
			post(identified(1, pay("users:1", "users:2", "1.00 USD"))), "",
		},
		{
			"the same id, other accounts", post(identified(2, pay("users:1", "users:2", "1.00 USD"))),
			post(identified(2, pay("world", "users:3", "1.00 USD"))), bursar.CodeIDReused,
		},
		{
			"the same reference", post(referenced(pay("users:1", "users:2", "1.00 USD"))),
			post(referenced(pay("world", "users:3", "1.00 USD"))), bursar.CodeReferenceTaken,
		},
		{"the same account", open, open, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, commit := range []bool{false, true} {
				want, end := test.want, (*sql.Tx).Commit
				if !commit {
					want, end = "", (*sql.Tx).Rollback
				}
				one, two := begin(t, db, sql.LevelReadCommitted), begin(t, db, sql.LevelReadCommitted)
				must(t, test.first(t.Context(), l.In(mysql.Tx(one))))
				in := l.In(mysql.Tx(two))
				err := meanwhile(t, db, func() error { return test.second(t.Context(), in) }, func() error { return end(one) })
				if bursar.CodeOf(err) != want {
					t.Errorf("first committed %v: got %v, want %q", commit, err, want)
				}
				_, err = in.Post(t.Context(), pay("users:3", "world", "0.01 USD"))
				must(t, err)
				if commit {
					must(t, two.Commit())
				} else {
					must(t, two.Rollback())
				}
			}
		})
	}
	wantBalance(t, l, "users:1", "97.00 USD")
	wantVerified(t, store, l)
}

// TestAnOldSnapshotIsRefused takes a snapshot and has an account posted on before it posts on it.
func TestAnOldSnapshotIsRefused(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqltest.MariaDB(t).URL())
	store := mysql.New(db)
	l := startLedger(t, store, nil)
	tx := begin(t, db, sql.LevelRepeatableRead)
	in := l.In(mysql.Tx(tx))
	_, err := in.Balance(t.Context(), "users:1", bursar.AsOf{}) // takes the snapshot
	must(t, err)
	// The whole balance, so that a second post of it would be refused for want of money instead of being recognised.
	all := identified(1, pay("users:1", "users:2", "100.00 USD"))
	_, err = l.Post(t.Context(), all)
	must(t, err)
	_, err = in.Post(t.Context(), all)
	wantUnsafe(t, err, "LevelReadCommitted")
	_, err = in.Post(t.Context(), pay("users:2", "users:3", "1.00 USD"))
	wantUnsafe(t, err, "LevelReadCommitted")
	_, err = in.Post(t.Context(), pay("world", "users:3", "1.00 USD")) // nobody has posted on these meanwhile
	must(t, err)
	must(t, tx.Commit())

	fresh := begin(t, db, sql.LevelRepeatableRead)
	again, err := l.In(mysql.Tx(fresh)).Post(t.Context(), all)
	must(t, err)
	if !again.Replayed {
		t.Errorf("the transfer was not recognised: %+v", again)
	}
	must(t, fresh.Commit())
	wantBalance(t, l, "users:2", "200.00 USD")
	wantBalance(t, l, "users:3", "101.00 USD")
	wantVerified(t, store, l)
}

// TestAWaitMakesASnapshotOld is the same where the snapshot is taken by the post itself, which then waits for the
// account.
func TestAWaitMakesASnapshotOld(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqltest.MariaDB(t).URL())
	store := mysql.New(db)
	l := startLedger(t, store, nil)
	for level, want := range map[sql.IsolationLevel]bursar.Code{
		sql.LevelRepeatableRead: bursar.CodeUnsafeTransaction, sql.LevelReadCommitted: "",
	} {
		one, two := begin(t, db, sql.LevelReadCommitted), begin(t, db, level)
		_, err := l.In(mysql.Tx(one)).Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
		must(t, err)
		err = meanwhile(t, db, func() error {
			_, err := l.In(mysql.Tx(two)).Post(t.Context(), pay("users:1", "users:3", "1.00 USD"))
			return err
		}, one.Commit)
		wantCode(t, err, want)
		must(t, two.Rollback())
	}
	wantBalance(t, l, "users:1", "98.00 USD")
}

// TestASnapshotThatGuardsItself is REPEATABLE READ as MariaDB has it by default since 11.6. There the posts say that
// they do not need it, so that those at READ COMMITTED can wait, and the old snapshot is found by comparing. An older
// server is not told, because some of the same series do not know the setting.
func TestASnapshotThatGuardsItself(t *testing.T) {
	t.Parallel()
	server := sqltest.MariaDB(t)
	if server.Engine() == sqltest.MySQLEngine {
		t.Skip("MySQL has no innodb_snapshot_isolation")
	}
	l := startLedger(t, mysql.New(openDB(t, server.URL())), nil)
	db := openDB(t, server.URL(), "innodb_snapshot_isolation=1")
	tx := begin(t, db, sql.LevelRepeatableRead)
	in := l.In(mysql.Tx(tx))
	_, err := in.Balance(t.Context(), "users:1", bursar.AsOf{})
	must(t, err)
	_, err = l.Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
	must(t, err)
	_, err = in.Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
	want, told := bursar.CodeConflict, 0
	must(t, db.QueryRowContext(t.Context(), "SELECT 0 /*M!110602 + 1 */").Scan(&told))
	if told == 1 {
		want = bursar.CodeUnsafeTransaction
	}
	wantCode(t, err, want)
	_ = tx.Rollback()
	tx = begin(t, db, sql.LevelReadCommitted)
	_, err = l.In(mysql.Tx(tx)).Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
	must(t, err)
	must(t, tx.Commit())
	wantBalance(t, l, "users:1", "98.00 USD")
}

// deadlock makes the server roll back the second of two database transactions, as an application might fail to notice.
func deadlock(t *testing.T, db *sql.DB, survivor, victim *sql.Tx) {
	t.Helper()
	update := func(tx *sql.Tx, where string) error {
		_, err := tx.ExecContext(t.Context(), "UPDATE orders SET state = state + 1 WHERE id "+where)
		return err
	}
	must(t, update(survivor, "BETWEEN 100 AND 200")) // the server prefers to undo the smaller one
	must(t, update(survivor, "= 1"))
	must(t, update(victim, "= 2"))
	done := make(chan error, 1)
	go func() { done <- update(survivor, "= 2") }()
	waits(t, db)
	if err := update(victim, "= 1"); err == nil {
		t.Fatal("there was no deadlock")
	}
	must(t, <-done)
}

func TestAfterADeadlockNothingIsPosted(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqltest.MariaDB(t).URL())
	store := mysql.New(db)
	l := startLedger(t, store, nil)
	for _, statement := range []string{
		"CREATE TABLE orders (id INT PRIMARY KEY, state INT NOT NULL)",
		"INSERT INTO orders WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) " +
			"SELECT i, 0 FROM n",
	} {
		_, err := db.ExecContext(t.Context(), statement)
		must(t, err)
	}
	survivor, victim := begin(t, db, sql.LevelReadCommitted), begin(t, db, sql.LevelReadCommitted)
	in := l.In(mysql.Tx(victim))
	_, err := in.Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
	must(t, err)
	deadlock(t, db, survivor, victim)
	_, err = in.Post(t.Context(), pay("users:1", "users:2", "2.00 USD"))
	wantUnsafe(t, err, "begin again")
	_, err = l.In(mysql.Tx(victim)).Post(t.Context(), pay("users:1", "users:2", "4.00 USD"))
	wantUnsafe(t, err, "begin again")
	must(t, victim.Commit())
	must(t, survivor.Rollback())
	wantBalance(t, l, "users:1", "100.00 USD")
	wantVerified(t, store, l)
}

// TestOppositeOrders has two database transactions post on two accounts in opposite order: one of them is told of a
// conflict, and under atomic.Do begins again by itself.
func TestOppositeOrders(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqltest.MariaDB(t).URL())
	store := mysql.New(db)
	l := startLedger(t, store, nil)
	attempts := 0
	other := begin(t, db, sql.LevelReadCommitted)
	_, err := l.In(mysql.Tx(other)).Post(t.Context(), pay("world", "users:1", "1.00 USD"))
	must(t, err)
	for range 20 { // to be the larger one
		_, err := l.In(mysql.Tx(other)).Post(t.Context(), pay("world", "users:1", "1.00 USD"))
		must(t, err)
	}
	done := make(chan error, 1)
	first := make(chan struct{})
	go func() {
		done <- atomic.Do(t.Context(), store.DB(), func(ctx context.Context, tx *atomic.Tx) error {
			attempts++
			_, err := l.In(tx).Post(ctx, pay("users:3", "users:2", "1.00 USD"))
			if attempts == 1 {
				close(first)
			}
			if err == nil {
				_, err = l.In(tx).Post(ctx, pay("users:3", "users:1", "1.00 USD"))
			}
			return err
		}, nil)
	}()
	<-first
	waits(t, db)
	_, err = l.In(mysql.Tx(other)).Post(t.Context(), pay("world", "users:2", "1.00 USD"))
	must(t, err)
	must(t, other.Commit())
	must(t, <-done)
	if attempts != 2 {
		t.Errorf("%d attempts, want 2", attempts)
	}
	wantBalance(t, l, "users:1", "122.00 USD")
	wantBalance(t, l, "users:2", "102.00 USD")
	wantVerified(t, store, l)
}

// TestALongTransactionDelaysItsAccountsAlone holds one open while everybody else posts, opens accounts and seals.
func TestALongTransactionDelaysItsAccountsAlone(t *testing.T) {
	t.Parallel()
	server := sqltest.MariaDB(t)
	db := openDB(t, server.URL())
	store := mysql.New(db)
	l := startLedger(t, store, &ledger.Options{Strategy: ledger.Queue{}})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	usd := money.MustParse("1.00 USD").Currency()
	for _, level := range []sql.IsolationLevel{sql.LevelReadCommitted, sql.LevelRepeatableRead} {
		long := begin(t, db, level)
		in := l.In(mysql.Tx(long))
		_, err := in.Post(ctx, pay("users:1", "users:2", "1.00 USD"))
		must(t, err)
		_, err = in.OpenAccount(ctx, bursar.Opening{Path: fmt.Sprintf("long:%d", level), Currency: usd})
		must(t, err)
		for name, strategy := range map[string]ledger.Strategy{
			"queue": ledger.Queue{}, "locks": ledger.Locks{}, "swap": ledger.Swap{}, "hybrid": ledger.Hybrid{},
		} {
			other, err := ledger.New(ctx, openStore(t, server.URL()), &ledger.Options{Strategy: strategy})
			must(t, err)
			for range 3 {
				if _, err := other.Post(ctx, pay("world", "users:3", "1.00 USD")); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			_, err = other.OpenAccount(ctx, bursar.Opening{Path: fmt.Sprintf("%s:%d", name, level), Currency: usd})
			must(t, err)
			_, err = other.Seal(ctx)
			must(t, err)
			must(t, other.Close(ctx))
		}
		delayed := make(chan error, 1)
		go func() {
			_, err := l.Post(ctx, pay("users:2", "users:3", "1.00 USD"))
			delayed <- err
		}()
		_, err = l.Post(ctx, pay("world", "users:3", "1.00 USD"))
		must(t, err)
		select {
		case err := <-delayed:
			t.Errorf("a transfer on an account that is held was answered: %v", err)
		default:
		}
		must(t, long.Commit())
		must(t, <-delayed)
	}
	wantBalance(t, l, "users:1", "98.00 USD")
	wantVerified(t, store, l)
}

// TestARowIsCommittedWithItsMoney leaves the caller the transaction that a refusal met.
func TestARowIsCommittedWithItsMoney(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqltest.MariaDB(t).URL())
	l := startLedger(t, mysql.New(db), nil)
	_, err := db.ExecContext(t.Context(), "CREATE TABLE orders (id BIGINT AUTO_INCREMENT PRIMARY KEY, state INT NOT NULL)")
	must(t, err)
	reason := errors.New("changed my mind")
	for _, undo := range []error{nil, reason} {
		err := atomic.Do(t.Context(), mysql.New(db).DB(), func(ctx context.Context, tx *atomic.Tx) error {
			if _, err := tx.ExecContext(ctx, "INSERT INTO orders (state) VALUES (1)"); err != nil {
				return err
			}
			_, err := l.In(tx).Post(ctx, pay("users:1", "users:2", "101.00 USD"))
			wantCode(t, err, bursar.CodeInsufficientFunds)
			_, err = l.In(tx).Post(ctx, pay("users:1", "users:2", "1.00 USD"))
			return errors.Join(err, undo)
		}, nil)
		if !errors.Is(err, undo) {
			t.Errorf("got %v, want %v", err, undo)
		}
	}
	var n int
	must(t, db.QueryRowContext(t.Context(), "SELECT count(*) FROM orders").Scan(&n))
	if n != 1 {
		t.Errorf("there are %d orders, want 1", n)
	}
	wantBalance(t, l, "users:1", "99.00 USD")
}
