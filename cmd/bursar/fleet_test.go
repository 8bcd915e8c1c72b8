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
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/ledger/lawtest"
	"github.com/bursar-ledger/bursar/store"
)

// Three servers work on one database. Again and again a server is killed by SIGKILL and started anew. In some variants
// so are the database itself and the shop, which is an application that posts in database transactions of its own.
// Where the database is a cluster, each server works on a node of its own, and one node after the other goes away.
//
// Clients send transfers under ids of their own, and send them again, to another server, until they have an answer.
// Some requests go to two servers at once. In the end every transfer that was answered as posted must be in the journal
// once, with its content. No other may be there, and the ledger must be sound.

func TestFleet(t *testing.T) {
	runFleets(t, &fleetForm{clients: 12, lasts: 3 * time.Second, every: 300 * time.Millisecond}, []fleetVariant{
		{name: "postgres", nodes: one(sqltest.PrivatePostgres), shop: true, databaseKills: 1},
		{name: "mariadb", nodes: one(sqltest.PrivateMariaDB), shop: true, databaseKills: 1},
		{name: "galera", nodes: sqltest.PrivateGalera, shop: true},
	})
}

func TestTortureFleet(t *testing.T) {
	if os.Getenv("BURSAR_TORTURE") == "" {
		t.Skip("it takes minutes: BURSAR_TORTURE=1 asks for it")
	}
	runFleets(t, &fleetForm{clients: 64, lasts: time.Minute, every: 2 * time.Second}, []fleetVariant{
		{name: "postgres", nodes: one(sqltest.Postgres)},
		{name: "mariadb", nodes: one(sqltest.MariaDB)},
		{name: "postgres, In", nodes: one(sqltest.Postgres), shop: true},
		{name: "mariadb, In", nodes: one(sqltest.MariaDB), shop: true},
		{name: "postgres killed", nodes: one(sqltest.PrivatePostgres), shop: true, databaseKills: 5},
		{name: "mariadb killed", nodes: one(sqltest.PrivateMariaDB), shop: true, databaseKills: 5},
		{name: "galera", nodes: sqltest.PrivateGalera},
		{name: "galera, In", nodes: sqltest.PrivateGalera, shop: true},
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
	nodes         func(testing.TB) []*sqltest.Server // each server works on one of them in turn
	shop          bool                               // there is a shop beside the servers
	databaseKills int
}

// one is a database that is no cluster.
func one(start func(testing.TB) *sqltest.Server) func(testing.TB) []*sqltest.Server {
	return func(t testing.TB) []*sqltest.Server { return []*sqltest.Server{start(t)} }
}

// fleetMax is the longest that anything may take.
const fleetMax = 2 * time.Minute

// fleet is one run.
type fleet struct {
	*testing.T
	form     *fleetForm
	variant  fleetVariant
	nodes    []*sqltest.Server
	database *sqltest.Server // the first of the nodes
	http     *http.Client    // of the clients, which go elsewhere when an answer takes long
	patient  *http.Client    // for answers that must come
	servers  []*server
	shop     *shop // nil without one
	random   *rand.Rand
	counts   counts
	history  history

	kills, shopKills, databaseKills int
	nodeFaults                      int
	recovery                        time.Duration // the longest between the database's return and the servers' health
	comparison                      *comparison
	verified                        string
}

func runFleets(t *testing.T, form *fleetForm, variants []fleetVariant) {
	table := []string{fmt.Sprintf("%-16s %7s %5s %9s %5s %8s %8s %8s %8s %7s %8s %10s %8s %8s %5s %8s %7s",
		"variant", "servers", "shops", "databases", "nodes", "requests", "posted", "refused", "retries", "unknown", "orders",
		"log lines", "longest", "recovery", "lost", "doubled", "verify")}
	defer func() { t.Logf("kills, requests and answers:\n%s", strings.Join(table, "\n")) }()
	seed := lawtest.Seed(t)
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			f := newFleet(t, form, v, seed)
			defer func() { table = append(table, f.String()) }()
			f.prepare()
			f.run()
			f.check()
		})
	}
}

func newFleet(t *testing.T, form *fleetForm, v fleetVariant, seed uint64) *fleet {
	nodes, answerMax := v.nodes(t), 20*time.Second
	if len(nodes) > 1 { // or most of them would wait for a server that cannot answer
		answerMax = 5 * time.Second
	}
	return &fleet{
		T: t, form: form, variant: v, nodes: nodes, database: nodes[0],
		http: &http.Client{
			Timeout: answerMax, Transport: &http.Transport{MaxIdleConnsPerHost: 2 * form.clients},
		},
		patient:    &http.Client{Timeout: fleetMax},
		random:     rand.New(rand.NewPCG(seed, 1)),
		counts:     counts{codes: make(map[bursar.Code]int)},
		history:    history{seed: seed, answers: make(map[request][]answer), orders: make(map[order]bool)},
		comparison: &comparison{},
		verified:   "-",
	}
}

func (f *fleet) String() string {
	lines, c, n := 0, f.comparison, &f.counts
	for _, s := range f.servers {
		lines += len(s.log)
	}
	name := strings.Replace(f.variant.name, string(sqltest.MariaDBEngine), string(f.database.Engine()), 1)
	return fmt.Sprintf("%-16s %7d %5d %9d %5d %8d %8d %8d %8d %7d %8d %10d %8v %8v %5d %8d %7s",
		name, f.kills, f.shopKills, f.databaseKills, f.nodeFaults, n.sent, c.posted, c.refused, n.retries,
		n.codes[bursar.CodeOutcomeUnknown], len(f.history.orders), lines, n.longest.Round(time.Millisecond),
		f.recovery.Round(time.Millisecond), c.lost, c.doubled, f.verified)
}

func (f *fleet) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// violation notes a violation. Any goroutine may call it.
func (f *fleet) violation(format string, args ...any) {
	f.counts.note(func() { f.counts.violations = append(f.counts.violations, fmt.Sprintf(format, args...)) })
}

// prepare makes the ledger and gives every account money.
func (f *fleet) prepare() {
	f.Helper()
	out, err := exec.CommandContext(f.Context(), "bursar", "migrate", "--db", f.database.URL()).CombinedOutput()
	if err != nil {
		f.Fatalf("migrate: %v: %s", err, out)
	}
	f.ledger(f.database, func(l *ledger.Ledger) {
		currency := dollars(0).Currency()
		_, err := l.OpenAccount(f.Context(), bursar.Opening{Path: fleetBank, Currency: currency, NoMin: true})
		f.must(err)
		var funds []bursar.Transfer
		for n := range fleetAccounts {
			_, err := l.OpenAccount(f.Context(), bursar.Opening{Path: fleetAccount(n), Currency: currency})
			f.must(err)
			fund := bursar.Leg{From: fleetBank, To: fleetAccount(n), Amount: dollars(fleetCents)}
			funds = append(funds, bursar.Transfer{Legs: []bursar.Leg{fund}})
		}
		results, err := l.PostBatch(f.Context(), funds)
		f.must(err)
		for _, r := range results {
			f.must(r.Err)
		}
	})
	if f.variant.shop {
		db := f.database.Open(f.T)
		_, err := db.ExecContext(f.Context(), orderTable)
		f.must(errors.Join(err, db.Close())) // it would not outlive the database
	}
}

// ledger opens the ledger on a node without a sealer of its own.
func (f *fleet) ledger(on *sqltest.Server, fn func(*ledger.Ledger)) {
	f.Helper()
	s, err := store.Open(on.URL())
	f.must(err)
	defer s.Close()
	l, err := ledger.New(context.Background(), s, &ledger.Options{SealEvery: -1})
	f.must(err)
	defer l.Close(f.Context())
	fn(l)
}

// run runs servers, clients and the shop under faults.
func (f *fleet) run() {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), f.form.lasts+2*time.Duration(len(f.nodes))*fleetMax)
	defer cancel()
	for n := range 3 {
		s := &server{fleet: f, db: f.nodes[n%len(f.nodes)].URL()}
		f.servers = append(f.servers, s)
		f.must(s.start(ctx, anyPort))
		f.Cleanup(func() { _ = s.cmd.Process.Kill() }) // of no effect when all went well
		f.must(s.awaitHealthy(ctx))
	}
	if f.variant.shop {
		f.shop = &shop{fleet: f, next: []int{0, 1, 2, 3}}
		f.must(f.shop.start())
		f.Cleanup(func() { _ = f.shop.cmd.Process.Kill() })
	}
	over := make(chan struct{})
	var clients sync.WaitGroup
	for n := range f.form.clients {
		c := newClient(f, n)
		clients.Go(func() { c.run(ctx, over) })
	}
	err := f.injectFaults(ctx)
	close(over)
	clients.Wait()
	f.must(err)
	if f.shop != nil {
		f.must(f.shop.stop())
	}
}

// injectFaults kills servers, the shop and the database, and takes nodes away, until the run is over. All servers are
// healthy then.
func (f *fleet) injectFaults(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var away error
	back := make(chan struct{})
	go func() {
		defer close(back)
		if away = f.takeNodesAway(ctx); away != nil {
			cancel()
		}
	}()
	err := f.kill(ctx, back)
	if err != nil {
		cancel()
	}
	<-back
	return errors.Join(err, away)
}

// kill kills servers, the shop and the database until the run is over and all nodes are back.
func (f *fleet) kill(ctx context.Context, back <-chan struct{}) error {
	began := clock.System().Now()
	elapsed := func() time.Duration { return clock.System().Now().Sub(began) }
	due := func() bool {
		return elapsed() < f.form.lasts || f.databaseKills < f.variant.databaseKills || !isClosed(back)
	}
	for tick := 1; due(); tick++ {
		if err := clock.System().Sleep(ctx, time.Duration(tick)*f.form.every-elapsed()); err != nil {
			return err
		}
		var err error
		if f.databaseIsDue(elapsed()) {
			err = f.killDatabase(ctx)
		} else {
			err = f.killAServer(ctx)
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

// databaseIsDue reports whether it is time to kill the database. Its kills are spread evenly over the run.
func (f *fleet) databaseIsDue(elapsed time.Duration) bool {
	n := time.Duration(f.variant.databaseKills)
	return n > 0 && elapsed >= f.form.lasts*time.Duration(2*f.databaseKills+1)/(2*n)
}

// check compares the history with the outcome.
func (f *fleet) check() {
	f.Helper()
	ctx, cancel := context.WithTimeout(f.Context(), fleetMax+10*f.form.lasts) // for as many requests as there were
	defer cancel()
	for n := range f.nodes {
		f.must(f.awaitSealed(ctx, n))
	}
	f.heads(ctx)
	rows := f.rows()
	f.ledger(f.database, func(l *ledger.Ledger) { f.comparison = f.history.compare(bursartest.Journal(f.T, l), rows) })
	began := clock.System().Now()
	f.askAgain(ctx)
	f.Logf("%d ids asked for again in %v",
		len(f.history.answers), clock.System().Now().Sub(began).Round(time.Millisecond))
	f.balances(ctx)
	for _, s := range f.servers {
		if err := s.stop(); err != nil {
			f.Errorf("a server ends with %v:\n%s", err, strings.Join(s.log, "\n"))
		}
	}
	f.logs()
	violations := slices.Concat(f.comparison.violations, f.counts.violations)
	for _, v := range violations[:min(len(violations), 20)] {
		f.Error(v)
	}
	f.Logf("codes of answers that say to try again: %v; %d calls without an answer; %d violations",
		f.counts.codes, f.counts.unanswered, len(violations))
	f.wantTested()
}

// wantTested wants everything to have happened that the run is about.
func (f *fleet) wantTested() {
	f.Helper()
	c := f.comparison
	few := c.posted < 200 // on a machine that is so busy, chance may leave refusals out
	if c.posted == 0 || c.refused == 0 && !few || f.counts.retries == 0 || f.kills == 0 ||
		f.databaseKills != f.variant.databaseKills || len(f.nodes) > 1 && f.nodeFaults == 0 {
		f.Error("the test has put nothing to the test")
	}
}
