package sqltest_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/google/go-cmp/cmp"
)

// faultPoint is a point where a fault strikes a COMMIT, with the answer and the outcome that it must have.
type faultPoint struct {
	sqltest.Point
	answered  bool // the client learns that the commit is done
	committed bool
	open      bool // the commit may be done or not
}

func faultPoints() []faultPoint {
	return []faultPoint{
		{Point: sqltest.BeforeSend},
		{Point: sqltest.AfterSend, open: true},
		{Point: sqltest.BeforeAnswer, committed: true},
		{Point: sqltest.AfterAnswer, committed: true, answered: true},
	}
}

// client is a connection through a proxy that can begin, write a row and commit.
type client struct {
	engine
	conn *sql.Conn
}

func dial(t *testing.T, e engine, db *sql.DB) client {
	t.Helper()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // often cut by now
	return client{e, conn}
}

// begin writes a row in a database transaction that stays open.
func (c client) begin(t *testing.T, id int) {
	t.Helper()
	if _, err := c.conn.ExecContext(t.Context(), "BEGIN"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.conn.ExecContext(t.Context(), "INSERT INTO kept VALUES ("+c.mark+")", id); err != nil {
		t.Fatal(err)
	}
}

// commits are the two ways to send the same statement.
func commits() map[string]func(context.Context, *sql.Conn) error {
	return map[string]func(context.Context, *sql.Conn) error{
		"simple": func(ctx context.Context, c *sql.Conn) error {
			_, err := c.ExecContext(ctx, "COMMIT")
			return err
		},
		"prepared": func(ctx context.Context, c *sql.Conn) error {
			s, err := c.PrepareContext(ctx, "COMMIT")
			if err != nil {
				return fmt.Errorf("prepare: %w", err)
			}
			defer s.Close()
			_, err = s.ExecContext(ctx)
			return err
		},
	}
}

// committed asks for the outcome of a row by writing it again. The key makes the write wait for a commit in flight; a
// read would not wait.
func committed(t *testing.T, e engine, db *sql.DB, id int) bool {
	t.Helper()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = tx.ExecContext(t.Context(), "INSERT INTO kept VALUES ("+e.mark+")", id)
	if rollback := tx.Rollback(); rollback != nil {
		t.Fatal(rollback)
	}
	return err != nil
}

// check compares an answer and an outcome with those that the point allows.
func (p faultPoint) check(t *testing.T, answer error, committed bool) {
	t.Helper()
	if (answer == nil) != p.answered {
		t.Errorf("cut %s: COMMIT gives %v, want an answer: %t", p.Point, answer, p.answered)
	}
	if committed != p.committed && !p.open {
		t.Errorf("cut %s: committed: %t, want %t", p.Point, committed, p.committed)
	}
}

func TestACutHasTheOutcomeOfItsPoint(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		s := e.shared(t)
		direct := s.Open(t)
		exec(t, direct, "CREATE TABLE kept (id INTEGER PRIMARY KEY)")
		proxy := sqltest.NewProxy(t, s)
		through := proxy.Open(t)
		id := 0
		for way, commit := range commits() {
			for _, p := range faultPoints() {
				id++
				c := dial(t, e, through)
				c.begin(t, id)
				trap := proxy.CutNext(p.Point, sqltest.Commit)
				answer := commit(t.Context(), c.conn)
				<-trap.Done()
				t.Logf("%s, cut %s: %v", way, p.Point, answer)
				p.check(t, answer, committed(t, e, direct, id))
				if err := c.conn.PingContext(t.Context()); err == nil {
					t.Errorf("%s, cut %s: the connection is there", way, p.Point)
				}
			}
		}
		want := sqltest.Counts{Commits: id, Cuts: id}
		got := proxy.Counts()
		if got.Connections < id || got.Statements < 3*id || got.RoundTrips < got.Statements {
			t.Errorf("counts = %+v, want at least %d connections, %d statements and as many round trips", got, id, 3*id)
		}
		got.Connections, got.Statements, got.RoundTrips = 0, 0, 0
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("counts (-want +got):\n%s", diff)
		}
	})
}

func TestRoundTripsAreCounted(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		s := e.shared(t)
		proxy := sqltest.NewProxy(t, s)
		conn := dial(t, e, proxy.Open(t)).conn
		exec := func(query string) func() error {
			return func() error {
				_, err := conn.ExecContext(t.Context(), query)
				return err
			}
		}
		statement, err := conn.PrepareContext(t.Context(), "SELECT 1")
		if err != nil {
			t.Fatal(err)
		}
		for name, do := range map[string]func() error{
			"a simple statement": exec("SELECT 1"),
			"an error":           exec("no statement"),
			"a prepared statement": func() error {
				var one int
				return statement.QueryRowContext(t.Context()).Scan(&one)
			},
		} {
			before := proxy.Counts()
			if err := do(); (err != nil) != (name == "an error") {
				t.Fatalf("%s: %v", name, err)
			}
			after := proxy.Counts()
			if got := after.RoundTrips - before.RoundTrips; got != 1 {
				t.Errorf("%s took %d round trips, want 1", name, got)
			}
		}
		if err := statement.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestAKillHasTheOutcomeOfItsPoint(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		s := e.private(t)
		direct := s.Open(t)
		exec(t, direct, "CREATE TABLE kept (id INTEGER PRIMARY KEY)")
		proxy := sqltest.NewProxy(t, s)
		through := proxy.Open(t)
		for id, p := range faultPoints() {
			c := dial(t, e, through)
			c.begin(t, id)
			trap := proxy.Trap(p.Point, sqltest.Commit)
			answer := make(chan error, 1)
			go func() {
				_, err := c.conn.ExecContext(context.WithoutCancel(t.Context()), "COMMIT")
				answer <- err
			}()
			<-trap.Caught()
			if err := s.Kill9(); err != nil {
				t.Fatal(err)
			}
			trap.Cut()
			err := <-answer
			if through.PingContext(t.Context()) == nil {
				t.Error("a connection through the proxy works while the server is down")
			}
			if err := s.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.check(t, err, committed(t, e, direct, id))
		}
	})
}

func TestReleaseLetsTheStatementGoOn(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		s := e.shared(t)
		direct := s.Open(t)
		exec(t, direct, "CREATE TABLE kept (id INTEGER PRIMARY KEY)")
		proxy := sqltest.NewProxy(t, s)
		through := proxy.Open(t)
		for id, p := range faultPoints() {
			c := dial(t, e, through)
			c.begin(t, id)
			trap := proxy.Trap(p.Point, sqltest.Commit)
			answer := make(chan error, 1)
			go func() {
				_, err := c.conn.ExecContext(context.WithoutCancel(t.Context()), "COMMIT")
				answer <- err
			}()
			<-trap.Caught()
			if p.Point != sqltest.AfterAnswer {
				select {
				case err := <-answer:
					t.Errorf("held %s, but COMMIT is answered: %v", p.Point, err)
				default:
				}
			}
			trap.Release()
			if err := <-answer; err != nil {
				t.Errorf("released %s: %v", p.Point, err)
			}
			<-trap.Done()
			if err := c.conn.PingContext(t.Context()); err != nil {
				t.Errorf("released %s: the connection is lost: %v", p.Point, err)
			}
			if !committed(t, e, direct, id) {
				t.Errorf("released %s: not committed", p.Point)
			}
		}
		if got := proxy.Counts().Cuts; got != 0 {
			t.Errorf("%d cuts, want none", got)
		}
	})
}

// An answer of many rows is one answer, with parameters or without.
func TestAnAnswerOfManyRowsIsOneAnswer(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		s := e.shared(t)
		direct := s.Open(t)
		exec(t, direct, "CREATE TABLE kept (id INTEGER PRIMARY KEY, note TEXT)")
		exec(t, direct, "INSERT INTO kept VALUES (1, 'a'), (2, NULL), (3, 'c')")
		proxy := sqltest.NewProxy(t, s)
		through := proxy.Open(t)
		queries := map[string][]any{
			"SELECT id FROM kept WHERE id > 0 ORDER BY id":              nil,
			"SELECT id FROM kept WHERE id > " + e.mark + " ORDER BY id": {0},
		}
		read := func(c client, query string, args []any) ([]int, error) {
			rows, err := c.conn.QueryContext(t.Context(), query, args...)
			if err != nil {
				return nil, err
			}
			defer rows.Close()
			var ids []int
			for rows.Next() {
				var id int
				if err := rows.Scan(&id); err != nil {
					return nil, err
				}
				ids = append(ids, id)
			}
			return ids, rows.Err()
		}
		for query, args := range queries {
			c := dial(t, e, through)
			proxy.Trap(sqltest.BeforeAnswer, sqltest.Containing("FROM kept")).Release()
			trap := proxy.CutNext(sqltest.AfterAnswer, sqltest.Containing("FROM kept"))
			for range 2 {
				got, err := read(c, query, args)
				if diff := cmp.Diff([]int{1, 2, 3}, got); diff != "" || err != nil {
					t.Errorf("%s: %v (-want +got):\n%s", query, err, diff)
				}
			}
			<-trap.Done()
			if got, err := read(c, query, args); err == nil {
				t.Errorf("%s: read %v on a connection that is cut", query, got)
			}
			cut := proxy.CutNext(sqltest.BeforeAnswer, sqltest.Containing("FROM kept"))
			c = dial(t, e, through)
			if got, err := read(c, query, args); err == nil {
				t.Errorf("%s: read %v where no answer arrives", query, got)
			}
			<-cut.Done()
		}
	})
}

func TestTrapsCatchInTheOrderInWhichTheyWereSet(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		proxy := sqltest.NewProxy(t, e.shared(t))
		through := proxy.Open(t)
		first := proxy.Trap(sqltest.BeforeSend, sqltest.Containing("SELECT 1"))
		second := proxy.CutNext(sqltest.BeforeSend, sqltest.Nth(3, sqltest.Containing("SELECT")))
		first.Release()
		exec(t, through, "SELECT 1")
		<-first.Done()
		exec(t, through, "SELECT 1")
		exec(t, through, "SELECT 2")
		select {
		case <-second.Caught():
			t.Fatal("both traps have caught the same statement")
		default:
		}
		conn, err := through.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.ExecContext(t.Context(), "SELECT 1"); err == nil {
			t.Error("the second trap has caught nothing")
		}
		<-second.Caught()
		exec(t, through, "SELECT 1")
	})
}

// A test that waits for a trap must not wait for ever when the server ends before the answer comes.
func TestTrapIsDoneWhenTheServerIsGone(t *testing.T) {
	queries := map[string]string{"postgres": "SELECT pg_sleep(600)", "mariadb": "SELECT SLEEP(600)"}
	each(t, func(t *testing.T, e engine) {
		s := e.private(t)
		proxy := sqltest.NewProxy(t, s)
		through := proxy.Open(t)
		sent := proxy.Trap(sqltest.BeforeSend, sqltest.Containing("600"))
		var client sync.WaitGroup
		client.Go(func() {
			if _, err := through.ExecContext(context.WithoutCancel(t.Context()), queries[e.name]); err == nil {
				t.Error("a killed server has answered")
			}
		})
		<-sent.Caught()
		if err := s.Kill9(); err != nil {
			t.Fatal(err)
		}
		<-sent.Done()
		client.Wait()
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		never := proxy.Trap(sqltest.BeforeAnswer, sqltest.Containing("600"))
		client.Go(func() {
			if _, err := through.ExecContext(context.WithoutCancel(t.Context()), queries[e.name]); err == nil {
				t.Error("a killed server has answered")
			}
		})
		for direct := s.Open(t); proxy.Counts().Statements < 2; {
			if err := direct.PingContext(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Kill9(); err != nil {
			t.Fatal(err)
		}
		<-never.Done()
		client.Wait()
		select {
		case <-never.Caught():
			t.Error("a trap has caught an answer that never came")
		default:
		}
	})
}

func TestCutAllCutsEveryConnection(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		proxy := sqltest.NewProxy(t, e.shared(t))
		through := proxy.Open(t)
		one, two := dial(t, e, through), dial(t, e, through)
		if got := proxy.CutAll(); got != 2 {
			t.Errorf("CutAll() = %d, want 2", got)
		}
		for _, c := range []client{one, two} {
			if _, err := c.conn.ExecContext(t.Context(), "SELECT 1"); err == nil {
				t.Error("a connection outlives CutAll")
			}
		}
		exec(t, through, "SELECT 1")
	})
}

func TestCommitMatchesTheStatementThatCommits(t *testing.T) {
	tests := map[string]bool{
		"COMMIT": true, "commit": true, " Commit ;": true, "COMMIT AND CHAIN": true,
		"": false, "COMMITTED": false, "ROLLBACK": false, "SELECT 'COMMIT'": false, "-- COMMIT": false,
	}
	for statement, want := range tests {
		if got := sqltest.Commit(statement); got != want {
			t.Errorf("Commit(%q) = %t, want %t", statement, got, want)
		}
	}
}

// A client is held after an answer. Its next request must not reach the server either.
func TestAfterTheAnswerNothingPasses(t *testing.T) {
	each(t, func(t *testing.T, e engine) {
		s := e.shared(t)
		direct := s.Open(t)
		exec(t, direct, "CREATE TABLE kept (id INTEGER PRIMARY KEY)")
		proxy := sqltest.NewProxy(t, s)
		through := proxy.Open(t)
		for id := range 10 {
			c := dial(t, e, through)
			trap := proxy.Trap(sqltest.AfterAnswer, sqltest.Containing("SELECT 1"))
			if _, err := c.conn.ExecContext(t.Context(), "SELECT 1"); err != nil {
				t.Fatal(err)
			}
			answer := make(chan error, 1)
			go func() {
				_, err := c.conn.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO kept VALUES (%d)", id))
				answer <- err
			}()
			<-trap.Caught()
			exec(t, direct, "SELECT 1") // as long as the insert would have taken
			trap.Cut()
			if err := <-answer; err == nil {
				t.Error("a statement was answered on a connection that was cut before it")
			}
		}
		if n := column[int](t, direct, "SELECT count(*) FROM kept"); n[0] != 0 {
			t.Errorf("%d statements passed a connection that was held", n[0])
		}
	})
}
