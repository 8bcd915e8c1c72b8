package mysql_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	gomysql "github.com/go-sql-driver/mysql"
	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/mysql"
)

// free returns which of the keys of a table another session could lock without waiting. Each is asked for alone.
func free(t *testing.T, db *sql.DB, table, key string) (keys []int64) {
	t.Helper()
	tx := begin(t, db, sql.LevelReadCommitted)
	rows, err := tx.QueryContext(t.Context(), fmt.Sprintf("SELECT %s FROM %s ORDER BY %[1]s", key, table))
	must(t, err)
	defer rows.Close()
	var all []int64
	for rows.Next() {
		var n int64
		must(t, rows.Scan(&n))
		all = append(all, n)
	}
	must(t, rows.Err())
	for _, n := range all {
		_, err := tx.ExecContext(t.Context(), fmt.Sprintf("SELECT 1 FROM %s WHERE %s = %d FOR UPDATE NOWAIT", table, key, n))
		var refused *gomysql.MySQLError
		switch {
		case err == nil:
			keys = append(keys, n)
		case !errors.As(err, &refused) || refused.Number != 1205 && refused.Number != 3572: // MariaDB's, MySQL's
			t.Fatal(err)
		}
	}
	must(t, tx.Rollback())
	return keys
}

// numbers are the numbers of accounts by path.
func numbers(t *testing.T, db *sql.DB, paths ...string) (numbers []int64) {
	t.Helper()
	for _, path := range paths {
		var n int64
		must(t, db.QueryRowContext(t.Context(), "SELECT account FROM bursar_account WHERE path = ?", path).Scan(&n))
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers
}

// TestAPostLocksItsBalancesAlone looks at every row of every table while a caller's database transaction is open.
func TestAPostLocksItsBalancesAlone(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqltest.MariaDB(t).URL())
	l := startLedger(t, mysql.New(db), nil)
	for _, level := range []sql.IsolationLevel{sql.LevelReadCommitted, sql.LevelRepeatableRead} {
		tables := map[string]string{"bursar_account": "account", "bursar_head": "book", "bursar_book": "book",
			"bursar_turn":    "book",
			"bursar_request": "request", "bursar_entry": "entry", "bursar_balance": "account", "bursar_block": "block"}
		want := map[string][]int64{}
		for table, key := range tables {
			want[table] = free(t, db, table, key)
		}
		want["bursar_balance"] = numbers(t, db, "world", "users:3")
		tx := begin(t, db, level)
		_, err := l.In(mysql.Tx(tx)).Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
		must(t, err)
		got := map[string][]int64{}
		for table, key := range tables {
			got[table] = free(t, db, table, key)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: what others may lock (-want +got):\n%s", level, diff)
		}
		must(t, tx.Rollback())
	}
}

// TestLocksAreTakenInOrderOfNumber holds the account in the middle: who comes waits for it, holds the one before and
// not yet the one after, whatever the paths are and in whatever order a transfer names them.
func TestLocksAreTakenInOrderOfNumber(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqltest.MariaDB(t).URL())
	ledgers := mysql.New(db)
	l := startLedger(t, ledgers, nil)
	usd := money.MustParse("1.00 USD").Currency()
	for _, path := range []string{"m", "z", "a"} { // in this order of number
		_, err := l.OpenAccount(t.Context(), bursar.Opening{Path: path, Currency: usd, NoMin: true})
		must(t, err)
	}
	order := []int64{}
	for _, path := range []string{"m", "z", "a"} {
		order = append(order, numbers(t, db, path)...)
	}
	transfer := bursar.Transfer{Legs: []bursar.Leg{
		{From: "z", To: "a", Amount: money.MustParse("1.00 USD")}, {From: "a", To: "m", Amount: money.MustParse("1.00 USD")},
	}}
	for name, post := range map[string]func(context.Context) error{
		"in": func(ctx context.Context) error {
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				return err
			}
			if _, err := l.In(mysql.Tx(tx)).Post(ctx, transfer); err != nil {
				return err
			}
			return tx.Commit()
		},
		"locks":  strategy(t, ledgers, ledger.Locks{}, transfer),
		"hybrid": strategy(t, ledgers, ledger.Hybrid{}, transfer),
		"swap":   strategy(t, ledgers, ledger.Swap{}, transfer),
	} {
		t.Run(name, func(t *testing.T) {
			holder := begin(t, db, sql.LevelReadCommitted)
			_, err := holder.ExecContext(t.Context(), "SELECT 1 FROM bursar_balance WHERE account = ? FOR UPDATE", order[1])
			must(t, err)
			var got []int64
			err = meanwhile(t, db, func() error { return post(t.Context()) }, func() error {
				for _, n := range free(t, db, "bursar_balance", "account") {
					if slices.Contains(order, n) {
						got = append(got, n)
					}
				}
				return holder.Rollback()
			})
			must(t, err)
			if diff := cmp.Diff(order[2:], got); diff != "" {
				t.Errorf("accounts that are not locked (-want +got):\n%s", diff)
			}
		})
	}
	wantBalance(t, l, "m", "4.00 USD")
	wantVerified(t, ledgers, l)
}

// TestManyLocksAreTakenInOrderOfNumber is the same for more accounts than one statement asks for.
func TestManyLocksAreTakenInOrderOfNumber(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqltest.MariaDB(t).URL())
	l := startLedger(t, mysql.New(db), nil)
	const count = 1100
	one := money.MustParse("1.00 USD")
	opening := begin(t, db, sql.LevelReadCommitted)
	in := l.In(mysql.Tx(opening))
	transfers := make([]bursar.Transfer, count/2)
	for i := range count {
		path := fmt.Sprintf("many:%d", i*769%count)
		_, err := in.OpenAccount(t.Context(), bursar.Opening{Path: path, Currency: one.Currency(), NoMin: true})
		must(t, err)
	}
	for i := range transfers {
		transfers[i] = pay(fmt.Sprintf("many:%d", i), fmt.Sprintf("many:%d", count-1-i), "1.00 USD")
	}
	must(t, opening.Commit())
	order := numbers(t, db, "many:0", "many:1", "many:2", "many:3", "many:4")
	middle := order[2]
	holder := begin(t, db, sql.LevelReadCommitted)
	_, err := holder.ExecContext(t.Context(), "SELECT 1 FROM bursar_balance WHERE account = ? FOR UPDATE", middle)
	must(t, err)
	err = meanwhile(t, db, func() error {
		_, err := l.PostBatch(t.Context(), transfers)
		return err
	}, func() error {
		for _, n := range free(t, db, "bursar_balance", "account") {
			if path := pathOf(t, db, n); n < middle && strings.HasPrefix(path, "many:") {
				t.Errorf("%s has a number below the one that is waited for, and is not locked", path)
			}
		}
		tx := begin(t, db, sql.LevelReadCommitted)
		if _, err := tx.ExecContext(
			t.Context(), "SELECT 1 FROM bursar_balance WHERE account > ? FOR UPDATE NOWAIT", middle,
		); err != nil {
			t.Errorf("one with a number above is locked already: %v", err)
		}
		return errors.Join(tx.Rollback(), holder.Rollback())
	})
	must(t, err)
	wantVerified(t, mysql.New(db), l)
}

func pathOf(t *testing.T, db *sql.DB, number int64) (path string) {
	t.Helper()
	must(t, db.QueryRowContext(t.Context(), "SELECT path FROM bursar_account WHERE account = ?", number).Scan(&path))
	return path
}

// strategy posts through a strategy of its own.
func strategy(
	t *testing.T, s driver.Store, strategy ledger.Strategy, transfer bursar.Transfer,
) func(context.Context) error {
	t.Helper()
	l, err := ledger.New(t.Context(), s, &ledger.Options{Strategy: strategy})
	must(t, err)
	t.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return func(ctx context.Context) error {
		_, err := l.Post(ctx, transfer)
		return err
	}
}

// TestBlocksOfKeys takes keys in database transactions that cross and roll back: nobody waits, and none comes twice.
func TestBlocksOfKeys(t *testing.T) {
	t.Parallel()
	server := sqltest.MariaDB(t)
	db := openDB(t, server.URL())
	first := startLedger(t, mysql.New(db), nil)
	var txs []*sql.Tx
	for range 4 { // each a program of its own, which begins with a block of its own
		pool := openDB(t, server.URL())
		l, err := ledger.New(t.Context(), mysql.New(pool), nil)
		must(t, err)
		t.Cleanup(func() { _ = l.Close(context.Background()) })
		tx := begin(t, pool, sql.LevelReadCommitted)
		_, err = l.In(mysql.Tx(tx)).OpenAccount(t.Context(), bursar.Opening{
			Path: fmt.Sprintf("new:%d", len(txs)), Currency: money.MustParse("1 JPY").Currency(),
		})
		must(t, err)
		txs = append(txs, tx)
	}
	must(t, txs[1].Rollback())
	must(t, txs[3].Rollback())
	must(t, txs[2].Commit())
	must(t, txs[0].Commit())
	after, err := ledger.New(t.Context(), mysql.New(openDB(t, server.URL())), nil)
	must(t, err)
	defer after.Close(t.Context())
	_, err = after.OpenAccount(t.Context(), bursar.Opening{Path: "new:4", Currency: money.MustParse("1 JPY").Currency()})
	must(t, err)
	blocks := map[int64]bool{}
	for _, n := range numbers(t, db, "world", "new:0", "new:2", "new:4") {
		blocks[n>>24] = true
	}
	if len(blocks) != 4 {
		t.Errorf("four programs took numbers from %d blocks", len(blocks))
	}
	wantVerified(t, mysql.New(db), first)
}
