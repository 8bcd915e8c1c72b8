package lawtest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/ledger/lawtest"
)

// Many writers post by In and stay in their database transactions for random times. Each has a connection of its own. A
// queue posts beside them, so entries are decided in one order and committed in another. Three readers follow the
// journal from cursors that they keep in the database. They stop at random, and begin again from there with everything
// new. All of them must get the same sequence. It lacks nothing that was committed and has nothing that was rolled
// back.

func TestSlowWriters(t *testing.T) {
	writeSlowly(t, 20, 1500*time.Millisecond, servers{
		postgres: func(t *testing.T) *sqltest.Server { return sqltest.Postgres(t) },
		mariaDB:  func(t *testing.T) *sqltest.Server { return sqltest.MariaDB(t) },
	})
}

// TestTortureSlowWriters takes servers of its own, because a shared server may have too few connections.
func TestTortureSlowWriters(t *testing.T) {
	if os.Getenv("BURSAR_TORTURE") == "" {
		t.Skip("it takes a minute and hundreds of connections: BURSAR_TORTURE=1 asks for it")
	}
	writeSlowly(t, 200, 10*time.Second, servers{
		postgres: func(t *testing.T) *sqltest.Server { return sqltest.PrivatePostgres(t) },
		mariaDB:  func(t *testing.T) *sqltest.Server { return sqltest.PrivateMariaDB(t) },
	})
}

type servers struct {
	postgres, mariaDB func(*testing.T) *sqltest.Server
}

func writeSlowly(t *testing.T, writers int, lasts time.Duration, s servers) {
	table := []string{fmt.Sprintf("%-9s %8s %9s %10s %12s %10s %7s %9s %10s %9s %14s %10s",
		"engine", "writers", "in pause", "committed", "rolled back", "conflicts", "queued", "entries", "overtaken",
		"restarts", "read meanwhile", "violations")}
	defer func() { t.Logf("slow writers, and readers that resume:\n%s", strings.Join(table, "\n")) }()
	seed := lawtest.Seed(t)
	const pause = 200 * time.Millisecond
	for _, r := range []*slowRun{
		{
			engine: "postgres", connect: connectPgx, writers: writers, pause: pause,
			place: func(t *testing.T) string { return s.postgres(t).DSN() },
		},
		{
			engine: "mariadb", connect: connectMariaDB, writers: writers, pause: pause,
			place: func(t *testing.T) string { return mariaDSN(t, s.mariaDB(t)) },
		},
		{ // with one writer at a time: so there are fewer, they are quick, and they rest to let others in
			engine: "sqlite", connect: connectSQLite, writers: max(4, writers/20), pause: pause / 100, rest: pause / 10,
			place: fileDSN,
		},
	} {
		t.Run(r.engine, func(t *testing.T) {
			r.T, r.seed, r.lasts, r.dsn = t, seed, lasts, r.place(t)
			defer func() { table = append(table, r.String()) }()
			r.open()
			r.run()
			r.check()
		})
	}
}

// slowRun is one run on one engine.
type slowRun struct {
	*testing.T
	engine  string
	connect connector
	place   func(*testing.T) (dsn string)
	writers int
	pause   time.Duration // the longest in a database transaction
	rest    time.Duration // the longest after one
	lasts   time.Duration
	seed    uint64
	dsn     string

	store    driver.Store
	ledger   *ledger.Ledger
	accounts int
	readers  [3]reader

	mu     sync.Mutex
	posted map[bursar.ID]bool // the answers: true for posted, false for rolled back

	inside, most, committed, rolledBack, conflicts, queued atomic.Int64

	entries, overtaken int
	violations         int
}

func (s *slowRun) String() string {
	restarts, meanwhile := 0, 0
	for i := range s.readers {
		restarts += s.readers[i].restarts
		meanwhile += s.readers[i].meanwhile
	}
	return fmt.Sprintf("%-9s %8d %9d %10d %12d %10d %7d %9d %10d %9d %14d %10d",
		s.engine, s.writers, s.most.Load(), s.committed.Load(), s.rolledBack.Load(), s.conflicts.Load(),
		s.queued.Load(), s.entries, s.overtaken, restarts, meanwhile, s.violations)
}

func (s *slowRun) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *slowRun) random(stream int) *rand.Rand { return rand.New(rand.NewPCG(s.seed, uint64(stream))) }

// open makes accounts and the readers' cursors. Slow writers block every fifth account at a time.
func (s *slowRun) open() {
	s.Helper()
	s.accounts, s.posted = 10*s.writers, make(map[bursar.ID]bool)
	app := s.connect.connect(s.T, s.dsn, poolSize)
	s.store = app.Store
	s.ledger = s.ledgerOver(app.Store, &ledger.Options{Migrate: true})
	tx, err := app.begin(s.Context())
	s.must(err)
	defer tx.Rollback()
	in := s.ledger.In(tx)
	for n := range s.accounts {
		_, err := in.OpenAccount(s.Context(), bursar.Opening{Path: customer(n), Currency: cents(0).Currency(), NoMin: true})
		s.must(err)
	}
	s.must(tx.Commit())
	s.must(app.Exec(s.Context(), `CREATE TABLE cursors (reader INTEGER PRIMARY KEY, seq BIGINT NOT NULL)`))
	for i := range s.readers {
		s.must(app.Exec(s.Context(), fmt.Sprintf(`INSERT INTO cursors (reader, seq) VALUES (%d, 0)`, i)))
	}
}

func (s *slowRun) ledgerOver(store driver.Store, o *ledger.Options) *ledger.Ledger {
	s.Helper()
	l, err := ledger.New(context.Background(), store, o)
	s.must(err)
	s.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			s.Error(err)
		}
	})
	return l
}

// run has writers write and readers read for a while. Then the readers come to the end.
func (s *slowRun) run() {
	s.Helper()
	queue := s.ledgerOver(s.connect.connect(s.T, s.dsn, poolSize).Store, &ledger.Options{Strategy: ledger.Queue{}})
	own := make([]*application, s.writers)
	for i := range own {
		own[i] = s.connect.connect(s.T, s.dsn, 1)
	}
	goOn, stop := s.goOn()
	defer stop()
	var writing, reading sync.WaitGroup
	for i := range own {
		writing.Go(func() { s.writeSlowly(goOn, i, own[i]) })
	}
	for i := range max(4, s.writers/4) {
		writing.Go(func() { s.writeQuickly(goOn, s.writers+i, queue) })
	}
	ended := make(chan struct{}) // nothing is written or sealed any more
	for i := range s.readers {
		r := &s.readers[i]
		r.run, r.number, r.Rand, r.ended = s, i, s.random(-1-i), ended
		reading.Go(r.follow)
	}
	writing.Wait()
	_, err := s.ledger.Seal(s.Context())
	close(ended)
	reading.Wait()
	s.must(err)
}

// counts are what must have happened at least once.
func (s *slowRun) counts() map[string]int64 {
	return map[string]int64{"committed": s.committed.Load(), "rolled back": s.rolledBack.Load(), "queued": s.queued.Load()}
}

// goOn reports whether writers go on. They do for as long as the run lasts, and until everything has happened.
func (s *slowRun) goOn() (goOn func() bool, stop func()) {
	ctx, cancel := context.WithTimeout(s.Context(), s.lasts)
	late, cancelLate := context.WithTimeout(s.Context(), s.lasts+slowExtra)
	goOn = func() bool {
		if ctx.Err() == nil {
			return true
		}
		for _, n := range s.counts() {
			if n == 0 {
				return late.Err() == nil
			}
		}
		return false
	}
	return goOn, func() {
		cancel()
		cancelLate()
	}
}

// slowExtra is how much longer writers go on at most, until everything has happened.
const slowExtra = 20 * time.Second

// transfer is between two random accounts, under an id that no other writer uses.
func (s *slowRun) transfer(r *rand.Rand, writer, n int) bursar.Transfer {
	from := r.IntN(s.accounts)
	to := (from + 1 + r.IntN(s.accounts-1)) % s.accounts
	return bursar.Transfer{ID: bursar.IDOf("slow", writer*1_000_000+n),
		Legs: []bursar.Leg{{From: customer(from), To: customer(to), Amount: cents(1 + r.Int64N(100))}}}
}

func (s *slowRun) answered(id bursar.ID, posted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.posted[id] = posted
}

// writeSlowly posts in database transactions on a connection of its own.
func (s *slowRun) writeSlowly(goOn func() bool, writer int, own *application) {
	r := s.random(writer)
	for n := 0; goOn(); n++ {
		t := s.transfer(r, writer, n)
		committed, err := s.postSlowly(own, t, time.Duration(r.Int64N(int64(s.pause))), r.IntN(4) > 0)
		switch {
		case bursar.CodeOf(err) == bursar.CodeConflict || starved(err):
			s.conflicts.Add(1)
		case err != nil:
			s.Errorf("writer %d: %v", writer, err)
			return
		case committed:
			s.committed.Add(1)
		default:
			s.rolledBack.Add(1)
		}
		s.answered(t.ID, committed)
		s.restAfter(r)
	}
}

func (s *slowRun) restAfter(r *rand.Rand) {
	if s.rest > 0 {
		_ = clock.System().Sleep(s.Context(), time.Duration(r.Int64N(int64(s.rest)))) // a canceled writer sees it next
	}
}

// postSlowly posts, stays in the database transaction for a while, and then commits or rolls back.
func (s *slowRun) postSlowly(own *application, t bursar.Transfer, pause time.Duration, commit bool) (
	committed bool, err error) {
	tx, err := own.begin(s.Context())
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	if _, err := s.ledger.In(tx).Post(s.Context(), t); err != nil {
		return false, err
	}
	inside := s.inside.Add(1)
	for most := s.most.Load(); inside > most && !s.most.CompareAndSwap(most, inside); most = s.most.Load() {
	}
	err = clock.System().Sleep(s.Context(), pause)
	s.inside.Add(-1)
	if err != nil {
		return false, err
	}
	if !commit {
		return false, tx.Rollback()
	}
	return true, tx.Commit()
}

// writeQuickly posts through the queue. With every batch the queue seals what others have committed.
func (s *slowRun) writeQuickly(goOn func() bool, writer int, queue *ledger.Ledger) {
	r := s.random(writer)
	for n := 0; goOn(); n++ {
		t := s.transfer(r, writer, n)
		_, err := queue.Post(s.Context(), t)
		for ; bursar.Retryable(err); _, err = queue.Post(s.Context(), t) {
			s.conflicts.Add(1)
		}
		if err != nil {
			s.Errorf("queue: %v", err)
			return
		}
		s.queued.Add(1)
		s.answered(t.ID, true)
		s.restAfter(r)
	}
}

// check looks for violations between the answers, the journal and what the readers got.
func (s *slowRun) check() {
	s.Helper()
	journal := bursartest.Journal(s.T, s.ledger)
	s.entries = len(journal)
	var latest bursar.Instant
	for i := range journal {
		if latest = max(latest, journal[i].Decided); journal[i].Decided < latest {
			s.overtaken++
		}
	}
	var read [][]bursar.Entry
	for i := range s.readers {
		read = append(read, s.readers[i].got)
	}
	if err := lawtest.Delivered(journal, read, s.posted); err != nil {
		s.violations++
		s.Error(err)
	}
	if want := int64(s.accounts) + s.committed.Load() + s.queued.Load(); int64(s.entries) != want {
		s.violations++
		s.Errorf("the journal has %d entries, want %d", s.entries, want)
	}
	for what, n := range s.counts() {
		if n == 0 {
			s.Errorf("nothing was %s: nothing was put to the test", what)
		}
	}
	if s.overtaken == 0 && s.store.SealsLater() {
		s.Error("everything was committed in the order in which it was decided: nothing was put to the test")
	}
	soundBook(s.T, s.store, s.ledger)
}
