package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// PgxTx makes a database transaction of pgx's own fit for ledger.In, a nested one too.
func PgxTx(tx pgx.Tx) bursar.CallerTx { return &pgxTx{tx} }

// pgxTx runs statements over pgx itself.
type pgxTx struct{ tx pgx.Tx }

var _ sqlstore.Executor = (*pgxTx)(nil)

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
	return tag.RowsAffected(), ended(err)
}

// Query runs a statement that returns rows. Some errors come with the rows.
func (p *pgxTx) Query(ctx context.Context, query string, args ...any) (sqlstore.Rows, error) {
	rows, err := p.tx.Query(ctx, query, args...)
	if err != nil {
		return nil, ended(err)
	}
	return pgxRows{rows}, nil
}

// ended says that a database transaction is over as database/sql does.
func ended(err error) error {
	if errors.Is(err, pgx.ErrTxClosed) {
		return fmt.Errorf("%w: %w", sql.ErrTxDone, err)
	}
	return err
}

type pgxRows struct{ pgx.Rows }

// Close ends the reading.
func (r pgxRows) Close() error {
	r.Rows.Close()
	return r.Rows.Err()
}
