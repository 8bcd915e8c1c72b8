package pgxshop_test

import (
	"testing"

	"github.com/bursar-ledger/bursar/store/postgres"

	"github.com/bursar-ledger/bursar/examples/orms/pgxshop"
	"github.com/bursar-ledger/bursar/examples/orms/shoptest"
)

func TestPurchase(t *testing.T) {
	t.Parallel()
	shoptest.Run(t, func(_ *testing.T, d *shoptest.Database) shoptest.Buy {
		return (&pgxshop.Shop{Ledger: d.Ledger, On: postgres.On(d.Pool)}).Buy
	}, shoptest.Postgres)
}
