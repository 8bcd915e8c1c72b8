package verify_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/internal/verify"
)

// entryFacts are the columns of an entry without its row key, which is its place.
const entryFacts = `at, hash, kind, request_id, leg, from_account, to_account, amount, amount_hi,
	from_version, from_balance, from_balance_hi, from_held, from_held_hi,
	to_version, to_balance, to_balance_hi, to_held, to_held_hi, from_prev, to_prev, effective, lag`

// rowChange is a change of whole rows, with the position and the check that the finding must name.
type rowChange struct {
	what       string
	statements string
	seq        int64 // 0: any place
	want       verify.Check
}

var rowChanges = []rowChange{
	{"first entry deleted", "DELETE FROM bursar_entry WHERE book = 1 AND seq = 1", 1, verify.Gapless},
	{"opening deleted", "DELETE FROM bursar_entry WHERE book = 1 AND seq = 5", 5, verify.Gapless},
	{"middle entry deleted", "DELETE FROM bursar_entry WHERE book = 1 AND seq = 40", 40, verify.Gapless},
	{"several entries deleted", "DELETE FROM bursar_entry WHERE book = 1 AND seq BETWEEN 20 AND 30", 20, verify.Gapless},
	{"last entry deleted", "DELETE FROM bursar_entry WHERE book = 1 AND seq = 83", 83, verify.Heads},
	{"tail cut off", "DELETE FROM bursar_entry WHERE book = 1 AND seq > 60", 61, verify.Heads},
	{"tail cut off with its requests", "DELETE FROM bursar_request WHERE last_entry IN " +
		"(SELECT entry FROM bursar_entry WHERE book = 1 AND seq > 60); " +
		"DELETE FROM bursar_entry WHERE book = 1 AND seq > 60", 61, verify.Heads},
	{"all entries deleted", "DELETE FROM bursar_entry WHERE book = 1", 1, verify.Heads},
	{"one leg of three deleted", "DELETE FROM bursar_entry WHERE leg = 2", 0, verify.Gapless},
	{"request of an opening deleted", "DELETE FROM bursar_request WHERE request = 3", 3, verify.Requests},
	{"request of a transfer deleted", "DELETE FROM bursar_request WHERE request = 9", 19, verify.Chain},
	{"request of three legs deleted", "DELETE FROM bursar_request WHERE reference = 'three legs'", 29, verify.Chain},
	{"account deleted", "DELETE FROM bursar_account WHERE account = 3", 3, verify.Readable},
	{"account and balance deleted",
		"DELETE FROM bursar_account WHERE account = 3; DELETE FROM bursar_balance WHERE account = 3", 3,
		verify.Readable},
	{"balance deleted", "DELETE FROM bursar_balance WHERE account = 3", 81, verify.Readable},
	{"head deleted", "DELETE FROM bursar_head WHERE book = 1", 83, verify.Heads},
	{"book deleted", "DELETE FROM bursar_book WHERE book = 1", 0, verify.Genesis},
	{"checkpoint deleted", "DELETE FROM bursar_checkpoint WHERE account = 4", 0, verify.Checkpoints},
	{"backdating deleted", "DELETE FROM bursar_backdated WHERE account = 4", 0, verify.Backdated},

	{"two hashes swapped", swap("hash"), 20, verify.Chain},
	{"two contents swapped", swap(entryFacts), 20, verify.Chain},
	{"two amounts swapped",
		"UPDATE bursar_entry SET amount = CASE seq WHEN 7 THEN 200 ELSE 100000 END WHERE book = 1 AND seq IN (7, 20)",
		7, verify.Balances},
	{"contents of two requests swapped", `UPDATE bursar_request SET content =
		(SELECT o.content FROM bursar_request o WHERE o.request = 16 - bursar_request.request)
		WHERE request IN (7, 9)`, 7, verify.Requests},
	{"two balances swapped", `UPDATE bursar_balance SET (balance, available) =
		(SELECT o.balance, o.available FROM bursar_balance o WHERE o.account = 7 - bursar_balance.account)
		WHERE account IN (3, 4)`, 81, verify.BalanceRows},
	{"money made",
		"UPDATE bursar_balance SET balance = balance + 100, available = available + 100 WHERE account = 5", 83,
		verify.Conserved},

	{"entry added at the end", add("84", "randomblob(16)"), 84, verify.Heads},
	{"entry added at position 0", add("0", "randomblob(16)"), 1, verify.Gapless},
	{"entry added under a known id",
		"DROP INDEX bursar_entry_id; " + add("84", "request_id") + "; UPDATE bursar_head SET seq = 84 WHERE book = 1", 0,
		verify.Strays},
	{"request added for an entry that says all of it", addRequest("(SELECT request_id FROM bursar_entry "+
		"WHERE book = 1 AND seq = 40)", "40", "NULL"), 40, verify.Requests},
	{"request added for another's entry", addRequest("randomblob(16)", "last_entry", "NULL"), 0, verify.Requests},
	{"request added under a known id",
		"DROP INDEX bursar_request_id; " + addRequest("id", "last_entry", "NULL"), 19, verify.Requests},
	{"refusal added under a known id",
		"DROP INDEX bursar_request_id; " + addRequest("id", "NULL", "'too_late'"), 19, verify.Requests},
	{"refusal of a code that is not remembered", addRequest("randomblob(16)", "NULL", "'busy'"), 0, verify.Requests},
	{"refusal moved to the id of a thing", "UPDATE bursar_request SET id = x'000102030405860788090a0b0c0d0e0f' " +
		"WHERE refusal = 'insufficient_funds'", 0, verify.Requests},
	{"account added without a balance", addAccount("1"), 0, verify.Readable},
	{"account added", addAccount("1") + "; " + addBalance, 0, verify.Accounts},
	{"balance added", addBalance, 0, verify.Strays},
	{"checkpoint added to nothing", "INSERT INTO bursar_checkpoint VALUES (4, 128, 500)", 0, verify.Strays},
	{"checkpoint added to an entry",
		"INSERT INTO bursar_checkpoint " +
			"SELECT to_account, to_version, entry FROM bursar_entry WHERE book = 1 AND seq = 30", 30,
		verify.Checkpoints},
	{"backdating added to nothing", "INSERT INTO bursar_backdated VALUES (4, 5, 500)", 0, verify.Strays},
	{"backdating added to an entry",
		"INSERT INTO bursar_backdated SELECT to_account, decided, entry FROM bursar_entry WHERE book = 1 AND seq = 30",
		0, verify.Strays},
	{"head added", "INSERT INTO bursar_head VALUES (99, 0, 0, zeroblob(32))", 0, verify.Strays},

	{"entry of no book added", add("98 * 1099511627776 + 1", "randomblob(16)"), 0, verify.Strays},
	{"account of no book added", addAccount("99") + "; " + addBalance, 0, verify.Strays},
	{"refusal moved to no book",
		"UPDATE bursar_request SET book = 99 WHERE refusal = 'insufficient_funds'", 0, verify.Strays},
	{"two refusals under one id", "DROP INDEX bursar_request_id; " +
		"INSERT INTO bursar_request (book, id, content, decided, metadata, refusal) " +
		"SELECT book, id, content, decided, metadata, refusal FROM bursar_request " +
		"WHERE refusal = 'insufficient_funds'", 0, verify.Strays},

	{"head against its check", "UPDATE bursar_head SET seq = -1 WHERE book = 1", 0, verify.Storage},
	{"book against its check", "UPDATE bursar_book SET uuid = substr(uuid, 1, 15) WHERE book = 1", 0, verify.Storage},
	{"account against its check", "UPDATE bursar_account SET scale = 99 WHERE account = 6", 0, verify.Storage},
	{"balance against its check", "UPDATE bursar_balance SET state = 9 WHERE account = 3", 0, verify.Storage},
	{"request against its check", "UPDATE bursar_request SET id = x'00' WHERE request = 3", 0, verify.Storage},
	{"entry against its check", "UPDATE bursar_entry SET leg = -1 WHERE book = 1 AND seq = 40", 0, verify.Storage},
	{"checkpoints' index that misses a row", withoutRow("bursar_checkpoint_seq", " WHERE account <> 3"), 0,
		verify.Storage},

	{"hash cut short",
		"UPDATE bursar_entry SET hash = substr(hash, 1, 31) WHERE book = 1 AND seq = 40", 40, verify.Readable},
	{"genesis cut short", "UPDATE bursar_book SET genesis = substr(genesis, 1, 31) WHERE book = 1", 0, verify.Readable},
	{"sender of an opening 0 instead of none",
		"UPDATE bursar_entry SET from_account = 0 WHERE book = 1 AND seq = 3", 3, verify.Readable},
	{"kind beyond a byte", "UPDATE bursar_entry SET kind = 257 WHERE book = 1 AND seq = 40", 40, verify.Readable},
	{"leg that differs beyond the hash's 16 bits",
		"UPDATE bursar_entry SET leg = leg + 65536 WHERE book = 1 AND seq = 40", 40, verify.Requests},
	{"account of the same path in another book",
		"UPDATE bursar_entry SET to_account = 8 WHERE book = 1 AND seq = 7", 7, verify.Accounts},
	{"limit with only a high part",
		"UPDATE bursar_balance SET available_min_hi = -1 WHERE account = 1", 7, verify.Readable},
	{"state beyond a byte", "UPDATE bursar_balance SET state = 256 WHERE account = 5", 83, verify.Readable},
	{"empty text instead of none", "UPDATE bursar_request SET reference = '' WHERE request = 9", 19, verify.Chain},
	{"refusal with entries",
		"UPDATE bursar_request SET refusal = 'too_late', last_entry = NULL WHERE request = 9", 19, verify.Requests},
	{"zero instead of none", "UPDATE bursar_entry SET to_held = 0 WHERE book = 1 AND seq = 40", 40, verify.Readable},
	{"zero on the other side",
		"UPDATE bursar_entry SET from_balance_hi = 0 WHERE book = 1 AND seq = 40", 40, verify.Readable},
	{"journal's index that misses a row", withoutRow("bursar_entry_id", " AND entry <> 40"), 0, verify.Storage},
}

// withoutRow leaves rows out of an index behind the engine's back.
func withoutRow(index, condition string) string {
	return "PRAGMA writable_schema = 1; " +
		"UPDATE sqlite_schema SET sql = sql || '" + condition + "' WHERE name = '" + index + "'; " +
		"PRAGMA writable_schema = RESET; REINDEX " + index + "; PRAGMA writable_schema = 1; " +
		"UPDATE sqlite_schema SET sql = replace(sql, '" + condition + "', '') WHERE name = '" + index + "'"
}

// swap exchanges columns of the entries at positions 20 and 30.
func swap(columns string) string {
	return `DROP INDEX bursar_entry_id;
		CREATE TEMP TABLE old AS SELECT * FROM bursar_entry WHERE book = 1 AND seq IN (20, 30);
		UPDATE bursar_entry SET (` + columns + `) = (SELECT ` + columns + ` FROM old WHERE old.entry <> bursar_entry.entry)
			WHERE entry IN (SELECT entry FROM old);
		CREATE UNIQUE INDEX bursar_entry_id ON bursar_entry (book, request_id) WHERE leg = 0`
}

// add copies the entry at position 40 to another key, under an id.
func add(key, id string) string {
	facts := strings.Replace(entryFacts, "request_id,", id+",", 1)
	return "INSERT INTO bursar_entry (entry, " + entryFacts + ") " +
		"SELECT " + key + ", " + facts + " FROM bursar_entry WHERE book = 1 AND seq = 40"
}

// addBalance adds the balance of an account 99.
const addBalance = "INSERT INTO bursar_balance (account, version, balance, available, decided, last_entry) " +
	"VALUES (99, 1, 0, 0, 0, 1)"

// addAccount adds an account 99 without a balance.
func addAccount(book string) string {
	return "INSERT INTO bursar_account (account, book, path, currency, scale, opened) " +
		"VALUES (99, " + book + ", 'x', 'USD', 2, 0)"
}

// addRequest copies a request.
func addRequest(id, last, refusal string) string {
	return "INSERT INTO bursar_request (book, id, content, decided, last_entry, refusal) " +
		"SELECT book, " + id + ", content, decided, " + last + ", " + refusal + " FROM bursar_request WHERE request = 9"
}

func TestEveryRowMatters(t *testing.T) {
	t.Parallel()
	m := newTemplate(t)
	_, path := m.scratch(t)
	for _, v := range rowChanges {
		raw := m.copyTo(t, path)
		run(t, raw, v.statements)
		report, err := m.verifyFile(t, raw, path)
		if err != nil {
			t.Errorf("%s: %v", v.what, err)
		} else if !expect(&report, v.seq, checks{v.want}) {
			t.Errorf("%s: want %v at %d, got%s", v.what, v.want, v.seq, summary(&report))
		}
	}
}

func run(t testing.TB, raw *sql.DB, statements string) {
	t.Helper()
	if _, err := raw.Exec(statements); err != nil {
		t.Fatalf("%s: %v", statements, err)
	}
}
