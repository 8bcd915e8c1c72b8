package sqlite_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/atomic/sqlite"
)

// SQLite has no connection to cut. The fault is SIGKILL for the process that commits: the client. In each round one
// client is killed in a request without a key, and another one in a request with a key. A third client then sends
// that request again, and its outcome must be as if there had been no fault. A request that was answered as done
// must be there for ever. At one point the test kills the client from outside, after some requests.

// The points in a request where a client is killed.
const (
	inBlock      = "in the block"
	beforeCommit = "before COMMIT"
	aboutCommit  = "about COMMIT"
	afterCommit  = "after COMMIT"
	nowhere      = "nowhere"
)

func TestAnswersAgreeWithOutcomesUnderFaults(t *testing.T) {
	t.Parallel()
	killClients(t, 10)
}

func TestTortureAnswersAgreeWithOutcomesUnderFaults(t *testing.T) {
	t.Parallel()
	if os.Getenv("BURSAR_TORTURE") == "" {
		t.Skip("it takes minutes: BURSAR_TORTURE=1 asks for it")
	}
	killClients(t, 300)
}

func killClients(t *testing.T, rounds int) {
	t.Helper()
	c := &faults{T: t, path: filepath.Join(t.TempDir(), "faults.db")}
	defer func() { t.Log(c.String()) }()
	c.setUp()
	for _, row := range []faultRow{
		{point: inBlock}, {point: beforeCommit}, {point: aboutCommit, most: 1}, {point: afterCommit, fewest: 1, most: 1},
	} {
		c.rows = append(c.rows, &row)
		for round := range rounds {
			row.rounds++
			c.plain(&row, round)
			c.keyed(&row, round)
		}
	}
}

// faults is one run of the test.
type faults struct {
	*testing.T
	path    string
	rows    []*faultRow
	effects int64 // that are there so far
}

// faultRow counts the outcomes of requests whose client was killed at one point.
type faultRow struct {
	point        string
	fewest, most int64 // rows in the outcome
	rounds       int

	once, replayed, again int // with a key
	there, absent         int // without
	kept                  int // requests that were answered as done before the kill
	violations            int
}

func (c *faults) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "sqlite\n%-22s %31s | %s\n", "", "with a key", "without a key")
	const line = "%-7s %-14s %6v %6v %8v %9v | %5v %9v | %17v | %10v\n"
	fmt.Fprintf(&b, line,
		"fault", "point", "rounds", "once", "replayed", "ran again", "there", "not there", "kept, as answered", "violations")
	for _, r := range c.rows {
		fmt.Fprintf(&b, line, "kill -9", r.point, r.rounds,
			r.once, r.replayed, r.again, r.there, r.absent, r.kept, r.violations)
	}
	return b.String()
}

func (c *faults) violation(row *faultRow, format string, args ...any) {
	c.Helper()
	row.violations++
	c.Errorf("killed %s: %s", row.point, fmt.Sprintf(format, args...))
}

func (c *faults) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// plain kills a client in a request without a key.
func (c *faults) plain(row *faultRow, round int) {
	c.Helper()
	outcome := c.wantOutcome(row, c.kill(row, round, false), row.fewest, row.most)
	c.effects += outcome
	if outcome > 0 {
		row.there++
	} else {
		row.absent++
	}
}

// keyed kills a client in a request with a key, and sends the request again from another client.
func (c *faults) keyed(row *faultRow, round int) {
	c.Helper()
	key := c.kill(row, round, true)
	if c.wantOutcome(row, key, row.fewest, row.most) > 0 {
		row.replayed++
	} else {
		row.again++
	}
	said, err := c.process(nowhere, true, key).Output()
	c.must(err)
	first, _, _ := strings.Cut(string(said), "\n")
	if c.wantOutcome(row, key, 1, 1) == 1 {
		row.once++
	}
	c.effects++
	c.visit(func(db *atomic.DB, _ *sql.DB) { c.replays(row, db, key, resultIn(first)) })
}

// kill runs a client until it is dead, and returns the name of the request that was under way.
func (c *faults) kill(row *faultRow, round int, keyed bool) (name string) {
	c.Helper()
	name = fmt.Sprintf("%s %t %d", row.point, keyed, round)
	cmd := c.process(row.point, keyed, name)
	if row.point == aboutCommit {
		return c.killFromOutside(row, cmd, 2+round%7, keyed)
	}
	said, err := cmd.Output()
	if err == nil || len(said) > 0 {
		c.Fatalf("%s: the client lives, %v, and says %q", name, err, said)
	}
	return name
}

// killFromOutside runs a client that sends one request after the other, and kills it once it has written a number of
// lines. It compares the answers among them with the outcomes. It returns the name of the last request.
func (c *faults) killFromOutside(row *faultRow, cmd *osexec.Cmd, lines int, keyed bool) (last string) {
	c.Helper()
	out, err := cmd.StdoutPipe()
	c.must(err)
	c.must(cmd.Start())
	var said []string
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		if said = append(said, scanner.Text()); len(said) == lines {
			c.must(cmd.Process.Kill())
		}
	}
	if err := cmd.Wait(); err == nil || len(said) < lines {
		c.Fatalf("the client has ended by itself, %v, and has said %q", err, said)
	}
	last, _, _ = strings.Cut(said[len(said)-1], arrow)
	c.visit(func(db *atomic.DB, pool *sql.DB) {
		for _, line := range said {
			name, result, committed := strings.Cut(line, arrow)
			if !committed {
				continue
			}
			row.kept++
			if n := c.outcome(pool, name); n != 1 {
				c.violation(row, "%s: %d rows of a request answered as done", name, n)
			}
			if keyed {
				c.replays(row, db, name, result)
			}
			if name != last {
				c.effects++
			}
		}
	})
	return last
}

// visit gives f a handle of its own, as a new client would have.
func (c *faults) visit(f func(db *atomic.DB, pool *sql.DB)) {
	c.Helper()
	db, pool, err := openFaults(c.path)
	c.must(err)
	f(db, pool)
	c.must(pool.Close())
}

func (c *faults) setUp() {
	c.Helper()
	c.visit(func(db *atomic.DB, pool *sql.DB) {
		c.must(atomic.Setup(c.Context(), db))
		_, err := pool.ExecContext(c.Context(), `
			CREATE TABLE counter (n INTEGER NOT NULL) STRICT; INSERT INTO counter VALUES (0);
			CREATE TABLE effects (name TEXT NOT NULL) STRICT; CREATE INDEX effects_name ON effects (name)`)
		c.must(err)
	})
}

// outcome is how many rows a request has left.
func (c *faults) outcome(pool *sql.DB, name string) (n int64) {
	c.Helper()
	c.must(pool.QueryRowContext(c.Context(), `SELECT count(*) FROM effects WHERE name = ?`, name).Scan(&n))
	return n
}

// wantOutcome returns how many rows the last request has left. It compares them and the counter with what may be.
func (c *faults) wantOutcome(row *faultRow, name string, fewest, most int64) (outcome int64) {
	c.Helper()
	c.visit(func(_ *atomic.DB, pool *sql.DB) {
		var n, all int64
		query := `SELECT (SELECT n FROM counter), (SELECT count(*) FROM effects)`
		c.must(pool.QueryRowContext(c.Context(), query).Scan(&n, &all))
		outcome = c.outcome(pool, name)
		if outcome < fewest || outcome > most || n != all || n != c.effects+outcome {
			c.violation(row, "%s: %d rows, want %d to %d; the counter is %d, of %d rows, %d before",
				name, outcome, fewest, most, n, all, c.effects)
		}
	})
	return outcome
}

// replays sends a request with a key again. Its result must be the same as before.
func (c *faults) replays(row *faultRow, db *atomic.DB, key, want string) {
	c.Helper()
	result, replayed, err := atomic.DoKeyed(c.Context(), db, key, func(context.Context, *atomic.Tx) ([]byte, error) {
		return nil, errors.New("the block runs again")
	}, nil)
	if err != nil || !replayed || string(result) != want || want == "" {
		c.violation(row, "%s: %q, replayed: %t, %v, was %q before", key, result, replayed, err, want)
	}
}

// faultHelper makes the test binary a client that is killed in the middle of a request.
const faultHelper = "fault"

// process prepares a client that is killed at a point.
func (c *faults) process(point string, keyed bool, name string) *osexec.Cmd {
	c.Helper()
	program, err := os.Executable()
	c.must(err)
	kind := "plain"
	if keyed {
		kind = "keyed"
	}
	cmd := osexec.CommandContext(c.Context(), program, c.path, point, kind, name)
	// Without GORACE the race detector would wait for a second.
	cmd.Env = append(os.Environ(), atomictest.HelperVariable+"="+faultHelper, "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	return cmd
}

// runClient is what the clients of TestAnswersAgreeWithOutcomesUnderFaults run, with the arguments that process
// gives them.
func runClient(args []string) error {
	db, pool, err := openFaults(args[0])
	if err != nil {
		return err
	}
	defer pool.Close()
	p := client{db: db, point: args[1], keyed: args[2] == "keyed", out: os.Stdout}
	for i := 0; ; i++ {
		name := args[3]
		if p.point == aboutCommit {
			name = fmt.Sprintf("%s %d", name, i)
		}
		if err := p.request(context.Background(), name); err != nil || p.point != aboutCommit {
			return err
		}
	}
}

// openFaults opens a database in which every commit is synced to disk.
func openFaults(path string) (*atomic.DB, *sql.DB, error) {
	pool, err := sql.Open("sqlite", "file:"+path+
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, nil, err
	}
	return atomic.Open(pool, sqlite.Dialect{}, nil), pool, nil
}

// A client is a process that sends requests. It writes the answer to each. If it is killed about COMMIT, it also writes
// the name of each request when its block begins and when it is about to commit.
type client struct {
	db    *atomic.DB
	point string
	keyed bool
	out   io.Writer
}

// arrow stands between the name of a request that is done and its result.
const arrow = " -> "

func resultIn(line string) string {
	_, result, _ := strings.Cut(line, arrow)
	return result
}

// request runs one block and writes the answer.
func (p client) request(ctx context.Context, name string) error {
	var result []byte
	var err error
	if p.keyed {
		result, _, err = atomic.DoKeyed(ctx, p.db, name, func(ctx context.Context, tx *atomic.Tx) ([]byte, error) {
			return p.effect(ctx, tx, name)
		}, nil)
	} else {
		err = atomic.Do(ctx, p.db, func(ctx context.Context, tx *atomic.Tx) error {
			result, err = p.effect(ctx, tx, name)
			return err
		}, nil)
	}
	if err != nil {
		return err
	}
	return p.say(name + arrow + string(result))
}

// effect counts up and leaves a row. No two requests have the same result.
func (p client) effect(ctx context.Context, tx *atomic.Tx, name string) ([]byte, error) {
	if p.point == aboutCommit {
		tx.BeforeCommit(func(context.Context) error { return p.say(name) })
		if err := p.say(name); err != nil {
			return nil, err
		}
	}
	tx.BeforeCommit(func(context.Context) error { return p.killIf(beforeCommit) })
	tx.OnCommit(func(context.Context) error { return p.killIf(afterCommit) })
	if err := atomic.ExecOne(ctx, tx, `UPDATE counter SET n = n + 1`); err != nil {
		return nil, err
	}
	n, err := atomic.QueryOne(ctx, tx, func(row atomic.Row) (n int64, err error) {
		return n, row.Scan(&n)
	}, `SELECT n FROM counter`)
	if err != nil {
		return nil, err
	}
	if err := atomic.ExecOne(ctx, tx, `INSERT INTO effects VALUES (?)`, name); err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "%s: %d", name, n), p.killIf(inBlock)
}

func (p client) say(line string) error {
	_, err := fmt.Fprintln(p.out, line)
	return err
}

// killIf kills the client if it is to be killed at this point.
func (p client) killIf(point string) error {
	if p.point != point {
		return nil
	}
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	if err := self.Kill(); err != nil {
		return err
	}
	select {} // Until the signal is there.
}
