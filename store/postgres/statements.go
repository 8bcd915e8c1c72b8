package postgres

import (
	"fmt"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// variant is how the texts of PostgreSQL and CockroachDB differ.
type variant struct {
	uuidBytes string // a form for the 16 bytes of a uuid: %s is the column
	schema    string // describes the schema
	clock     string // whole microseconds since 1970 when it is evaluated, never a float; 0 where there is none
	array     string // a form for an array that may be NULL: %s is the array, %s its type
}

var (
	postgresql = variant{
		uuidBytes: "uuid_send(%s)", schema: auditSchema,
		clock: "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint", // numeric since PostgreSQL 14
		array: "%s::%s[]",
	}
	// CockroachDB's extract is a float. Its unnest has no row at all if one of several arrays is NULL; an array that is
	// shorter than others gives NULLs on both.
	cockroach = variant{
		uuidBytes: "%s::bytes", schema: auditNames, clock: "0::bigint", array: "coalesce(%s::%[2]s[], ARRAY[]::%[2]s[])",
	}
)

// statements is the SQL of this engine, in the order of sqlstore.Statements. Values for many rows come as an array for
// each column. NULL in place of an array is a column of NULLs.
func statements(v variant) sqlstore.Statements {
	return sqlstore.Statements{
		SchemaStatements: sqlstore.SchemaStatements{
			HasSchema:     `SELECT 1 WHERE to_regclass('bursar_migration') IS NOT NULL`,
			Migrated:      `SELECT version, checksum FROM bursar_migration ORDER BY version`,
			StampChecksum: `UPDATE bursar_migration SET checksum = $1 WHERE version = $2`,
			EntryIndexes: `SELECT c.relname::text, i.indisvalid::int FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
				WHERE i.indrelid = to_regclass('bursar_entry')`,
		},
		BookStatements: sqlstore.BookStatements{
			Book: `SELECT book, ` + v.bytes("uuid") + `, genesis FROM bursar_book WHERE name = $1`,
			InsertBook: `INSERT INTO bursar_book (name, uuid, genesis) VALUES ($1, ` + uuidOf("$2::bytea") + `, $3)
				ON CONFLICT (name) DO NOTHING`,
			InsertHead: `INSERT INTO bursar_head (book, seq, at, hash) VALUES ($1, $2, $3, $4)
				ON CONFLICT (book) DO NOTHING`,
		},
		LockStatements:  v.locks(),
		WriteStatements: v.writing(),
		SealStatements:  v.seals(),
		ReadStatements:  v.reads(),
		AuditStatements: v.audits(),
	}
}

// Ids are uuid in the tables, for people, and 16 bytes on the way, which every mode of every driver can send.

// bytes is a column of type uuid on its way out.
func (v variant) bytes(column string) string { return fmt.Sprintf(v.uuidBytes, column) }

// uuidOf is a value on its way into a column of type uuid.
func uuidOf(bytes string) string { return `encode(` + bytes + `, 'hex')::uuid` }

// read lists the columns that a statement reads.
func (v variant) read(columns sqlstore.Columns) string {
	return columns.List(func(_ int, c sqlstore.Column) string {
		name := c.Of + "." + c.Name
		if c.Type == sqlstore.UUID {
			return v.bytes(name)
		}
		return name
	})
}

// A prepared statement keeps the plan that it got when the tables were empty. Then reading a whole table, or all of a
// book, seemed cheaper than looking up ten values. The statements over many values have two things, which change no
// result, so that each value is looked up by its index whatever the tables were like. A limit that the planner does not
// know makes it expect a tenth of the values, which is one. And a LATERAL subquery with OFFSET 0 is planned by itself,
// for one value at a time; it cannot be locked. Where only unsealed entries are meant, the condition looks at both
// sides of the join, or the index of those would be searched whole for each key.
//
// The limit does one more thing. PostgreSQL plans a statement for its arguments each time if that seems cheaper than
// the plan for any: of ten values for any and one in a call, it always does. With the limit both plans are for one.

const (
	paths = `(SELECT v AS path FROM unnest($2::text[]) AS v LIMIT cardinality($2::text[])) AS v`
	ids   = `(SELECT encode(v, 'hex')::uuid AS id FROM unnest($2::bytea[]) AS v LIMIT cardinality($2::bytea[])) AS v`
	keys  = `(SELECT v AS key FROM unnest($1::bigint[]) AS v LIMIT cardinality($1::bigint[])) AS v`

	accountOfPath = ` CROSS JOIN LATERAL
		(SELECT * FROM bursar_account a WHERE a.book = $1 AND a.path = v.path OFFSET 0) AS a`
	requestOfID = ` CROSS JOIN LATERAL
		(SELECT * FROM bursar_request r WHERE r.book = $1 AND r.id = v.id OFFSET 0) AS r`
	entryOfID = ` CROSS JOIN LATERAL
		(SELECT * FROM bursar_entry k WHERE k.book = $1 AND k.request_id = v.id AND k.leg = 0 OFFSET 0) AS k`

	// remembered is what belongs to the entry k that has an id, which may be a claim.
	remembered = ` LEFT JOIN LATERAL
			(SELECT * FROM bursar_request r WHERE r.book = k.book AND r.id = k.request_id OFFSET 0) AS r ON true
		LEFT JOIN LATERAL (SELECT * FROM bursar_entry l WHERE l.entry = r.last_entry OFFSET 0) AS l ON true
		LEFT JOIN LATERAL (SELECT * FROM bursar_account f WHERE f.account = k.from_account OFFSET 0) AS f ON true
		LEFT JOIN LATERAL (SELECT * FROM bursar_account t WHERE t.account = k.to_account OFFSET 0) AS t ON true`
)

// byPaths finds accounts. The rows are locked after the sort, and the order of numbers never changes, so that all lock
// them in one order. NO KEY UPDATE is the lock that an UPDATE takes. Foreign keys of the application's may refer to a
// row that is locked so.
const (
	byPaths      = ` FROM ` + paths + accountOfPath + ` JOIN bursar_balance b ON b.account = a.account`
	lockBalances = ` ORDER BY a.account FOR NO KEY UPDATE OF b`
)

func (v variant) locks() sqlstore.LockStatements {
	account := `SELECT ` + sqlstore.AccountColumns.Qualified() + byPaths
	return sqlstore.LockStatements{
		// The book's own row stands for the turn. Nothing else locks it so: it is never updated, and the foreign key of
		// an account that is being opened takes KEY SHARE, which goes together with this. An advisory lock would do
		// too, but its numbers are the application's as well, and CockroachDB's do nothing.
		Turn:         `SELECT 1 FROM bursar_book WHERE book = $1 FOR NO KEY UPDATE`,
		LockAccounts: sqlstore.ManyArrays(account + lockBalances),
		TryAccounts:  sqlstore.ManyArrays(account + lockBalances + ` SKIP LOCKED`),
		ReadAccounts: sqlstore.ManyArrays(account),
		Paths:        sqlstore.ManyArrays(`SELECT a.path FROM ` + paths + accountOfPath),
		LockVersions: sqlstore.ManyArrays(`SELECT b.account, b.version
			FROM ` + keys + ` JOIN bursar_balance b ON b.account = v.key ORDER BY b.account FOR NO KEY UPDATE OF b`),
		Known: sqlstore.ManyArrays(`SELECT ` + v.read(sqlstore.KnownColumns) + ` FROM ` + ids + entryOfID + remembered),
		Taken: sqlstore.ManyArrays(`SELECT r.reference FROM ` + paths + ` CROSS JOIN LATERAL
			(SELECT * FROM bursar_request r WHERE r.book = $1 AND r.reference = v.path OFFSET 0) AS r`),
		Head:     v.head(),
		NextKeys: `SELECT nextval('bursar_key')`,
	}
}

func (v variant) head() string {
	return `SELECT h.seq, h.at, h.hash, ` + v.bytes("b.uuid") + `, ` + v.clock + `
		FROM bursar_head h JOIN bursar_book b ON b.book = h.book WHERE h.book = $1`
}

// writing inserts from arrays. The second database transaction with the same id or reference waits for the first, and
// then writes nothing for that row. The number of rows tells. An error would have broken a caller's database
// transaction.
func (v variant) writing() sqlstore.WriteStatements {
	return sqlstore.WriteStatements{
		InsertRequests: v.insert("bursar_request", sqlstore.NewRequest, "ON CONFLICT DO NOTHING"),
		InsertAccounts: v.insert("bursar_account", sqlstore.NewAccount, "ON CONFLICT (book, path) DO NOTHING"),
		InsertBalances: v.insert("bursar_balance", sqlstore.NewBalance, ""),
		UpdateBalances: sqlstore.ManyArrays(`UPDATE bursar_balance b SET ` + assign(sqlstore.BalanceMoves) + `
			FROM ` + v.limited(sqlstore.BalanceChange) + ` WHERE b.account = v.account AND b.version = v.locked`),
		SealEntries: sqlstore.ManyArrays(`UPDATE bursar_entry e SET seq = v.seq, at = v.at, hash = v.hash
			FROM ` + v.limited(sqlstore.EntryPlace) + ` WHERE e.entry = v.entry AND (e.seq IS NULL OR v.seq IS NULL)`),
		InsertEntries: v.insert("bursar_entry", sqlstore.NewEntry,
			"ON CONFLICT (book, request_id) WHERE leg = 0 DO NOTHING"),
		InsertCheckpoints: v.insert("bursar_checkpoint", sqlstore.NewCheckpoint, ""),
		InsertBackdated:   v.insert("bursar_backdated", sqlstore.NewBackdated, ""),
		UpdateHead: `UPDATE bursar_head SET seq = $1, at = $2, hash = $3
			WHERE book = $4 AND seq = $5 AND at = $6 AND hash = $7`,
	}
}

// insert writes rows that come as arrays.
func (v variant) insert(table string, columns sqlstore.Columns, conflict string) sqlstore.Many {
	values := columns.List(func(_ int, c sqlstore.Column) string {
		if c.Type == sqlstore.UUID {
			return uuidOf("v." + c.Name)
		}
		return "v." + c.Name
	})
	return sqlstore.ManyArrays(`INSERT INTO ` + table + ` (` + columns.Names() + `)
		SELECT ` + values + ` FROM ` + v.unnest(columns) + ` AS v (` + columns.Names() + `) ` + conflict)
}

// limited is rows that come as arrays, of which the planner expects few.
func (v variant) limited(columns sqlstore.Columns) string {
	return `(SELECT * FROM ` + v.unnest(columns) + ` LIMIT cardinality($1::bigint[])) AS v (` + columns.Names() + `)`
}

// unnest makes rows of an array for each column.
func (v variant) unnest(columns sqlstore.Columns) string {
	return `unnest(` + columns.List(func(n int, c sqlstore.Column) string {
		return fmt.Sprintf(v.array, fmt.Sprintf("$%d", n), arrayTypes[c.Type])
	}) + `)`
}

var arrayTypes = map[sqlstore.Type]string{
	sqlstore.Bigint: "bigint", sqlstore.Integer: "integer", sqlstore.Text: "text",
	sqlstore.Blob: "bytea", sqlstore.Hash: "bytea", sqlstore.UUID: "bytea",
}

func assign(columns sqlstore.Columns) string {
	return columns.List(func(_ int, c sqlstore.Column) string { return c.Name + " = v." + c.Name })
}

func (v variant) seals() sqlstore.SealStatements {
	return sqlstore.SealStatements{
		LockHead: v.head() + ` FOR NO KEY UPDATE OF h`,
		TryHead:  v.head() + ` FOR NO KEY UPDATE OF h SKIP LOCKED`,
		UnsealedKeys: `SELECT -` + v.clock + ` AS key
			UNION ALL SELECT entry FROM bursar_entry WHERE book = $1 AND seq IS NULL ORDER BY key`,
		TryEntries: sqlstore.ManyArrays(`SELECT e.entry FROM ` + keys + ` JOIN bursar_entry e ON e.entry = v.key
			WHERE e.seq IS NULL OR v.key IS NULL ORDER BY e.entry FOR NO KEY UPDATE OF e SKIP LOCKED`),
		EntriesOf: sqlstore.ManyArrays(`SELECT ` + v.read(sqlstore.AskedColumns) + `
			FROM ` + keys + ` JOIN bursar_entry e ON e.entry = v.key ` + entryAccounts + entryRequest + `
			ORDER BY e.entry`),
	}
}

func (v variant) entries() string { return `SELECT ` + v.read(sqlstore.EntryColumns) }

const (
	entryAccounts = `LEFT JOIN bursar_account f ON f.account = e.from_account
		JOIN bursar_account t ON t.account = e.to_account`
	entryRequest = ` LEFT JOIN LATERAL
		(SELECT * FROM bursar_request r WHERE r.book = e.book AND r.id = e.request_id OFFSET 0) AS r ON true`

	// walk goes back along an account's entries, and walked are those.
	walk = `WITH RECURSIVE walk (entry, step) AS (
			SELECT $2::bigint, 1::bigint
			UNION ALL
			SELECT CASE WHEN e.from_account = $1::bigint THEN e.from_prev ELSE e.to_prev END, walk.step + 1
			FROM walk ` + walked + ` WHERE walk.step < $3::bigint) `
	walked = `CROSS JOIN LATERAL (SELECT * FROM bursar_entry e WHERE e.entry = walk.entry OFFSET 0) AS e `
)

// otherLegs is how many entries a request has at most beside its last.
var otherLegs = fmt.Sprint(bursar.LegsMax - 1)

func (v variant) reads() sqlstore.ReadStatements {
	record := `SELECT ` + sqlstore.RecordColumns.Qualified() + `
		FROM bursar_account a JOIN bursar_balance b ON b.account = a.account`
	return sqlstore.ReadStatements{
		Account: record + ` WHERE a.book = $1 AND a.path = $2`,
		Accounts: record + ` WHERE a.book = $1 AND a.path > $2 AND a.path >= $3 AND a.path < $4
			ORDER BY a.path LIMIT $5`,
		AccountsOf: sqlstore.ManyArrays(`SELECT ` + sqlstore.RecordColumns.Qualified() + byPaths),
		Referenced: `SELECT ` + v.bytes("id") + ` FROM bursar_request WHERE book = $1 AND reference = $2`,
		Request: `SELECT ` + v.read(sqlstore.KnownColumns) + ` FROM (SELECT * FROM bursar_entry
			WHERE book = $1 AND request_id = ` + uuidOf("$2::bytea") + ` AND leg = 0) AS k` + remembered,
		// The keys of a request's entries follow one another. The request names the last of them.
		RequestEntries: v.entries() + ` FROM bursar_entry e ` + entryAccounts + `
			WHERE e.book = $1 AND e.request_id = ` + uuidOf("$2::bytea") + `
				AND e.entry BETWEEN $3::bigint - ` + otherLegs + ` AND $3::bigint ORDER BY e.leg`,
		// The page is cut before anything is joined to it, however many entries the planner takes the book to have.
		Journal: `SELECT ` + v.read(sqlstore.NotedColumns) + `
			FROM (SELECT * FROM bursar_entry WHERE book = $1 AND seq > $2 ORDER BY seq LIMIT $3) AS e
			` + entryAccounts + entryRequest + ` ORDER BY e.seq`,
		Back: walk + v.entries() + `
			FROM walk ` + walked + entryAccounts + ` ORDER BY walk.step`,
		History: walk + `SELECT ` + v.read(sqlstore.HistoryColumns) + `
			FROM walk ` + walked + entryAccounts + entryRequest + `
			LEFT JOIN LATERAL (SELECT * FROM bursar_entry l WHERE l.entry = r.last_entry OFFSET 0) AS l ON true
			ORDER BY walk.step`,
		MarkSeq: `SELECT entry FROM bursar_checkpoint WHERE account = $1 AND seq >= $2 ORDER BY seq LIMIT 1`,
		MarkVersion: `SELECT entry FROM bursar_checkpoint WHERE account = $1 AND version >= $2
			ORDER BY version LIMIT 1`,
		Backdated: v.entries() + ` FROM bursar_backdated d CROSS JOIN LATERAL
				(SELECT * FROM bursar_entry e WHERE e.entry = d.entry OFFSET 0) AS e ` + entryAccounts + `
			WHERE d.account = $1 AND d.effective <= $2 AND e.seq > $3 ORDER BY e.seq`,
	}
}
