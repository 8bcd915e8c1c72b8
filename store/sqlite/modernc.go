//go:build !bursar_no_modernc

package sqlite

import (
	"database/sql"

	modernc "modernc.org/sqlite" // registers the driver "sqlite"
)

// openFile is a handle of the ledger's own, whose connections keep their prepared statements.
func openFile(path string) (*sql.DB, error) {
	base, err := modernc.NewConnector(DSN(path))
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector{base}), nil
}
