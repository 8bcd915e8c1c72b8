package pgxatomic_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"os"
	"strconv"
	"sync"
	satomic "sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/atomic/pgxatomic"
	"github.com/bursar-ledger/bursar/atomic/postgres"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// overPgx is a harness with statements and savepoints of pgx. pools makes its pools.
func overPgx(h atomictest.Harness, pools *pools) atomictest.Harness {
	h.Name += ", over pgx"
	h.Open = pools.open
	h.Native = func(tx *atomic.Tx) atomictest.Statements {
		own, err := pgxatomic.Of(tx)
		if errors.Is(err, atomic.ErrUnsupported) {
			return nil // adopted
		}
		return statements{own, err}
	}
	h.Savepoint = func(ctx context.Context, tx *atomic.Tx, fn func(*atomic.Tx) error) error {
		own, err := pgxatomic.Of(tx)
		if err != nil {
			return err
		}
		return pgx.BeginFunc(ctx, own, func(inner pgx.Tx) error { return fn(inner.(*pgxatomic.Tx).Atomic()) })
	}
	h.Discard = pgxatomic.Discard
	h.Connections = pools.connections
	return h
}

// pools are handles over pools of pgx, each on a schema of its own.
type pools struct {
	server *sqltest.Server
	made   satomic.Int64
	of     sync.Map // *pgxpool.Pool by *sql.DB
}

func (p *pools) open(t *testing.T) (pool, other *sql.DB) {
	t.Helper()
	schema := "suite" + strconv.FormatInt(p.made.Add(1), 10)
	admin := p.server.Open(t)
	if _, err := admin.ExecContext(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	own := newPool(t, p.server.DSN("search_path="+schema, "pool_max_conns=20"))
	pool = overPool(t, own)
	p.of.Store(pool, own)
	return pool, p.server.Open(t, "search_path="+schema)
}

func (p *pools) connections(pool *sql.DB) int {
	own, _ := p.of.Load(pool)
	return int(own.(*pgxpool.Pool).Stat().TotalConns())
}

func newPool(t testing.TB, dsn string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func overPool(t testing.TB, pool *pgxpool.Pool) *sql.DB {
	t.Helper()
	db := stdlib.OpenDBFromPool(pool)
	t.Cleanup(func() { _ = db.Close() }) // It has no connections of its own.
	return db
}

func TestSuite(t *testing.T) {
	t.Parallel()
	atomictest.Run(t, overPgx(atomictest.Postgres(postgres.Dialect{}, nil), &pools{server: sqltest.Postgres(t)}))
}

func TestSuiteOnCockroach(t *testing.T) {
	t.Parallel()
	if os.Getenv("BURSAR_TEST_COCKROACH") == "" {
		t.Skip("BURSAR_TEST_COCKROACH names no server")
	}
	atomictest.Run(t, overPgx(atomictest.Cockroach(postgres.Cockroach{}, nil), &pools{server: sqltest.Cockroach(t)}))
}

// statements runs a behaviour's statements over pgx.
type statements struct {
	tx  *pgxatomic.Tx
	err error // why there is no tx
}

// ExecContext implements atomictest.Statements.
func (s statements) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if s.err != nil {
		return nil, s.err
	}
	tag, err := s.tx.Exec(ctx, query, args...)
	return driver.RowsAffected(tag.RowsAffected()), err
}

// QueryContext implements atomictest.Statements.
func (s statements) QueryContext(ctx context.Context, query string, args ...any) (atomictest.Rows, error) {
	if s.err != nil {
		return nil, s.err
	}
	r, err := s.tx.Query(ctx, query, args...)
	return rows{r}, err
}

// QueryRowContext implements atomictest.Statements.
func (s statements) QueryRowContext(ctx context.Context, query string, args ...any) atomic.Row {
	if s.err != nil {
		return failedRow{s.err}
	}
	return s.tx.QueryRow(ctx, query, args...)
}

// PrepareContext implements atomictest.Statements.
func (s statements) PrepareContext(ctx context.Context, query string) (atomictest.Stmt, error) {
	if s.err != nil {
		return nil, s.err
	}
	sum := sha256.Sum256([]byte(query))
	name := hex.EncodeToString(sum[:8])
	_, err := s.tx.Prepare(ctx, name, query)
	return prepared{s, name}, err
}

type prepared struct {
	on   statements
	name string
}

// ExecContext implements atomictest.Stmt.
func (p prepared) ExecContext(ctx context.Context, args ...any) (sql.Result, error) {
	return p.on.ExecContext(ctx, p.name, args...)
}

type rows struct{ pgx.Rows }

// Close implements atomictest.Rows.
func (r rows) Close() error {
	r.Rows.Close()
	return r.Err()
}

type failedRow struct{ err error }

// Scan implements atomic.Row.
func (r failedRow) Scan(...any) error { return r.err }
