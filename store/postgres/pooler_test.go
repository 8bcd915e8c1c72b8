package postgres_test

import (
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// TestPoolersThatLoseSomethingAreRefused opens ledgers behind PgBouncer with settings under which a ledger cannot work,
// and with the ones of the remedy.
func TestPoolersThatLoseSomethingAreRefused(t *testing.T) {
	t.Parallel()
	server := sqltest.PrivatePostgres(t)
	lending := sqltest.Bouncer(t, server, "transaction")
	alone := sqltest.Bouncer(t, server, "session", "max_prepared_statements = 0")
	ending := sqltest.Bouncer(t, server, "statement")
	forgetful := sqltest.Bouncer(t, server, "transaction", "max_prepared_statements = 0")
	for _, test := range []struct {
		name   string
		at     sqltest.Endpoint
		params string
		remedy string
	}{
		{"transaction mode", lending, "", ""},
		{"session mode", alone, "", ""},
		{"statement mode", ending, "", "set its pool_mode to transaction"},
		{"no prepared statements", forgetful, "", "default_query_exec_mode=exec"},
		{"no prepared statements, and none are made", forgetful, "default_query_exec_mode=exec", ""},
		{"a setting in the URL", lending, "search_path=public", "ALTER ROLE"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, migrate := range []bool{true, false} {
				// A program that failed is started again, and the connections of the one before are the pooler's to give.
				for range 2 {
					db := test.at.Open(t, strings.Fields(test.params)...)
					l, err := ledger.New(t.Context(), postgres.NewSQL(db), &ledger.Options{Migrate: migrate, SealEvery: -1})
					switch {
					case test.remedy == "" && err == nil:
						err = l.Close(t.Context())
					case test.remedy != "" && bursar.CodeOf(err) == bursar.CodeUnsupported &&
						strings.Contains(err.Error(), test.remedy):
						err = nil
					}
					if err != nil {
						t.Errorf("migrate is %t: %v, want %q", migrate, err, test.remedy)
					}
				}
			}
		})
	}
}
