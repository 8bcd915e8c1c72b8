package sqlite_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	atomicsqlite "github.com/bursar-ledger/bursar/atomic/sqlite"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// pragmas reads the settings of one connection that matter to a ledger or that a library might be tempted to change.
func pragmas(t *testing.T, conn interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}) map[string]string {
	t.Helper()
	got := map[string]string{}
	for _, name := range []string{"journal_mode", "synchronous", "foreign_keys", "busy_timeout", "query_only",
		"cache_size",
		"wal_autocheckpoint", "ignore_check_constraints", "recursive_triggers", "locking_mode", "temp_store"} {
		var value string
		if err := conn.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&value); err != nil {
			t.Fatalf("PRAGMA %s: %v", name, err)
		}
		got[name] = value
	}
	return got
}

// startLedger makes a ledger with two funded accounts.
func startLedger(t *testing.T, store driver.Store) *ledger.Ledger {
	t.Helper()
	l, err := ledger.New(t.Context(), store, &ledger.Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	usd, err := money.Lookup("USD")
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []bursar.Opening{{Path: "world", NoMin: true}, {Path: "users:1"}, {Path: "users:2"}} {
		o.Currency = usd
		if _, err := l.OpenAccount(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"users:1", "users:2"} {
		if _, err := l.Post(t.Context(), pay("world", path, "100.00 USD")); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func pay(from, to, amount string) bursar.Transfer {
	return bursar.Transfer{Legs: []bursar.Leg{{From: from, To: to, Amount: money.MustParse(amount)}}}
}

func wantBalance(t *testing.T, l *ledger.Ledger, path, want string) {
	t.Helper()
	balance, err := l.Balance(t.Context(), path, bursar.AsOf{})
	if err != nil {
		t.Fatal(err)
	}
	if got := balance.Balance.String(); got != want {
		t.Errorf("%s has %s, want %s", path, got, want)
	}
}

func TestDSNKeepsMoneySafe(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqlite.DSN(filepath.Join(t.TempDir(), "bursar.db")))
	for range 3 { // every connection of the pool, not only the first
		conn, err := db.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		got := pragmas(t, conn)
		for name, want := range map[string]string{
			"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000",
		} {
			if got[name] != want {
				t.Errorf("%s is %s, want %s", name, got[name], want)
			}
		}
	}
}

func TestDSNOfAwkwardPaths(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"plain.db", "a b.db", "a?b=c&d.db", "a#b.db", "100%.db", "%20.db", "a+b.db", "år;1.db", "'q'.db", ":colon:.db",
	} {
		path := filepath.Join(t.TempDir(), name)
		if _, err := ledger.New(t.Context(), openStore(t, path), &ledger.Options{Migrate: true}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s was not made: %v", name, err)
		}
	}
}

func TestBeginTakesTheWriteLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bursar.db")
	first := openDB(t, sqlite.DSN(path))
	tx, err := first.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	second := openDB(t, strings.Replace(sqlite.DSN(path), "busy_timeout%285000%29", "busy_timeout%280%29", 1))
	if tx, err := second.BeginTx(t.Context(), nil); err == nil {
		t.Errorf("two database transactions hold the write lock: %v", tx.Rollback())
	}
}

// unsafeSettings are connections that would lose money, as an application might open them.
var unsafeSettings = []struct{ name, dsn, remedy string }{
	{"synchronous normal", "_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)", "synchronous(FULL)"},
	{"synchronous off", "_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)", "synchronous(FULL)"},
	{"journal off", "_pragma=synchronous(FULL)&_pragma=journal_mode(OFF)", "journal_mode(WAL)"},
	{"journal in memory", "_pragma=synchronous(FULL)&_pragma=journal_mode(MEMORY)", "journal_mode(WAL)"},
	{"checks ignored", "_pragma=synchronous(FULL)&_pragma=ignore_check_constraints(1)", "turn it off"},
}

func TestUnsafeSettingsAreRefused(t *testing.T) {
	t.Parallel()
	for _, test := range unsafeSettings {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "bursar.db")
			safe := openDB(t, "file:"+path+"?_txlock=immediate&_pragma=synchronous(FULL)")
			l := startLedger(t, sqlite.New(safe))
			if strings.HasPrefix(test.name, "synchronous") {
				if _, err := safe.ExecContext(t.Context(), "PRAGMA journal_mode = WAL"); err != nil {
					t.Fatal(err)
				}
			}
			db := openDB(t, "file:"+path+"?_txlock=immediate&"+test.dsn)
			before := pragmas(t, db)
			_, err := ledger.New(t.Context(), sqlite.New(db), nil)
			wantUnsafe(t, err, test.remedy)
			tx, err := db.BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			_, err = l.In(sqlite.Tx(tx)).Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
			wantUnsafe(t, err, test.remedy)
			if err := tx.Commit(); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(before, pragmas(t, db)); diff != "" {
				t.Errorf("the settings were changed (-before +after):\n%s", diff)
			}
			wantBalance(t, l, "users:1", "100.00 USD")
		})
	}
}

func wantUnsafe(t *testing.T, err error, remedy string) {
	t.Helper()
	if bursar.CodeOf(err) != bursar.CodeUnsafeTransaction || !strings.Contains(err.Error(), remedy) {
		t.Errorf("got %v, want unsafe_transaction with the remedy %q", err, remedy)
	}
}

func TestARollbackJournalIsSafe(t *testing.T) {
	t.Parallel()
	db := openDB(
		t,
		"file:"+filepath.Join(t.TempDir(), "bursar.db")+
			"?_pragma=journal_mode(DELETE)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)",
	)
	l := startLedger(t, sqlite.New(db))
	wantBalance(t, l, "users:1", "100.00 USD")
}

// TestADeferredTransaction begins without the write lock: it works until somebody else has written.
func TestADeferredTransaction(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bursar.db")
	l := startLedger(t, openStore(t, path))
	db := openDB(t, strings.Replace(sqlite.DSN(path), "_txlock=immediate", "_txlock=deferred", 1))
	for _, stale := range []bool{false, true} {
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		var n int
		if err := tx.QueryRowContext(t.Context(), "SELECT count(*) FROM bursar_account").Scan(&n); err != nil {
			t.Fatal(err)
		}
		if stale {
			if _, err := l.Post(t.Context(), pay("users:1", "users:2", "10.00 USD")); err != nil {
				t.Fatal(err)
			}
		}
		_, err = l.In(sqlite.Tx(tx)).Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
		switch {
		case !stale && err != nil:
			t.Fatal(err)
		case stale && (bursar.CodeOf(err) != bursar.CodeConflict || !bursar.Retryable(err) || !strings.Contains(err.Error(),
			"IMMEDIATE")):
			t.Errorf("got %v, want conflict with the remedy", err)
		case stale:
			err = tx.Rollback()
		default:
			err = tx.Commit()
		}
		if err != nil {
			t.Error(err)
		}
	}
	wantBalance(t, l, "users:1", "89.00 USD")
}

func TestAReadOnlyTransactionIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bursar.db")
	l := startLedger(t, openStore(t, path))
	db := openDB(t, sqlite.DSN(path)+"&_pragma=query_only(1)")
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), "BEGIN"); err != nil {
		t.Fatal(err)
	}
	_, err = l.In(sqlite.Tx(conn)).Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
	wantUnsafe(t, err, "that may write")
	if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Error(err)
	}
}

// TestAConnectionWithATransaction hands over a *sql.Conn on which the application ran BEGIN itself.
func TestAConnectionWithATransaction(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqlite.DSN(filepath.Join(t.TempDir(), "bursar.db")))
	l := startLedger(t, sqlite.New(db))
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, end := range []string{"ROLLBACK", "COMMIT"} {
		if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
			t.Fatal(err)
		}
		if _, err := l.In(sqlite.Tx(conn)).Post(t.Context(), pay("users:1", "users:2", "1.00 USD")); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.ExecContext(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	wantBalance(t, l, "users:1", "99.00 USD")
}

// hiddenPool runs each statement on whatever connection the pool has, like a database handle in a wrapper.
type hiddenPool struct{ db *sql.DB }

func (p hiddenPool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return p.db.ExecContext(ctx, query, args...)
}

func (p hiddenPool) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return p.db.QueryContext(ctx, query, args...)
}

func TestAHiddenPoolIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqlite.DSN(filepath.Join(t.TempDir(), "bursar.db")))
	l := startLedger(t, sqlite.New(db))
	db.SetMaxIdleConns(0) // each statement has a connection of its own
	_, err := l.In(sqlite.Tx(hiddenPool{db})).Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
	wantUnsafe(t, err, "begin one first")
	if strings.Contains(err.Error(), "rollback") {
		t.Errorf("the question was asked on one connection and taken back on another: %v", err)
	}
}

func TestTheApplicationsHandleIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bursar.db")
	db := openDB(
		t,
		"file:"+path+
			"?_pragma=journal_mode(WAL)&_pragma=synchronous(EXTRA)&_pragma=busy_timeout(1234)"+
			"&_pragma=cache_size(-100)&_pragma=recursive_triggers(1)",
	)
	db.SetMaxOpenConns(1)
	before := pragmas(t, db)
	l := startLedger(t, sqlite.New(db))
	if _, _, err := l.TrialBalance(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.In(sqlite.Tx(tx)).Post(t.Context(), pay("users:1", "users:2", "1.00 USD")); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, pragmas(t, db)); diff != "" {
		t.Errorf("settings (-before +after):\n%s", diff)
	}
	if got := db.Stats().MaxOpenConnections; got != 1 {
		t.Errorf("the pool takes %d connections", got)
	}
	wantBalance(t, l, "users:1", "99.00 USD")
}

// TestPostingOutsideAnotherHandlesBlock holds the only connection in an atomic block of the application's own handle.
func TestPostingOutsideAnotherHandlesBlock(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqlite.DSN(filepath.Join(t.TempDir(), "bursar.db")))
	db.SetMaxOpenConns(1)
	l := startLedger(t, sqlite.New(db))
	own := atomic.Open(db, atomicsqlite.Dialect{}, nil)
	err := atomic.Do(t.Context(), own, func(ctx context.Context, tx *atomic.Tx) error {
		if _, err := l.Post(ctx, pay("users:1", "users:2", "1.00 USD")); bursar.CodeOf(err) != bursar.CodeInTransaction {
			t.Errorf("posting outside: %v, want in_transaction", err)
		}
		_, err := l.In(tx).Post(ctx, pay("users:1", "users:2", "2.00 USD"))
		return err
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantBalance(t, l, "users:1", "98.00 USD")
}

func TestAFileThatCannotBeOpenedIsUnavailable(t *testing.T) {
	t.Parallel()
	_, err := ledger.New(t.Context(), openStore(t, filepath.Join(t.TempDir(), "no such folder", "bursar.db")), nil)
	if bursar.CodeOf(err) != bursar.CodeUnavailable || !bursar.Retryable(err) {
		t.Errorf("got %v, want unavailable", err)
	}
}

func TestADatabaseInMemoryIsRefused(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", ":memory:", ":memory:?cache=shared"} {
		if _, err := sqlite.Open(path); bursar.CodeOf(err) != bursar.CodeUnsupported {
			t.Errorf("%q: %v, want unsupported", path, err)
		}
	}
}

func TestCloseOwnsWhatOpenOpened(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "bursar.db"))
	if err != nil {
		t.Fatal(err)
	}
	l := startLedger(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Head(t.Context()); err == nil {
		t.Error("a closed store reads")
	}
}
