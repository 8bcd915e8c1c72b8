package lawtest_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic/atomictest"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
)

// An application's row and its transfer are committed together or not at all, whatever ends the database transaction: a
// commit, a rollback, a refusal, an error or a panic in the function that atomic.Do or pgx runs, or the death of the process. A
// process, the shop, attempts orders with several workers and says what became of each once that is acknowledged; it is
// killed by SIGKILL in the midst of it, and another one goes on with what is left, under the same ids. In the end orders
// and transfers must match one to one, and everything that was said must be so.
//
// The test is not one of the laws of package ledgertest, because it does not depend on a strategy, and because its
// processes begin as this test binary, with the drivers that it knows.

func TestOrders(t *testing.T) { takeOrders(t, 400, 2) }

func TestTortureOrders(t *testing.T) {
	if os.Getenv("BURSAR_TORTURE") == "" {
		t.Skip("it takes minutes: BURSAR_TORTURE=1 asks for it")
	}
	takeOrders(t, 10_000, 12)
}

// till is an engine and a driver that orders are taken through.
type till struct {
	engine, driver string
	workers        int
	place          func(*testing.T) (dsn string)
}

func tills() []till {
	return []till{
		{"sqlite", "database/sql", 4, fileDSN},
		{"postgres", "database/sql", 8, func(t *testing.T) string { return sqltest.Postgres(t).DSN() }},
		{"postgres", "pgx", 8, func(t *testing.T) string { return sqltest.Postgres(t).DSN() }},
		{"mariadb", "database/sql", 8, func(t *testing.T) string { return mariaDSN(t, sqltest.MariaDB(t)) }},
	}
}

func (l *till) name() string { return l.engine + " " + l.driver }

// connectors connect to an engine with a driver, by the name of the till.
func connectors() map[string]connector {
	return map[string]connector{
		"sqlite database/sql": connectSQLite, "postgres database/sql": connectPostgresSQL, "postgres pgx": connectPgx,
		"mariadb database/sql": connectMariaDB,
	}
}

func takeOrders(t *testing.T, orders, kills int) {
	table := []string{fmt.Sprintf("%-9s %-13s %7s %10s %12s %8s %6s %10s %12s %8s %10s %10s", "engine", "driver", "orders", "committed",
		"rolled back", "refused", "kills", "in flight", "answer lost", "retried", "transfers", "unmatched")}
	defer func() { t.Logf("orders and their transfers:\n%s", strings.Join(table, "\n")) }()
	seed := seedOf(t)
	for _, l := range tills() {
		t.Run(l.name(), func(t *testing.T) {
			d := &day{T: t, till: l, seed: seed, dsn: l.place(t), orders: orders, said: make(map[int]string)}
			d.random = rand.New(rand.NewPCG(seed, 1<<63))
			defer func() { table = append(table, d.String()) }()
			d.open()
			d.serve(kills)
			d.close()
		})
	}
}

// seedOf is BURSAR_SEED, or a new one, printed either way. It decides what is ordered and about when shops are killed.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("BURSAR_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("BURSAR_SEED=%q is not a number: %v", text, err)
		}
	}
	t.Logf("BURSAR_SEED=%d", seed)
	return seed
}

// day is one run of the test on one till.
type day struct {
	*testing.T
	till
	seed   uint64
	random *rand.Rand
	dsn    string
	orders int

	app    *application
	ledger *ledger.Ledger

	said      map[int]string // what became of orders, as shops said
	kills     int
	inFlight  int // orders that were under way when a shop was killed
	known     int // of these, those that turned out to be committed
	again     int
	transfers int
	unmatched int
}

func (d *day) String() string {
	counts := make(map[string]int)
	for _, what := range d.said {
		counts[what]++
	}
	return fmt.Sprintf("%-9s %-13s %7d %10d %12d %8d %6d %10d %12d %8d %10d %10d", d.engine, d.driver, len(d.said), counts[saidPaid],
		counts[saidUndone], counts[saidRefused], d.kills, d.inFlight, d.known, d.again, d.transfers, d.unmatched)
}

func (d *day) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// open makes the tables and gives the customers money.
func (d *day) open() {
	d.Helper()
	d.app = connectors()[d.name()].connect(d.T, d.dsn, poolSize)
	var err error
	d.ledger, err = ledger.New(context.Background(), d.app.Store, &ledger.Options{Migrate: true})
	d.must(err)
	d.Cleanup(func() { d.must(d.ledger.Close(context.Background())) })
	d.must(d.app.Exec(d.Context(), `CREATE TABLE orders (id BIGINT PRIMARY KEY, state VARCHAR(10) NOT NULL,
		buyer VARCHAR(64) NOT NULL, seller VARCHAR(64) NOT NULL, cents BIGINT NOT NULL)`))
	_, err = d.ledger.OpenAccount(d.Context(), bursar.Opening{Path: bank, Currency: cents(0).Currency(), NoMin: true})
	d.must(err)
	for n := range customers {
		_, err := d.ledger.OpenAccount(d.Context(), bursar.Opening{Path: customer(n), Currency: cents(0).Currency()})
		d.must(err)
		_, err = d.ledger.Post(d.Context(), bursar.Transfer{Legs: []bursar.Leg{{From: bank, To: customer(n), Amount: cents(customerCents)}}})
		d.must(err)
	}
}

// bank is where the customers' money comes from.
const bank = "bank"

// serve has shops attempt all orders. Each but the last is killed in a part of the day of its own, which leaves work for
// the next.
func (d *day) serve(kills int) {
	d.Helper()
	part := d.orders / (kills + 1)
	for len(d.said) < d.orders {
		before := len(d.said)
		if d.kills < kills {
			d.shop((d.kills+1)*part - d.random.IntN(part/2))
		} else {
			d.shop(d.orders + 1)
		}
		if len(d.said) == before {
			d.Fatalf("a shop has got nowhere with %d of %d orders", before, d.orders)
		}
	}
	if d.kills != kills {
		d.Errorf("%d shops were killed, want %d: the rest was too quick", d.kills, kills)
	}
}

// shop runs a process with the orders that are left until it is done, or kills it when so many orders are, at a random moment
// after yet another one is under way.
func (d *day) shop(enough int) {
	d.Helper()
	program, err := os.Executable()
	d.must(err)
	ctx, cancel := context.WithTimeout(d.Context(), shopPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), atomictest.HelperVariable+"="+shopHelper, "GORACE=atexit_sleep_ms=0")
	task, err := json.Marshal(errand{Driver: d.name(), DSN: d.dsn, Seed: d.seed, Orders: d.left(), Workers: d.workers})
	d.must(err)
	var complaint strings.Builder
	cmd.Stdin, cmd.Stderr = bytes.NewReader(task), &complaint
	out, err := cmd.StdoutPipe()
	d.must(err)
	d.must(cmd.Start())
	killed := false
	open := make(map[int]bool)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if d.hear(lines.Text(), open) == saidOpen && len(d.said) >= enough && !killed {
			killed = true
			d.must(clock.System().Sleep(ctx, time.Duration(d.random.Int64N(int64(4*time.Millisecond)))))
			d.must(cmd.Process.Kill())
		}
	}
	err = errors.Join(lines.Err(), cmd.Wait())
	switch {
	case killed && err != nil && cmd.ProcessState.ExitCode() == -1:
		d.kills++
		d.inFlight += len(open)
	case err != nil:
		d.Fatalf("a shop has ended by itself: %v: %s", err, &complaint)
	}
}

// shopPatience is how long one shop may take.
const shopPatience = 10 * time.Minute

// hear takes in what a shop says, and keeps in open what is under way.
func (d *day) hear(line string, open map[int]bool) (what string) {
	d.Helper()
	var number int
	if _, err := fmt.Sscanf(line, "%s %d", &what, &number); err != nil {
		d.Fatalf("a shop says %q", line)
	}
	switch what {
	case saidOpen:
		open[number] = true
	case saidKnown:
		d.known++
	case saidAgain:
		d.again++
	case saidPaid, saidRefused, saidUndone:
		delete(open, number)
		if before, ok := d.said[number]; ok {
			d.Errorf("order %d is %s, and was %s before", number, what, before)
		}
		d.said[number] = what
	default:
		d.Fatalf("a shop says %q", line)
	}
	return what
}

// left are the orders of which nobody has said what became of them.
func (d *day) left() []int {
	var left []int
	for n := range d.orders {
		if _, ok := d.said[n]; !ok {
			left = append(left, n)
		}
	}
	return left
}

// close holds orders, transfers and what was said against one another, and the ledger against itself.
func (d *day) close() {
	d.Helper()
	_, err := d.ledger.Seal(d.Context())
	d.must(err)
	rows, err := d.app.Strings(d.Context(), `SELECT CONCAT(id, ' ', state, ' ', buyer, ' ', seller, ' ', cents) FROM orders ORDER BY id`)
	d.must(err)
	var sales []bursar.Entry
	for _, e := range bursartest.Journal(d.T, d.ledger) {
		if e.Kind == bursar.EntryLeg && e.From != bank {
			sales = append(sales, e)
		}
	}
	faults := unmatched(d.seed, parseSales(d.T, rows), sales, d.said)
	d.transfers, d.unmatched = len(sales), len(faults)
	for _, fault := range faults[:min(len(faults), 20)] {
		d.Error(fault)
	}
	for _, what := range []string{saidPaid, saidRefused, saidUndone} {
		if !slices.Contains(saidOf(d.said), what) {
			d.Errorf("no order is %s: the test has put nothing to the test", what)
		}
	}
	soundBook(d.T, d.app.Store, d.ledger)
}

// soundBook verifies the book and wants the sum of all balances to be zero.
func soundBook(t *testing.T, store driver.Store, l *ledger.Ledger) {
	t.Helper()
	bursartest.Verify(t, store, l.Book())
	totals, _, err := l.TrialBalance(t.Context(), nil)
	if err != nil || len(totals) != 1 || !totals[0].Sum.IsZero() {
		t.Errorf("trial balance: %+v, %v", totals, err)
	}
}
