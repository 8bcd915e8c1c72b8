package mysql

import (
	"fmt"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// variant is how the texts of MariaDB, a node of Galera and TiDB differ.
type variant struct {
	noWait     bool   // whether NOWAIT stands in for SKIP LOCKED
	schema     string // describes the schema
	settings   string // further columns of readSettings
	localLocks bool   // sqlstore.Capabilities.LocalLocks
}

// clock is the database's own time in whole microseconds since 1970, in no session's zone, as the statement began.
const clock = `TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))`

var (
	mariaDB = variant{schema: auditSchema, settings: anywhere}
	galera  = variant{schema: auditSchema, settings: galeraSettings, localLocks: true}
	tiDB    = variant{noWait: true, schema: auditNames}
)

// schemaLock names the lock of who migrates. It is one name for the whole server and has 64 characters at most. MySQL 9
// has no SHA1.
const schemaLock = `CONCAT('bursar_', LEFT(SHA2(DATABASE(), 256), 40))`

// statements is the SQL of this engine, in the order of sqlstore.Statements.
func statements(v variant) sqlstore.Statements {
	return sqlstore.Statements{
		SchemaStatements: sqlstore.SchemaStatements{
			HasSchema: `SELECT 1 FROM information_schema.tables
				WHERE table_schema = DATABASE() AND table_name = 'bursar_migration'`,
			Migrated:      `SELECT version, checksum FROM bursar_migration ORDER BY version`,
			StampChecksum: `UPDATE bursar_migration SET checksum = ? WHERE version = ?`,
			LockSchema:    `SELECT GET_LOCK(` + schemaLock + `, ?)`,
			UnlockSchema:  `SELECT RELEASE_LOCK(` + schemaLock + `)`,
			EntryIndexes: `SELECT DISTINCT index_name, 1 FROM information_schema.statistics
				WHERE table_schema = DATABASE() AND table_name = 'bursar_entry'`,
		},
		BookStatements: sqlstore.BookStatements{
			Book: `SELECT book, uuid, genesis FROM bursar_book WHERE name = ?`,
			// Not INSERT IGNORE, which would ignore other errors too.
			InsertBook: `INSERT INTO bursar_book (name, uuid, genesis) VALUES (?, ?, ?)
				ON DUPLICATE KEY UPDATE name = bursar_book.name`,
			InsertHead: `INSERT INTO bursar_head (book, seq, at, hash) VALUES (?, ?, ?, ?)
				ON DUPLICATE KEY UPDATE book = bursar_head.book`,
		},
		LockStatements:  v.locks(),
		WriteStatements: writing,
		SealStatements:  v.seals(),
		ReadStatements:  reading,
		AuditStatements: v.audits(),
	}
}

// free is what does not wait for rows that somebody else has locked.
func (v variant) free() string {
	if v.noWait {
		return ` NOWAIT`
	}
	return ` SKIP LOCKED`
}

// anyVersion comes before a statement that reads some tables without locks and locks others. MariaDB since 11.6 has
// innodb_snapshot_isolation on, under which a row that was committed after such a statement has begun cannot be locked
// by it: error 1020 undoes the whole database transaction, at READ COMMITTED too. What was read before is compared with
// what was locked anyway, see the package comment.
const anyVersion = `/*M!110602 SET STATEMENT innodb_snapshot_isolation = OFF FOR */ `

// lockAccounts finds accounts without a lock and then takes their balances one by one. The inner SELECT is made first
// because of its LIMIT, and nothing in it is locked. STRAIGHT_JOIN and FORCE INDEX keep the server from reading the
// balances in another order or all of them.
var lockAccounts = anyVersion + `SELECT ` + sqlstore.AccountColumns.Qualified() + `
	FROM (SELECT ` + sqlstore.AccountColumns.From("a").Names() + ` FROM bursar_account
		WHERE book = ? AND path IN (...) ORDER BY account LIMIT 100000) a
	STRAIGHT_JOIN bursar_balance b FORCE INDEX (PRIMARY) ON b.account = a.account FOR UPDATE`

// head reads the book's UUID apart, so that locking the head locks nothing of the book.
const head = `SELECT h.seq, h.at, h.hash, (SELECT b.uuid FROM bursar_book b WHERE b.book = h.book), ` + clock + `
	FROM bursar_head h WHERE h.book = ?`

func (v variant) locks() sqlstore.LockStatements {
	l := sqlstore.LockStatements{
		// Makes the row if it is not there, and locks it either way.
		Turn:         `INSERT INTO bursar_turn (book) VALUES (?) ON DUPLICATE KEY UPDATE book = bursar_turn.book`,
		LockAccounts: sqlstore.ManyValues(lockAccounts),
		TryAccounts:  sqlstore.ManyValues(lockAccounts + v.free()),
		ReadAccounts: sqlstore.ManyValues(`SELECT ` + sqlstore.AccountColumns.Qualified() + accounts + `
			WHERE a.book = ? AND a.path IN (...)`),
		Paths: sqlstore.ManyValues(`SELECT path FROM bursar_account WHERE book = ? AND path IN (...)`),
		LockVersions: sqlstore.ManyValues(`SELECT account, version FROM bursar_balance FORCE INDEX (PRIMARY)
			WHERE account IN (...) ORDER BY account FOR UPDATE`),
		SeenVersions: sqlstore.ManyValues(`SELECT account, version FROM bursar_balance WHERE account IN (...)`),
		Known:        sqlstore.ManyValues(known + ` WHERE k.book = ? AND k.request_id IN (...) AND k.leg = 0`),
		Taken:        sqlstore.ManyValues(`SELECT reference FROM bursar_request WHERE book = ? AND reference IN (...)`),
		Head:         head,
		// InnoDB's counter belongs to no database transaction: nobody waits for it, and no rollback turns it back.
		TakeKeys: `INSERT INTO bursar_block () VALUES ()`,
		NextKeys: fmt.Sprintf(`SELECT CAST(LAST_INSERT_ID() AS SIGNED) * %d`, keyBlock),
	}
	if v.localLocks {
		l.Touch, l.Untouch = touch("+"), touch("-")
	}
	return l
}

// touch changes rows without changing what they mean, up or down. An UPDATE that leaves a row as it is would write
// nothing.
func touch(sign string) sqlstore.Many {
	return sqlstore.ManyValues(`UPDATE bursar_balance FORCE INDEX (PRIMARY) SET decided = decided ` + sign + ` 1
		WHERE account IN (...)`)
}

// keyBlock is how many keys stand behind a row of bursar_block.
const keyBlock = 1 << 24

const (
	accounts      = ` FROM bursar_account a JOIN bursar_balance b ON b.account = a.account`
	lastEntry     = ` LEFT JOIN bursar_entry e ON e.entry = r.last_entry`
	entryAccounts = `LEFT JOIN bursar_account f ON f.account = e.from_account
		JOIN bursar_account t ON t.account = e.to_account`
	entryRequest = ` LEFT JOIN bursar_request r FORCE INDEX (bursar_request_id)
		ON r.book = e.book AND r.id = e.request_id`

	// walk goes back along an account's entries. Both servers bound a recursion by 1000 steps: to walk further, ask again.
	walk = `WITH RECURSIVE walk (account, entry, most, step) AS (
			SELECT CAST(? AS SIGNED), CAST(? AS SIGNED), CAST(? AS SIGNED), 1
			UNION ALL
			SELECT w.account, IF(e.from_account = w.account, e.from_prev, e.to_prev), w.most, w.step + 1
			FROM walk w JOIN bursar_entry e ON e.entry = w.entry WHERE w.step < LEAST(w.most, 500)) `

	// places keeps the server from going through a whole book to find a page of it.
	places = `FORCE INDEX (bursar_entry_seq) `
)

// known reads what is remembered of the entry k that has an id, which may be a claim.
var known = `SELECT ` + sqlstore.KnownColumns.Qualified() + ` FROM bursar_entry k FORCE INDEX (bursar_entry_id)
	LEFT JOIN bursar_request r FORCE INDEX (bursar_request_id) ON r.book = k.book AND r.id = k.request_id
	LEFT JOIN bursar_entry l ON l.entry = r.last_entry
	LEFT JOIN bursar_account f ON f.account = k.from_account LEFT JOIN bursar_account t ON t.account = k.to_account`

var writing = sqlstore.WriteStatements{
	InsertRequests: insert("bursar_request", sqlstore.NewRequest),
	InsertAccounts: insert("bursar_account", sqlstore.NewAccount),
	InsertBalances: insert("bursar_balance", sqlstore.NewBalance),
	UpdateBalances: sqlstore.ManySelects(`UPDATE (...) v STRAIGHT_JOIN bursar_balance b FORCE INDEX (PRIMARY)
		ON b.account = v.account AND b.version = v.locked SET `+assignMoves, sqlstore.BalanceChange, typed),
	SealEntries: sqlstore.ManySelects(`UPDATE (...) v STRAIGHT_JOIN bursar_entry e FORCE INDEX (PRIMARY)
		ON e.entry = v.entry SET e.seq = v.seq, e.at = v.at, e.hash = v.hash WHERE e.seq IS NULL`,
		sqlstore.EntryPlace, typed),
	InsertEntries:     insert("bursar_entry", sqlstore.NewEntry),
	InsertCheckpoints: insert("bursar_checkpoint", sqlstore.NewCheckpoint),
	InsertBackdated:   insert("bursar_backdated", sqlstore.NewBackdated),
	UpdateHead: `UPDATE bursar_head SET seq = ?, at = ?, hash = ?
		WHERE book = ? AND seq = ? AND at = ? AND hash = ?`,
}

func insert(table string, columns sqlstore.Columns) sqlstore.Many {
	return sqlstore.ManyRows(`INSERT INTO `+table+` (`+columns.Names()+`) VALUES (...)`, columns)
}

// assignMoves sets the columns that a posting changes.
var assignMoves = sqlstore.BalanceMoves.List(func(_ int, c sqlstore.Column) string {
	return "b." + c.Name + " = v." + c.Name
})

// typed is a parameter that makes a column of its own. A column of parameters alone would be text to a server that
// prepares the statement, and big numbers are not compared with text exactly.
func typed(c sqlstore.Column) string {
	switch c.Type {
	case sqlstore.Bigint, sqlstore.Integer:
		return `CAST(? AS SIGNED)`
	case sqlstore.Hash:
		return `CAST(? AS BINARY(32))`
	case sqlstore.UUID:
		return `CAST(? AS BINARY(16))`
	default:
		return `?`
	}
}

func (v variant) seals() sqlstore.SealStatements {
	return sqlstore.SealStatements{
		LockHead: head + ` FOR UPDATE`,
		TryHead:  head + ` FOR UPDATE` + v.free(),
		// The unique index on (book, seq) has the unsealed entries side by side, in order of their keys.
		UnsealedKeys: `SELECT -` + clock + ` AS entry UNION ALL SELECT entry FROM bursar_entry
			FORCE INDEX (bursar_entry_seq) WHERE book = ? AND seq IS NULL ORDER BY entry`,
		TryEntries: sqlstore.ManyValues(`SELECT entry FROM bursar_entry FORCE INDEX (PRIMARY)
			WHERE entry IN (...) AND seq IS NULL FOR UPDATE` + v.free()),
		EntriesOf: sqlstore.ManyValues(`SELECT ` + sqlstore.AskedColumns.Qualified() + `
			FROM bursar_entry e ` + entryAccounts + entryRequest + `
			WHERE e.entry IN (...) ORDER BY e.entry`),
	}
}

var entries = `SELECT ` + sqlstore.EntryColumns.Qualified()

var reading = sqlstore.ReadStatements{
	Account: `SELECT ` + sqlstore.RecordColumns.Qualified() + accounts + ` WHERE a.book = ? AND a.path = ?`,
	Accounts: `SELECT ` + sqlstore.RecordColumns.Qualified() + ` FROM bursar_account a FORCE INDEX (bursar_account_path)
		STRAIGHT_JOIN bursar_balance b FORCE INDEX (PRIMARY) ON b.account = a.account
		WHERE a.book = ? AND a.path > ? AND a.path >= ? AND a.path < ? ORDER BY a.path LIMIT ?`,
	AccountsOf: sqlstore.ManyValues(`SELECT ` + sqlstore.RecordColumns.Qualified() + accounts + `
		WHERE a.book = ? AND a.path IN (...)`),
	Request:    known + ` WHERE k.book = ? AND k.request_id = ? AND k.leg = 0`,
	Referenced: `SELECT id FROM bursar_request WHERE book = ? AND reference = ?`,
	// The keys of a request's entries follow one another. The request names the last of them.
	RequestEntries: entries + `
		FROM (SELECT CAST(? AS SIGNED) AS book, CAST(? AS BINARY(16)) AS id, CAST(? AS SIGNED) AS last) p
		STRAIGHT_JOIN bursar_entry e FORCE INDEX (PRIMARY) ON e.entry >= p.last - ` + otherLegs + ` AND e.entry <= p.last
			AND e.book = p.book AND e.request_id = p.id ` + entryAccounts + ` ORDER BY e.leg`,
	Journal: `SELECT ` + sqlstore.NotedColumns.Qualified() + `
		FROM bursar_entry e ` + places + entryAccounts + entryRequest + `
		WHERE e.book = ? AND e.seq > ? ORDER BY e.seq LIMIT ?`,
	Back: walk + entries + `
		FROM walk w STRAIGHT_JOIN bursar_entry e ON e.entry = w.entry ` + entryAccounts + ` ORDER BY w.step`,
	History: walk + `SELECT ` + sqlstore.HistoryColumns.Qualified() + `
		FROM walk w STRAIGHT_JOIN bursar_entry e ON e.entry = w.entry ` + entryAccounts + entryRequest + `
		LEFT JOIN bursar_entry l ON l.entry = r.last_entry ORDER BY w.step`,
	MarkSeq:     `SELECT entry FROM bursar_checkpoint WHERE account = ? AND seq >= ? ORDER BY seq LIMIT 1`,
	MarkVersion: `SELECT entry FROM bursar_checkpoint WHERE account = ? AND version >= ? ORDER BY version LIMIT 1`,
	Backdated: entries + ` FROM bursar_backdated d JOIN bursar_entry e ON e.entry = d.entry ` + entryAccounts + `
		WHERE d.account = ? AND d.effective <= ? AND e.seq > ? ORDER BY e.seq`,
}

// otherLegs is how many entries a request has at most beside its last.
var otherLegs = fmt.Sprint(bursar.LegsMax - 1)
