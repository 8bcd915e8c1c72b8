//go:build bursar_no_modernc

package sqlite

import (
	"database/sql"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// openFile is a handle of the ledger's own over the driver "sqlite" that the program brings. All that is known of that
// driver is database/sql's, so there is no connection that only the ledger's own writes use.
func openFile(path string) (*file, error) {
	db, err := sql.Open("sqlite", DSN(path))
	if err != nil {
		return nil, bursar.Errorf(bursar.CodeUnsupported,
			"the program is built with bursar_no_modernc and has no driver \"sqlite\": import one: %w", err)
	}
	return &file{db: db}, nil
}

// scan reads nothing: only with the driver's own copy of SQLite it could.
func scan(any, string, []int64, func([]sqlstore.Scanned)) bool { return false }
