package entshop_test

import (
	"testing"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/bursar-ledger/bursar/examples/orms/entshop"
	"github.com/bursar-ledger/bursar/examples/orms/entshop/ent"
	"github.com/bursar-ledger/bursar/examples/orms/shoptest"
)

func TestPurchase(t *testing.T) {
	t.Parallel()
	shoptest.Run(t, func(_ *testing.T, d *shoptest.Database) shoptest.Buy {
		s := &entshop.Shop{Ledger: d.Ledger}
		client := func(dialect string) *ent.Client { return ent.NewClient(ent.Driver(entsql.OpenDB(dialect, d.DB))) }
		switch d.Engine {
		case shoptest.Postgres:
			s.On = entshop.OnPostgres(client(dialect.Postgres))
		case shoptest.MariaDB:
			s.On = entshop.OnMariaDB(client(dialect.MySQL))
		case shoptest.SQLite:
			s.On = entshop.OnSQLite(client(dialect.SQLite))
		}
		return s.Buy
	})
}
