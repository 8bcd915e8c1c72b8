package lawtest_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/postgres"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// A ledger of a hundred accounts is quiet for forty days. Then eight writers post, and its two month ends, and moments
// in between, are asked for. What was answered once is answered for ever.

func TestMonthEndsAreFinal(t *testing.T) { monthEnds(t, 200) }

func TestTortureMonthEndsAreFinal(t *testing.T) {
	if os.Getenv("BURSAR_TORTURE") == "" {
		t.Skip("takes minutes; set BURSAR_TORTURE=1")
	}
	monthEnds(t, 1000)
}

func monthEnds(t *testing.T, questions int) {
	t.Run("sqlite", func(t *testing.T) {
		store, err := sqlite.Open(filepath.Join(t.TempDir(), "bursar.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		newMonths(t, store).close(questions)
	})
	t.Run("postgres", func(t *testing.T) {
		pool, err := pgxpool.New(t.Context(), sqltest.Postgres(t).DSN())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		newMonths(t, postgres.New(pool)).close(questions)
	})
	t.Run("mariadb", func(t *testing.T) {
		newMonths(t, mysql.New(opened(t, "mysql", mariaDSN(t, sqltest.MariaDB(t))))).close(questions)
	})
}

const (
	monthAccounts = 100
	monthWriters  = 8
	monthAskers   = 4
	quiet         = 40 * 24 * time.Hour
)

// months is a ledger that was quiet over two month ends, and the same ledger in another program, which queues.
type months struct {
	*testing.T
	*bursartest.Ledger
	queue *ledger.Ledger
	ends  [2]time.Time
	began bursar.Head // when it was quiet
}

// question is an account at a past time.
type question struct {
	path string
	at   time.Time
}

func newMonths(t *testing.T, store driver.Store) *months {
	t.Helper()
	m := &months{T: t, Ledger: bursartest.With(t, store), ends: [2]time.Time{
		time.Date(2026, 2, 1, 0, 0, 0, -1, time.UTC), time.Date(2026, 3, 1, 0, 0, 0, -1, time.UTC),
	}}
	m.Clock.Set(time.Date(2026, 1, 25, 12, 0, 0, 0, time.UTC))
	usd := money.MustParse("0.00 USD").Currency()
	for _, path := range append(m.paths(), "world") {
		_, err := m.OpenAccount(t.Context(), bursar.Opening{Path: path, Currency: usd, NoMin: true})
		m.must(err)
	}
	for n, path := range m.paths() {
		m.pay(m.Ledger.Ledger, path, int64(100+n))
	}
	var err error
	m.began, err = m.Seal(t.Context())
	m.must(err)
	m.Clock.Advance(quiet)
	m.queue, err = ledger.New(t.Context(), store, &ledger.Options{Strategy: ledger.Queue{}, Clock: m.Clock})
	m.must(err)
	t.Cleanup(func() { m.must(m.queue.Close(context.Background())) })
	return m
}

func (m *months) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

func (m *months) paths() (paths []string) {
	for n := range monthAccounts {
		paths = append(paths, fmt.Sprintf("users:%d", n))
	}
	return paths
}

func (m *months) pay(l *ledger.Ledger, to string, cents int64) {
	amount := money.FromUnits(cents, money.MustParse("0.00 USD").Currency())
	_, err := l.Post(m.Context(), bursar.Transfer{Legs: []bursar.Leg{{From: "world", To: to, Amount: amount}}})
	if err != nil {
		m.Errorf("post: %v", err)
	}
}

// close asks while writers post, and again when they have ended.
func (m *months) close(questions int) {
	m.wantHeadToMoveTo(m.ends[0])
	stop := make(chan struct{})
	var posted atomic.Int64
	var writers sync.WaitGroup
	for w := range monthWriters {
		l := []*ledger.Ledger{m.Ledger.Ledger, m.queue}[w%2]
		writers.Go(func() {
			for n := w; ; n += monthWriters {
				select {
				case <-stop:
					return
				default:
				}
				m.Clock.Advance(time.Millisecond)
				m.pay(l, fmt.Sprintf("users:%d", n%monthAccounts), 1)
				posted.Add(1)
			}
		})
	}
	answers := m.ask(questions)
	close(stop)
	writers.Wait()
	for q, before := range answers {
		if after := m.answer(q); after != before {
			m.Errorf("%s at %v: %+v, and later %+v", q.path, q.at, before, after)
		}
	}
	m.wantMonthEnds(answers)
	_, err := m.Seal(m.Context())
	m.must(err)
	m.Clock.Advance(time.Hour)
	m.wantHeadToMoveTo(m.Clock.Now().Add(-time.Minute))
	m.Logf("%d questions, %d transfers of %d writers meanwhile, %d different questions asked again",
		questions, posted.Load(), monthWriters, len(answers))
	if posted.Load() == 0 {
		m.Error("nobody posted meanwhile")
	}
}

// ask asks for the month ends of all accounts, and for the present, which is past when the ledger looks.
func (m *months) ask(questions int) map[question]bursar.Balance {
	answers := map[question]bursar.Balance{}
	var mu sync.Mutex
	var askers sync.WaitGroup
	paths := m.paths()
	for a := range monthAskers {
		askers.Go(func() {
			for n := a; n < questions; n += monthAskers {
				at := m.Clock.Now()
				if n%10 < 8 {
					at = m.ends[n/monthAccounts%2]
				}
				q := question{paths[n%monthAccounts], at}
				got := m.answer(q)
				mu.Lock()
				if before, found := answers[q]; found && before != got {
					m.Errorf("%s at %v: %+v, and then %+v", q.path, q.at, before, got)
				}
				answers[q] = got
				mu.Unlock()
			}
		})
	}
	askers.Wait()
	return answers
}

func (m *months) answer(q question) bursar.Balance {
	b, err := m.Balance(m.Context(), q.path, bursar.AsOf{At: q.at})
	if err != nil {
		m.Errorf("%s at %v: %v", q.path, q.at, err)
	}
	return b
}

// wantMonthEnds wants each account to have had at the month ends what it was given before the quiet.
func (m *months) wantMonthEnds(answers map[question]bursar.Balance) {
	asked := 0
	for n, path := range m.paths() {
		for _, end := range m.ends {
			b, found := answers[question{path, end}]
			if !found {
				continue
			}
			asked++
			if _, cents := b.Balance.Parts(); cents != int64(100+n) || b.Seq != m.began.Seq {
				m.Errorf("%s at %v: %v as of %d, want %d cents as of %d", path, end, b.Balance, b.Seq, 100+n, m.began.Seq)
			}
		}
	}
	if asked < monthAccounts {
		m.Errorf("%d month ends of accounts were asked for", asked)
	}
}

// wantHeadToMoveTo asks a quiet ledger, all of whose entries are sealed. The head's time moves to what is asked for and
// no further, without an entry.
func (m *months) wantHeadToMoveTo(at time.Time) {
	m.Helper()
	before, err := m.Head(m.Context())
	m.must(err)
	got := m.answer(question{"users:0", at})
	after, err := m.Head(m.Context())
	m.must(err)
	want := before
	want.At, err = bursar.InstantOf(at)
	m.must(err)
	if after != want || got.Seq != before.Seq || after.At == before.At {
		m.Errorf("the head was %+v and is %+v, want %+v", before, after, want)
	}
	m.Logf("asked for %v: the head is %d at %v, and then %d at %v", at, before.Seq, before.At, after.Seq, after.At)
}
