package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/store/storetest"
)

// TestIDsInColumnsOfTheApplication: PostgreSQL never compares a uuid with anything else, so no join finds nothing
// without an error. Where pgx does not ask the server for types, it takes an id for bytes, and String has to be used.
func TestIDsInColumnsOfTheApplication(t *testing.T) {
	t.Parallel()
	at := schemas(t, sqltest.Postgres(t))(t)
	d := deskAt(t, at, nil)
	with := func(mode string) place {
		return place{at.server, append([]string{"default_query_exec_mode=" + mode}, at.params...)}
	}
	const text = "text CHECK (length(transfer_id) = 36)"
	columns := []storetest.IDColumn{
		{Type: "bytea", Want: storetest.IDRefused},
		{Type: "text", Want: storetest.IDRefused},
		{Type: "varchar(36)", Want: storetest.IDRefused},
		{Type: "char(36)", Want: storetest.IDRefused},
		{Name: "texts in uuid", Type: "uuid", Text: true},
		{Name: "texts in text", Type: text, Text: true, Join: "o.transfer_id::uuid"},
	}
	for name, c := range map[string]struct {
		access storetest.IDAccess
		inUUID storetest.IDAnswer
	}{
		"pgx":           {overPgx(d.pool), storetest.IDFound},
		"pgx_exec":      {overPgx(with("exec").pool(t)), storetest.IDRefused},
		"pgx_simple":    {overPgx(with("simple_protocol").pool(t)), storetest.IDRefused},
		"stdlib":        {storetest.IDAccessOverSQL(at.open(t), "$1"), storetest.IDFound},
		"stdlib_exec":   {storetest.IDAccessOverSQL(with("exec").open(t), "$1"), storetest.IDRefused},
		"stdlib_simple": {storetest.IDAccessOverSQL(with("simple_protocol").open(t), "$1"), storetest.IDRefused},
	} {
		t.Run(name, func(t *testing.T) {
			columns := append([]storetest.IDColumn{{Type: "uuid", Want: c.inUUID}}, columns...)
			storetest.IDColumns(t, d.ledger, name, c.access, columns)
		})
	}
}

// overPgx is the access of pgx itself.
func overPgx(pool *pgxpool.Pool) storetest.IDAccess {
	return storetest.IDAccess{
		Parameter: "$1",
		Exec: func(ctx context.Context, query string, args ...any) error {
			_, err := pool.Exec(ctx, query, args...)
			return err
		},
		Row: func(ctx context.Context, query string, args []any, into ...any) error {
			err := pool.QueryRow(ctx, query, args...).Scan(into...)
			if errors.Is(err, pgx.ErrNoRows) {
				return sql.ErrNoRows
			}
			return err
		},
	}
}
