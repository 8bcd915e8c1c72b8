package sqlite_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	atomicsqlite "github.com/bursar-ledger/bursar/atomic/sqlite"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// wantFor is the code of an error that waiting does not mend.
func wantFor(t *testing.T, what string, err error, code bursar.Code) {
	t.Helper()
	if bursar.CodeOf(err) != code || bursar.Retryable(err) {
		t.Errorf("%s: %v (retryable: %v), want %s", what, err, bursar.Retryable(err), code)
	}
}

// TestAFileThatIsNoDatabase has one code wherever it is met: a ledger, a store, a block of package atomic.
func TestAFileThatIsNoDatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(path, []byte(strings.Repeat("These are notes and no database. ", 200)), 0o600); err != nil {
		t.Fatal(err)
	}
	db := openDB(t, sqlite.DSN(path))
	blocks := atomic.Open(db, atomicsqlite.Dialect{}, nil)
	for name, store := range map[string]driver.Store{"a file of its own": openStore(t, path), "a handle": sqlite.New(db)} {
		for _, migrate := range []bool{false, true} {
			_, err := ledger.New(t.Context(), store, &ledger.Options{Migrate: migrate})
			wantFor(t, name, err, bursar.CodeNotADatabase)
		}
		wantFor(t, name, store.Migrate(t.Context()), bursar.CodeNotADatabase)
		_, _, err := store.Schema(t.Context())
		wantFor(t, name, err, bursar.CodeNotADatabase)
		_, err = verify.Book(t.Context(), store, "main")
		wantFor(t, name, err, bursar.CodeNotADatabase)
	}
	wantFor(t, "atomic", atomic.Do(t.Context(), blocks, func(ctx context.Context, tx *atomic.Tx) error {
		_, err := tx.ExecContext(ctx, "CREATE TABLE orders (n INTEGER)")
		return err
	}, nil), bursar.CodeNotADatabase)
	_, err := db.ExecContext(t.Context(), "CREATE TABLE orders (n INTEGER)")
	wantFor(t, "a statement of the application's", err, bursar.CodeNotADatabase)
}

// TestAFileThatMayOnlyBeRead is read, and refuses what writes with a code of its own.
func TestAFileThatMayOnlyBeRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bursar.db")
	writable := startLedger(t, openStore(t, path))
	if err := writable.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, setting := range map[string]string{"mode=ro": "&mode=ro", "query_only": "&_pragma=query_only(1)"} {
		db := openDB(t, sqlite.DSN(path)+setting)
		store := sqlite.New(db)
		for _, strategy := range []ledger.Strategy{ledger.Locks{}, ledger.Queue{}} {
			l, err := ledger.New(t.Context(), store, &ledger.Options{Strategy: strategy})
			if err != nil {
				t.Fatal(err)
			}
			wantBalance(t, l, "users:1", "100.00 USD")
			_, err = l.Post(t.Context(), pay("users:1", "users:2", "1.00 USD"))
			wantFor(t, name+": post", err, bursar.CodeReadOnly)
			usd := money.MustParse("1.00 USD").Currency()
			_, err = l.OpenAccount(t.Context(), bursar.Opening{Path: "users:3", Currency: usd})
			wantFor(t, name+": open", err, bursar.CodeReadOnly)
			head, err := l.Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, err = l.Balance(t.Context(), "users:1", bursar.AsOf{At: head.At.Time().Add(1)})
			wantFor(t, name+": as of", err, bursar.CodeAsOfAhead)
			if err := l.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
		_, err := ledger.New(t.Context(), store, &ledger.Options{Book: "other", Migrate: true})
		wantFor(t, name+": a new book", err, bursar.CodeReadOnly)
		_, err = verify.Book(t.Context(), store, "mian")
		wantFor(t, name+": a mistyped book", err, bursar.CodeBookNotFound)
		wantFor(t, name+": atomic", atomic.Do(t.Context(), store.DB(), func(ctx context.Context, tx *atomic.Tx) error {
			_, err := tx.ExecContext(ctx, "CREATE TABLE orders (n INTEGER)")
			return err
		}, nil), bursar.CodeReadOnly)
	}
}
