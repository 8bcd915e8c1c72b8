package mysql_test

import (
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/mysql"
)

// TestBalancesOf64BitsAreExact writes several balances with one statement that no floating-point number holds. They are
// parameters, or written into the text.
func TestBalancesOf64BitsAreExact(t *testing.T) {
	t.Parallel()
	for _, params := range []string{"interpolateParams=true", "interpolateParams=false"} {
		t.Run(params, func(t *testing.T) {
			t.Parallel()
			store := mysql.New(openDB(t, sqltest.MariaDB(t).URL(), params))
			l := startLedger(t, store, &ledger.Options{Strategy: ledger.Queue{}})
			for range 2 {
				results, err := l.PostBatch(t.Context(), []bursar.Transfer{
					pay("world", "users:1", "90071992547409.93 USD"), // 2^53 + 1 cents
					pay("world", "users:2", "4611686018427387.01 USD"),
					pay("users:1", "users:3", "0.01 USD"),
				})
				must(t, err)
				for _, result := range results {
					must(t, result.Err)
				}
			}
			wantBalance(t, l, "users:1", "180143985094919.84 USD")
			wantBalance(t, l, "users:2", "9223372036854874.02 USD")
			wantVerified(t, store, l)
		})
	}
}
