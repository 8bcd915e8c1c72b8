//go:build !bursar_no_modernc

package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"
	"github.com/bursar-ledger/bursar/store/storetest"
)

// The contract holds whatever of the ledger's own connection could be had.
func TestStoreOfAnOwnFile(t *testing.T) {
	for name, ways := range map[string]sqlite.Ways{
		"whole": {}, "least": {Guarded: true, Bound: true, Forgets: true, Waits: true},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) storetest.Harness {
				path := filepath.Join(t.TempDir(), "bursar.db")
				db, store := openDB(t, sqlite.DSN(path)), sqlite.OpenIn(t, path, ways)
				return storetest.Harness{
					Store: store, DB: db, Atomic: store.DB(),
					Reopen: func(t *testing.T) driver.Store { return openStore(t, path) },
					Tx:     func(tx *sql.Tx) driver.CallerTx { return sqlite.Tx(tx) },
				}
			})
		})
	}
}

// guarded are statements that the file's triggers refuse. Each meets a row.
var guarded = []string{
	`UPDATE bursar_entry SET amount = amount + 1`,
	`DELETE FROM bursar_balance`,
	`INSERT OR REPLACE INTO bursar_head SELECT * FROM bursar_head; DELETE FROM bursar_head`,
	`INSERT OR REPLACE INTO bursar_request SELECT * FROM bursar_request`,
}

// refusals are how many of the guarded statements are refused, each in a database transaction that is rolled back.
func refusals(t *testing.T, db *sql.DB) (refused int) {
	t.Helper()
	for _, statement := range guarded {
		tx, err := db.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = tx.ExecContext(t.Context(), statement)
		switch {
		case err != nil && strings.Contains(err.Error(), "bursar: "):
			refused++
		case err != nil:
			t.Errorf("%s: %v", statement, err)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
	return refused
}

func TestTheGuardsAreOffOnTheOwnConnectionAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bursar.db")
	store := sqlite.OpenIn(t, path, sqlite.Ways{})
	startLedger(t, store)
	if got := refusals(t, sqlite.Privately(t, path, sqlite.Ways{})); got != 0 {
		t.Errorf("the own connection refuses %d statements, want none", got)
	}
	for name, db := range map[string]*sql.DB{
		"a connection that kept its triggers": sqlite.Privately(t, path, sqlite.Ways{Guarded: true}),
		"an application's":                    openDB(t, sqlite.DSN(path)),
	} {
		if got := refusals(t, db); got != len(guarded) {
			t.Errorf("%s refuses %d statements, want all", name, got)
		}
	}
	for _, statement := range guarded {
		err := atomic.Do(t.Context(), store.DB(), func(ctx context.Context, tx *atomic.Tx) error {
			_, err := tx.ExecContext(ctx, statement)
			return err
		}, nil)
		if err == nil || !strings.Contains(err.Error(), "bursar: ") {
			t.Errorf("%s through the store's handle: %v, want a refusal", statement, err)
		}
	}
}

// TestTheOwnConnectionIsNeverLent takes all connections that the store's handle gives while the ledger posts.
func TestTheOwnConnectionIsNeverLent(t *testing.T) {
	t.Parallel()
	store := sqlite.OpenIn(t, filepath.Join(t.TempDir(), "bursar.db"), sqlite.Ways{})
	l := startLedger(t, store)
	err := store.On().Do(t.Context(), func(ctx context.Context, tx *atomic.Tx, caller driver.CallerTx) error {
		if _, err := l.In(caller).Post(ctx, pay("users:1", "users:2", "1.00 USD")); err != nil {
			return err
		}
		return tx.Raw(ctx, func(_ context.Context, driverConn any) error {
			if sqlite.IsPrivate(driverConn) {
				t.Error("an application's block has the ledger's own connection")
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	wantBalance(t, l, "users:2", "101.00 USD")
}

func TestWhatIsNoConnectionOfTheDriverKeepsItsGuards(t *testing.T) {
	t.Parallel()
	type other struct{ db string }
	type closed struct{ db uintptr }
	for _, driverConn := range []any{nil, 1, other{}, &other{}, &closed{}, (*closed)(nil), new(int)} {
		if sqlite.Unguard(driverConn) {
			t.Errorf("the triggers of a %T are off", driverConn)
		}
	}
}

// TestPostingGoesOnAfterAChangeOfTheSchema makes SQLite forget its tables in memory, those of the connection too.
func TestPostingGoesOnAfterAChangeOfTheSchema(t *testing.T) {
	t.Parallel()
	store := sqlite.OpenIn(t, filepath.Join(t.TempDir(), "bursar.db"), sqlite.Ways{})
	l := startLedger(t, store)
	for i := range 3 {
		if _, err := store.IndexReports(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := atomic.Do(t.Context(), store.DB(), func(ctx context.Context, tx *atomic.Tx) error {
			_, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS notes"+string(rune('a'+i))+" (note TEXT)")
			return err
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Post(t.Context(), pay("users:1", "users:2", "1.00 USD")); err != nil {
			t.Fatal(err)
		}
	}
	wantBalance(t, l, "users:2", "103.00 USD")
}

// TestAPanicDoesNotPassThroughTheEngine writes a row that cannot be stored, and then posts over the same connection.
func TestAPanicDoesNotPassThroughTheEngine(t *testing.T) {
	t.Parallel()
	store := sqlite.OpenIn(t, filepath.Join(t.TempDir(), "bursar.db"), sqlite.Ways{})
	l := startLedger(t, store)
	impossible := driver.AccountRow{Number: 1, Path: "world", Locked: 1, Version: 2,
		Balance: money.MustParse("1.00 USD"), Held: money.MustParse("1.00 EUR")}
	write := func() (panicked any) {
		defer func() { panicked = recover() }()
		err := store.Write(t.Context(), driver.ModeLocks, nil, func(ctx context.Context, tx driver.Tx) error {
			return tx.Insert(ctx, &driver.Batch{Book: 1, Changed: []*driver.AccountRow{&impossible}})
		})
		return errors.Join(err, errors.New("no panic"))
	}
	if text, ok := write().(string); !ok || !strings.Contains(text, "impossible balance") {
		t.Errorf("panicked with %v", text)
	}
	if _, err := l.Post(t.Context(), pay("users:1", "users:2", "1.00 USD")); err != nil {
		t.Fatal(err)
	}
	wantBalance(t, l, "users:2", "101.00 USD")
}

// TestARowThatIsThereIsNeverReplaced writes an id, a reference and an entry for the second time, with the triggers off.
func TestARowThatIsThereIsNeverReplaced(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bursar.db")
	startLedger(t, sqlite.OpenIn(t, path, sqlite.Ways{}))
	store := sqlite.OpenIn(t, path, sqlite.Ways{})
	var records []driver.RequestRecord
	var entries []driver.EntryRow
	l, err := ledger.New(t.Context(), store, nil)
	if err != nil {
		t.Fatal(err)
	}
	journal, err := l.Journal(t.Context(), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	err = store.Read(t.Context(), func(ctx context.Context, r driver.Reader) error {
		record, rows, err := r.Request(ctx, 1, journal[0].Transfer)
		records, entries = append(records, *record), rows
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*driver.Batch{
		"a request": {Book: 1, Requests: records},
		"an entry":  {Book: 1, Entries: entries},
	} {
		err := store.Write(t.Context(), driver.ModeLocks, nil, func(ctx context.Context, tx driver.Tx) error {
			return tx.Insert(ctx, b)
		})
		if bursar.CodeOf(err) != bursar.CodeCorrupt {
			t.Errorf("%s for the second time: %v, want a refusal", name, err)
		}
	}
}
