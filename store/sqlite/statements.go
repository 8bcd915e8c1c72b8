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
		Known: sqlstore.ManyValues(`SELECT ` + sqlstore.RequestColumns.Qualified() + requests +
			` WHERE r.book = ? AND r.id IN (...)`),
		Taken:       sqlstore.ManyValues(`SELECT reference FROM bursar_request WHERE book = ? AND reference IN (...)`),
		FileVersion: fileVersion,
		IDsAround: `SELECT (SELECT max(id) FROM bursar_request WHERE book = ?1 AND id <= ?2),
			(SELECT min(id) FROM bursar_request WHERE book = ?1 AND id > ?2)`,
		Head: `SELECT h.seq, h.at, h.hash, b.uuid, 0 FROM bursar_head h JOIN bursar_book b ON b.book = h.book
			WHERE h.book = ?`,
		NextKeys: `SELECT (SELECT coalesce(max(entry), 0) + 1 FROM bursar_entry),
			(SELECT coalesce(max(account), 0) + 1 FROM bursar_account)`,
	},
	WriteStatements: sqlstore.WriteStatements{
		InsertRequests: insert("bursar_request", sqlstore.NewRequest),
		InsertAccounts: insert("bursar_account", sqlstore.NewAccount),
		InsertBalances: insert("bursar_balance", sqlstore.NewBalance),
		UpdateBalances: sqlstore.ManyRows(`UPDATE bursar_balance SET `+assignMoves+`
			FROM (VALUES (...)) AS v WHERE account = v.column1 AND version = v.column2`, sqlstore.BalanceChange),
		InsertEntries:     insert("bursar_entry", sqlstore.NewEntry),
		InsertCheckpoints: insert("bursar_checkpoint", sqlstore.NewCheckpoint),
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
		Request:    `SELECT ` + sqlstore.RequestColumns.Qualified() + requests + ` WHERE r.book = ? AND r.id = ?`,
		// The keys of a request's entries follow one another. The request names the last of them.
		RequestEntries: `SELECT ` + sqlstore.EntryColumns.Qualified() + ` FROM bursar_entry e ` + entryAccounts +
			` WHERE e.book = ?1 AND e.request_id = ?2 AND e.entry BETWEEN ?3 - ` + otherLegs + ` AND ?3 ORDER BY e.leg`,
		Journal: `SELECT ` + sqlstore.NotedColumns.Qualified() + ` FROM bursar_entry e ` + entryAccounts + entryRequest + `
			WHERE e.book = ? AND e.seq > ? ORDER BY e.seq LIMIT ?`,
		Back: walk + `SELECT ` + sqlstore.EntryColumns.Qualified() + `
			FROM walk JOIN bursar_entry e ON e.entry = walk.entry ` + entryAccounts + ` ORDER BY walk.step`,
		History: walk + `SELECT ` + sqlstore.HistoryColumns.Qualified() + `
			FROM walk JOIN bursar_entry e ON e.entry = walk.entry ` + entryAccounts + entryRequest + `
			LEFT JOIN bursar_entry l ON l.entry = r.last_entry ORDER BY walk.step`,
		MarkSeq:     `SELECT entry FROM bursar_checkpoint WHERE account = ? AND seq >= ? ORDER BY seq LIMIT 1`,
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
	requests = ` FROM bursar_request r LEFT JOIN bursar_entry e ON e.entry = r.last_entry`

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

// otherLegs is how many entries a request has at most beside its last.
var otherLegs = fmt.Sprint(bursar.LegsMax - 1)

// assignMoves sets the columns that a posting changes. The columns of VALUES are called column1, column2 and so on.
var assignMoves = sqlstore.BalanceMoves.List(func(n int, c sqlstore.Column) string {
	return fmt.Sprintf("%s = v.column%d", c.Name, len(sqlstore.BalanceGuard)+n)
})

func insert(table string, columns sqlstore.Columns) sqlstore.Many {
	return sqlstore.ManyRows(`INSERT INTO `+table+` (`+columns.Names()+`) VALUES (...)`, columns)
}
