package pgxatomic_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/pgxatomic"
)

// point is a type of PostgreSQL's that the pool registers.
type point struct {
	X int32
	Y int32
}

func TestTheTypesOfPgxScan(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.exec(`CREATE TYPE point2 AS (x int4, y int4)`)
	config, err := pgxpool.ParseConfig(f.server.DSN())
	f.must(err)
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		kind, err := conn.LoadType(ctx, "point2")
		if err == nil {
			conn.TypeMap().RegisterType(kind)
		}
		return err
	}
	pool, err := pgxpool.NewWithConfig(f.ctx(), config)
	f.must(err)
	t.Cleanup(pool.Close)
	f.use(pool)
	f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		var numbers []int32
		var texts []string
		var at point
		var maybe pgtype.Text
		err := tx.QueryRow(ctx, `SELECT $1::int4[], ARRAY['a', 'b'], ROW(3, 4)::point2, NULL::text`, []int32{1, 2}).
			Scan(&numbers, &texts, &at, &maybe)
		if !slices.Equal(numbers, []int32{1, 2}) || !slices.Equal(texts, []string{"a", "b"}) ||
			at != (point{3, 4}) || maybe.Valid {
			t.Errorf("scanned %v, %v, %v, %v", numbers, texts, at, maybe)
		}
		return err
	}))
}

func TestTheHelpersOfPgxTakeTheTx(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	type row struct {
		N     int32
		Words []string
	}
	f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		rows, err := tx.Query(ctx, `SELECT n, ARRAY[@word] AS words FROM generate_series(1, 2) AS n`,
			pgx.NamedArgs{"word": "w"})
		if err != nil {
			return err
		}
		got, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
		if len(got) != 2 || got[1].N != 2 || got[1].Words[0] != "w" {
			t.Errorf("collected %v", got)
		}
		if err != nil {
			return err
		}
		rows, err = tx.Query(ctx, `SELECT n FROM generate_series(1, 3) AS n`)
		if err != nil {
			return err
		}
		var n, sum int
		tag, err := pgx.ForEachRow(rows, []any{&n}, func() error { sum += n; return nil })
		if sum != 6 || tag.RowsAffected() != 3 {
			t.Errorf("sum = %d of %d rows", sum, tag.RowsAffected())
		}
		var none int
		if err := tx.QueryRow(ctx, `SELECT 1 WHERE false`).Scan(&none); !errors.Is(err, pgx.ErrNoRows) {
			t.Errorf("no row = %v", err)
		}
		if bytes := new(pgtype.DriverBytes); tx.QueryRow(ctx, `SELECT 'a'::bytea`).Scan(bytes) == nil {
			t.Error("a row of one lent its bytes")
		}
		return errors.Join(err, add(ctx, tx, "kept"))
	}))
	f.wantWords("kept")
}

func TestAScanThatFailsBreaksNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		var number int
		if err := tx.QueryRow(ctx, `SELECT 'text'`).Scan(&number); err == nil {
			t.Error("a text is a number")
		}
		rows, err := tx.Query(ctx, `SELECT 'a' UNION SELECT 'b'`)
		f.must(err)
		if !rows.Next() || rows.Scan(&number) == nil || rows.Next() || rows.Err() == nil {
			t.Errorf("after a Scan that failed: %v", rows.Err())
		}
		if _, err := rows.Values(); err == nil {
			t.Error("values of closed rows")
		}
		return add(ctx, tx, "kept")
	}))
	f.wantWords("kept")
}

func TestLargeObjectsAreUnderTheRules(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var kept pgx.LargeObjects
	f.must(f.do(func(ctx context.Context, tx *pgxatomic.Tx) error {
		kept = tx.LargeObjects()
		id, err := kept.Create(ctx, 0)
		f.must(err)
		object, err := kept.Open(ctx, id, pgx.LargeObjectModeWrite|pgx.LargeObjectModeRead)
		f.must(err)
		_, err = object.Write([]byte("large"))
		f.must(err)
		_, err = object.Seek(1, 0)
		f.must(err)
		read := make([]byte, 4)
		_, err = object.Read(read)
		if string(read) != "arge" {
			t.Errorf("read %q", read)
		}
		f.must(errors.Join(err, object.Close()))
		f.is(tx.Atomic().Savepoint(ctx, func(ctx context.Context, _ *atomic.Tx) error {
			_, err := kept.Open(ctx, id+1, pgx.LargeObjectModeRead)
			var told *pgconn.PgError
			if !errors.As(err, &told) {
				t.Errorf("another object = %v", err)
			}
			return nil
		}), atomic.ErrBroken)
		return add(ctx, tx, "kept")
	}))
	_, err := kept.Create(f.ctx(), 0)
	f.is(err, atomic.ErrEnded)
	f.wantWords("kept")
}
