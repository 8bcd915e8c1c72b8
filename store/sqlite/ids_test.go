package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/sqlite"
	"github.com/bursar-ledger/bursar/store/storetest"
)

// TestIDsInColumnsOfTheApplication: SQLite keeps bytes as bytes whatever a column is called, unless the table is
// strict.
func TestIDsInColumnsOfTheApplication(t *testing.T) {
	t.Parallel()
	db := openDB(t, sqlite.DSN(filepath.Join(t.TempDir(), "ids.db")))
	l, err := ledger.New(t.Context(), sqlite.New(db), &ledger.Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close(t.Context()) }()
	const checked = "BLOB CHECK (typeof(transfer_id) IN ('blob', 'null') AND length(transfer_id) = 16)"
	const text = "TEXT CHECK (typeof(transfer_id) IN ('text', 'null') AND length(transfer_id) = 36)"
	storetest.IDColumns(t, l, "modernc", storetest.IDAccessOverSQL(db, "?"), []storetest.IDColumn{
		{Type: "BLOB"},
		{Name: "strict BLOB", Type: "BLOB", Strict: true},
		{Name: "checked BLOB", Type: checked},
		{Type: "BINARY(16)"},
		{Type: "uuid"},
		{Name: "no type", Type: ""},
		{Name: "strict ANY", Type: "ANY", Strict: true},
		{Type: "TEXT"},
		{Type: "CHAR(36)"},
		{Type: "TEXT COLLATE NOCASE"},
		{Type: "INTEGER"},
		{Name: "strict TEXT", Type: "TEXT", Strict: true, Want: storetest.IDRefused},
		{Name: "checked TEXT", Type: text, Want: storetest.IDRefused},
		{Name: "texts in strict BLOB", Type: "BLOB", Strict: true, Text: true, Want: storetest.IDRefused},
		{Name: "texts in checked BLOB", Type: checked, Text: true, Want: storetest.IDRefused},
		{Name: "texts in TEXT", Type: text, Text: true, Join: "unhex(o.transfer_id, '-')"},
		{Name: "texts in TEXT, compared as they are", Type: text, Text: true, Want: storetest.IDLost},
	})
}
