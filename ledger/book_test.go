package ledger_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// TestABookIsMadeOnlyWhereMigrateSaysSo opens books that are not there: without Migrate that makes nothing, and the
// error names the books that there are.
func TestABookIsMadeOnlyWhereMigrateSaysSo(t *testing.T) {
	t.Parallel()
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "bursar.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := store.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	missing := func(book, says string) {
		t.Helper()
		_, err := ledger.New(t.Context(), store, &ledger.Options{Book: book})
		var e *bursar.Error
		if !errors.As(err, &e) || e.Code != bursar.CodeBookNotFound || e.Field != "book" || bursar.Retryable(err) {
			t.Fatalf("book %s: %v, want book_not_found", book, err)
		}
		if !strings.HasSuffix(e.Message, says) {
			t.Errorf("book %s: %q does not end with %q", book, e.Message, says)
		}
	}
	missing("main", "the database has none")
	missing("main", "the database has none") // the first look has made nothing
	made, err := ledger.New(t.Context(), store, &ledger.Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	found, err := ledger.New(t.Context(), store, nil)
	if err != nil || found.Book() != made.Book() {
		t.Errorf("the book that was made: %v, %v; want %v", found, err, made.Book())
	}
	missing("mian", `the database has "main"`)
	for _, name := range strings.Split("a b c d e f g h i j k l", " ") {
		if _, err := ledger.New(t.Context(), store, &ledger.Options{Book: name, Migrate: true}); err != nil {
			t.Fatal(err)
		}
	}
	missing("mian", "and 3 more")
}
