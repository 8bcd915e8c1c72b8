package sqlxshop_test

import (
	"testing"

	"github.com/jmoiron/sqlx"

	"github.com/bursar-ledger/bursar/examples/orms/shoptest"
	"github.com/bursar-ledger/bursar/examples/orms/sqlxshop"
)

func TestPurchase(t *testing.T) {
	t.Parallel()
	shoptest.Run(t, func(_ *testing.T, d *shoptest.Database) shoptest.Buy {
		s := &sqlxshop.Shop{Ledger: d.Ledger}
		switch d.Engine {
		case shoptest.Postgres:
			s.On = sqlxshop.OnPostgres(sqlx.NewDb(d.DB, "pgx"))
		case shoptest.MariaDB:
			s.On = sqlxshop.OnMariaDB(sqlx.NewDb(d.DB, "mysql"))
		case shoptest.SQLite: // sqlx knows the placeholders of SQLite by the name of mattn's driver
			s.On = sqlxshop.OnSQLite(sqlx.NewDb(d.DB, "sqlite3"))
		}
		return s.Buy
	})
}
