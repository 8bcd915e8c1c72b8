package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store"
)

// Three servers work on one database. Again and again one of them is killed by SIGKILL and started anew, and so is, in
// some variants, an application that posts in database transactions of its own, and the database itself. Clients send
// transfers under ids of their own, and send them again, to another server, until they have an answer; some are sent
// to two servers at once. In the end every transfer that was acknowledged must be in the journal once, with its content,
// no other may be, and the ledger must be sound.

func TestFleet(t *testing.T) {
	runFleets(t, &fleetForm{clients: 12, lasts: 3 * time.Second, every: 300 * time.Millisecond}, []fleetVariant{
		{name: "postgres", server: sqltest.PrivatePostgres, shop: true, databaseKills: 1},
		{name: "mariadb", server: sqltest.PrivateMariaDB, shop: true, databaseKills: 1},
	})
}

func TestTortureFleet(t *testing.T) {
	if os.Getenv("BURSAR_TORTURE") == "" {
		t.Skip("it takes minutes: BURSAR_TORTURE=1 asks for it")
	}
	runFleets(t, &fleetForm{clients: 64, lasts: time.Minute, every: 2 * time.Second}, []fleetVariant{
		{name: "postgres", server: sqltest.Postgres},
		{name: "mariadb", server: sqltest.MariaDB},
		{name: "postgres, In", server: sqltest.Postgres, shop: true},
		{name: "mariadb, In", server: sqltest.MariaDB, shop: true},
		{name: "postgres killed", server: sqltest.PrivatePostgres, shop: true, databaseKills: 5},
		{name: "mariadb killed", server: sqltest.PrivateMariaDB, shop: true, databaseKills: 5},
	})
}

// fleetForm is the size of a run.
type fleetForm struct {
	clients int
	lasts   time.Duration
	every   time.Duration // between two kills
}

type fleetVariant struct {
	name          string
	server        func(testing.TB) *sqltest.Server
	shop          bool // there is a fourth process
	databaseKills int
}

// fleetPatience is how long anything may take at the very most.
const fleetPatience = 2 * time.Minute

// fleet is one run.
type fleet struct {
	*testing.T
	form    *fleetForm
	variant fleetVariant
	server  *sqltest.Server
	url     string
	http    *http.Client
	members []*member
	shop    *shop // nil without one
	random  *rand.Rand
	tally   tally
	history history

	kills, shopKills, databaseKills int
	away                            time.Duration // the longest that it took after the database was back until all servers were well
	verdict                         *verdict
	verified                        string
}

func runFleets(t *testing.T, form *fleetForm, variants []fleetVariant) {
	table := []string{fmt.Sprintf("%-16s %7s %5s %9s %8s %8s %8s %8s %7s %8s %10s %8s %8s %5s %8s %7s", "variant", "servers", "shops", "databases",
		"requests", "posted", "refused", "retries", "unknown", "orders", "log lines", "longest", "back", "lost", "doubled", "verify")}
	defer func() { t.Logf("killed, sent and acknowledged:\n%s", strings.Join(table, "\n")) }()
	seed := rand.Uint64()
	if text := os.Getenv("BURSAR_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("BURSAR_SEED=%d", seed)
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			f := &fleet{T: t, form: form, variant: v, server: v.server(t), random: rand.New(rand.NewPCG(seed, 1)), verdict: &verdict{}, verified: "-",
				tally:   tally{codes: make(map[bursar.Code]int)},
				history: history{seed: seed, answers: make(map[wish][]answer), bought: make(map[purchase]bool)},
				http:    &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 2 * form.clients}}}
			defer func() { table = append(table, f.String()) }()
			f.url = f.server.URL()
			f.found()
			f.live()
			f.close()
		})
	}
}

func (f *fleet) String() string {
	lines, v, y := 0, f.verdict, &f.tally
	for _, m := range f.members {
		lines += len(m.said)
	}
	return fmt.Sprintf("%-16s %7d %5d %9d %8d %8d %8d %8d %7d %8d %10d %8v %8v %5d %8d %7s", f.variant.name, f.kills, f.shopKills, f.databaseKills,
		y.sent, v.posted, v.refused, y.retries, y.codes[bursar.CodeOutcomeUnknown], len(f.history.bought), lines,
		y.longest.Round(time.Millisecond), f.away.Round(time.Millisecond), v.lost, v.doubled, f.verified)
}

func (f *fleet) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// fault is what is wrong, found by any goroutine.
func (f *fleet) fault(format string, args ...any) {
	f.tally.note(func() { f.tally.faults = append(f.tally.faults, fmt.Sprintf(format, args...)) })
}

// found makes the ledger and gives every account money.
func (f *fleet) found() {
	f.Helper()
	if out, err := exec.CommandContext(f.Context(), "bursar", "migrate", "--db", f.url).CombinedOutput(); err != nil {
		f.Fatalf("migrate: %v: %s", err, out)
	}
	f.ledger(func(l *ledger.Ledger) {
		currency := dollars(0).Currency()
		_, err := l.OpenAccount(f.Context(), bursar.Opening{Path: fleetBank, Currency: currency, NoMin: true})
		f.must(err)
		var funds []bursar.Transfer
		for n := range fleetAccounts {
			_, err := l.OpenAccount(f.Context(), bursar.Opening{Path: fleetAccount(n), Currency: currency})
			f.must(err)
			funds = append(funds, bursar.Transfer{Legs: []bursar.Leg{{From: fleetBank, To: fleetAccount(n), Amount: dollars(fleetCents)}}})
		}
		results, err := l.PostBatch(f.Context(), funds)
		f.must(err)
		for _, r := range results {
			f.must(r.Err)
		}
	})
	if f.variant.shop {
		db := f.server.Open(f.T)
		_, err := db.ExecContext(f.Context(), orderTable)
		f.must(errors.Join(err, db.Close())) // it would not outlive the database
	}
}

// ledger opens the ledger without a sealer of its own.
func (f *fleet) ledger(fn func(*ledger.Ledger)) {
	f.Helper()
	s, err := store.Open(f.url)
	f.must(err)
	defer s.Close()
	l, err := ledger.New(context.Background(), s, &ledger.Options{SealEvery: -1})
	f.must(err)
	defer l.Close(f.Context())
	fn(l)
}

// live runs servers, clients and the shop while some of them are killed.
func (f *fleet) live() {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), f.form.lasts+2*fleetPatience)
	defer cancel()
	for range 3 {
		m := &member{fleet: f}
		f.members = append(f.members, m)
		f.must(m.start(ctx, anyPort))
		f.Cleanup(func() { _ = m.cmd.Process.Kill() }) // of no effect when all went well
		f.must(m.healthy(ctx))
	}
	if f.variant.shop {
		f.shop = &shop{fleet: f, next: []int{0, 1, 2, 3}}
		f.must(f.shop.start())
		f.Cleanup(func() { _ = f.shop.cmd.Process.Kill() })
	}
	over := make(chan struct{})
	var clients sync.WaitGroup
	for n := range f.form.clients {
		c := &client{fleet: f, number: n, random: rand.New(rand.NewPCG(f.history.seed, uint64(n)|1<<62))}
		clients.Go(func() { c.work(ctx, over) })
	}
	err := f.havoc(ctx)
	close(over)
	clients.Wait()
	f.must(err)
	if f.shop != nil {
		f.must(f.shop.stop())
	}
}

// havoc kills, until the day is over. All servers are well then.
func (f *fleet) havoc(ctx context.Context) error {
	began := clock.System().Now()
	elapsed := func() time.Duration { return clock.System().Now().Sub(began) }
	for tick := 1; elapsed() < f.form.lasts || f.databaseKills < f.variant.databaseKills; tick++ {
		if err := clock.System().Sleep(ctx, time.Duration(tick)*f.form.every-elapsed()); err != nil {
			return err
		}
		var err error
		if n := time.Duration(f.variant.databaseKills); n > 0 && elapsed() >= f.form.lasts*time.Duration(2*f.databaseKills+1)/(2*n) {
			err = f.killDatabase(ctx)
		} else {
			err = f.killServer(ctx, f.members[f.random.IntN(len(f.members))])
		}
		if f.shop != nil && tick%3 == 1 {
			err = errors.Join(err, f.shop.kill(), f.shop.start())
			f.shopKills++
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (f *fleet) killServer(ctx context.Context, m *member) error {
	if err := m.kill(); err != nil {
		return err
	}
	f.kills++
	return m.revive(ctx, f.random.IntN(2) == 0)
}

// killDatabase kills the database, and one of the servers while it is away, which is not to start without it. The other
// servers must say that it is away, and must be well again soon after it is back, without being started anew.
func (f *fleet) killDatabase(ctx context.Context) error {
	if err := f.server.Kill9(); err != nil {
		return err
	}
	f.databaseKills++
	victim := f.random.IntN(len(f.members))
	var asked sync.WaitGroup
	for i, m := range f.members {
		if i == victim {
			continue
		}
		asked.Go(func() {
			if status, err := m.health(ctx); err != nil || status != http.StatusServiceUnavailable {
				f.fault("without a database /healthz says %d: %v", status, err)
			}
		})
	}
	err := f.members[victim].kill()
	f.kills++
	if start := f.members[victim].start(ctx, anyPort); !turnedAway(start) {
		err = errors.Join(err, fmt.Errorf("without a database a server starts, or ends with %v", start))
	}
	asked.Wait()
	if err := errors.Join(err, f.server.Restart(ctx)); err != nil {
		return err
	}
	back := clock.System().Now()
	for i, m := range f.members {
		if i == victim {
			continue
		}
		if err := m.healthy(ctx); err != nil {
			return err
		}
	}
	f.away = max(f.away, clock.System().Now().Sub(back))
	return f.members[victim].revive(ctx, true)
}

// close compares what was acknowledged with what is there.
func (f *fleet) close() {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), fleetPatience+10*f.form.lasts) // for as many requests as there were
	defer cancel()
	f.must(f.awaitSealed(ctx))
	rows := f.rows()
	f.ledger(func(l *ledger.Ledger) { f.verdict = f.history.judge(bursartest.Journal(f.T, l), rows) })
	began := clock.System().Now()
	f.askAgain(ctx)
	f.Logf("%d ids asked for again in %v", len(f.history.answers), clock.System().Now().Sub(began).Round(time.Millisecond))
	f.balances(ctx)
	for _, m := range f.members {
		if err := m.stop(); err != nil {
			f.Errorf("a server ends with %v:\n%s", err, strings.Join(m.said, "\n"))
		}
	}
	f.logs()
	faults := slices.Concat(f.tally.faults, f.verdict.faults)
	for _, fault := range faults[:min(len(faults), 20)] {
		f.Error(fault)
	}
	f.Logf("codes of answers to be asked again: %v; %d requests without an answer; %d faults", f.tally.codes, f.tally.broken, len(faults))
	few := f.verdict.posted < 200 // on a machine that is so busy, chance may leave refusals out
	if f.verdict.posted == 0 || f.verdict.refused == 0 && !few || f.tally.retries == 0 || f.kills == 0 || f.databaseKills != f.variant.databaseKills {
		f.Error("the test has put nothing to the test")
	}
}
