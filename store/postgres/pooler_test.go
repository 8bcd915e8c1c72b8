package postgres_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
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

// TestAPoolOfTheLedgersOwnThroughPgBouncer opens a URL, as the commands do, and posts from two programs at once.
func TestAPoolOfTheLedgersOwnThroughPgBouncer(t *testing.T) {
	t.Parallel()
	address := sqltest.BouncedSchemas(t)(t).URL()
	var ledgers []*ledger.Ledger
	for range 2 {
		s, err := postgres.Open(address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		l, err := ledger.New(t.Context(), s, &ledger.Options{Migrate: true, Strategy: ledger.Queue{}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close(context.Background()) })
		ledgers = append(ledgers, l)
	}
	usd := money.MustParse("0.00 USD").Currency()
	for _, path := range []string{"world", "users:1"} {
		if _, err := ledgers[0].OpenAccount(t.Context(), bursar.Opening{Path: path, Currency: usd, NoMin: true}); err != nil {
			t.Fatal(err)
		}
	}
	const each = 50
	var posting sync.WaitGroup
	for _, l := range ledgers {
		for range each {
			posting.Go(func() {
				if _, err := l.Post(context.Background(), move("world", "users:1", "0.01 USD")); err != nil {
					t.Error(err)
				}
			})
		}
	}
	posting.Wait()
	balance, err := ledgers[1].Balance(t.Context(), "users:1", bursar.AsOf{})
	if err != nil || balance.Balance.String() != "1.00 USD" {
		t.Errorf("users:1 has %v, %v", balance.Balance, err)
	}
}
