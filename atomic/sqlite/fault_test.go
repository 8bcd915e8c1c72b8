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

// SQLite has no connection to lose: what dies is the process that commits. In each round one process dies by SIGKILL
// while it runs a block without a key, and another one while it runs a block with one, which a third process then runs
// again: it must come to the same end as if nothing had been. What a process has called committed must be there for
// ever. In one of the places the process is killed by another one, after some blocks.

// Where a process dies.
const (
	inBlock      = "in the block"
	beforeCommit = "before COMMIT"
	aboutCommit  = "about COMMIT"
	afterCommit  = "after COMMIT"
	nowhere      = "nowhere"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	crash(t, 10)
}

func TestTortureFaults(t *testing.T) {
	t.Parallel()
	if os.Getenv("BURSAR_TORTURE") == "" {
		t.Skip("it takes minutes: BURSAR_TORTURE=1 asks for it")
	}
	crash(t, 300)
}

func crash(t *testing.T, rounds int) {
	t.Helper()
	c := &crashes{T: t, path: filepath.Join(t.TempDir(), "faults.db")}
	defer func() { t.Log(c.String()) }()
	c.setUp()
	for _, row := range []crashRow{
		{at: inBlock}, {at: beforeCommit}, {at: aboutCommit, most: 1}, {at: afterCommit, fewest: 1, most: 1},
	} {
		c.rows = append(c.rows, &row)
		for round := range rounds {
			row.rounds++
			c.plain(&row, round)
			c.keyed(&row, round)
		}
	}
}

// crashes is one run of the test.
type crashes struct {
	*testing.T
	path    string
	rows    []*crashRow
	effects int64 // that are there
}

// crashRow counts what has become of the blocks whose process died in one place.
type crashRow struct {
	at           string
	fewest, most int64 // rows that such a block may have left
	rounds       int

	once, replayed, again int // with a key
	there, absent         int // without
	kept                  int // blocks that the process had called committed before
	wrong                 int
}

func (c *crashes) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "sqlite\n%-22s %31s | %s\n", "", "with a key", "without a key")
	const line = "%-7s %-14s %6v %6v %8v %9v | %5v %9v | %17v | %5v\n"
	fmt.Fprintf(&b, line, "fault", "where", "rounds", "once", "replayed", "ran again", "there", "not there", "kept, as promised", "wrong")
	for _, r := range c.rows {
		fmt.Fprintf(&b, line, "kill -9", r.at, r.rounds, r.once, r.replayed, r.again, r.there, r.absent, r.kept, r.wrong)
	}
	return b.String()
}

func (c *crashes) wrong(row *crashRow, format string, args ...any) {
	c.Helper()
	row.wrong++
	c.Errorf("killed %s: %s", row.at, fmt.Sprintf(format, args...))
}

func (c *crashes) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// plain kills a process in a block without a key.
func (c *crashes) plain(row *crashRow, round int) {
	c.Helper()
	left := c.settled(row, c.kill(row, round, false), row.fewest, row.most)
	c.effects += left
	if left > 0 {
		row.there++
	} else {
		row.absent++
	}
}

// keyed kills a process in a block with a key, and runs it in another one.
func (c *crashes) keyed(row *crashRow, round int) {
	c.Helper()
	key := c.kill(row, round, true)
	if c.settled(row, key, row.fewest, row.most) > 0 {
		row.replayed++
	} else {
		row.again++
	}
	said, err := c.process(nowhere, true, key).Output()
	c.must(err)
	first, _, _ := strings.Cut(string(said), "\n")
	if c.settled(row, key, 1, 1) == 1 {
		row.once++
	}
	c.effects++
	c.visit(func(db *atomic.DB, _ *sql.DB) { c.replays(row, db, key, resultIn(first)) })
}

// kill runs a process until it is dead, and returns the name of the block that was under way.
func (c *crashes) kill(row *crashRow, round int, keyed bool) (name string) {
	c.Helper()
	name = fmt.Sprintf("%s %t %d", row.at, keyed, round)
	cmd := c.process(row.at, keyed, name)
	if row.at == aboutCommit {
		return c.killFromOutside(row, cmd, 2+round%7, keyed)
	}
	said, err := cmd.Output()
	if err == nil || len(said) > 0 {
		c.Fatalf("%s: the process lives, %v, and says %q", name, err, said)
	}
	return name
}

// killFromOutside kills a process that runs block after block when it has said a number of lines. What it has called
// committed is held against its word.
func (c *crashes) killFromOutside(row *crashRow, cmd *osexec.Cmd, lines int, keyed bool) (last string) {
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
		c.Fatalf("the process has ended by itself, %v, and has said %q", err, said)
	}
	last, _, _ = strings.Cut(said[len(said)-1], arrow)
	c.visit(func(db *atomic.DB, pool *sql.DB) {
		for _, line := range said {
			name, result, committed := strings.Cut(line, arrow)
			if !committed {
				continue
			}
			row.kept++
			if left := c.left(pool, name); left != 1 {
				c.wrong(row, "%s: %d rows of what was called committed", name, left)
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

// visit gives f a handle of its own, as a new process would have.
func (c *crashes) visit(f func(db *atomic.DB, pool *sql.DB)) {
	c.Helper()
	db, pool, err := openFaults(c.path)
	c.must(err)
	f(db, pool)
	c.must(pool.Close())
}

func (c *crashes) setUp() {
	c.Helper()
	c.visit(func(db *atomic.DB, pool *sql.DB) {
		c.must(atomic.Setup(c.Context(), db))
		_, err := pool.ExecContext(c.Context(), `CREATE TABLE counter (n INTEGER NOT NULL) STRICT; INSERT INTO counter VALUES (0);
			CREATE TABLE effects (name TEXT NOT NULL) STRICT; CREATE INDEX effects_name ON effects (name)`)
		c.must(err)
	})
}

// left is how many rows a block has left.
func (c *crashes) left(pool *sql.DB, name string) (n int64) {
	c.Helper()
	c.must(pool.QueryRowContext(c.Context(), `SELECT count(*) FROM effects WHERE name = ?`, name).Scan(&n))
	return n
}

// settled returns how many rows the last block has left, and holds them and the counter against what may be.
func (c *crashes) settled(row *crashRow, name string, fewest, most int64) (left int64) {
	c.Helper()
	c.visit(func(_ *atomic.DB, pool *sql.DB) {
		var n, all int64
		c.must(pool.QueryRowContext(c.Context(), `SELECT (SELECT n FROM counter), (SELECT count(*) FROM effects)`).Scan(&n, &all))
		left = c.left(pool, name)
		if left < fewest || left > most || n != all || n != c.effects+left {
			c.wrong(row, "%s: %d rows, want %d to %d; the counter is %d, of %d rows, %d before", name, left, fewest, most, n, all, c.effects)
		}
	})
	return left
}

// replays calls a key again, which must give what it gave before.
func (c *crashes) replays(row *crashRow, db *atomic.DB, key, want string) {
	c.Helper()
	result, replayed, err := atomic.DoKeyed(c.Context(), db, key, func(context.Context, *atomic.Tx) ([]byte, error) {
		return nil, errors.New("the block runs again")
	}, nil)
	if err != nil || !replayed || string(result) != want || want == "" {
		c.wrong(row, "%s: %q, replayed: %t, %v, was %q before", key, result, replayed, err, want)
	}
}

// dyingHelper begins a process that dies in the middle of a block.
const dyingHelper = "dying"

// process prepares a process that dies in one place.
func (c *crashes) process(at string, keyed bool, name string) *osexec.Cmd {
	c.Helper()
	program, err := os.Executable()
	c.must(err)
	kind := "plain"
	if keyed {
		kind = "keyed"
	}
	cmd := osexec.CommandContext(c.Context(), program, c.path, at, kind, name)
	cmd.Env = append(os.Environ(), atomictest.HelperVariable+"="+dyingHelper, "GORACE=atexit_sleep_ms=0") // A race detector would wait for a second.
	cmd.Stderr = os.Stderr
	return cmd
}

// die is what the processes of TestFaults run, with the arguments that process gives them.
func die(args []string) error {
	db, pool, err := openFaults(args[0])
	if err != nil {
		return err
	}
	defer pool.Close()
	p := mortal{db: db, at: args[1], keyed: args[2] == "keyed", out: os.Stdout}
	for i := 0; ; i++ {
		name := args[3]
		if p.at == aboutCommit {
			name = fmt.Sprintf("%s %d", name, i)
		}
		if err := p.block(context.Background(), name); err != nil || p.at != aboutCommit {
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

// mortal is a process that runs blocks. About COMMIT it says their names when they begin and when they are about to
// commit; there and nowhere it says what they have come to.
type mortal struct {
	db    *atomic.DB
	at    string
	keyed bool
	out   io.Writer
}

// arrow stands between the name of a block that was committed and its result.
const arrow = " -> "

func resultIn(line string) string {
	_, result, _ := strings.Cut(line, arrow)
	return result
}

// block runs one block.
func (p mortal) block(ctx context.Context, name string) error {
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

// effect counts up and leaves a row. Its result is like no other.
func (p mortal) effect(ctx context.Context, tx *atomic.Tx, name string) ([]byte, error) {
	if p.at == aboutCommit {
		tx.BeforeCommit(func(context.Context) error { return p.say(name) })
		if err := p.say(name); err != nil {
			return nil, err
		}
	}
	tx.BeforeCommit(func(context.Context) error { return p.dieIf(beforeCommit) })
	tx.OnCommit(func(context.Context) error { return p.dieIf(afterCommit) })
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
	return fmt.Appendf(nil, "%s: %d", name, n), p.dieIf(inBlock)
}

func (p mortal) say(line string) error {
	_, err := fmt.Fprintln(p.out, line)
	return err
}

// dieIf kills the process, in the one place.
func (p mortal) dieIf(at string) error {
	if p.at != at {
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
