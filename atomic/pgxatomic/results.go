package pgxatomic

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// results are the results of a batch. They have the connection until they are closed.
type results struct {
	inner  pgx.BatchResults
	cursor *cursor
	err    error // the first one, guarded by cursor.use
	closed error // of the inner Close, guarded by cursor.use
}

func newResults(ctx context.Context, t *Tx, inner pgx.BatchResults) *results {
	r := &results{inner: inner, cursor: &cursor{tx: t, ctx: ctx}}
	r.cursor.shut = func() error {
		r.closed = t.lost(inner.Close())
		r.note(r.closed)
		return r.err
	}
	return r
}

// note keeps the first error. The caller holds r.cursor.use.
func (r *results) note(err error) {
	if r.err == nil && err != nil && !errors.Is(err, pgx.ErrNoRows) {
		r.err = err
	}
}

// take lets fn read from the results, unless they are closed.
func (r *results) take(fn func() error) error {
	r.cursor.use.Lock()
	defer r.cursor.use.Unlock()
	if !r.cursor.Open() {
		if err := r.cursor.told(); err != nil {
			return err
		}
		return errClosed
	}
	err := r.cursor.tx.lost(fn())
	r.note(err)
	return err
}

// Exec implements pgx.BatchResults.
func (r *results) Exec() (tag pgconn.CommandTag, err error) {
	err = r.take(func() error {
		tag, err = r.inner.Exec()
		return err
	})
	return tag, err
}

// Query implements pgx.BatchResults.
func (r *results) Query() (pgx.Rows, error) {
	var inner pgx.Rows
	err := r.take(func() (err error) {
		inner, err = r.inner.Query()
		return err
	})
	if err != nil {
		return failed(err).Query()
	}
	return &resultRows{Rows: inner, of: r}, nil
}

// QueryRow implements pgx.BatchResults.
func (r *results) QueryRow() pgx.Row {
	var inner pgx.Row
	err := r.take(func() error {
		inner = r.inner.QueryRow()
		return nil
	})
	if err != nil {
		return failed(err).QueryRow()
	}
	return resultRow{inner, r}
}

// Close implements pgx.BatchResults. It returns the error of pgx, or what pgx does not tell.
func (r *results) Close() error {
	_ = r.cursor.close(false)
	err := r.cursor.told()
	r.cursor.use.Lock()
	defer r.cursor.use.Unlock()
	if r.closed == nil && errors.Is(err, r.err) {
		return nil // The reader has had the error.
	}
	return err
}

// Tx implements pgx.BatchResults: a batch of a block begins nothing.
func (r *results) Tx() pgx.Tx { return nil }

// resultRows are the rows of one query of a batch.
type resultRows struct {
	pgx.Rows
	of  *results
	err error
}

// Close implements pgx.Rows.
func (r *resultRows) Close() {
	err := r.of.take(func() error {
		r.Rows.Close()
		return r.Rows.Err()
	})
	if r.err == nil && !errors.Is(err, errClosed) {
		r.err = err
	}
}

// Next implements pgx.Rows.
func (r *resultRows) Next() (more bool) {
	r.err = r.of.take(func() error {
		more = r.Rows.Next()
		return r.Rows.Err()
	})
	return more
}

// Scan implements pgx.Rows.
func (r *resultRows) Scan(dest ...any) error {
	r.err = r.of.take(func() error { return r.Rows.Scan(dest...) })
	return r.err
}

// Values implements pgx.Rows.
func (r *resultRows) Values() (values []any, err error) {
	r.err = r.of.take(func() error {
		values, err = r.Rows.Values()
		return err
	})
	return values, r.err
}

// Err implements pgx.Rows.
func (r *resultRows) Err() error { return r.err }

// resultRow is the row of one query of a batch.
type resultRow struct {
	inner pgx.Row
	of    *results
}

// Scan implements pgx.Row.
func (r resultRow) Scan(dest ...any) error {
	return r.of.take(func() error { return r.inner.Scan(dest...) })
}
