package bunshop_test

import (
	"testing"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/mysqldialect"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/bursar-ledger/bursar/examples/orms/bunshop"
	"github.com/bursar-ledger/bursar/examples/orms/shoptest"
)

func TestPurchase(t *testing.T) {
	t.Parallel()
	shoptest.Run(t, func(_ *testing.T, d *shoptest.Database) shoptest.Buy {
		s := &bunshop.Shop{Ledger: d.Ledger}
		switch d.Engine {
		case shoptest.Postgres:
			s.On = bunshop.OnPostgres(bun.NewDB(d.DB, pgdialect.New()))
		case shoptest.MariaDB:
			s.On = bunshop.OnMariaDB(bun.NewDB(d.DB, mysqldialect.New()))
		case shoptest.SQLite:
			s.On = bunshop.OnSQLite(bun.NewDB(d.DB, sqlitedialect.New()))
		}
		return s.Buy
	})
}
