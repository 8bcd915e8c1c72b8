package verify_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/chain"
	"github.com/bursar-ledger/bursar/internal/journal"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// reseal computes all hashes of book 1 anew, as an attacker does who knows how.
func reseal(t *testing.T, raw *sql.DB, book bursar.Book) {
	t.Helper()
	var entries []driver.EntryRow
	err := sqlite.New(raw).Read(context.Background(), func(ctx context.Context, r driver.Reader) (err error) {
		entries, err = r.Journal(ctx, book.Number, 0, 1_000)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	hash := book.Genesis
	for i := range entries {
		hash, _ = chain.Link(&entries[i].Entry, book.UUID, hash, nil)
		exec(t, raw, "UPDATE bursar_entry SET hash = ? WHERE entry = ?", hash[:], entries[i].Key)
	}
	last := entries[len(entries)-1]
	exec(t, raw, "UPDATE bursar_head SET seq = ?, at = ?, hash = ? WHERE book = ?",
		last.Seq, int64(last.At), hash[:], book.Number)
}

// rewrite changes the content of a request.
func rewrite(t *testing.T, raw *sql.DB, request int64, change func(*journal.Request)) {
	t.Helper()
	var content []byte
	if err := raw.QueryRow("SELECT content FROM bursar_request WHERE request = ?", request).Scan(&content); err != nil {
		t.Fatal(err)
	}
	q, err := journal.ParseRequest(content)
	if err != nil {
		t.Fatal(err)
	}
	change(&q)
	content = journal.AppendRequest(nil, &q)
	exec(t, raw, "UPDATE bursar_request SET content = ? WHERE request = ?", content, request)
}

// openAgain appends a second opening of account 5.
const openAgain = `INSERT INTO bursar_request (book, id, content, decided, last_entry)
		SELECT 1, zeroblob(16), content, (SELECT at FROM bursar_entry WHERE book = 1 AND seq = 83), 84
		FROM bursar_request WHERE request = 5;
	CREATE TEMP TABLE again AS SELECT entry, ` + entryFacts + ` FROM bursar_entry WHERE book = 1 AND seq = 5;
	UPDATE again SET entry = 84, request_id = zeroblob(16),
		(at, lag) = (SELECT at + 1, 1 FROM bursar_entry WHERE book = 1 AND seq = 83);
	INSERT INTO bursar_entry (entry, ` + entryFacts + `) SELECT * FROM again`

// TestRewrittenJournal makes every hash fit again, so that only the replay can find the change.
func TestRewrittenJournal(t *testing.T) {
	t.Parallel()
	m := newTemplate(t)
	_, path := m.scratch(t)
	by := func(statement string) func(*sql.DB) {
		return func(raw *sql.DB) { run(t, raw, statement) }
	}
	for _, c := range []struct {
		what   string
		tamper func(raw *sql.DB)
		seq    int64
		want   verify.Check
	}{
		{"nothing", by("SELECT 1"), 0, ""},
		{"time stands still", by(`UPDATE bursar_entry SET (at, lag) =
				(SELECT e.at, e.lag FROM bursar_entry e WHERE e.book = 1 AND e.seq = 19) WHERE book = 1 AND seq = 20;
			UPDATE bursar_request SET decided = (SELECT e.decided FROM bursar_entry e WHERE e.book = 1 AND e.seq = 20)
			WHERE last_entry = (SELECT entry FROM bursar_entry WHERE book = 1 AND seq = 20)`), 20, verify.Time},
		{"decided after its time", by(`UPDATE bursar_entry SET lag = -1 WHERE book = 1 AND seq = 20;
			UPDATE bursar_request SET decided = decided + 1
			WHERE last_entry = (SELECT entry FROM bursar_entry WHERE book = 1 AND seq = 20)`), 20, verify.Time},
		{"decided before the entry before", by(`UPDATE bursar_entry SET lag = at - 5 WHERE book = 1 AND seq = 20;
			UPDATE bursar_request SET decided = 5
			WHERE last_entry = (SELECT entry FROM bursar_entry WHERE book = 1 AND seq = 20)`), 20, verify.Time},
		{"effective in the future",
			by("UPDATE bursar_entry SET effective = at + 1 WHERE book = 1 AND seq = 20"), 20, verify.Time},
		{"versions",
			by("UPDATE bursar_entry SET from_version = from_version + 1 WHERE book = 1 AND seq = 40"), 40,
			verify.Versions},
		{"version of an opening",
			by("UPDATE bursar_entry SET to_version = 2 WHERE book = 1 AND seq = 3"), 3, verify.Versions},
		{"balance of a receiver",
			by("UPDATE bursar_entry SET to_balance = to_balance + 1 WHERE book = 1 AND seq = 40"), 40, verify.Balances},
		{"balance of a sender",
			by("UPDATE bursar_entry SET from_balance = from_balance + 1 WHERE book = 1 AND seq = 40"), 40,
			verify.Balances},
		{"held", by("UPDATE bursar_entry SET to_held = 1 WHERE book = 1 AND seq = 40"), 40, verify.Balances},
		{"balance of an opening",
			by("UPDATE bursar_entry SET to_balance = 1 WHERE book = 1 AND seq = 3"), 3, verify.Balances},
		{"amount", by("UPDATE bursar_entry SET amount = amount + 1 WHERE book = 1 AND seq = 40"), 40, verify.Balances},
		{"amount and balances", by(`UPDATE bursar_entry
			SET amount = amount + 1, from_balance = from_balance - 1, to_balance = to_balance + 1
			WHERE book = 1 AND seq = 83`), 83, verify.Requests},
		{"amount of nothing", by(`UPDATE bursar_entry
			SET amount = 0, from_balance = from_balance + amount, to_balance = to_balance - amount
			WHERE book = 1 AND seq = 40`), 40, verify.Balances},
		{"transfer to itself",
			by("UPDATE bursar_entry SET from_account = to_account WHERE book = 1 AND seq = 40"), 40, verify.Accounts},
		{"account of another book",
			by("UPDATE bursar_entry SET from_account = 7 WHERE book = 1 AND seq = 7"), 7, verify.Accounts},
		{"currency", by("UPDATE bursar_account SET currency = 'EUR' WHERE account = 5"), 5, verify.Requests},
		{"two currencies", by("UPDATE bursar_entry SET to_account = 6 WHERE book = 1 AND seq = 40"), 40, verify.Accounts},
		{"opening with a sender",
			by("UPDATE bursar_entry SET from_account = 1 WHERE book = 1 AND seq = 5"), 5, verify.Accounts},
		{"opened again", by(openAgain), 84, verify.Accounts},
		{"kind", by("UPDATE bursar_entry SET kind = 2 WHERE book = 1 AND seq = 40"), 40, verify.Requests},
		{"unknown kind", by("UPDATE bursar_entry SET kind = 9 WHERE book = 1 AND seq = 40"), 40, verify.Requests},
		{"legs in another order", by(`UPDATE bursar_entry SET leg = 2 - leg
			WHERE request_id = (SELECT request_id FROM bursar_entry WHERE leg = 2)`), 29, verify.Requests},
		{"maximum", func(raw *sql.DB) {
			rewrite(t, raw, 4, func(q *journal.Request) { q.Max.Amount.Lo = 1_000 })
			run(t, raw, "UPDATE bursar_balance SET balance_max = 1000 WHERE account = 4")
		}, 14, verify.Limits},
		{"minimum", func(raw *sql.DB) {
			rewrite(t, raw, 3, func(q *journal.Request) { q.Min.Amount.Lo = 1 })
			run(t, raw, "UPDATE bursar_balance SET available_min = 1 WHERE account = 3")
		}, 3, verify.Limits},
		{"minimum of a credit line", func(raw *sql.DB) {
			rewrite(t, raw, 1, func(q *journal.Request) { q.Min.Set = true })
			run(t, raw, "UPDATE bursar_balance SET available_min = 0 WHERE account = 1")
		}, 7, verify.Limits},
		{"condition on a balance", func(raw *sql.DB) {
			rewrite(t, raw, 9, func(q *journal.Request) { q.Conditions[0].Amount.Lo = 100_000 })
		}, 19, verify.Requests},
		{"condition on a version", func(raw *sql.DB) {
			rewrite(t, raw, 12, func(q *journal.Request) { q.Conditions[0].Version++ })
		}, 82, verify.Requests},
		{"not after", func(raw *sql.DB) {
			rewrite(t, raw, 9, func(q *journal.Request) { q.NotAfter = 1 })
		}, 19, verify.Requests},
		{"reference", func(raw *sql.DB) {
			rewrite(t, raw, 7, func(q *journal.Request) { q.Reference = "invoice 2" })
		}, 7, verify.Requests},
		{"effective time", by(`UPDATE bursar_backdated SET effective = effective - 1
				WHERE entry = (SELECT max(entry) FROM bursar_backdated);
			UPDATE bursar_entry SET effective = effective - 1
				WHERE entry = (SELECT max(entry) FROM bursar_backdated)`), 52, verify.Requests},
		{"leg that was never posted", func(raw *sql.DB) {
			rewrite(t, raw, 14, func(q *journal.Request) { q.Legs = append(q.Legs, q.Legs[0]) })
			run(t, raw, "UPDATE bursar_request SET last_entry = last_entry + 1 WHERE request = 14")
		}, 84, verify.Requests},
		{"one reference twice", func(raw *sql.DB) {
			rewrite(t, raw, 9, func(q *journal.Request) { q.Reference = "invoice 1" })
			run(t, raw, "DROP INDEX bursar_request_reference")
			run(t, raw, "UPDATE bursar_request SET reference = 'invoice 1' WHERE request = 9")
		}, 0, verify.Strays},
		{"metadata", func(raw *sql.DB) {
			rewrite(t, raw, 3, func(q *journal.Request) { q.Metadata[0].Value = "Bob" })
		}, 3, verify.Accounts},
	} {
		raw := m.copyTo(t, path)
		c.tamper(raw)
		reseal(t, raw, m.book)
		report, err := m.verifyFile(t, raw, path)
		switch {
		case err != nil:
			t.Errorf("%s: %v", c.what, err)
		case c.want == "":
			if !report.OK() {
				t.Errorf("%s:%s", c.what, summary(&report))
			}
		case !expect(&report, c.seq, checks{c.want}) || names(&report, verify.Chain, verify.Heads):
			t.Errorf("%s: want %v at %d, got%s", c.what, c.want, c.seq, summary(&report))
		}
	}
}

// TestCutTailNeedsAnAnchor cuts off the tail and makes everything else fit. Nothing inside shows it, but the head's
// hash does, if it is kept elsewhere.
func TestCutTailNeedsAnAnchor(t *testing.T) {
	t.Parallel()
	m := newTemplate(t)
	raw, path := m.scratch(t)
	anchor, err := m.verifyFile(t, raw, path)
	if err != nil || !anchor.OK() {
		t.Fatalf("%v%s", err, summary(&anchor))
	}
	raw = m.copyTo(t, path)
	// The last transfer was 0.25 USD from account 5 to account 4, with one leg.
	run(t, raw, `DELETE FROM bursar_request WHERE request = 14;
		UPDATE bursar_balance SET balance = balance + 25, available = available + 25, version = version - 1,
			(last_entry, decided) = (SELECT e.entry, e.decided FROM bursar_entry e
				WHERE e.entry = (SELECT from_prev FROM bursar_entry WHERE entry = 83)) WHERE account = 5;
		UPDATE bursar_balance SET balance = balance - 25, available = available - 25, version = version - 1,
			(last_entry, decided) = (SELECT e.entry, e.decided FROM bursar_entry e
				WHERE e.entry = (SELECT to_prev FROM bursar_entry WHERE entry = 83)) WHERE account = 4;
		DELETE FROM bursar_entry WHERE entry = 83;
		UPDATE bursar_head SET (seq, at, hash) = (SELECT seq, at, hash FROM bursar_entry WHERE entry = 82) WHERE book = 1`)
	report, err := m.verifyFile(t, raw, path)
	if err != nil || !report.OK() {
		t.Fatalf("what is inside fits together: %v%s", err, summary(&report))
	}
	if report.Head.Seq != anchor.Head.Seq-1 || report.HeadHash() == anchor.HeadHash() {
		t.Errorf("head %d %s does not tell", report.Head.Seq, report.HeadHash())
	}
	last := report.Head
	for name, c := range map[string]struct {
		anchors map[int64][32]byte
		bad     int64 // 0 for none
	}{
		"the head that was":      {map[int64][32]byte{anchor.Head.Seq: anchor.Head.Hash}, anchor.Head.Seq},
		"another hash":           {map[int64][32]byte{last.Seq: anchor.Head.Hash}, last.Seq},
		"the head that is":       {map[int64][32]byte{last.Seq: last.Hash}, 0},
		"one of two contradicts": {map[int64][32]byte{last.Seq: last.Hash, 3: last.Hash}, 3},
	} {
		report, err := m.verifyWith(t, open(t, path), path, &verify.Options{Anchors: c.anchors})
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case c.bad == 0 && !report.OK(), c.bad > 0 && !expect(&report, c.bad, checks{verify.Anchored}):
			t.Errorf("%s: want a finding at %d, got%s", name, c.bad, summary(&report))
		}
	}
}
