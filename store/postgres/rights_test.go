package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/postgres"
	"github.com/bursar-ledger/bursar/store/storetest"
)

// TestRights posts in every way as a user who has only the rights that docs/schema.md says, and who can therefore not
// change the journal.
func TestRights(t *testing.T) {
	at := schemas(t, sqltest.Postgres(t))(t)
	schema := strings.TrimPrefix(at.params[0], "search_path=")
	role := at.server.Database() + "_app" // of this test's own; roles belong to the whole server
	owner := deskAt(t, at, nil)
	t.Cleanup(func() {
		// t.Context() has ended.
		if _, err := owner.pool.Exec(context.Background(), "DROP OWNED BY "+role+"; DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	owner.exec("CREATE ROLE " + role)
	owner.exec("GRANT USAGE ON SCHEMA " + schema + " TO " + role)
	owner.exec("GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA " + schema + " TO " + role)
	owner.exec("GRANT USAGE ON ALL SEQUENCES IN SCHEMA " + schema + " TO " + role)

	app := place{at.server, append([]string{"role=" + role}, at.params...)}.pool(t)
	open := func(o *ledger.Options) *ledger.Ledger {
		store := postgres.New(app)
		l, err := ledger.New(t.Context(), store, o)
		owner.must(err)
		t.Cleanup(func() {
			if err := errors.Join(l.Close(context.Background()), store.Close()); err != nil {
				t.Error(err)
			}
		})
		return l
	}
	open(&ledger.Options{Book: "another", Migrate: true})
	for _, strategy := range []ledger.Strategy{
		ledger.Queue{}, ledger.Locks{}, ledger.Swap{}, ledger.Hybrid{}, ledger.Serializable{},
	} {
		l := open(&ledger.Options{Strategy: strategy})
		_, err := l.Post(t.Context(), move("users:1", "users:2", "1.00 USD"))
		owner.must(err)
		owner.must(pgx.BeginFunc(t.Context(), app, func(tx pgx.Tx) error {
			_, err := l.In(postgres.PgxTx(tx)).Post(t.Context(), move("users:2", "users:3", "1.00 USD"))
			return err
		}))
		_, err = l.Seal(t.Context())
		owner.must(err)
	}
	owner.wantBalance("users:3", "105.00 USD")

	for _, statement := range []string{
		"DELETE FROM bursar_entry", "TRUNCATE bursar_entry", "DROP TABLE bursar_entry CASCADE",
		"DROP TRIGGER bursar_entry_update ON bursar_entry", "ALTER TABLE bursar_entry DISABLE TRIGGER ALL",
		"SET session_replication_role = replica",
	} {
		if _, err := app.Exec(t.Context(), statement); err == nil {
			t.Errorf("may do %s", statement)
		}
	}
	owner.wantVerified()
}

// TestRightToReadAlone reads as a user who may do nothing else. A time that only a writer can reach stays ahead, and
// what is posted is refused, both with the cause.
func TestRightToReadAlone(t *testing.T) {
	at := schemas(t, sqltest.Postgres(t))(t)
	schema := strings.TrimPrefix(at.params[0], "search_path=")
	role := at.server.Database() + "_reader"
	owner := deskAt(t, at, nil)
	t.Cleanup(func() {
		// t.Context() has ended.
		if _, err := owner.pool.Exec(context.Background(), "DROP OWNED BY "+role+"; DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	owner.exec("CREATE ROLE " + role)
	owner.exec("GRANT USAGE ON SCHEMA " + schema + " TO " + role)
	owner.exec("GRANT SELECT ON ALL TABLES IN SCHEMA " + schema + " TO " + role)
	pool := place{at.server, append([]string{"role=" + role}, at.params...)}.pool(t)
	store := postgres.New(pool)
	l, err := ledger.New(t.Context(), store, &ledger.Options{SealEvery: -1})
	owner.must(err)
	t.Cleanup(func() {
		if err := errors.Join(l.Close(context.Background()), store.Close()); err != nil {
			t.Error(err)
		}
	})
	storetest.ReadsAlone(t, l, "users:1", "users:2", "42501")
	tx, err := pool.Begin(t.Context())
	owner.must(err)
	_, err = l.In(postgres.PgxTx(tx)).Post(t.Context(), move("users:1", "users:2", "1.00 USD"))
	owner.wantCode(err, bursar.CodeReadOnly)
	owner.must(tx.Rollback(t.Context()))
}
