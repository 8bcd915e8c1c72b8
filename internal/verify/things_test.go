package verify_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/chain"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// moveRefusal gives a stored refusal another id, and the hash that belongs to it.
func moveRefusal(t *testing.T, m *template, raw *sql.DB, id bursar.ID) {
	t.Helper()
	const row = " WHERE refusal = 'reference_taken'"
	var content []byte
	var decided int64
	refusal := &bursar.Error{Code: bursar.CodeReferenceTaken}
	err := raw.QueryRow("SELECT content, decided, refusal_field, refusal_message FROM bursar_request"+row).
		Scan(&content, &decided, &refusal.Field, &refusal.Message)
	if err != nil {
		t.Fatal(err)
	}
	hash := chain.Refusal(m.book.UUID, id, content, bursar.Instant(decided), refusal)
	if n := exec(t, raw, "UPDATE bursar_request SET id = ?, refusal_hash = ?"+row, id[:], hash[:]); n != 1 {
		t.Fatalf("%d refusals were moved", n)
	}
}

// TestRefusalsAreOfAttempts moves a stored refusal to ids of every form.
func TestRefusalsAreOfAttempts(t *testing.T) {
	t.Parallel()
	m := newTemplate(t)
	_, path := m.scratch(t)
	form := bursar.IDOf("test", "form")
	foreign := stamped(form, 8)
	foreign[8] |= 0xc0 // of another variant, whose versions mean nothing
	for _, c := range []struct {
		id    bursar.ID
		sound bool
	}{
		{stamped(form, 1), true}, {stamped(form, 2), true}, {stamped(form, 3), false}, {stamped(form, 4), true},
		{stamped(form, 5), false}, {stamped(form, 6), true}, {stamped(form, 7), true}, {stamped(form, 8), false},
		{foreign, true},
	} {
		raw := m.copyTo(t, path)
		moveRefusal(t, m, raw, c.id)
		report, err := m.verifyFile(t, raw, path)
		switch {
		case err != nil:
			t.Errorf("%v: %v", c.id, err)
		case c.sound && !report.OK():
			t.Errorf("%v is the id of an attempt:%s", c.id, summary(&report))
		case !c.sound && (report.Found != 1 || !expect(&report, 0, checks{verify.Requests}) ||
			!strings.Contains(report.Findings[0].Detail, c.id.String())):
			t.Errorf("%v is the id of a thing: got%s", c.id, summary(&report))
		}
	}
}

// TestPostedAttempts wants nothing against posted requests under ids of either kind.
func TestPostedAttempts(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	w := newWriter(t, store, "main")
	w.postThreeLegs(1)
	for _, id := range []bursar.ID{attempt(1), bursar.IDOf("test", 1)} {
		transfer := bursar.Transfer{ID: id, Legs: []bursar.Leg{w.leg("world", "users:a", "1.00 USD")}}
		if _, err := w.ledger.Post(t.Context(), transfer); err != nil {
			t.Fatal(err)
		}
	}
	if report, err := verify.Run(t.Context(), store, w.ledger.Book(), nil); err != nil || !report.OK() {
		t.Errorf("%v%s", err, summary(&report))
	}
}

// TestHeadsTime moves the head's time away from that of its entry. It may be later, as a past time that was asked about
// leaves it, and not earlier.
func TestHeadsTime(t *testing.T) {
	t.Parallel()
	m := newTemplate(t)
	_, path := m.scratch(t)
	for _, c := range []struct {
		by    time.Duration
		sound bool
	}{{0, true}, {1, true}, {time.Hour, true}, {-1, false}, {-time.Hour, false}} {
		raw := m.copyTo(t, path)
		exec(t, raw, "UPDATE bursar_head SET at = at + ? WHERE book = 1", int64(c.by))
		report, err := m.verifyFile(t, raw, path)
		switch {
		case err != nil:
			t.Errorf("%v later: %v", c.by, err)
		case c.sound && !report.OK():
			t.Errorf("%v later is fine:%s", c.by, summary(&report))
		case !c.sound && (report.Found != 1 || !expect(&report, 83, checks{verify.Heads})):
			t.Errorf("%v later: want one finding of the head at 83, got%s", c.by, summary(&report))
		}
	}
	raw := m.copyTo(t, path) // a later time excuses nothing else
	exec(t, raw, "UPDATE bursar_head SET at = at + 1, hash = zeroblob(32) WHERE book = 1")
	if report, err := m.verifyFile(t, raw, path); err != nil || !expect(&report, 83, checks{verify.Heads}) {
		t.Errorf("another hash at a later time: %v%s", err, summary(&report))
	}
}

// TestHeadOfAQuietLedger moves the head's time as a past time does that was asked about, and then goes on posting.
func TestHeadOfAQuietLedger(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledger.db")
	store, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	raw := open(t, path)
	w := newWriter(t, store, "main")
	var moved bursar.Instant
	for range 2 { // before the first entry, and after some
		w.clock.Advance(2 * time.Hour)
		moved = bursar.Instant(w.clock.Now().UnixNano())
		exec(t, raw, "UPDATE bursar_head SET at = ? WHERE book = 1", int64(moved))
		report, err := verify.Run(t.Context(), store, w.ledger.Book(), nil)
		if err != nil || !report.OK() {
			t.Errorf("%v%s", err, summary(&report))
		}
		if head, err := w.ledger.Head(t.Context()); err != nil || report.Head.Hash != head.Hash || head.At != moved {
			t.Errorf("the report has the head %v, the ledger %v, %v", report.Head, head, err)
		}
		w.clock.Advance(-time.Hour)
		if report.Entries == 0 {
			w.postThreeLegs(2)
		}
	}
	w.post("", bursar.Transfer{Legs: []bursar.Leg{w.leg("world", "users:a", "1.00 USD")}})
	report, err := verify.Run(t.Context(), store, w.ledger.Book(), nil)
	if err != nil || !report.OK() || report.Head.At <= moved {
		t.Errorf("the last entry is at %v, after %v: %v%s", report.Head.At, moved, err, summary(&report))
	}
}
