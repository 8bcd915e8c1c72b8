package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"

	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// auditSchema describes the ledger's tables, indexes, triggers and views by the statements that made them, which SQLite
// keeps as they were written. Indexes that belong to a table's own statement have none. Names are compared by bytes,
// because that is how SQLite stores them.
const auditSchema = `SELECT type, iif(tbl_name = name, '', tbl_name), name, coalesce(sql, ''), ''
		FROM sqlite_schema WHERE tbl_name LIKE 'bursar\_%' ESCAPE '\' OR name LIKE 'bursar\_%' ESCAPE '\'
	UNION ALL SELECT 'migration', '', CAST(version AS TEXT), name, '' FROM bursar_migration`

// describe applies the migrations to a database in memory, which is exact for every version of SQLite.
func describe(ctx context.Context) (objects []sqlstore.Object, err error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1) // another one would have a database of its own
	files, err := fs.Glob(Migrations(), "*.up.sql")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := fs.ReadFile(Migrations(), file)
		if err != nil {
			return nil, err
		}
		if _, err := db.ExecContext(ctx, string(text)); err != nil {
			return nil, err
		}
	}
	return sqlstore.ObjectsIn(ctx, db, auditSchema)
}
