//go:build !bursar_no_modernc

package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand"
	"path/filepath"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// alternation is a file that several writers change in turn, and what it must say.
type alternation struct {
	*testing.T
	random  *rand.Rand
	db      *sql.DB // an application's own
	writers map[string]func(bursar.Transfer) (bursar.Posted, error)
	opener  *ledger.Ledger
	paths   []string
	balance map[string]int64
	min     map[string]int64
	frozen  map[string]bool
	asked   []asked
}

// asked is a transfer with the answer that it has for ever.
type asked struct {
	transfer bursar.Transfer
	code     bursar.Code
}

// TestNoDecisionOnStaleMemory lets a ledger post in turn with whatever else may write its file: an application's In on
// the store's own handle, a ledger over another handle, another store of the file, and SQL that changes limits and
// states. Each answer is compared with a model.
func TestNoDecisionOnStaleMemory(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bursar.db")
	store := sqlite.OpenIn(t, path, sqlite.Ways{})
	l := startLedger(t, store)
	a := &alternation{
		T: t, random: rand.New(rand.NewSource(1)), db: openDB(t, sqlite.DSN(path)), opener: l,
		paths:   []string{"world", "users:1", "users:2"},
		balance: map[string]int64{"world": -20_000, "users:1": 10_000, "users:2": 10_000},
		min:     map[string]int64{"world": -1 << 60}, frozen: map[string]bool{},
	}
	over := func(store driver.Store) func(bursar.Transfer) (bursar.Posted, error) {
		other, err := ledger.New(t.Context(), store, nil)
		if err != nil {
			t.Fatal(err)
		}
		return func(tr bursar.Transfer) (bursar.Posted, error) { return other.Post(t.Context(), tr) }
	}
	a.writers = map[string]func(bursar.Transfer) (bursar.Posted, error){
		"the ledger":     func(tr bursar.Transfer) (bursar.Posted, error) { return l.Post(t.Context(), tr) },
		"another store":  over(sqlite.OpenIn(t, path, sqlite.Ways{})),
		"another handle": over(sqlite.New(a.db)),
		"in": func(tr bursar.Transfer) (posted bursar.Posted, err error) {
			err = atomic.Do(t.Context(), store.DB(), func(ctx context.Context, tx *atomic.Tx) error {
				posted, err = l.In(tx).Post(ctx, tr)
				return err
			}, nil)
			return posted, err
		},
	}
	for step := range 2_000 {
		a.change(step)
		a.post("the ledger")
		if t.Failed() {
			t.Fatalf("at step %d", step)
		}
	}
	a.settle(store)
}

// change is something that another writer does.
func (a *alternation) change(step int) {
	path := a.paths[a.random.Intn(len(a.paths))]
	switch a.random.Intn(8) {
	case 0:
		a.frozen[path] = !a.frozen[path]
		state := 0
		if a.frozen[path] {
			state = 1
		}
		a.set(path, "state = ?", state)
	case 1:
		if path != "world" {
			a.min[path] = a.random.Int63n(a.balance[path] + 1)
			a.set(path, "available_min = ?", a.min[path])
		}
	case 2:
		if len(a.paths) < 40 {
			a.open(step)
		}
	case 3: // nothing: the ledger's memory lasts
	default:
		others := []string{"another store", "another handle", "in", "the ledger"}
		a.post(others[a.random.Intn(len(others))])
	}
}

func (a *alternation) set(path, what string, value any) {
	a.Helper()
	result, err := a.db.ExecContext(a.Context(), `UPDATE bursar_balance SET `+what+
		` WHERE account = (SELECT account FROM bursar_account WHERE path = ?)`, value, path)
	if err != nil {
		a.Fatal(err)
	}
	if n, _ := result.RowsAffected(); n != 1 {
		a.Fatalf("%s: %d rows", path, n)
	}
}

func (a *alternation) open(step int) {
	path := fmt.Sprintf("users:new:%d", step)
	usd := money.MustParse("0 USD").Currency()
	if _, err := a.opener.OpenAccount(a.Context(), bursar.Opening{Path: path, Currency: usd}); err != nil {
		a.Fatal(err)
	}
	a.paths = append(a.paths, path)
}

// post posts a transfer, or one for the second time, and compares the answer.
func (a *alternation) post(writer string) {
	a.Helper()
	if len(a.asked) > 0 && a.random.Intn(4) == 0 {
		before := a.asked[max(0, len(a.asked)-1-a.random.Intn(10))]
		posted, err := a.writers[writer](before.transfer)
		replayed := posted.Replayed
		if refusal, ok := err.(*bursar.Error); ok {
			replayed = refusal.Replayed
		}
		if bursar.CodeOf(err) != before.code || !replayed {
			a.Errorf("%s again: %v, replayed %v, want %q", writer, err, replayed, before.code)
		}
		return
	}
	from, to := a.paths[a.random.Intn(len(a.paths))], a.paths[a.random.Intn(len(a.paths))]
	if from == to {
		return
	}
	id, err := a.opener.NewID()
	if err != nil {
		a.Fatal(err)
	}
	units := 1 + a.random.Int63n(6_000)
	t := bursar.Transfer{ID: id, Legs: []bursar.Leg{{From: from, To: to,
		Amount: money.FromUnits(units, money.MustParse("0 USD").Currency())}}}
	want := bursar.Code("")
	switch {
	case a.frozen[from] || a.frozen[to]:
		want = bursar.CodeAccountFrozen
	case a.balance[from]-units < a.min[from]:
		want = bursar.CodeInsufficientFunds
	}
	posted, err := a.writers[writer](t)
	if bursar.CodeOf(err) != want || posted.Replayed {
		a.Errorf("%s: %d from %s, which has %d and keeps %d, to %s: %v, want %q",
			writer, units, from, a.balance[from], a.min[from], to, err, want)
	}
	if err == nil {
		a.balance[from] -= units
		a.balance[to] += units
	}
	if err == nil || writer != "in" { // under In no refusal is remembered
		a.asked = append(a.asked, asked{t, want})
	}
}

// settle compares all balances and verifies the file, whose states and limits SQL has changed back.
func (a *alternation) settle(store driver.Store) {
	for _, path := range a.paths {
		if a.frozen[path] {
			a.set(path, "state = ?", 0)
		}
		if path != "world" {
			a.set(path, "available_min = ?", 0)
		}
		wantBalance(a.T, a.opener, path, money.FromUnits(a.balance[path], money.MustParse("0 USD").Currency()).String())
	}
	report, err := verify.Run(a.Context(), store, a.opener.Book(), nil)
	if err != nil {
		a.Fatal(err)
	}
	for _, f := range report.Findings {
		a.Error(f)
	}
}

// TestWhatWasRolledBackIsNotRemembered writes what a ledger would, and lets the database transaction end otherwise.
func TestWhatWasRolledBackIsNotRemembered(t *testing.T) {
	t.Parallel()
	store := sqlite.OpenIn(t, filepath.Join(t.TempDir(), "bursar.db"), sqlite.Ways{})
	l := startLedger(t, store)
	id, err := l.NewID()
	if err != nil {
		t.Fatal(err)
	}
	spend := func(end func() error) (err error) {
		defer func() {
			if cause := recover(); cause != nil {
				err = cause.(error)
			}
		}()
		return store.Write(t.Context(), driver.ModeLocks, nil, func(ctx context.Context, tx driver.Tx) error {
			g, err := tx.Gather(ctx, 1, &driver.Wanted{Paths: []string{"users:1"}, IDs: []bursar.ID{id}})
			if err != nil {
				return err
			}
			row := g.Accounts["users:1"]
			row.Balance, row.Version = money.MustParse("0.00 USD"), row.Version+1
			refused := driver.RequestRecord{ID: id, Content: []byte{1}, Refusal: &bursar.Error{Code: bursar.CodeTooLate}}
			err = tx.Insert(ctx, &driver.Batch{
				Book: 1, Changed: []*driver.AccountRow{row}, Requests: []driver.RequestRecord{refused}, From: g.Head, To: g.Head,
			})
			if err != nil {
				return err
			}
			return end()
		})
	}
	lost := errors.New("lost")
	for name, end := range map[string]func() error{
		"an error": func() error { return lost },
		"a panic":  func() error { panic(lost) },
	} {
		if err := spend(end); !errors.Is(err, lost) {
			t.Fatalf("%s: %v", name, err)
		}
		pay := pay("users:1", "users:2", "10.00 USD")
		if pay.ID, err = l.NewID(); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Post(t.Context(), pay); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}
	pay := pay("users:1", "users:2", "10.00 USD")
	pay.ID = id
	if posted, err := l.Post(t.Context(), pay); err != nil || posted.Replayed {
		t.Errorf("under the id that was rolled back: %v, replayed %v", err, posted.Replayed)
	}
	wantBalance(t, l, "users:1", "70.00 USD")
}

// TestIDsThatLieAboutTheirTimeAreKnownAgain posts under ids of far times, of names and of no order at all, and all of
// them for the second time, some through another connection.
func TestIDsThatLieAboutTheirTimeAreKnownAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bursar.db")
	store := sqlite.OpenIn(t, path, sqlite.Ways{})
	l := startLedger(t, store)
	other, err := ledger.New(t.Context(), sqlite.New(openDB(t, sqlite.DSN(path))), nil)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewSource(2))
	var posted []bursar.Transfer
	for step := range 300 {
		tr := pay("world", "users:1", "0.01 USD")
		switch step % 5 {
		case 0, 1:
			tr.ID, err = l.NewID()
		case 2:
			tr.ID = bursar.IDOf("order", step)
		case 3:
			random.Read(tr.ID[:])
			tr.ID[6], tr.ID[8] = tr.ID[6]&15|7<<4, tr.ID[8]&63|128
		case 4:
			tr.ID, err = l.NewID()
			tr.ID[0], tr.ID[15] = byte(random.Intn(256)), byte(step)
		}
		if err != nil {
			t.Fatal(err)
		}
		writer := l
		if random.Intn(4) == 0 {
			writer = other
		}
		if p, err := writer.Post(t.Context(), tr); err != nil || p.Replayed {
			t.Fatalf("%v: %v, replayed %v", tr.ID, err, p.Replayed)
		}
		posted = append(posted, tr)
		again := posted[random.Intn(len(posted))]
		if p, err := l.Post(t.Context(), again); err != nil || !p.Replayed {
			t.Fatalf("%v for the second time: %v, replayed %v", again.ID, err, p.Replayed)
		}
	}
	wantBalance(t, l, "users:1", "103.00 USD")
}
