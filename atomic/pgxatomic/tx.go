package pgxatomic

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"unsafe"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/internal/native"
)

// A Tx is one block of an open database transaction, as a pgx.Tx. It lives as long as the function that it was given
// to, or until the Commit or Rollback of what [Tx.Begin] returned, and runs one statement at a time.
//
// Each method that runs a statement returns, besides the errors of pgx: [atomic.ErrEnded] (which is also
// pgx.ErrTxClosed), [atomic.ErrConcurrent], [atomic.ErrBroken] after an earlier error, [atomic.ErrRowsOpen] while
// rows or the results of a batch are open, and [atomic.ErrControl] for a statement such as COMMIT, which is not sent.
// The error of a connection that was lost is also driver.ErrBadConn.
type Tx struct {
	block   *atomic.Tx
	session native.Session[*atomic.Tx]
	conn    *pgx.Conn
}

var _ pgx.Tx = (*Tx)(nil)

// Atomic returns the same block as an *atomic.Tx: for hooks, row locks, [atomic.Advisory], [atomic.Swap] and the like.
func (t *Tx) Atomic() *atomic.Tx { return t.block }

// DatabaseTx is [atomic.Tx.DatabaseTx] of the same block. So what takes an *atomic.Tx through that method, as a ledger
// does, takes a Tx as well.
func (t *Tx) DatabaseTx() any { return t.block.DatabaseTx() }

// Begin opens a savepoint, which ends with Commit or Rollback of what Begin returns. pgx.BeginFunc does both. Its
// writes and hooks are undone by Rollback, by a Commit that fails, and by the end of the block around it. A block
// that returns nil while a savepoint is open fails. A block inside begins in the innermost savepoint, whatever its
// context.
func (t *Tx) Begin(ctx context.Context) (pgx.Tx, error) {
	block, err := t.session.Begin(ctx)
	if err != nil {
		return nil, closed(t.lost(err))
	}
	tx, err := Of(block)
	if err != nil {
		return nil, err
	}
	return tx, nil
}

// Commit ends the savepoint of [Tx.Begin] well. If an error has broken it, it is undone instead, and the error wraps
// [atomic.ErrBroken] and is pgx.ErrTxCommitRollback. The Tx of [Do] refuses Commit with [atomic.ErrControl]: its
// function returns nil instead. Commit works although ctx is done.
func (t *Tx) Commit(ctx context.Context) error {
	err := t.session.Commit(ctx)
	if errors.Is(err, atomic.ErrBroken) {
		return fmt.Errorf("%w: %w", pgx.ErrTxCommitRollback, err)
	}
	return closed(err)
}

// Rollback undoes the savepoint of [Tx.Begin] and what is open inside it, and repairs what an error has broken. The
// Tx of [Do] refuses Rollback with [atomic.ErrControl]: its function returns an error instead. Rollback works
// although ctx is done.
func (t *Tx) Rollback(ctx context.Context) error { return closed(t.session.Rollback(ctx)) }

// Exec runs a statement that returns no rows.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (tag pgconn.CommandTag, err error) {
	if err := t.session.Control(query); err != nil {
		return tag, err
	}
	args = t.checked(args)
	err = t.run(ctx, func() (native.Cursor, error) {
		tag, err = t.conn.Exec(ctx, query, args...)
		return nil, err
	})
	return tag, err
}

// Query runs a statement that returns rows. As in pgx, some errors come with the rows: look at Err after reading.
// Rows left open are closed with the block, and say ErrEnded then.
func (t *Tx) Query(ctx context.Context, query string, args ...any) (pgx.Rows, error) {
	r, err := t.query(ctx, query, args)
	if err != nil {
		return failed(err).Query()
	}
	return r, nil
}

func (t *Tx) query(ctx context.Context, query string, args []any) (*rows, error) {
	if err := t.session.Control(query); err != nil {
		return nil, err
	}
	args = t.checked(args)
	var r *rows
	err := t.run(ctx, func() (native.Cursor, error) {
		inner, err := t.conn.Query(ctx, query, args...)
		if err != nil {
			return nil, err // pgx has closed the rows.
		}
		r = newRows(ctx, t, inner)
		return r.cursor, nil
	})
	return r, err
}

// QueryRow runs a statement that returns at most one row. Errors come with Scan.
func (t *Tx) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	r, err := t.query(ctx, query, args)
	if err != nil {
		return failed(err).QueryRow()
	}
	return row{r}
}

// CopyFrom copies rows into a table. source must not use the Tx.
func (t *Tx) CopyFrom(
	ctx context.Context, table pgx.Identifier, columns []string, source pgx.CopyFromSource,
) (n int64, err error) {
	err = t.run(ctx, func() (native.Cursor, error) {
		n, err = t.conn.CopyFrom(ctx, table, columns, source)
		return nil, err
	})
	return n, err
}

// SendBatch sends several statements at once. Close its results before the next statement. If one of the statements
// is refused with [atomic.ErrControl], none is sent. Functions given to a queued query must not use the Tx.
func (t *Tx) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	for _, q := range b.QueuedQueries {
		if err := t.session.Control(q.SQL); err != nil {
			return pgx.FailedBatchResults(b, err)
		}
		q.Arguments = t.checked(q.Arguments)
	}
	var r *results
	err := t.run(ctx, func() (native.Cursor, error) {
		r = newResults(ctx, t, t.conn.SendBatch(ctx, b))
		return r.cursor, nil
	})
	if err != nil {
		return pgx.FailedBatchResults(b, err)
	}
	return r
}

// Prepare prepares a statement on the connection, which keeps it after the block.
func (t *Tx) Prepare(ctx context.Context, name, query string) (sd *pgconn.StatementDescription, err error) {
	if err := t.session.Control(query); err != nil {
		return nil, err
	}
	err = t.run(ctx, func() (native.Cursor, error) {
		sd, err = t.conn.Prepare(ctx, name, query)
		return nil, err
	})
	return sd, err
}

// LargeObjects returns the large objects of the database. Their statements are statements of the Tx.
func (t *Tx) LargeObjects() pgx.LargeObjects {
	// pgx has no way to make one for a pgx.Tx that is not its own.
	kind, want := reflect.TypeFor[pgx.LargeObjects](), reflect.TypeFor[pgx.Tx]()
	if kind.NumField() != 1 || kind.Field(0).Type != want {
		panic("pgxatomic: this version of pgx has other large objects, use lo_get and lo_put in a query")
	}
	var objects pgx.LargeObjects
	*(*pgx.Tx)(unsafe.Pointer(&objects)) = t
	return objects
}

// Conn returns the connection, for its types and settings. A statement that is run on it goes past the Tx: the next
// statement of the Tx, or COMMIT, finds what it did to the database transaction.
func (t *Tx) Conn() *pgx.Conn { return t.conn }

// run runs one statement of the block.
func (t *Tx) run(ctx context.Context, fn func() (native.Cursor, error)) error {
	return closed(t.session.Run(ctx, func() (native.Cursor, error) {
		if err := t.fit(); err != nil {
			return nil, err
		}
		cursor, err := fn()
		if err == nil && cursor == nil {
			err = t.fit()
		}
		return cursor, t.lost(err)
	}))
}

// What the server has said of the database transaction in its last answer.
const (
	statusOpen   = 'T'
	statusFailed = 'E'
)

var (
	// errPast is the cause when a statement that the Tx could not see has ended the database transaction.
	errPast = fmt.Errorf("pgxatomic: %w: %w", native.ErrPast, atomic.ErrOutcomeUnknown)
	// errUnseen is the cause when a statement has failed and nobody has reported its error.
	errUnseen = errors.New("pgxatomic: a statement past the Tx has failed, see its error")
)

// fit reports what the Tx could not see. The server says with every answer whether the database transaction is open.
func (t *Tx) fit() error {
	if t.conn.IsClosed() {
		return nil // The next statement finds that.
	}
	switch t.conn.PgConn().TxStatus() {
	case statusOpen:
		return nil
	case statusFailed:
		return errUnseen
	}
	return errPast
}

// lost says of an error that it is that of a lost connection, as database/sql does. pgx says "conn closed" where an
// earlier answer was followed by the loss.
func (t *Tx) lost(err error) error {
	var told *pgconn.PgError
	switch {
	case err == nil, errors.As(err, &told), errors.Is(err, driver.ErrBadConn), !t.conn.IsClosed():
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err // pgx has closed the connection itself.
	}
	return fmt.Errorf("%w: %w", driver.ErrBadConn, err)
}

// closed says of a Tx whose block has ended what pgx says.
func closed(err error) error {
	if errors.Is(err, atomic.ErrEnded) && !errors.Is(err, pgx.ErrTxClosed) {
		return fmt.Errorf("%w: %w", err, pgx.ErrTxClosed)
	}
	return err
}

// checked replaces a rewriter of queries by one whose queries are held to the rules. Those of pgx itself only fill in
// parameters.
func (t *Tx) checked(args []any) []any {
	for i, arg := range args {
		switch arg := arg.(type) {
		case pgx.NamedArgs, pgx.StrictNamedArgs, checkedRewriter:
			return args
		case pgx.QueryRewriter:
			args = append([]any(nil), args...)
			args[i] = checkedRewriter{arg, t.session}
			return args
		case pgx.QueryExecMode, pgx.QueryResultFormats, pgx.QueryResultFormatsByOID:
		default:
			return args
		}
	}
	return args
}

// A checkedRewriter holds what its rewriter has made of a query to the rules.
type checkedRewriter struct {
	pgx.QueryRewriter
	session native.Session[*atomic.Tx]
}

// RewriteQuery implements pgx.QueryRewriter.
func (r checkedRewriter) RewriteQuery(
	ctx context.Context, conn *pgx.Conn, query string, args []any,
) (string, []any, error) {
	query, args, err := r.QueryRewriter.RewriteQuery(ctx, conn, query, args)
	if err == nil {
		err = r.session.Control(query)
	}
	return query, args, err
}
