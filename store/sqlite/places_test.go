package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// TestABookIsFull moves the head to the last places of a book. The last one can be taken, and no more, because the next
// key is that of another book's place.
func TestABookIsFull(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqlite.DSN(filepath.Join(t.TempDir(), "bursar.db")))
	l := startLedger(t, sqlite.New(db))
	if _, err := db.ExecContext(t.Context(), "UPDATE bursar_head SET seq = 1099511627774"); err != nil {
		t.Fatal(err)
	}
	open := func(path string) error {
		_, err := l.OpenAccount(t.Context(), bursar.Opening{Path: path, Currency: money.USD{}.Currency()})
		return err
	}
	if err := open("last"); err != nil {
		t.Errorf("the last place of a book: %v", err)
	}
	if err := open("more"); bursar.CodeOf(err) != bursar.CodeTooLarge {
		t.Errorf("beyond the last place: %v, want too_large", err)
	}
	var entry, book, seq int64
	const last = "SELECT entry, book, seq FROM bursar_entry ORDER BY entry DESC LIMIT 1"
	if err := db.QueryRowContext(t.Context(), last).Scan(&entry, &book, &seq); err != nil || entry != seq || book != 1 {
		t.Errorf("the last entry has key %d in book %d at %d, %v", entry, book, seq, err)
	}
}
