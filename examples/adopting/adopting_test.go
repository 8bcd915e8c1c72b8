package adopting_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/examples/adopting"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// before is the application's database as it always was, and what the users had at the beginning, for the audit.
const before = `
CREATE TABLE users (id bigint PRIMARY KEY, balance_cents bigint);
CREATE TABLE orders (
    id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, cents bigint NOT NULL, state text NOT NULL
);
CREATE TABLE topups (id bigint PRIMARY KEY, user_id bigint NOT NULL, cents bigint NOT NULL);
CREATE TABLE gifts (id bigint PRIMARY KEY, from_user bigint NOT NULL, to_user bigint NOT NULL, cents bigint NOT NULL);
CREATE TABLE audit_start (user_id bigint NOT NULL, cents bigint NOT NULL);`

// audit lists the users whose balance does not follow from the application's own orders, top-ups and gifts. BALANCE is
// a placeholder for the balance to look at.
const audit = `
WITH moves (user_id, cents) AS (
    SELECT user_id, cents FROM audit_start
    UNION ALL SELECT user_id, -cents FROM orders WHERE state = 'paid'
    UNION ALL SELECT user_id, cents FROM topups
    UNION ALL SELECT from_user, -cents FROM gifts
    UNION ALL SELECT to_user, cents FROM gifts
), sums AS (SELECT user_id, sum(cents) AS cents FROM moves GROUP BY user_id)
SELECT u.id, BALANCE, s.cents FROM users u LEFT JOIN sums s ON s.user_id = u.id
LEFT JOIN bursar_accounts a ON a.path = 'users:' || u.id
WHERE BALANCE IS DISTINCT FROM coalesce(s.cents, 0)`

// story is one application on its way through the guide.
type story struct {
	*testing.T
	*document
	*traffic
	server *sqltest.Server
	db     *sql.DB
	store  *postgres.Store
	ledger *ledger.Ledger
}

// TestAdopting goes all the way of the guide, forth and back, under traffic.
func TestAdopting(t *testing.T) { adopt(t, 40, 30) }

// TestTortureAdopting does so with more users and more traffic between the steps.
func TestTortureAdopting(t *testing.T) {
	if os.Getenv("BURSAR_TORTURE") == "" {
		t.Skip("takes minutes: set BURSAR_TORTURE=1")
	}
	adopt(t, 1_500, 1_000)
}

func adopt(t *testing.T, users int64, calls int) {
	s := &story{T: t, document: readDocument(t), server: sqltest.Postgres(t)}
	s.db = s.server.Open(t, "application_name=shop")
	s.db.SetMaxOpenConns(16)
	s.populate(users)
	s.traffic = startTraffic(t, s.db, users)
	defer func() {
		if s.traffic != nil {
			s.traffic.end()
		}
	}()
	s.more(calls)

	s.install()
	s.deploy(adopting.Shadow, s.ledger)
	s.more(calls)
	s.wantNoneEarly()
	s.run("signups")

	s.backfill(calls)
	s.wantEqual()
	s.rogue()
	s.refused()
	s.forgotten()
	s.more(calls)
	s.wantEqual()

	s.cutOver(calls)
	s.turnBack(calls)
	s.cutOver(calls)
	s.dropColumn(calls)
	s.rebuild(calls)

	s.traffic.end()
	s.traffic = nil
	s.wantEqual()
	s.wantWhole()
	s.wantAllRun(t)
}

// populate makes users, three of whom cannot enter a ledger as they are, and has them found and settled.
func (s *story) populate(users int64) {
	s.Helper()
	s.exec(before)
	s.exec(`INSERT INTO users SELECT i, i * 1000 FROM generate_series(1, $1::bigint) i`, users)
	s.exec(`UPDATE users SET balance_cents = CASE id WHEN 1 THEN NULL WHEN 2 THEN -500 ELSE 2000000000000000 END
		WHERE id <= 3`)
	want := []string{"1 NULL no balance", "2 -500 negative", "3 2000000000000000 out of range"}
	if diff := cmp.Diff(want, s.rows(s.take(s.T, "suspects"))); diff != "" {
		s.Errorf("suspects (-want +got):\n%s", diff)
	}
	s.exec(`UPDATE users SET balance_cents = CASE id WHEN 1 THEN 0 WHEN 2 THEN 500 ELSE 3000 END WHERE id <= 3`)
	if found := s.rows(s.take(s.T, "suspects")); len(found) > 0 {
		s.Errorf("suspects that were settled: %q", found)
	}
	s.exec(`INSERT INTO audit_start SELECT id, balance_cents FROM users`)
	s.run("rule")
	if _, err := s.db.ExecContext(s.Context(), `UPDATE users SET balance_cents = NULL WHERE id = 1`); err == nil {
		s.Error("the rule lets a user without a balance in")
	}
}

// install makes the ledger beside the column.
func (s *story) install() {
	s.Helper()
	s.store = postgres.NewSQL(s.db)
	l, err := ledger.New(context.Background(), s.store, &ledger.Options{Migrate: true})
	s.must(err)
	s.ledger = l
	s.Cleanup(func() {
		if err := errors.Join(l.Close(context.Background()), s.store.Close()); err != nil {
			s.Error(err)
		}
	})
	s.run("marks", "watch")
	for range 2 {
		s.must(adopting.OpenOutside(s.Context(), l))
	}
}

// backfill is cut before a commit, cut after a commit so that the answer is lost, and called off between two batches.
// Then two backfills run at once to the end. The comparison is empty each time.
func (s *story) backfill(calls int) {
	s.Helper()
	proxy := sqltest.NewProxy(s.T, s.server)
	app := &adopting.App{DB: proxy.Open(s.T), Ledger: s.ledger, Step: adopting.Shadow}
	for _, point := range []sqltest.Point{sqltest.BeforeSend, sqltest.BeforeAnswer} {
		proxy.CutNext(point, sqltest.Nth(2, sqltest.Commit))
		if err := app.Backfill(s.Context(), "1", 5, nil); err == nil {
			s.Fatalf("the backfill did not notice that it was cut %v", point)
		}
		s.wantEqual()
		s.more(calls / 3)
	}
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	if err := app.Backfill(ctx, "1", 5, func(int) { cancel() }); !errors.Is(err, context.Canceled) {
		s.Fatalf("a backfill that was called off: %v", err)
	}
	s.wantEqual()
	if left := s.number(s.take(s.T, "left")); left == 0 {
		s.Fatal("the backfill was to be interrupted, and is done")
	}
	s.more(calls)
	s.wantEqual()
	ended := make(chan error, 2)
	for range cap(ended) {
		go func() { ended <- app.Backfill(s.Context(), "1", 5, nil) }()
	}
	s.must(errors.Join(<-ended, <-ended))
	if left := s.number(s.take(s.T, "left")); left != 0 {
		s.Errorf("%d users are not in the ledger", left)
	}
	s.wantQuiet()
}

// rogue changes the column behind the application's back. The comparison finds it, the watch says who it was, and a
// correction puts it right.
func (s *story) rogue() {
	s.Helper()
	stranger := s.server.Open(s.T, "application_name=nightly-bonus")
	_, err := stranger.ExecContext(s.Context(), `WITH bonus AS (INSERT INTO audit_start VALUES (7, 123))
		UPDATE users SET balance_cents = balance_cents + 123 WHERE id = 7`)
	s.must(err)
	s.more(40)
	found := s.rows(s.take(s.T, "compare"))
	if len(found) != 1 || !strings.HasPrefix(found[0], "users:7 ") {
		s.Errorf("the comparison finds %q, want users:7 alone", found)
	}
	first := s.rows(`SELECT user_id, column_cents - ledger_cents, application, statement LIKE '%+ 123 WHERE id = 7'
		FROM shadow_drift ORDER BY at LIMIT 1`)
	if diff := cmp.Diff([]string{"7 123 nightly-bonus true"}, first); diff != "" {
		s.Errorf("the watch (-want +got):\n%s", diff)
	}
	s.correct(7, "ticket 1")
	s.forget()
}

// refused lets a user's ledger balance fall behind, so that the ledger refuses what the column allows. The payment goes
// on.
func (s *story) refused() {
	s.Helper()
	const user, order = 1_000_000, 1_000_000
	app := &adopting.App{DB: s.db, Ledger: s.ledger, Step: adopting.Shadow}
	s.must(app.SignUp(s.Context(), user))
	s.exec(`WITH bonus AS (INSERT INTO audit_start VALUES (1000000, 900))
		UPDATE users SET balance_cents = balance_cents + 900 WHERE id = 1000000`)
	s.exec(`INSERT INTO orders (id, user_id, cents, state) VALUES (1000000, 1000000, 800, 'open')`)
	s.must(app.Pay(s.Context(), order))
	want := []string{"order:1000000 insufficient_funds"}
	if diff := cmp.Diff(want, s.rows(`SELECT reference, split_part(refusal, ':', 1) FROM shadow_refusals`)); diff != "" {
		s.Errorf("refusals (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"users:1000000 100 0"}, s.rows(s.take(s.T, "compare"))); diff != "" {
		s.Errorf("the comparison (-want +got):\n%s", diff)
	}
	s.correct(user, "ticket 2")
	s.forget()
}

// forgotten signs a user up without the ledger.
func (s *story) forgotten() {
	s.Helper()
	s.exec(`INSERT INTO audit_start VALUES (1000001, 50)`)
	s.exec(`INSERT INTO users (id, balance_cents) VALUES (1000001, 50)`)
	if diff := cmp.Diff([]string{"users:1000001 50 NULL"}, s.rows(s.take(s.T, "compare"))); diff != "" {
		s.Errorf("the comparison (-want +got):\n%s", diff)
	}
	s.correct(1_000_001, "ticket 3")
	s.forget()
}

// forget clears what the shadow and the watch have written down.
func (s *story) forget() {
	s.Helper()
	s.exec(`DELETE FROM shadow_refusals`)
	s.exec(`DELETE FROM shadow_drift`)
}

// correct corrects a user twice. The second time does nothing.
func (s *story) correct(user int64, ticket string) {
	s.Helper()
	app := &adopting.App{DB: s.db, Ledger: s.ledger, Step: adopting.Shadow}
	for range 2 {
		s.must(app.Correct(s.Context(), user, ticket))
	}
	s.wantEqual()
}

// cutOver lets the ledger decide.
func (s *story) cutOver(calls int) {
	s.Helper()
	s.run("gate")
	s.wantWhole()
	s.deploy(adopting.Ledger, s.ledger)
	s.more(calls)
	s.wantEqual()
	s.wantQuiet()
}

// turnBack goes back to where there was no ledger, and forth again.
func (s *story) turnBack(calls int) {
	s.Helper()
	s.deploy(adopting.Shadow, s.ledger)
	s.more(calls)
	s.wantEqual()
	s.run("gate_open", "signups_out")
	s.unmark()
	s.deploy(adopting.Column, nil)
	s.more(calls)
	s.wantAudit("u.balance_cents")

	s.deploy(adopting.Shadow, s.ledger)
	s.run("signups")
	app := &adopting.App{DB: s.db, Ledger: s.ledger, Step: adopting.Shadow}
	s.must(app.Backfill(s.Context(), "2", 50, nil))
	s.more(calls)
	s.wantEqual()
	s.wantQuiet()
}

// unmark takes everybody out of the ledger, a batch at a time.
func (s *story) unmark() {
	s.Helper()
	for {
		result, err := s.db.ExecContext(s.Context(), s.take(s.T, "unmark"))
		s.must(err)
		n, err := result.RowsAffected()
		s.must(err)
		if n == 0 {
			return
		}
	}
}

// dropColumn leaves the ledger alone.
func (s *story) dropColumn(calls int) {
	s.Helper()
	s.deploy(adopting.Alone, s.ledger)
	s.wantAudit("a.balance * 100")
	s.run("drop")
	s.more(calls)
	s.wantAudit("a.balance * 100")
}

// rebuild makes the column again.
func (s *story) rebuild(calls int) {
	s.Helper()
	s.run("column")
	s.deploy(adopting.Ledger, s.ledger)
	s.run("rebuild")
	s.exec(strings.ReplaceAll(s.take(s.T, "rebuild"), "BETWEEN 1 AND 1000", "> 1000"))
	s.wantEqual()
	s.more(calls)
}

// wantEqual wants no difference between the column, the ledger, and what the application has done.
func (s *story) wantEqual() {
	s.Helper()
	if found := s.rows(s.take(s.T, "compare")); len(found) > 0 {
		s.Fatalf("the comparison finds %q", found)
	}
	s.wantAudit("u.balance_cents")
}

func (s *story) wantAudit(balance string) {
	s.Helper()
	if found := s.rows(strings.ReplaceAll(audit, "BALANCE", balance)); len(found) > 0 {
		s.Fatalf("user, balance, balance by the application's own rows: %q", found)
	}
}

// wantQuiet wants nothing to have been written down by the shadow and the watch.
func (s *story) wantQuiet() {
	s.Helper()
	if found := s.rows(`SELECT reference, refusal FROM shadow_refusals`); len(found) > 0 {
		s.Errorf("refusals: %q", found)
	}
	found := s.rows(`SELECT user_id, column_cents, ledger_cents, application, statement FROM shadow_drift`)
	if len(found) > 0 {
		s.Errorf("drift: %q", found)
	}
}

// wantNoneEarly wants nobody to be in the ledger while old processes may run.
func (s *story) wantNoneEarly() {
	s.Helper()
	early := s.number(`SELECT (SELECT count(*) FROM users WHERE ledger_since IS NOT NULL)
		+ (SELECT count(*) FROM bursar_account WHERE path LIKE 'users:%')`)
	if early > 0 {
		s.Errorf("%d users have a mark or an account", early)
	}
}

// wantWhole verifies the ledger and wants its trial balance to be zero.
func (s *story) wantWhole() {
	s.Helper()
	bursartest.Verify(s.T, s.store, s.ledger.Book())
	totals, _, err := s.ledger.TrialBalance(s.Context(), nil)
	s.must(err)
	if len(totals) != 1 || !totals[0].Sum.IsZero() {
		s.Errorf("the trial balance is %v", totals)
	}
}

// run runs SQL of the guide, as psql would: what a blank line divides is committed by itself.
func (s *story) run(names ...string) {
	s.Helper()
	for _, name := range names {
		for _, statements := range strings.Split(s.take(s.T, name), "\n\n") {
			if _, err := s.db.ExecContext(s.Context(), statements); err != nil {
				s.Fatalf("%s: %v", name, err)
			}
		}
	}
}

func (s *story) exec(query string, args ...any) {
	s.Helper()
	if _, err := s.db.ExecContext(s.Context(), query, args...); err != nil {
		s.Fatalf("%s: %v", query, err)
	}
}

func (s *story) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *story) number(query string) (n int64) {
	s.Helper()
	s.must(s.db.QueryRowContext(s.Context(), query).Scan(&n))
	return n
}

// rows are the rows of a query, each with its values and a blank between them.
func (s *story) rows(query string) []string {
	s.Helper()
	list, err := collect(s.Context(), s.db, query)
	if err != nil {
		s.Fatalf("%s: %v", query, err)
	}
	return list
}

func collect(ctx context.Context, db *sql.DB, query string) (list []string, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values := make([]sql.NullString, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = "NULL"
			if v.Valid {
				texts[i] = v.String
			}
		}
		list = append(list, strings.Join(texts, " "))
	}
	return slices.Clip(list), rows.Err()
}
