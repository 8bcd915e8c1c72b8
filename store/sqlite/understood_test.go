package sqlite_test

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	modernc "modernc.org/sqlite"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// mute is a driver whose errors are mere words.
type mute struct{ sqldriver.Connector }

func (m mute) Connect(ctx context.Context) (sqldriver.Conn, error) {
	conn, err := m.Connector.Connect(ctx)
	return muteConn{conn}, err
}

type muteConn struct{ sqldriver.Conn }

// ExecContext is part of database/sql/driver.ExecerContext.
func (c muteConn) ExecContext(
	ctx context.Context, query string, args []sqldriver.NamedValue,
) (sqldriver.Result, error) {
	execer, ok := c.Conn.(sqldriver.ExecerContext)
	if !ok {
		return nil, sqldriver.ErrSkip
	}
	result, err := execer.ExecContext(ctx, query, args)
	if err != nil {
		err = errors.New(err.Error())
	}
	return result, err
}

func TestADriverWithoutResultCodesIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "mute.db")
	own, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	if _, err := ledger.New(t.Context(), own, &ledger.Options{Migrate: true}); err != nil {
		t.Fatal(err)
	}
	base, err := modernc.NewConnector(sqlite.DSN(path))
	if err != nil {
		t.Fatal(err)
	}
	db := sql.OpenDB(mute{base})
	defer db.Close()
	_, err = ledger.New(t.Context(), sqlite.New(db), nil)
	if bursar.CodeOf(err) != bursar.CodeUnsupported || !strings.Contains(err.Error(), "mattn/go-sqlite3") {
		t.Errorf("%v, want %v with the remedy", err, bursar.CodeUnsupported)
	}
}
