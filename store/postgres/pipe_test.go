package postgres_test

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// watched is pgx behind a driver that watches it, as programs have that trace their statements. Its connections are not
// *stdlib.Conn, so nothing can be sent but one statement at a time.
type watched struct{ sqldriver.Connector }

func (w watched) Connect(ctx context.Context) (sqldriver.Conn, error) {
	conn, err := w.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return watchedConn{conn.(*stdlib.Conn)}, nil
}

type watchedConn struct{ *stdlib.Conn }

func TestBehindAnotherDriver(t *testing.T) {
	t.Parallel()
	owner := newDesk(t, nil)
	config, err := pgx.ParseConfig(owner.server.DSN(owner.params...))
	owner.must(err)
	db := sql.OpenDB(watched{stdlib.GetConnector(*config)})
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	store := postgres.NewSQL(db)
	for _, strategy := range []ledger.Strategy{
		ledger.Queue{}, ledger.Locks{}, ledger.Swap{}, ledger.Hybrid{}, ledger.Serializable{},
	} {
		l, err := ledger.New(t.Context(), store, &ledger.Options{Strategy: strategy})
		owner.must(err)
		_, err = l.Post(t.Context(), move("users:1", "users:2", "1.00 USD"))
		owner.must(err)
		_, err = l.Post(t.Context(), move("users:1", "users:2", "1000.00 USD"))
		owner.wantCode(err, bursar.CodeInsufficientFunds)
		tx, err := db.BeginTx(t.Context(), nil)
		owner.must(err)
		_, err = l.In(postgres.Tx(tx)).Post(t.Context(), move("users:2", "users:3", "1.00 USD"))
		owner.must(err)
		owner.must(tx.Commit())
		_, err = l.Seal(t.Context())
		owner.must(err)
		report, err := verify.Run(t.Context(), store, l.Book(), nil)
		owner.must(err)
		owner.must(report.Err())
		owner.must(l.Close(t.Context()))
	}
	owner.wantBalance("users:3", "105.00 USD")
}

// TestAConnectionThatEndsAmongStatements ends the connection of a post while the first of its statements waits for a
// lock, the others being sent already: it is posted once, over another connection.
func TestAConnectionThatEndsAmongStatements(t *testing.T) {
	t.Parallel()
	d := newDesk(t, &ledger.Options{Strategy: ledger.Locks{}})
	tx := d.begin()
	_, err := d.ledger.In(postgres.PgxTx(tx)).Post(t.Context(), move("users:1", "users:2", "1.00 USD"))
	d.must(err)
	posted := make(chan error, 1)
	go func() {
		_, err := d.ledger.Post(t.Context(), move("users:1", "users:3", "1.00 USD"))
		posted <- err
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const end = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE datname = current_database() AND wait_event_type = 'Lock'`
	for ended := 0; ended == 0; {
		d.must(d.pool.QueryRow(ctx, end).Scan(&ended))
	}
	d.must(tx.Commit(t.Context()))
	d.must(<-posted)
	d.wantBalance("users:1", "98.00 USD")
	d.wantBalance("users:3", "101.00 USD")
	d.wantVerified()
}
