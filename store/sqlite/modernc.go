//go:build !bursar_no_modernc

package sqlite

import (
	"database/sql"

	modernc "modernc.org/sqlite" // registers the driver "sqlite"
)

// openFile is a handle of the ledger's own, whose connections keep their prepared statements, and beside it the
// connection that only the ledger's own writes use.
func openFile(path string) (*file, error) {
	base, err := modernc.NewConnector(DSN(path))
	if err != nil {
		return nil, err
	}
	own := newPrivately(path)
	return &file{sql.OpenDB(connector{base}), own.pool(), own.written}, nil
}
