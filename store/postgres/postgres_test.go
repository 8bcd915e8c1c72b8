package postgres_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/postgres"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	d := newDesk(t, nil)
	address := d.server.DSN(d.params...)
	for _, url := range []string{
		address, strings.Replace(address, "postgres://", "postgresql://", 1), address + "&pool_max_conns=1",
		address + "&application_name=shop",
	} {
		store, err := postgres.Open(url)
		d.must(err)
		l, err := ledger.New(t.Context(), store, nil)
		d.must(err)
		_, err = l.Post(t.Context(), move("users:1", "users:2", "1.00 USD"))
		d.must(err)
		name := "bursar"
		if strings.Contains(url, "shop") {
			name = "shop"
		}
		const count = "SELECT count(*)::text FROM pg_stat_activity " +
			"WHERE application_name = $1 AND datname = current_database()"
		if got := d.text(count, name); got == "0" {
			t.Errorf("no connection is called %s", name)
		}
		d.must(l.Close(t.Context()))
		d.must(store.Close())
		_, err = ledger.New(t.Context(), store, nil)
		if err == nil {
			t.Error("a closed store was opened")
		}
	}
	d.wantVerified()
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "bursar", "mysql://u:hunter2@h/d", "postgres://u:hunter2@h:port/d",
		"postgres://u:hunter2@h:5432/d?pool_max_conns=x",
	} {
		_, err := postgres.Open(url)
		if bursar.CodeOf(err) != bursar.CodeMalformed {
			t.Errorf("%s: %v", url, err)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error gives the password away: %v", err)
		}
	}
}

// TestModesOfTheDriver works without prepared statements, as behind a pool such as PgBouncer.
func TestModesOfTheDriver(t *testing.T) {
	t.Parallel()
	where := schemas(t, sqltest.Postgres(t))
	for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			d := deskAt(t, where(t), nil, "default_query_exec_mode="+mode)
			order := move("users:1", "users:2", "1.00 USD")
			order.ID, order.Reference, order.Metadata = bursar.IDOf("order.pay", 7), "ordre á 7", bursar.Metadata{"a": "b"}
			batch := []bursar.Transfer{order, move("users:2", "users:3", "500.00 USD"), move("users:3", "users:4", "2.00 USD")}
			results, err := d.ledger.PostBatch(t.Context(), batch)
			d.must(err)
			d.must(results[0].Err)
			d.wantCode(results[1].Err, bursar.CodeInsufficientFunds)
			d.must(results[2].Err)
			d.must(pgx.BeginFunc(t.Context(), d.pool, func(tx pgx.Tx) error {
				again, err := d.ledger.In(postgres.PgxTx(tx)).Post(t.Context(), order)
				if !again.Replayed {
					t.Errorf("a retry was answered %+v", again)
				}
				return err
			}))
			tx, err := d.open(t, d.params[0]).BeginTx(t.Context(), nil)
			d.must(err)
			_, err = d.ledger.In(postgres.Tx(tx)).Post(t.Context(), move("users:4", "users:1", "2.00 USD"))
			d.must(err)
			d.must(tx.Commit())
			record, err := d.ledger.Transfer(t.Context(), order.ID)
			d.must(err)
			if record.Reference != order.Reference || record.Metadata["a"] != "b" || len(record.Entries) != 1 {
				t.Errorf("the transfer reads %+v", record)
			}
			d.wantBalance("users:1", "101.00 USD")
			d.wantVerified()
		})
	}
}
