package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/posting"
	"github.com/bursar-ledger/bursar/store"
)

// Several servers work on one database while clients send transfers, and send each again under its id, to another server, until
// it has an answer. Meanwhile servers are killed by SIGKILL and started again, and so may be the database and a program
// that writes rows of its own and posts beside them. In the end every answer must be so: what was posted is there once,
// what was refused is not there, and nothing is there that nobody asked for.

// TestFleet is short. The long form is TestTortureFleet.
func TestFleet(t *testing.T) {
	sail(t, voyage{time: 3 * time.Second, clients: 16, killEvery: 400 * time.Millisecond}, []variant{
		{name: "postgres and an application", server: sqltest.Postgres, writer: true},
		{name: "mariadb and an application", server: sqltest.MariaDB, writer: true},
		{name: "postgres, killed too", server: sqltest.PrivatePostgres, databaseKills: 1},
	})
}

func TestTortureFleet(t *testing.T) {
	if os.Getenv("BURSAR_TORTURE") == "" {
		t.Skip("it takes minutes: BURSAR_TORTURE=1 asks for it")
	}
	sail(t, voyage{time: time.Minute, clients: 64, killEvery: 2 * time.Second}, []variant{
		{name: "postgres", server: sqltest.Postgres},
		{name: "mariadb", server: sqltest.MariaDB},
		{name: "postgres and an application", server: sqltest.Postgres, writer: true},
		{name: "mariadb and an application", server: sqltest.MariaDB, writer: true},
		{name: "postgres, killed too", server: sqltest.PrivatePostgres, databaseKills: 5},
		{name: "mariadb, killed too", server: sqltest.PrivateMariaDB, databaseKills: 5},
	})
}

// voyage is how long and how hard.
type voyage struct {
	time      time.Duration
	clients   int
	killEvery time.Duration
}

// variant is a database, and what happens beside the servers.
type variant struct {
	name          string
	server        func(testing.TB) *sqltest.Server
	writer        bool
	databaseKills int
}

func sail(t *testing.T, v voyage, variants []variant) {
	table := []string{fmt.Sprintf("%-28s %6s %6s %9s %9s %9s %9s %9s %9s %8s %6s %8s", "variant", "killed", "db", "transfers", "posted",
		"refused", "sent", "replayed", "unknown", "orders", "lost", "doubled")}
	defer func() { t.Logf("the fleet:\n%s", strings.Join(table, "\n")) }()
	for _, kind := range variants {
		t.Run(kind.name, func(t *testing.T) {
			f := &fleet{T: t, voyage: v, variant: kind, database: kind.server(t), answers: make(map[bursar.ID]answered)}
			f.prepare()
			f.run()
			f.check()
			table = append(table, f.String())
		})
	}
}

const (
	shipsMax     = 3
	fleetPlayers = 100
)

// fleet is one run.
type fleet struct {
	*testing.T
	voyage
	variant
	database *sqltest.Server
	usd      money.Currency
	ships    [shipsMax]*ship
	orders   *orderWriter

	mu      sync.Mutex
	answers map[bursar.ID]answered
	sent, replayed, unknown,
	killed, databaseKilled, lost, doubled int
}

func (f *fleet) String() string {
	posted := 0
	for _, a := range f.answers {
		if a.refusal == "" {
			posted++
		}
	}
	orders := 0
	if f.orders != nil {
		orders = len(f.orders.paid)
	}
	return fmt.Sprintf("%-28s %6d %6d %9d %9d %9d %9d %9d %9d %8d %6d %8d", f.variant.name, f.killed, f.databaseKilled, len(f.answers), posted,
		len(f.answers)-posted, f.sent, f.replayed, f.unknown, orders, f.lost, f.doubled)
}

func (f *fleet) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// prepare makes the ledger and its accounts.
func (f *fleet) prepare() {
	f.Helper()
	output, err := exec.CommandContext(f.Context(), "bursar", "--db", f.database.URL(), "migrate").CombinedOutput()
	if err != nil {
		f.Fatalf("migrate: %v\n%s", err, output)
	}
	f.usd, err = money.Lookup("USD")
	f.must(err)
	f.inside(func(l *bursar.Ledger, _ bursar.Store) {
		_, err := l.Open(f.Context(), bursar.Opening{Account: "bank", Currency: f.usd, NoMin: true})
		f.must(err)
		for i := range fleetPlayers {
			_, err := l.Open(f.Context(), bursar.Opening{Account: player(i), Currency: f.usd})
			f.must(err)
		}
	})
}

func player(i int) string { return fmt.Sprintf("players:%d", i) }

// inside opens the ledger in this process.
func (f *fleet) inside(fn func(*bursar.Ledger, bursar.Store)) {
	f.Helper()
	s, err := store.Open(f.database.URL())
	f.must(err)
	l, err := bursar.New(s, &bursar.Options{Strategy: posting.Queue{}})
	f.must(err)
	fn(l, s)
	f.must(errors.Join(l.Close(f.Context()), s.Close()))
}

// run has the clients at work until the time is over and each of them has its last answer.
func (f *fleet) run() {
	for i := range f.ships {
		f.ships[i] = launch(f.T, f.database.URL())
	}
	if f.writer {
		f.orders = f.employ()
	}
	ctx, cancel := context.WithTimeout(f.Context(), f.time)
	defer cancel()
	var clients, killers sync.WaitGroup
	killers.Go(func() { f.killShips(ctx) })
	if f.databaseKills > 0 {
		killers.Go(func() { f.killDatabase(ctx) })
	}
	for n := range f.clients {
		clients.Go(func() { newClient(f, n).work(ctx) })
	}
	killers.Wait()
	clients.Wait()
	if f.orders != nil {
		f.orders.end()
	}
	for _, s := range f.ships {
		s.stop()
	}
}

// killShips kills one server after the other and starts it again.
func (f *fleet) killShips(ctx context.Context) {
	ticker := time.NewTicker(f.killEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		f.ships[rand.IntN(shipsMax)].sink()
		if f.orders != nil && rand.IntN(2) == 0 {
			f.orders.kill()
		}
		f.killed++
	}
}

// killDatabase kills the database server and starts it again, at even distances.
func (f *fleet) killDatabase(ctx context.Context) {
	ticker := time.NewTicker(f.time / time.Duration(f.databaseKills+1))
	defer ticker.Stop()
	for range f.databaseKills {
		<-ticker.C
		if err := errors.Join(f.database.Kill9(), f.database.Restart(context.WithoutCancel(ctx))); err != nil {
			f.Errorf("kill and restart the database: %v", err)
			return
		}
		f.databaseKilled++
	}
}

// check compares what clients were told with the journal.
func (f *fleet) check() {
	f.Helper()
	posted := make(map[bursar.ID][]bursar.Entry)
	f.inside(func(l *bursar.Ledger, s bursar.Store) {
		_, err := l.Seal(f.Context())
		f.must(err)
		for after := int64(0); ; {
			page, err := l.Journal(f.Context(), after, 10_000)
			f.must(err)
			if len(page) == 0 {
				break
			}
			for _, e := range page {
				after = e.Seq
				if e.Kind == bursar.EntryLeg {
					posted[e.Transfer] = append(posted[e.Transfer], e)
				}
			}
		}
		report, err := verify.Run(f.Context(), s, l.Book(), nil)
		f.must(err)
		f.must(report.Err())
		if report.Unsealed != 0 {
			f.Errorf("%d entries are not sealed", report.Unsealed)
		}
	})
	output, err := exec.CommandContext(f.Context(), "bursar", "--db", f.database.URL(), "verify").CombinedOutput()
	if err != nil {
		f.Errorf("bursar verify: %v\n%s", err, output)
	}
	f.compare(posted)
}

// compare goes through all answers. Of what is posted nothing may be left then but the orders'.
func (f *fleet) compare(posted map[bursar.ID][]bursar.Entry) {
	f.Helper()
	for id, a := range f.answers {
		entries := posted[id]
		delete(posted, id)
		switch {
		case a.refusal != "" && len(entries) > 0:
			f.Errorf("%v was refused as %s and is in the journal", id, a.refusal)
		case a.refusal == "" && len(entries) < len(a.legs):
			f.lost++
			f.Errorf("%v was posted and is not in the journal", id)
		case a.refusal == "" && len(entries) > len(a.legs):
			f.doubled++
			f.Errorf("%v has %d legs and %d entries", id, len(a.legs), len(entries))
		case a.refusal == "":
			if err := a.matches(entries); err != nil {
				f.Errorf("%v: %v", id, err)
			}
		}
	}
	if f.orders != nil {
		f.orders.check(posted)
	}
	if len(posted) > 0 {
		f.Errorf("%d transfers are in the journal for which nobody has an answer", len(posted))
	}
}
