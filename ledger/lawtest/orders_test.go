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
	"github.com/bursar-ledger/bursar/ledger/lawtest"
)

// An application's row and its transfer are committed together or not at all. The database transaction may end by a
// commit, a rollback, a refusal, by an error or a panic in the function that atomic.Do or pgx runs, or by a kill of the
// process.
//
// A client process attempts orders with several workers and says each answer once it is acknowledged. It is killed by
// SIGKILL at random points, and another client goes on with what is left, under the same ids. In the end orders and
// transfers must match one to one, and every answer must be true.
//
// The test is not one of the laws, because it does not depend on a strategy, and because its processes are this test
// binary, with the drivers that it knows.

func TestOrders(t *testing.T) { takeOrders(t, 400, 2) }

func TestTortureOrders(t *testing.T) {
	if os.Getenv("BURSAR_TORTURE") == "" {
		t.Skip("it takes minutes: BURSAR_TORTURE=1 asks for it")
	}
	takeOrders(t, 10_000, 12)
}

// backend is an engine with a driver for it.
type backend struct {
	engine, driver string
	workers        int
	place          func(*testing.T) (dsn string)
}

func backends() []backend {
	return []backend{
		{"sqlite", "database/sql", 4, fileDSN},
		{"postgres", "database/sql", 8, func(t *testing.T) string { return sqltest.Postgres(t).DSN() }},
		{"postgres", "pgx", 8, func(t *testing.T) string { return sqltest.Postgres(t).DSN() }},
		{"mariadb", "database/sql", 8, func(t *testing.T) string { return mariaDSN(t, sqltest.MariaDB(t)) }},
	}
}

func (b *backend) name() string { return b.engine + " " + b.driver }

// connectors connect to an engine with a driver, by the name of the backend.
func connectors() map[string]connector {
	return map[string]connector{
		"sqlite database/sql": connectSQLite, "postgres database/sql": connectPostgresSQL, "postgres pgx": connectPgx,
		"mariadb database/sql": connectMariaDB,
	}
}

func takeOrders(t *testing.T, orders, kills int) {
	table := []string{fmt.Sprintf("%-9s %-13s %7s %10s %12s %8s %6s %10s %8s %8s %10s %10s",
		"engine", "driver", "orders", "committed", "rolled back", "refused", "kills", "in flight", "unknown",
		"retried", "transfers", "unmatched")}
	defer func() { t.Logf("orders and their transfers:\n%s", strings.Join(table, "\n")) }()
	seed := lawtest.Seed(t) // of the orders, and of about when clients are killed
	for _, b := range backends() {
		t.Run(b.name(), func(t *testing.T) {
			r := &ordersRun{
				T: t, backend: b, seed: seed, random: rand.New(rand.NewPCG(seed, 1<<63)),
				dsn: b.place(t), orders: orders, answers: make(map[int]string),
			}
			defer func() { table = append(table, r.String()) }()
			r.open()
			r.runClients(kills)
			r.check()
		})
	}
}

// ordersRun is one run of the test on one backend.
type ordersRun struct {
	*testing.T
	backend
	seed   uint64
	random *rand.Rand
	dsn    string
	orders int

	app    *application
	ledger *ledger.Ledger

	answers   map[int]string // by order
	kills     int
	inFlight  int // orders that were under way at a kill
	known     int // those of them that turned out to be committed
	again     int
	transfers int
	unmatched int
}

func (r *ordersRun) String() string {
	counts := make(map[string]int)
	for _, what := range r.answers {
		counts[what]++
	}
	return fmt.Sprintf("%-9s %-13s %7d %10d %12d %8d %6d %10d %8d %8d %10d %10d",
		r.engine, r.driver, len(r.answers), counts[answerPaid], counts[answerUndone], counts[answerRefused], r.kills,
		r.inFlight, r.known, r.again, r.transfers, r.unmatched)
}

func (r *ordersRun) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// open makes the tables and gives the customers money.
func (r *ordersRun) open() {
	r.Helper()
	r.app = connectors()[r.name()].connect(r.T, r.dsn, poolSize)
	var err error
	r.ledger, err = ledger.New(context.Background(), r.app.Store, &ledger.Options{Migrate: true})
	r.must(err)
	r.Cleanup(func() { r.must(r.ledger.Close(context.Background())) })
	r.must(r.app.Exec(r.Context(), `CREATE TABLE orders (id BIGINT PRIMARY KEY, state VARCHAR(10) NOT NULL,
		buyer VARCHAR(64) NOT NULL, seller VARCHAR(64) NOT NULL, cents BIGINT NOT NULL)`))
	_, err = r.ledger.OpenAccount(r.Context(), bursar.Opening{Path: bank, Currency: cents(0).Currency(), NoMin: true})
	r.must(err)
	for n := range customers {
		_, err := r.ledger.OpenAccount(r.Context(), bursar.Opening{Path: customer(n), Currency: cents(0).Currency()})
		r.must(err)
		fund := bursar.Leg{From: bank, To: customer(n), Amount: cents(customerCents)}
		_, err = r.ledger.Post(r.Context(), bursar.Transfer{Legs: []bursar.Leg{fund}})
		r.must(err)
	}
}

// bank is where the customers' money comes from.
const bank = "bank"

// runClients has clients attempt all orders, one client after the other. Each but the last is killed after its share,
// so that there is work left for the next.
func (r *ordersRun) runClients(kills int) {
	r.Helper()
	part := r.orders / (kills + 1)
	for len(r.answers) < r.orders {
		before := len(r.answers)
		if r.kills < kills {
			r.runClient((r.kills+1)*part - r.random.IntN(part/2))
		} else {
			r.runClient(r.orders + 1)
		}
		if len(r.answers) == before {
			r.Fatalf("a client has answered nothing, with %d of %d orders", before, r.orders)
		}
	}
	if r.kills != kills {
		r.Errorf("%d clients were killed, want %d: the rest was too quick", r.kills, kills)
	}
}

// runClient runs a client with the orders that are left. It kills the client when there are enough answers, at a random
// moment after it has begun another order.
func (r *ordersRun) runClient(enough int) {
	r.Helper()
	program, err := os.Executable()
	r.must(err)
	ctx, cancel := context.WithTimeout(r.Context(), clientMax)
	defer cancel()
	cmd := exec.CommandContext(ctx, program)
	cmd.Env = append(os.Environ(), atomictest.HelperVariable+"="+ordersHelper, "GORACE=atexit_sleep_ms=0")
	task, err := json.Marshal(ordersTask{
		Driver: r.name(), DSN: r.dsn, Seed: r.seed, Orders: r.left(), Workers: r.workers,
	})
	r.must(err)
	var stderr strings.Builder
	cmd.Stdin, cmd.Stderr = bytes.NewReader(task), &stderr
	out, err := cmd.StdoutPipe()
	r.must(err)
	r.must(cmd.Start())
	killed := false
	open := make(map[int]bool)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if r.read(lines.Text(), open) == noteOpen && len(r.answers) >= enough && !killed {
			killed = true
			r.must(clock.System().Sleep(ctx, time.Duration(r.random.Int64N(int64(4*time.Millisecond)))))
			r.must(cmd.Process.Kill())
		}
	}
	err = errors.Join(lines.Err(), cmd.Wait())
	switch {
	case killed && err != nil && cmd.ProcessState.ExitCode() == -1:
		r.kills++
		r.inFlight += len(open)
	case err != nil:
		r.Fatalf("a client has ended by itself: %v: %s", err, &stderr)
	}
}

// clientMax is how long one client may take.
const clientMax = 10 * time.Minute

// read notes what a client says, and keeps in open the orders that are under way.
func (r *ordersRun) read(line string, open map[int]bool) (what string) {
	r.Helper()
	var number int
	if _, err := fmt.Sscanf(line, "%s %d", &what, &number); err != nil {
		r.Fatalf("a client says %q", line)
	}
	switch what {
	case noteOpen:
		open[number] = true
	case noteKnown:
		r.known++
	case noteAgain:
		r.again++
	case answerPaid, answerRefused, answerUndone:
		delete(open, number)
		if before, ok := r.answers[number]; ok {
			r.Errorf("order %d is %s, and was %s before", number, what, before)
		}
		r.answers[number] = what
	default:
		r.Fatalf("a client says %q", line)
	}
	return what
}

// left are the orders without an answer.
func (r *ordersRun) left() []int {
	var left []int
	for n := range r.orders {
		if _, ok := r.answers[n]; !ok {
			left = append(left, n)
		}
	}
	return left
}

// check looks for violations between answers, orders and transfers, and in the ledger itself.
func (r *ordersRun) check() {
	r.Helper()
	_, err := r.ledger.Seal(r.Context())
	r.must(err)
	rows, err := r.app.Strings(r.Context(), `SELECT CONCAT(id, ' ', state, ' ', buyer, ' ', seller, ' ', cents)
		FROM orders ORDER BY id`)
	r.must(err)
	var sales []bursar.Entry
	for _, e := range bursartest.Journal(r.T, r.ledger) {
		if e.Kind == bursar.EntryLeg && e.From != bank {
			sales = append(sales, e)
		}
	}
	violations := unmatched(r.seed, parseOrderRows(r.T, rows), sales, r.answers)
	r.transfers, r.unmatched = len(sales), len(violations)
	for _, violation := range violations[:min(len(violations), 20)] {
		r.Error(violation)
	}
	for _, what := range []string{answerPaid, answerRefused, answerUndone} {
		if !slices.Contains(sortedAnswers(r.answers), what) {
			r.Errorf("no order is %s: the test has put nothing to the test", what)
		}
	}
	soundBook(r.T, r.app.Store, r.ledger)
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
