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

// Many writers, each with a connection of its own, post by In and stay in their database transactions for random times, while
// a queue posts beside them. Their entries are decided in one order and committed in another. Three readers follow the
// journal from cursors that they keep in the database, stop at random, and begin again from there with everything new.
// All of them must get the same sequence, in which nothing is missing and nothing is there that was rolled back.

func TestSlowWriters(t *testing.T) {
	writeSlowly(t, 20, 1500*time.Millisecond, servers{
		postgres: func(t *testing.T) *sqltest.Server { return sqltest.Postgres(t) },
		mariaDB:  func(t *testing.T) *sqltest.Server { return sqltest.MariaDB(t) },
	})
}

// TestTortureSlowWriters takes servers of its own: a shared one may not have so many connections to give.
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
	table := []string{fmt.Sprintf("%-9s %8s %9s %10s %12s %10s %7s %9s %10s %9s %14s %7s", "engine", "writers", "in pause", "committed",
		"rolled back", "conflicts", "queued", "entries", "overtaken", "restarts", "read meanwhile", "faults")}
	defer func() { t.Logf("slow writers, and readers that resume:\n%s", strings.Join(table, "\n")) }()
	seed := seedOf(t)
	const pause = 200 * time.Millisecond
	for _, f := range []*fleet{
		{engine: "postgres", connect: connectPgx, writers: writers, pause: pause,
			place: func(t *testing.T) string { return s.postgres(t).DSN() }},
		{engine: "mariadb", connect: connectMariaDB, writers: writers, pause: pause,
			place: func(t *testing.T) string { return mariaDSN(t, s.mariaDB(t)) }},
		// Whoever is in a database transaction here is the only writer: so there are fewer, they are quick, and they leave room
		// for others.
		{engine: "sqlite", connect: connectSQLite, writers: max(4, writers/20), pause: pause / 100, rest: pause / 10, place: fileDSN},
	} {
		t.Run(f.engine, func(t *testing.T) {
			f.T, f.seed, f.lasts, f.dsn = t, seed, lasts, f.place(t)
			defer func() { table = append(table, f.String()) }()
			f.open()
			f.sail()
			f.check()
		})
	}
}

// fleet is one run on one engine.
type fleet struct {
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
	posted map[bursar.ID]bool // what was acknowledged, and what was rolled back

	inside, most, committed, undone, conflicts, queued atomic.Int64

	entries, overtaken int
	faults             int
}

func (f *fleet) String() string {
	restarts, meanwhile := 0, 0
	for i := range f.readers {
		restarts += f.readers[i].restarts
		meanwhile += f.readers[i].meanwhile
	}
	return fmt.Sprintf("%-9s %8d %9d %10d %12d %10d %7d %9d %10d %9d %14d %7d", f.engine, f.writers, f.most.Load(), f.committed.Load(),
		f.undone.Load(), f.conflicts.Load(), f.queued.Load(), f.entries, f.overtaken, restarts, meanwhile, f.faults)
}

func (f *fleet) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *fleet) random(stream int) *rand.Rand { return rand.New(rand.NewPCG(f.seed, uint64(stream))) }

// open makes accounts, of which slow writers hold every fifth at a time, and the readers' cursors.
func (f *fleet) open() {
	f.Helper()
	f.accounts, f.posted = 10*f.writers, make(map[bursar.ID]bool)
	app := f.connect.connect(f.T, f.dsn, poolSize)
	f.store = app.Store
	f.ledger = f.ledgerOver(app.Store, &ledger.Options{Migrate: true})
	tx, err := app.begin(f.Context())
	f.must(err)
	defer tx.Rollback()
	in := f.ledger.In(tx)
	for n := range f.accounts {
		_, err := in.OpenAccount(f.Context(), bursar.Opening{Path: customer(n), Currency: cents(0).Currency(), NoMin: true})
		f.must(err)
	}
	f.must(tx.Commit())
	f.must(app.Exec(f.Context(), `CREATE TABLE cursors (reader INTEGER PRIMARY KEY, seq BIGINT NOT NULL)`))
	for i := range f.readers {
		f.must(app.Exec(f.Context(), fmt.Sprintf(`INSERT INTO cursors (reader, seq) VALUES (%d, 0)`, i)))
	}
}

func (f *fleet) ledgerOver(store driver.Store, o *ledger.Options) *ledger.Ledger {
	f.Helper()
	l, err := ledger.New(context.Background(), store, o)
	f.must(err)
	f.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			f.Error(err)
		}
	})
	return l
}

// sail has everybody write and read for a while, and then the readers come to the end.
func (f *fleet) sail() {
	f.Helper()
	queue := f.ledgerOver(f.connect.connect(f.T, f.dsn, poolSize).Store, &ledger.Options{Strategy: ledger.Queue{}})
	own := make([]*application, f.writers)
	for i := range own {
		own[i] = f.connect.connect(f.T, f.dsn, 1)
	}
	goOn, stop := f.goOn()
	defer stop()
	var writing, reading sync.WaitGroup
	for i := range own {
		writing.Go(func() { f.writeSlowly(goOn, i, own[i]) })
	}
	for i := range max(4, f.writers/4) {
		writing.Go(func() { f.writeQuickly(goOn, f.writers+i, queue) })
	}
	ended := make(chan struct{}) // nothing is written or sealed any more
	for i := range f.readers {
		r := &f.readers[i]
		r.fleet, r.number, r.Rand, r.ended = f, i, f.random(-1-i), ended
		reading.Go(r.follow)
	}
	writing.Wait()
	_, err := f.ledger.Seal(f.Context())
	close(ended)
	reading.Wait()
	f.must(err)
}

// counts are what must have happened at least once.
func (f *fleet) counts() map[string]int64 {
	return map[string]int64{"committed": f.committed.Load(), "rolled back": f.undone.Load(), "queued": f.queued.Load()}
}

// goOn says whether writers go on: for as long as the run lasts, and until everything has happened.
func (f *fleet) goOn() (goOn func() bool, stop func()) {
	ctx, cancel := context.WithTimeout(f.Context(), f.lasts)
	late, cancelLate := context.WithTimeout(f.Context(), f.lasts+fleetPatience)
	goOn = func() bool {
		if ctx.Err() == nil {
			return true
		}
		for _, n := range f.counts() {
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

// fleetPatience is how much longer writers go on at most.
const fleetPatience = 20 * time.Second

// transfer is between two random accounts, under an id that no other writer uses.
func (f *fleet) transfer(r *rand.Rand, writer, n int) bursar.Transfer {
	from := r.IntN(f.accounts)
	to := (from + 1 + r.IntN(f.accounts-1)) % f.accounts
	return bursar.Transfer{ID: bursar.IDOf("slow", writer*1_000_000+n),
		Legs: []bursar.Leg{{From: customer(from), To: customer(to), Amount: cents(1 + r.Int64N(100))}}}
}

func (f *fleet) note(id bursar.ID, posted bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.posted[id] = posted
}

// writeSlowly posts in database transactions on a connection of its own.
func (f *fleet) writeSlowly(goOn func() bool, writer int, own *application) {
	r := f.random(writer)
	for n := 0; goOn(); n++ {
		t := f.transfer(r, writer, n)
		committed, err := f.stay(own, t, time.Duration(r.Int64N(int64(f.pause))), r.IntN(4) > 0)
		switch {
		case bursar.CodeOf(err) == bursar.CodeConflict || starved(err):
			f.conflicts.Add(1)
		case err != nil:
			f.Errorf("writer %d: %v", writer, err)
			return
		case committed:
			f.committed.Add(1)
		default:
			f.undone.Add(1)
		}
		f.note(t.ID, committed)
		f.takeRest(r)
	}
}

func (f *fleet) takeRest(r *rand.Rand) {
	if f.rest > 0 {
		_ = clock.System().Sleep(f.Context(), time.Duration(r.Int64N(int64(f.rest)))) // whoever is called off sees it next
	}
}

// stay posts, stays in the database transaction for a while, and then commits or rolls back.
func (f *fleet) stay(own *application, t bursar.Transfer, pause time.Duration, commit bool) (committed bool, err error) {
	tx, err := own.begin(f.Context())
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	if _, err := f.ledger.In(tx).Post(f.Context(), t); err != nil {
		return false, err
	}
	inside := f.inside.Add(1)
	for most := f.most.Load(); inside > most && !f.most.CompareAndSwap(most, inside); most = f.most.Load() {
	}
	err = clock.System().Sleep(f.Context(), pause)
	f.inside.Add(-1)
	if err != nil {
		return false, err
	}
	if !commit {
		return false, tx.Rollback()
	}
	return true, tx.Commit()
}

// writeQuickly posts through the queue, which seals what others have committed with every batch.
func (f *fleet) writeQuickly(goOn func() bool, writer int, queue *ledger.Ledger) {
	r := f.random(writer)
	for n := 0; goOn(); n++ {
		t := f.transfer(r, writer, n)
		_, err := queue.Post(f.Context(), t)
		for ; bursar.Retryable(err); _, err = queue.Post(f.Context(), t) {
			f.conflicts.Add(1)
		}
		if err != nil {
			f.Errorf("queue: %v", err)
			return
		}
		f.queued.Add(1)
		f.note(t.ID, true)
		f.takeRest(r)
	}
}

// check holds what the readers got against the journal, and that against what was acknowledged.
func (f *fleet) check() {
	f.Helper()
	journal := bursartest.Journal(f.T, f.ledger)
	f.entries = len(journal)
	var latest bursar.Instant
	for i := range journal {
		if latest = max(latest, journal[i].Decided); journal[i].Decided < latest {
			f.overtaken++
		}
	}
	var read [][]bursar.Entry
	for i := range f.readers {
		read = append(read, f.readers[i].got)
	}
	if err := lawtest.Delivered(journal, read, f.posted); err != nil {
		f.faults++
		f.Error(err)
	}
	if want := int64(f.accounts) + f.committed.Load() + f.queued.Load(); int64(f.entries) != want {
		f.faults++
		f.Errorf("the journal has %d entries, want %d", f.entries, want)
	}
	for what, n := range f.counts() {
		if n == 0 {
			f.Errorf("nothing was %s: nothing was put to the test", what)
		}
	}
	if f.overtaken == 0 && f.store.SealsLater() {
		f.Error("everything was committed in the order in which it was decided: nothing was put to the test")
	}
	soundBook(f.T, f.store, f.ledger)
}
