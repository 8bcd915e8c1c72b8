package postgres

import (
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// PgxTx makes a database transaction of pgx's own fit for ledger.In, a nested one too. The Tx of package pgxatomic is
// fit as it is, and PgxTx returns it.
func PgxTx(tx pgx.Tx) driver.CallerTx {
	if fit, ok := tx.(driver.CallerTx); ok {
		return fit
	}
	return &pgxTx{tx}
}

// pgxTx runs statements over pgx itself.
type pgxTx struct{ tx pgx.Tx }

var _ sqlstore.Piper = (*pgxTx)(nil)

// DatabaseTx is nothing when there is no database transaction.
func (p *pgxTx) DatabaseTx() any {
	if p.tx == nil {
		return nil
	}
	return p
}

// Exec runs a statement that returns no rows.
func (p *pgxTx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	tag, err := p.tx.Exec(ctx, query, args...)
	return tag.RowsAffected(), p.ended(err)
}

// Query runs a statement that returns rows. Some errors come with the rows.
func (p *pgxTx) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	rows, err := p.tx.Query(ctx, query, args...)
	if err != nil {
		return nil, p.ended(err)
	}
	return pgxRows{rows, p}, nil
}

// Pipe implements sqlstore.Piper.
func (p *pgxTx) Pipe(ctx context.Context, calls []*sqlstore.Call) (done int, err error) {
	done, err = send(ctx, p.tx, calls)
	return done, p.ended(err)
}

// pipe is Pipe over a connection of pgx's package stdlib.
func pipe(ctx context.Context, driverConn any, calls []*sqlstore.Call) (done int, err error) {
	conn, ok := driverConn.(*stdlib.Conn)
	if !ok { // something stands before the driver
		return 0, sqlstore.ErrNoPipe
	}
	done, err = send(ctx, conn.Conn(), calls)
	return done, lost(err, conn.Conn())
}

// batcher is what pgx sends several statements with.
type batcher interface {
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// send sends statements in one round trip, or in two where pgx has to ask first how one is to be called.
func send(ctx context.Context, conn batcher, calls []*sqlstore.Call) (done int, err error) {
	var batch pgx.Batch
	for _, c := range calls {
		batch.Queue(c.Query, c.Args...)
	}
	results := conn.SendBatch(ctx, &batch)
	defer func() {
		if closing := results.Close(); err == nil {
			err = closing
		}
	}()
	for _, c := range calls {
		if err := answer(results, c); err != nil {
			return done, err
		}
		done++
	}
	return done, nil
}

// answer reads the answer to one of the statements.
func answer(results pgx.BatchResults, c *sqlstore.Call) error {
	if c.Row == nil {
		tag, err := results.Exec()
		c.Touched = tag.RowsAffected()
		return err
	}
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := c.Row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// ended says as database/sql does that a database transaction is over, or that its connection was lost before the
// statement. pgx says only "conn closed" of a connection that was lost after the answer to an earlier statement.
func (p *pgxTx) ended(err error) error {
	if errors.Is(err, pgx.ErrTxClosed) {
		return fmt.Errorf("%w: %w", sql.ErrTxDone, err)
	}
	return lost(err, p.tx.Conn())
}

// lost adds sqldriver.ErrBadConn to an error that comes from a lost connection.
func lost(err error, conn *pgx.Conn) error {
	var told *pgconn.PgError
	if err != nil && !errors.As(err, &told) && conn.IsClosed() {
		return fmt.Errorf("%w: %w", sqldriver.ErrBadConn, err)
	}
	return err
}

type pgxRows struct {
	pgx.Rows
	tx *pgxTx
}

// Err is what ended the rows.
func (r pgxRows) Err() error { return r.tx.ended(r.Rows.Err()) }

// Close ends the reading.
func (r pgxRows) Close() error {
	r.Rows.Close()
	return r.Err()
}
