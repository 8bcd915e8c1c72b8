package verify_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

func amount(t testing.TB, s string) money.Amount {
	t.Helper()
	a, err := money.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// writer writes a ledger for a test and fails the test when it cannot.
type writer struct {
	t      testing.TB
	ledger *ledger.Ledger
	clock  *clock.Fake
	count  int
}

func newWriter(t testing.TB, store driver.Store, book string) *writer {
	t.Helper()
	w := &writer{t: t, clock: clock.NewFake(start)}
	var err error
	w.ledger, err = ledger.New(t.Context(), store, &ledger.Options{Book: book, Migrate: true, Clock: w.clock})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *writer) open(o bursar.Opening) {
	w.t.Helper()
	w.clock.Advance(time.Second)
	if _, err := w.ledger.OpenAccount(context.Background(), o); err != nil {
		w.t.Fatal(err)
	}
}

func (w *writer) post(code bursar.Code, transfer bursar.Transfer) {
	w.t.Helper()
	w.clock.Advance(time.Second)
	w.count++
	transfer.ID = bursar.IDOf("test", w.count)
	if code != "" {
		transfer.ID = attempt(w.count) // so that the refusal is remembered
	}
	if _, err := w.ledger.Post(context.Background(), transfer); bursar.CodeOf(err) != code {
		w.t.Fatalf("post %d: %v, want %q", w.count, err, code)
	}
}

// attempt is the id of the nth attempt: a UUID of version 4 that is the same in every run.
func attempt(n int) bursar.ID { return stamped(bursar.IDOf("test", n), 4) }

// stamped is an id with another version.
func stamped(id bursar.ID, version byte) bursar.ID {
	id[6] = id[6]&0x0f | version<<4
	return id
}

func (w *writer) leg(from, to, text string) bursar.Leg {
	return bursar.Leg{From: from, To: to, Amount: amount(w.t, text)}
}

// build writes two books with something of everything in them.
func build(t testing.TB, store driver.Store) bursar.Book {
	t.Helper()
	w := newWriter(t, store, "main")
	usd, chip := amount(t, "0.00 USD").Currency(), amount(t, "0 CHIP/0").Currency()
	low, high := amount(t, "-100.00 USD"), amount(t, "5000.00 USD")
	w.open(bursar.Opening{Path: "world:usd", Currency: usd, NoMin: true})
	w.open(bursar.Opening{Path: "world:chip", Currency: chip, NoMin: true})
	w.open(bursar.Opening{
		Path: "users:alice", Currency: usd, Metadata: bursar.Metadata{"name": "Alice <a&b>", "tier": "gold"},
	})
	w.open(bursar.Opening{Path: "users:bob", Currency: usd, Min: &low, Max: &high})
	w.open(bursar.Opening{Path: "users:carol", Currency: usd})
	w.open(bursar.Opening{Path: "chips:alice", Currency: chip})
	w.post("", bursar.Transfer{
		Legs:      []bursar.Leg{w.leg("world:usd", "users:alice", "1000.00 USD")},
		Reference: "invoice 1", Metadata: bursar.Metadata{"memo": "first"},
	})
	w.post("", bursar.Transfer{Legs: []bursar.Leg{w.leg("world:chip", "chips:alice", "1234567890123456789012 CHIP/0")}})
	w.post(bursar.CodeInsufficientFunds, bursar.Transfer{
		Legs: []bursar.Leg{w.leg("users:carol", "users:bob", "1.00 USD")}, Metadata: bursar.Metadata{"memo": "no"},
	})
	least, version := amount(t, "10.00 USD"), int64(2)
	for i := range 70 {
		legs := []bursar.Leg{w.leg("users:alice", "users:bob", "2.00 USD")}
		transfer := bursar.Transfer{Legs: legs}
		switch i {
		case 10:
			transfer.Conditions = []bursar.Condition{{Path: "users:alice", AtLeast: &least}}
			transfer.NotAfter = start.AddDate(1, 0, 0)
		case 20:
			transfer.Legs = append(legs,
				w.leg("users:bob", "users:carol", "1.00 USD"), w.leg("users:carol", "users:alice", "0.50 USD"))
			transfer.Reference = "three legs"
		case 30:
			transfer.Effective = start.AddDate(0, -1, 0)
		case 40:
			transfer.Legs = append(legs, w.leg("users:bob", "users:alice", "1.00 USD"))
			transfer.Effective = start.AddDate(0, 0, -1)
		}
		w.post("", transfer)
	}
	w.post("", bursar.Transfer{
		Legs:       []bursar.Leg{w.leg("chips:alice", "world:chip", "1000000000000000000000 CHIP/0")},
		Conditions: []bursar.Condition{{Path: "chips:alice", Version: &version}},
	})
	w.post(bursar.CodeReferenceTaken, bursar.Transfer{
		Legs: []bursar.Leg{w.leg("users:alice", "users:bob", "1.00 USD")}, Reference: "invoice 1",
	})
	w.post("", bursar.Transfer{
		Legs: []bursar.Leg{w.leg("users:carol", "users:bob", "0.25 USD")}, Metadata: bursar.Metadata{"memo": "last"},
	})

	other := newWriter(t, store, "other")
	other.open(bursar.Opening{Path: "world:usd", Currency: usd, NoMin: true})
	other.open(bursar.Opening{Path: "users:alice", Currency: usd})
	other.post("", bursar.Transfer{Legs: []bursar.Leg{other.leg("world:usd", "users:alice", "7.00 USD")}})
	return w.ledger.Book()
}

// template is a ledger in one file, without triggers. Every case gets a copy.
type template struct {
	book     bursar.Book
	bytes    []byte
	triggers []string // the statements that make them again
}

func newTemplate(t *testing.T) *template {
	t.Helper()
	path := filepath.Join(t.TempDir(), "template.db")
	store, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	book := build(t, store)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	raw := open(t, path)
	triggers := texts(t, raw, "SELECT sql FROM sqlite_schema WHERE type = 'trigger'")
	for _, name := range texts(t, raw, "SELECT name FROM sqlite_schema WHERE type = 'trigger'") {
		exec(t, raw, "DROP TRIGGER "+name)
	}
	exec(t, raw, "PRAGMA journal_mode = DELETE")
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
	bytes, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return &template{book: book, bytes: bytes, triggers: triggers}
}

// open opens a file as an attacker does, without the checks of the schema.
func open(t testing.TB, path string) *sql.DB {
	t.Helper()
	const pragmas = "?_pragma=ignore_check_constraints(1)&_pragma=foreign_keys(0)&_pragma=synchronous(0)"
	db, err := sql.Open("sqlite", "file:"+path+pragmas)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

// copyTo writes a copy and opens it.
func (m *template) copyTo(t testing.TB, path string) *sql.DB {
	t.Helper()
	if err := os.WriteFile(path, m.bytes, 0o600); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

// scratch is a copy in a file of its own.
func (m *template) scratch(t testing.TB) (*sql.DB, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "case.db")
	return m.copyTo(t, path), path
}

// verifyFile makes the triggers again, closes the attacker's handle and verifies the file.
func (m *template) verifyFile(t testing.TB, raw *sql.DB, path string) (verify.Report, error) {
	t.Helper()
	return m.verifyWith(t, raw, path, nil)
}

func (m *template) verifyWith(t testing.TB, raw *sql.DB, path string, o *verify.Options) (verify.Report, error) {
	t.Helper()
	if number(t, raw, "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'") == 0 {
		for _, trigger := range m.triggers {
			exec(t, raw, trigger)
		}
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	return verify.Run(context.Background(), sqlite.New(db), m.book, o)
}

func exec(t testing.TB, db *sql.DB, statement string, args ...any) int64 {
	t.Helper()
	result, err := db.Exec(statement, args...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func number(t testing.TB, db *sql.DB, statement string, args ...any) int64 {
	t.Helper()
	var n int64
	if err := db.QueryRow(statement, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return n
}

func texts(t testing.TB, db *sql.DB, statement string, args ...any) (all []string) {
	t.Helper()
	rows, err := db.Query(statement, args...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		all = append(all, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// summary is what a report found, for messages.
func summary(r *verify.Report) string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "\n\t%v", f)
	}
	return b.String()
}

// postThreeLegs opens two accounts and posts n transfers of three legs between them.
func (w *writer) postThreeLegs(n int) {
	w.t.Helper()
	usd := amount(w.t, "0.00 USD").Currency()
	w.open(bursar.Opening{Path: "world", Currency: usd, NoMin: true})
	w.open(bursar.Opening{Path: "users:a", Currency: usd})
	transfers := make([]bursar.Transfer, n)
	for i := range transfers {
		transfers[i] = bursar.Transfer{ID: bursar.IDOf("page", i), Legs: []bursar.Leg{
			w.leg("world", "users:a", "0.03 USD"),
			w.leg("users:a", "world", "0.01 USD"),
			w.leg("world", "users:a", "0.02 USD"),
		}}
	}
	results, err := w.ledger.PostBatch(context.Background(), transfers)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, result := range results {
		if result.Err != nil {
			w.t.Fatal(result.Err)
		}
	}
}

// names reports whether some finding is of one of the checks.
func names(r *verify.Report, checks ...verify.Check) bool {
	for _, f := range r.Findings {
		for _, check := range checks {
			if f.Check == check {
				return true
			}
		}
	}
	return false
}
