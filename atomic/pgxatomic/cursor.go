package pgxatomic

import (
	"context"
	"errors"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/bursar-ledger/bursar/atomic"
)

// A cursor is a statement that still has the connection: rows, or the results of a batch.
type cursor struct {
	tx   *Tx
	ctx  context.Context
	shut func() error // closes, and returns the error of the statement

	use sync.Mutex // held while pgx has the connection

	mu   sync.Mutex // guards what follows
	over bool
	cut  bool // closed by the end of the block, not by its reader
	err  error
}

// Open implements native.Cursor.
func (c *cursor) Open() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.over
}

// Err implements native.Cursor.
func (c *cursor) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close implements native.Cursor: the block has ended.
func (c *cursor) Close() error { return c.close(true) }

func (c *cursor) close(cut bool) error {
	c.use.Lock()
	defer c.use.Unlock()
	if c.Open() {
		c.end(c.shut(), cut)
	}
	return c.Err()
}

// end notes that the connection is free. The caller holds c.use.
func (c *cursor) end(err error, cut bool) {
	if err == nil {
		err = c.tx.fit() // Some errors of a batch have only their reader.
	}
	err = c.tx.lost(err)
	c.mu.Lock()
	if c.over {
		c.mu.Unlock()
		return
	}
	c.over, c.cut, c.err = true, cut, err
	c.mu.Unlock()
	c.tx.session.Settle(c.ctx)
}

// told is the error for the reader.
func (c *cursor) told() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil && c.cut {
		return closed(atomic.ErrEnded)
	}
	return c.err
}

// failed returns what pgx returns where nothing could be sent: rows that are closed, and rows of one, with err.
func failed(err error) pgx.BatchResults { return pgx.FailedBatchResults(&pgx.Batch{}, err) }

// rows are the rows of one query.
type rows struct {
	pgx.Rows
	cursor *cursor
}

func newRows(ctx context.Context, t *Tx, inner pgx.Rows) *rows {
	shut := func() error {
		inner.Close()
		return inner.Err()
	}
	return &rows{inner, &cursor{tx: t, ctx: ctx, shut: shut}}
}

// Close implements pgx.Rows.
func (r *rows) Close() { _ = r.cursor.close(false) } // Err tells.

// Err implements pgx.Rows.
func (r *rows) Err() error { return r.cursor.told() }

// Next implements pgx.Rows.
func (r *rows) Next() bool {
	r.cursor.use.Lock()
	defer r.cursor.use.Unlock()
	if !r.cursor.Open() {
		return false
	}
	if r.Rows.Next() {
		return true
	}
	r.cursor.end(r.Rows.Err(), false)
	return false
}

// Scan implements pgx.Rows. After an error pgx has closed the rows.
func (r *rows) Scan(dest ...any) error {
	r.cursor.use.Lock()
	defer r.cursor.use.Unlock()
	return r.read(func() error { return r.Rows.Scan(dest...) })
}

// Values implements pgx.Rows.
func (r *rows) Values() (values []any, err error) {
	r.cursor.use.Lock()
	defer r.cursor.use.Unlock()
	err = r.read(func() error {
		values, err = r.Rows.Values()
		return err
	})
	return values, err
}

// errClosed is the answer of rows and results that their reader has closed.
var errClosed = errors.New("pgxatomic: already closed")

func (r *rows) read(fn func() error) error {
	if !r.cursor.Open() {
		if err := r.cursor.told(); err != nil {
			return err
		}
		return errClosed
	}
	err := fn()
	if err != nil {
		r.Rows.Close()
		r.cursor.end(err, false)
	}
	return err
}

// CommandTag implements pgx.Rows.
func (r *rows) CommandTag() pgconn.CommandTag {
	r.cursor.use.Lock()
	defer r.cursor.use.Unlock()
	return r.Rows.CommandTag()
}

// row is the only row of rows.
type row struct{ rows *rows }

// errDriverBytes refuses a destination that would point into rows that are closed by then.
var errDriverBytes = errors.New("cannot scan into *pgtype.DriverBytes from QueryRow")

// Scan implements pgx.Row.
func (r row) Scan(dest ...any) error {
	defer r.rows.Close()
	for _, d := range dest {
		if _, ok := d.(*pgtype.DriverBytes); ok {
			return errDriverBytes
		}
	}
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	r.rows.Close()
	return r.rows.Err()
}
