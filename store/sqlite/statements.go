package sqlite

import (
	"fmt"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// statements is the SQL of this engine, in the order of sqlstore.Statements.
var statements = sqlstore.Statements{
	SchemaStatements: sqlstore.SchemaStatements{
		HasSchema:     `SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'bursar_migration'`,
		Migrated:      `SELECT version, checksum FROM bursar_migration ORDER BY version`,
		StampChecksum: `UPDATE bursar_migration SET checksum = ? WHERE version = ?`,
		EntryIndexes:  `SELECT name, 1 FROM pragma_index_list('bursar_entry')`,
	},
	BookStatements: sqlstore.BookStatements{
		Book:       `SELECT book, uuid, genesis FROM bursar_book WHERE name = ?`,
		InsertBook: `INSERT INTO bursar_book (name, uuid, genesis) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING`,
		InsertHead: `INSERT INTO bursar_head (book, seq, at, hash) VALUES (?, ?, ?, ?) ON CONFLICT (book) DO NOTHING`,
	},
	LockStatements: sqlstore.LockStatements{
		// The write lock of the whole file is taken already, so reading is locking.
		LockAccounts: sqlstore.ManyValues(`SELECT ` + sqlstore.AccountColumns.Qualified() + accounts +
			` WHERE a.book = ? AND a.path IN (...)`),
		Known: sqlstore.ManyRows(`WITH b (book) AS (SELECT ?1), ids (id) AS (VALUES (...)) `+
			known(`(SELECT book FROM b)`, ` IN (SELECT id FROM ids)`), sqlstore.Columns{{Name: "id"}}),
		Taken:       sqlstore.ManyValues(`SELECT reference FROM bursar_request WHERE book = ? AND reference IN (...)`),
		FileVersion: fileVersion,
		IDsAround: `SELECT (SELECT max(id) FROM (SELECT max(id) AS id FROM bursar_request WHERE book = ?1 AND id <= ?2
				UNION ALL SELECT max(request_id) FROM bursar_entry WHERE book = ?1 AND leg = 0 AND request_id <= ?2)),
			(SELECT min(id) FROM (SELECT min(id) AS id FROM bursar_request WHERE book = ?1 AND id > ?2
				UNION ALL SELECT min(request_id) FROM bursar_entry WHERE book = ?1 AND leg = 0 AND request_id > ?2))`,
		Head: `SELECT h.seq, h.at, h.hash, b.uuid, 0 FROM bursar_head h JOIN bursar_book b ON b.book = h.book
			WHERE h.book = ?`,
		NextKeys: `SELECT seq, (SELECT coalesce(max(account), 0) + 1 FROM bursar_account)
			FROM bursar_head WHERE book = ?`,
	},
	WriteStatements: sqlstore.WriteStatements{
		InsertRequests: insert("bursar_request", sqlstore.NewRequest),
		InsertAccounts: insert("bursar_account", sqlstore.NewAccount),
		InsertBalances: insert("bursar_balance", sqlstore.NewBalance),
		UpdateBalances: sqlstore.ManyRows(`UPDATE bursar_balance SET `+assignMoves+`
			FROM (VALUES (...)) AS v WHERE account = v.column1 AND version = v.column2`, sqlstore.BalanceChange),
		InsertEntries:     insert("bursar_entry", sqlstore.PlacedEntry),
		InsertCheckpoints: insert("bursar_checkpoint", sqlstore.PlacedCheckpoint),
		InsertBackdated:   insert("bursar_backdated", sqlstore.NewBackdated),
		UpdateHead: `UPDATE bursar_head SET seq = ?, at = ?, hash = ?
			WHERE book = ? AND seq = ? AND at = ? AND hash = ?`,
	},
	ReadStatements: sqlstore.ReadStatements{
		Account: `SELECT ` + sqlstore.RecordColumns.Qualified() + accounts + ` WHERE a.book = ? AND a.path = ?`,
		Accounts: `SELECT ` + sqlstore.RecordColumns.Qualified() + accounts + `
			WHERE a.book = ? AND a.path > ? AND a.path >= ? AND a.path < ? ORDER BY a.path LIMIT ?`,
		AccountsOf: sqlstore.ManyValues(`SELECT ` + sqlstore.RecordColumns.Qualified() + accounts +
			` WHERE a.book = ? AND a.path IN (...)`),
		Referenced: `SELECT id FROM bursar_request WHERE book = ? AND reference = ?`,
		Request:    known(`?1`, ` = ?2`),
		// The keys of a request's entries follow one another. The request names the last of them.
		RequestEntries: `SELECT ` + sqlstore.EntryColumns.Qualified() + ` FROM bursar_entry e ` + entryAccounts +
			` WHERE e.book = ?1 AND e.request_id = ?2 AND e.entry BETWEEN ?3 - ` + otherLegs + ` AND ?3 ORDER BY e.leg`,
		Journal: `SELECT ` + sqlstore.NotedColumns.Qualified() + ` FROM bursar_entry e ` + entryAccounts + entryRequest + `
			WHERE e.entry > ` + place("?1", "?2") + ` AND e.entry < ` + place("?1 + 1", "0") + ` ORDER BY e.entry LIMIT ?3`,
		Back: walk + `SELECT ` + sqlstore.EntryColumns.Qualified() + `
			FROM walk JOIN bursar_entry e ON e.entry = walk.entry ` + entryAccounts + ` ORDER BY walk.step`,
		History: walk + `SELECT ` + sqlstore.HistoryColumns.Qualified() + `
			FROM walk JOIN bursar_entry e ON e.entry = walk.entry ` + entryAccounts + entryRequest + `
			LEFT JOIN bursar_entry l ON l.entry = r.last_entry ORDER BY walk.step`,
		MarkSeq: `SELECT entry FROM bursar_checkpoint
			WHERE account = ?1 AND entry >= (SELECT ` + place("book", "?2") + ` FROM bursar_account WHERE account = ?1)
			ORDER BY entry LIMIT 1`,
		MarkVersion: `SELECT entry FROM bursar_checkpoint WHERE account = ? AND version >= ? ORDER BY version LIMIT 1`,
		Backdated: `SELECT ` + sqlstore.EntryColumns.Qualified() + `
			FROM bursar_backdated d JOIN bursar_entry e ON e.entry = d.entry ` + entryAccounts + `
			WHERE d.account = ? AND d.effective <= ? AND e.seq > ? ORDER BY e.seq`,
	},
	AuditStatements: audits,
}

// fileVersion counts for a connection what others have committed to the file.
const fileVersion = `PRAGMA data_version`

const (
	accounts = ` FROM bursar_account a JOIN bursar_balance b ON b.account = a.account`

	entryAccounts = `LEFT JOIN bursar_account f ON f.account = e.from_account
		JOIN bursar_account t ON t.account = e.to_account`
	entryRequest = ` LEFT JOIN bursar_request r ON r.book = e.book AND r.id = e.request_id`

	// walk goes back along an account's entries.
	walk = `WITH RECURSIVE walk (entry, step) AS (
			SELECT ?2, 1
			UNION ALL
			SELECT iif(e.from_account = ?1, e.from_prev, e.to_prev), walk.step + 1
			FROM walk JOIN bursar_entry e ON e.entry = walk.entry WHERE walk.step < ?3) `
)

// known finds ids: those that a request has, and those of entries that say all of it. No id is found in both.
func known(book, ids string) string {
	requested := sqlstore.KnownColumns.List(func(_ int, c sqlstore.Column) string {
		switch {
		case c.Of == "k" && c.Name == "request_id":
			return "r.id"
		case c.Of == "r", c.Of == "l":
			return c.Of + "." + c.Name
		default:
			return "NULL"
		}
	})
	alone := sqlstore.KnownColumns.List(func(_ int, c sqlstore.Column) string {
		if c.Of == "r" || c.Of == "l" {
			return "NULL"
		}
		return c.Of + "." + c.Name
	})
	return `SELECT ` + requested + ` FROM bursar_request r LEFT JOIN bursar_entry l ON l.entry = r.last_entry
			WHERE r.book = ` + book + ` AND r.id` + ids + `
		UNION ALL SELECT ` + alone + ` FROM bursar_entry k LEFT JOIN bursar_account f ON f.account = k.from_account
			LEFT JOIN bursar_account t ON t.account = k.to_account
			WHERE k.book = ` + book + ` AND k.request_id` + ids + ` AND k.leg = 0
				AND NOT EXISTS (SELECT 1 FROM bursar_request r WHERE r.book = k.book AND r.id = k.request_id)`
}

// place is sqlstore.Place in SQL. A plain number in front of it is one that the planner can look up.
func place(book, seq string) string {
	return fmt.Sprintf("((%s - 1) * %d + %s)", book, int64(sqlstore.Places), seq)
}

// otherLegs is how many entries a request has at most beside its last.
var otherLegs = fmt.Sprint(bursar.LegsMax - 1)

// assignMoves sets the columns that a posting changes. The columns of VALUES are called column1, column2 and so on.
var assignMoves = sqlstore.BalanceMoves.List(func(n int, c sqlstore.Column) string {
	return fmt.Sprintf("%s = v.column%d", c.Name, len(sqlstore.BalanceGuard)+n)
})

func insert(table string, columns sqlstore.Columns) sqlstore.Many {
	return sqlstore.ManyRows(`INSERT INTO `+table+` (`+columns.Names()+`) VALUES (...)`, columns)
}
