package sqlcshop_test

import (
	"testing"

	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/postgres"
	"github.com/bursar-ledger/bursar/store/sqlite"

	"github.com/bursar-ledger/bursar/examples/orms/shoptest"
	"github.com/bursar-ledger/bursar/examples/orms/sqlcshop"
)

func TestPurchase(t *testing.T) {
	t.Parallel()
	shoptest.Run(t, func(_ *testing.T, d *shoptest.Database) shoptest.Buy {
		switch d.Engine {
		case shoptest.Postgres:
			return (&sqlcshop.Shop{Ledger: d.Ledger, On: postgres.On(d.Pool)}).Buy
		case shoptest.MariaDB: // what sqlc writes for SQLite and for MySQL is the same here
			return (&sqlcshop.SQLShop{Ledger: d.Ledger, On: mysql.On(d.DB)}).Buy
		default:
			return (&sqlcshop.SQLShop{Ledger: d.Ledger, On: sqlite.On(d.DB)}).Buy
		}
	})
}
