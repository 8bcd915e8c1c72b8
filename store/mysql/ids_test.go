package mysql_test

import (
	"context"
	"database/sql"
	"slices"
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/storetest"
)

// TestIDsInColumnsOfTheApplication: MariaDB compares bytes with whatever else there is, so a column of another type may
// lose ids. A check of the length refuses them instead, whatever the mode of the session.
func TestIDsInColumnsOfTheApplication(t *testing.T) {
	t.Parallel()
	server := sqltest.MariaDB(t)
	l, err := ledger.New(t.Context(), mysql.New(openDB(t, server.URL())), &ledger.Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close(context.Background()) }()
	for name, c := range map[string]struct {
		db     *sql.DB
		inUUID storetest.IDAnswer
	}{
		"ours":     {openDB(t, server.URL()), storetest.IDFound},
		"prepared": {openDB(t, server.URL(), "interpolateParams=false"), storetest.IDRefused},
		"plain":    {server.Open(t), storetest.IDRefused},
		"lax":      {server.Open(t, "sql_mode=''"), storetest.IDLost},
	} {
		t.Run(name, func(t *testing.T) {
			columns := idColumns(name != "lax", c.inUUID)
			if server.Engine() == sqltest.MySQLEngine { // which has no such type
				columns = slices.DeleteFunc(columns, func(c storetest.IDColumn) bool { return c.Type == "UUID" })
			}
			storetest.IDColumns(t, l, name, storetest.IDAccessOverSQL(c.db, "?"), columns)
		})
	}
}

// idColumns are the columns that docs/schema.md has an opinion on. A session that is not strict cuts texts in two
// without an error.
func idColumns(strict bool, inUUID storetest.IDAnswer) []storetest.IDColumn {
	const binary = "BINARY(16)"
	const text = "CHAR(36) CHARACTER SET ascii CHECK (length(transfer_id) = 36)"
	textsInBinary := storetest.IDRefused
	if !strict {
		textsInBinary = storetest.IDLost
	}
	return []storetest.IDColumn{
		{Type: binary},
		{Type: "VARBINARY(16)"},
		{Type: "VARBINARY(36)"},
		{Type: "BLOB"},
		{Type: "UUID", Want: inUUID},
		{Name: "checked CHAR", Type: text, Want: storetest.IDRefused},
		{Name: "checked VARCHAR", Type: "VARCHAR(36) CHECK (length(transfer_id) = 36)", Want: storetest.IDRefused},
		{Type: "CHAR(36) CHARACTER SET utf8mb4", Want: storetest.IDLost},
		{Type: "CHAR(36) CHARACTER SET latin1", Want: storetest.IDLost},
		{Type: "CHAR(36) CHARACTER SET ascii", Want: storetest.IDLost},
		{Type: "BINARY(36)", Want: storetest.IDLost},
		{Name: "texts in UUID", Type: "UUID", Text: true},
		{Name: "texts in BINARY", Type: binary, Text: true, Want: textsInBinary},
		{Name: "texts in CHAR", Type: text, Text: true, Join: "UNHEX(REPLACE(o.transfer_id, '-', ''))"},
		{Name: "texts in CHAR, compared as they are", Type: text, Text: true, Want: storetest.IDLost},
	}
}
