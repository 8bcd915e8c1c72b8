package shoptest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/internal/sqltest"

	"github.com/bursar-ledger/bursar/examples/orms/shop"
)

// Buy makes one purchase. It is safe for concurrent use.
type Buy = func(ctx context.Context, o shop.Order) error

// Run holds a shop against what a purchase must do, on the engines given, or on all.
func Run(t *testing.T, newShop func(t *testing.T, d *Database) Buy, engines ...Engine) {
	t.Helper()
	if len(engines) == 0 {
		engines = []Engine{SQLite, Postgres, MariaDB}
	}
	for _, engine := range engines {
		RunOver(t, engine, drivers[engine], newShop)
	}
}

// RunOver is Run on one engine, over a driver.
func RunOver(t *testing.T, engine Engine, by Driver, newShop func(t *testing.T, d *Database) Buy) {
	t.Helper()
	t.Run(string(engine), func(t *testing.T) {
		t.Parallel()
		d := open(t, engine, by)
		p := purchase{d, newShop(t, d)}
		t.Run("both are committed, once", p.both)
		t.Run("a refusal rolls both back", p.refusal)
		t.Run("sold out moves no money", p.soldOut)
		t.Run("a panic before the commit leaves neither", p.panics)
		t.Run("the last piece is sold once", p.lastPiece)
		t.Run("money for one buys one", p.moneyForOne)
		t.Run("conflicts are begun again", p.conflict)
		t.Run("a lost commit is told", p.lostCommit)
	})
}

type purchase struct {
	d   *Database
	buy Buy
}

// of is an order of a product by a buyer.
func of(id, product, buyer string) shop.Order {
	return shop.Order{ID: id, Product: product, Buyer: buyer, Price: price()}
}

func (p purchase) both(t *testing.T) {
	p.d.product(t, "tea", "3")
	p.d.buyer(t, "users:ann", 3)
	if err := p.buy(t.Context(), of("o1", "tea", "users:ann")); err != nil {
		t.Fatal(err)
	}
	p.d.want(t, "tea", 2, 1, "users:ann", "50.00 USD")
	err := p.buy(t.Context(), of("o1", "tea", "users:ann"))
	if _, twice := atomic.IsUnique(err, p.d.classes); !twice {
		t.Errorf("the same order again: %v, want the violation of a key", err)
	}
	if bursar.Retryable(err) {
		t.Errorf("%v is called retryable", err)
	}
	p.d.want(t, "tea", 2, 1, "users:ann", "50.00 USD")
}

func (p purchase) refusal(t *testing.T) {
	p.d.product(t, "coffee", "3")
	p.d.buyer(t, "users:poor", 0)
	err := p.buy(t.Context(), of("o2", "coffee", "users:poor"))
	if !errors.Is(err, bursar.ErrInsufficientFunds) || bursar.Retryable(err) {
		t.Errorf("%v, want %v", err, bursar.CodeInsufficientFunds)
	}
	p.d.want(t, "coffee", 3, 0, "users:poor", "0.00 USD")
}

func (p purchase) soldOut(t *testing.T) {
	p.d.product(t, "cake", "0")
	p.d.buyer(t, "users:late", 1)
	if err := p.buy(t.Context(), of("o3", "cake", "users:late")); !errors.Is(err, shop.ErrSoldOut) {
		t.Errorf("%v, want %v", err, shop.ErrSoldOut)
	}
	p.d.want(t, "cake", 0, 0, "users:late", "25.00 USD")
}

// panics is a program that ends between the post and the commit.
func (p purchase) panics(t *testing.T) {
	p.d.product(t, "bread", "1")
	p.d.buyer(t, "users:bob", 1)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("nothing panicked")
			}
			p.d.posted = func() {}
		}()
		p.d.posted = func() { panic("after the post") }
		t.Errorf("the purchase ended: %v", p.buy(t.Context(), of("o4", "bread", "users:bob")))
	}()
	p.d.want(t, "bread", 1, 0, "users:bob", "25.00 USD")
	if err := p.buy(t.Context(), of("o4", "bread", "users:bob")); err != nil {
		t.Errorf("after the panic: %v", err)
	}
	p.d.want(t, "bread", 0, 1, "users:bob", "0.00 USD")
}

// lastPiece lets several buyers who all have the money want one piece.
func (p purchase) lastPiece(t *testing.T) {
	p.d.product(t, "jam", "1")
	var orders []shop.Order
	for i := range 4 {
		buyer := fmt.Sprintf("users:jam%d", i)
		p.d.buyer(t, buyer, 1)
		orders = append(orders, of("jam"+buyer, "jam", buyer))
	}
	p.race(t, orders, shop.ErrSoldOut)
	p.d.want(t, "jam", 0, 1, orders[0].Buyer, "")
}

// moneyForOne lets one buyer with money for one piece buy several at once.
func (p purchase) moneyForOne(t *testing.T) {
	p.d.product(t, "milk", "4")
	p.d.buyer(t, "users:cat", 1)
	var orders []shop.Order
	for i := range 4 {
		orders = append(orders, of(fmt.Sprintf("milk%d", i), "milk", "users:cat"))
	}
	p.race(t, orders, bursar.ErrInsufficientFunds)
	p.d.want(t, "milk", 3, 1, "users:cat", "0.00 USD")
}

// race makes purchases at once, of which one succeeds and the others fail in the same way.
func (p purchase) race(t *testing.T, orders []shop.Order, otherwise error) {
	t.Helper()
	errs := make([]error, len(orders))
	var all sync.WaitGroup
	for i, o := range orders {
		all.Go(func() { errs[i] = p.buy(t.Context(), o) })
	}
	all.Wait()
	sold := 0
	for _, err := range errs {
		switch {
		case err == nil:
			sold++
		case !errors.Is(err, otherwise):
			t.Errorf("%v, want %v", err, otherwise)
		}
	}
	if sold != 1 {
		t.Errorf("%d purchases of %d succeeded, want 1", sold, len(orders))
	}
}

// busyFor is the patience of a purchase beside another writer.
const busyFor = 50 * time.Millisecond

// conflictOnce makes the first insert of a certain order fail as a conflict does. A sequence is not rolled back.
var conflictOnce = map[Engine][]string{
	Postgres: {
		`CREATE SEQUENCE attempts`,
		`CREATE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF NEW.id = 'conflict' AND nextval('attempts') = 1 THEN
				RAISE EXCEPTION 'a conflict' USING ERRCODE = '40001';
			END IF;
			RETURN NEW;
		END $$`,
		`CREATE TRIGGER conflict BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION conflict()`,
	},
	MariaDB: {
		`CREATE SEQUENCE attempts`,
		`CREATE TRIGGER conflict BEFORE INSERT ON orders FOR EACH ROW
			IF NEW.id = 'conflict' AND NEXT VALUE FOR attempts = 1 THEN
				SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213, MESSAGE_TEXT = 'a conflict';
			END IF`,
	},
}

func (p purchase) conflict(t *testing.T) {
	p.d.product(t, "salt", "1")
	p.d.buyer(t, "users:dan", 1)
	if p.d.Engine == SQLite {
		p.busy(t)
		return
	}
	for _, statement := range conflictOnce[p.d.Engine] {
		p.d.exec(t, statement)
	}
	if err := p.buy(t.Context(), of("conflict", "salt", "users:dan")); err != nil {
		t.Errorf("with one conflict: %v", err)
	}
	p.d.want(t, "salt", 0, 1, "users:dan", "0.00 USD")
	var attempts int
	next := map[Engine]string{Postgres: `SELECT nextval('attempts')`, MariaDB: `SELECT NEXT VALUE FOR attempts`}
	if err := p.d.DB.QueryRowContext(t.Context(), next[p.d.Engine]).Scan(&attempts); err != nil || attempts != 3 {
		t.Errorf("the insert ran %d times, want 2: %v", attempts-1, err)
	}
}

// busy keeps SQLite's only writer away for longer than a purchase has patience: the call says so, and its caller may
// make it again.
func (p purchase) busy(t *testing.T) {
	holder, err := p.d.DB.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(t.Context(), busyFor)
	defer cancel()
	err = p.buy(short, of("conflict", "salt", "users:dan"))
	if err == nil || short.Err() == nil {
		t.Errorf("beside another writer: %v", err)
	}
	if err := holder.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := p.buy(t.Context(), of("conflict", "salt", "users:dan")); err != nil {
		t.Errorf("alone again: %v", err)
	}
	p.d.want(t, "salt", 0, 1, "users:dan", "0.00 USD")
}

// commits matches the statement that commits, alone or behind the savepoint of package pgxatomic.
func commits(statement string) bool {
	return strings.HasSuffix(strings.ToLower(strings.TrimRight(statement, "; ")), "commit")
}

// lostCommit cuts the connection before and after the server commits. Making the same purchase again tells which.
func (p purchase) lostCommit(t *testing.T) {
	if p.d.proxy == nil {
		return // there is no connection to lose
	}
	p.d.product(t, "oil", "3")
	p.d.buyer(t, "users:eve", 2)
	for _, c := range []struct {
		id    string
		point sqltest.Point
		there bool
	}{{"before", sqltest.BeforeSend, false}, {"after", sqltest.BeforeAnswer, true}} {
		trap := p.d.proxy.CutNext(c.point, commits)
		err := p.buy(t.Context(), of(c.id, "oil", "users:eve"))
		if err == nil {
			t.Fatalf("no commit was cut %v", c.point)
		}
		<-trap.Done()
		if !errors.Is(err, bursar.ErrOutcomeUnknown) && bursar.CodeOf(err) != bursar.CodeOutcomeUnknown {
			t.Errorf("cut %v: %v, want %v", c.point, err, bursar.CodeOutcomeUnknown)
		}
		err = p.buy(t.Context(), of(c.id, "oil", "users:eve"))
		if _, twice := atomic.IsUnique(err, p.d.classes); twice != c.there || !twice && err != nil {
			t.Errorf("again after a cut %v: %v", c.point, err)
		}
	}
	p.d.want(t, "oil", 1, 2, "users:eve", "0.00 USD")
}
