package postgres

import "github.com/bursar-ledger/bursar/internal/sqlstore"

const accountColumns = `a.account, a.path, a.currency, a.scale, b.state, b.version,
	b.balance, b.balance_hi, b.held, b.held_hi, b.available, b.available_hi,
	b.available_min, b.available_min_hi, b.balance_max, b.balance_max_hi, b.decided, b.last_entry`

const entryColumns = `e.entry, e.seq, e.at, e.hash, e.kind, uuid_send(e.request_id), e.leg, e.request_hash,
	e.from_account, e.to_account, e.amount, e.amount_hi,
	e.from_version, e.from_balance, e.from_balance_hi, e.from_held, e.from_held_hi,
	e.to_version, e.to_balance, e.to_balance_hi, e.to_held, e.to_held_hi,
	e.from_prev, e.to_prev, e.effective, e.decided, f.path, t.path, t.currency, t.scale`

const entryPaths = `LEFT JOIN bursar_account f ON f.account = e.from_account
	JOIN bursar_account t ON t.account = e.to_account`

const requestColumns = `uuid_send(r.id), r.content, r.decided, r.last_entry, e.seq, e.at,
	r.reference, r.metadata, r.refusal, r.refusal_field, r.refusal_message`

// A prepared statement keeps the plan that it got when the tables were empty, to which reading a whole table, or all of a
// book, seemed cheaper than looking up ten values. So that each value is looked up by its index whatever the tables were
// like, the statements over many values have two things that change no result. A limit that the planner does not know makes
// it expect a tenth of the values, which is one. And a LATERAL subquery with OFFSET 0 is planned by itself, for one value at a
// time; it cannot be locked. Where only unsealed entries are meant, the condition looks at both sides of the join, or
// the index of those would be searched whole for each key.

// Ids are uuid in the tables, for people, and 16 bytes on the way, which every mode of every driver can send.
const (
	paths = `(SELECT v AS path FROM unnest($2::text[]) AS v LIMIT cardinality($2::text[])) AS v`
	ids   = `(SELECT DISTINCT encode(v, 'hex')::uuid AS id FROM unnest($2::bytea[]) AS v) AS v`
	keys  = `(SELECT v AS key FROM unnest($1::bigint[]) AS v LIMIT cardinality($1::bigint[])) AS v`

	accountOfPath = ` CROSS JOIN LATERAL (SELECT * FROM bursar_account a WHERE a.book = $1 AND a.path = v.path OFFSET 0) AS a`
	requestOfID   = ` CROSS JOIN LATERAL (SELECT * FROM bursar_request r WHERE r.book = $1 AND r.id = v.id OFFSET 0) AS r`
)

// byPaths finds accounts. The rows are locked after the sort, and the order of numbers never changes, so that all lock them
// in one order. NO KEY UPDATE is the lock that an UPDATE takes: it lets foreign keys of the application's refer to a row.
const byPaths = ` FROM ` + paths + accountOfPath + ` JOIN bursar_balance b ON b.account = a.account`

// lockBalances locks what byPaths finds.
const lockBalances = ` ORDER BY a.account FOR NO KEY UPDATE OF b`

const readHead = `SELECT h.seq, h.at, h.hash, uuid_send(b.uuid) FROM bursar_head h JOIN bursar_book b ON b.book = h.book WHERE h.book = $1`

// statements is the SQL of this engine, in the order of sqlstore.Statements. Values for many rows come as an array for
// each column; one that is NULL as a whole is a column of NULLs.
var statements = sqlstore.Statements{
	HasSchema:     `SELECT 1 WHERE to_regclass('bursar_migration') IS NOT NULL`,
	Migrated:      `SELECT version, checksum FROM bursar_migration ORDER BY version`,
	StampChecksum: `UPDATE bursar_migration SET checksum = $1 WHERE version = $2`,

	Book: `SELECT book, uuid_send(uuid), genesis FROM bursar_book WHERE name = $1`,
	InsertBook: `INSERT INTO bursar_book (name, uuid, genesis) VALUES ($1, encode($2::bytea, 'hex')::uuid, $3)
		ON CONFLICT (name) DO NOTHING`,
	InsertHead: `INSERT INTO bursar_head (book, seq, at, hash) VALUES ($1, $2, $3, $4) ON CONFLICT (book) DO NOTHING`,

	// The book's own row stands for the turn. Nothing else locks it so: it is never updated, and the foreign key of an
	// account that is being opened takes KEY SHARE, which goes together with this. An advisory lock would do too, but its
	// numbers are the application's as well, and CockroachDB's do nothing.
	Turn:         `SELECT 1 FROM bursar_book WHERE book = $1 FOR NO KEY UPDATE`,
	LockAccounts: `SELECT ` + accountColumns + byPaths + lockBalances,
	TryAccounts:  `SELECT ` + accountColumns + byPaths + lockBalances + ` SKIP LOCKED`,
	ReadAccounts: `SELECT ` + accountColumns + byPaths,
	Paths:        `SELECT a.path FROM ` + paths + accountOfPath,
	LockVersions: `SELECT b.account, b.version FROM ` + keys + ` JOIN bursar_balance b ON b.account = v.key
		ORDER BY b.account FOR NO KEY UPDATE OF b`,
	Known: `SELECT ` + requestColumns + ` FROM ` + ids + requestOfID + `
		LEFT JOIN LATERAL (SELECT * FROM bursar_entry e WHERE e.entry = r.last_entry OFFSET 0) AS e ON true`,
	Taken: `SELECT r.reference FROM ` + paths + `
		CROSS JOIN LATERAL (SELECT * FROM bursar_request r WHERE r.book = $1 AND r.reference = v.path OFFSET 0) AS r`,
	Head:         readHead,
	LockHead:     readHead + ` FOR NO KEY UPDATE OF h`,
	TryHead:      readHead + ` FOR NO KEY UPDATE OF h SKIP LOCKED`,
	NextKeys:     `SELECT nextval('bursar_key')`,
	UnsealedKeys: `SELECT entry FROM bursar_entry WHERE book = $1 AND seq IS NULL ORDER BY entry`,
	TryEntries: `SELECT e.entry FROM ` + keys + ` JOIN bursar_entry e ON e.entry = v.key WHERE e.seq IS NULL OR v.key IS NULL
		ORDER BY e.entry FOR NO KEY UPDATE OF e SKIP LOCKED`,
	EntriesOf: `SELECT ` + entryColumns + ` FROM ` + keys + ` JOIN bursar_entry e ON e.entry = v.key ` + entryPaths + ` ORDER BY e.entry`,

	// Whoever comes second waits here for the first, and then does nothing for a row whose id or reference is taken, which
	// the number of rows tells. An error would have broken the database transaction of a caller.
	InsertRequests: `INSERT INTO bursar_request (book, id, content, decided, last_entry, reference, metadata,
		refusal, refusal_field, refusal_message)
		SELECT book, encode(id, 'hex')::uuid, content, decided, last_entry, reference, metadata, refusal, refusal_field, refusal_message
		FROM unnest($1::bigint[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[], $6::text[], $7::text[],
			$8::text[], $9::text[], $10::text[])
		AS v (book, id, content, decided, last_entry, reference, metadata, refusal, refusal_field, refusal_message)
		ON CONFLICT DO NOTHING`,
	InsertAccounts: `INSERT INTO bursar_account (account, book, path, currency, scale, opened, metadata)
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::integer[], $6::bigint[], $7::text[])
		ON CONFLICT (book, path) DO NOTHING`,
	InsertBalances: `INSERT INTO bursar_balance (account, state, version, balance, balance_hi, held, held_hi, available, available_hi,
		available_min, available_min_hi, balance_max, balance_max_hi, decided, last_entry)
		SELECT * FROM unnest($1::bigint[], $2::integer[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
			$8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[])`,
	UpdateBalances: `UPDATE bursar_balance b SET version = v.version, balance = v.balance, balance_hi = v.balance_hi,
		held = v.held, held_hi = v.held_hi, available = v.available, available_hi = v.available_hi,
		decided = v.decided, last_entry = v.last_entry
		FROM (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
			$8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[]) LIMIT cardinality($1::bigint[]))
		AS v (account, locked, version, balance, balance_hi, held, held_hi, available, available_hi, decided, last_entry)
		WHERE b.account = v.account AND b.version = v.locked`,
	SealEntries: `UPDATE bursar_entry e SET seq = v.seq, at = v.at, hash = v.hash
		FROM (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[]) LIMIT cardinality($1::bigint[]))
		AS v (entry, seq, at, hash)
		WHERE e.entry = v.entry AND (e.seq IS NULL OR v.seq IS NULL)`,
	InsertEntries: `INSERT INTO bursar_entry (entry, book, seq, at, hash, kind, request_id, leg, request_hash,
		from_account, to_account, amount, amount_hi,
		from_version, from_balance, from_balance_hi, from_held, from_held_hi,
		to_version, to_balance, to_balance_hi, to_held, to_held_hi,
		from_prev, to_prev, effective, decided)
		SELECT c1, c2, c3, c4, c5, c6, encode(c7, 'hex')::uuid, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19,
			c20, c21, c22, c23, c24, c25, c26, c27
		FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::integer[], $7::bytea[], $8::integer[],
			$9::bytea[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
			$14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[],
			$19::bigint[], $20::bigint[], $21::bigint[], $22::bigint[], $23::bigint[],
			$24::bigint[], $25::bigint[], $26::bigint[], $27::bigint[])
		AS v (c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19,
			c20, c21, c22, c23, c24, c25, c26, c27)`,
	InsertCheckpoints: `INSERT INTO bursar_checkpoint (account, version, seq, entry)
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[])`,
	InsertBackdated: `INSERT INTO bursar_backdated (account, effective, entry)
		SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])`,
	UpdateHead: `UPDATE bursar_head SET seq = $1, at = $2, hash = $3 WHERE book = $4 AND seq = $5 AND hash = $6`,

	Account: `SELECT ` + accountColumns + `, a.opened, a.metadata FROM bursar_account a JOIN bursar_balance b ON b.account = a.account
		WHERE a.book = $1 AND a.path = $2`,
	Accounts: `SELECT ` + accountColumns + `, a.opened, a.metadata FROM bursar_account a JOIN bursar_balance b ON b.account = a.account
		WHERE a.book = $1 AND a.path > $2 AND a.path >= $3 AND a.path < $4 ORDER BY a.path LIMIT $5`,
	Request: `SELECT ` + requestColumns + ` FROM bursar_request r LEFT JOIN bursar_entry e ON e.entry = r.last_entry
		WHERE r.book = $1 AND r.id = encode($2::bytea, 'hex')::uuid`,
	// The keys of a request's entries follow one another and end with the one that it names.
	RequestEntries: `SELECT ` + entryColumns + ` FROM bursar_entry e ` + entryPaths + `
		WHERE e.book = $1 AND e.request_id = encode($2::bytea, 'hex')::uuid AND e.entry BETWEEN $3::bigint - 255 AND $3::bigint
		ORDER BY e.leg`,
	Journal: `SELECT ` + entryColumns + ` FROM bursar_entry e ` + entryPaths + `
		WHERE e.book = $1 AND e.seq > $2 ORDER BY e.seq LIMIT $3`,
	Back: `WITH RECURSIVE walk (entry, step) AS (
			SELECT $2::bigint, 1::bigint
			UNION ALL
			SELECT CASE WHEN e.from_account = $1::bigint THEN e.from_prev ELSE e.to_prev END, walk.step + 1
			FROM walk CROSS JOIN LATERAL (SELECT * FROM bursar_entry e WHERE e.entry = walk.entry OFFSET 0) AS e
			WHERE walk.step < $3::bigint)
		SELECT ` + entryColumns + ` FROM walk CROSS JOIN LATERAL (SELECT * FROM bursar_entry e WHERE e.entry = walk.entry OFFSET 0) AS e
		` + entryPaths + ` ORDER BY walk.step`,
	MarkSeq:     `SELECT entry FROM bursar_checkpoint WHERE account = $1 AND seq >= $2 ORDER BY seq LIMIT 1`,
	MarkVersion: `SELECT entry FROM bursar_checkpoint WHERE account = $1 AND version >= $2 ORDER BY version LIMIT 1`,
	Backdated: `SELECT ` + entryColumns + ` FROM bursar_backdated d
		CROSS JOIN LATERAL (SELECT * FROM bursar_entry e WHERE e.entry = d.entry OFFSET 0) AS e ` + entryPaths + `
		WHERE d.account = $1 AND d.effective <= $2 AND e.seq > $3 ORDER BY e.seq`,

	AuditBooks: `SELECT b.book, b.name, uuid_send(b.uuid), b.genesis, h.seq, h.at, h.hash
		FROM bursar_book b LEFT JOIN bursar_head h ON h.book = b.book ORDER BY b.book`,
	AuditEntries: auditEntry + ` WHERE e.book = $1 AND e.seq >= $2 AND (e.seq > $2 OR e.entry > $3)
		ORDER BY e.seq, e.entry LIMIT $4`,
	AuditUnsealed: auditEntry + ` WHERE e.book = $1 AND e.seq IS NULL AND e.entry > $2 ORDER BY e.entry LIMIT $3`,
	AuditRequests: auditRequest + `bursar_request r LEFT JOIN bursar_entry e ON e.entry = r.last_entry
		WHERE r.book = $1 AND r.request > $2 ORDER BY r.request LIMIT $3`,
	AuditRequestsOf: auditRequest + ids + requestOfID + ` LEFT JOIN bursar_entry e ON e.entry = r.last_entry`,
	AuditAccounts: `SELECT a.account, a.path, a.currency, a.scale, a.opened, a.metadata, b.state, b.version,
		b.balance, b.balance_hi, b.held, b.held_hi, b.available, b.available_hi,
		b.available_min, b.available_min_hi, b.balance_max, b.balance_max_hi, b.decided, b.last_entry
		FROM bursar_account a LEFT JOIN bursar_balance b ON b.account = a.account
		WHERE a.book = $1 AND a.account > $2 ORDER BY a.account LIMIT $3`,
	AuditStrays: `SELECT 'entries of no book', count(*) FROM bursar_entry WHERE book NOT IN (SELECT book FROM bursar_book)
		UNION ALL SELECT 'requests of no book', count(*) FROM bursar_request WHERE book NOT IN (SELECT book FROM bursar_book)
		UNION ALL SELECT 'accounts of no book', count(*) FROM bursar_account WHERE book NOT IN (SELECT book FROM bursar_book)
		UNION ALL SELECT 'heads of no book', count(*) FROM bursar_head WHERE book NOT IN (SELECT book FROM bursar_book)
		UNION ALL SELECT 'ids with two requests', count(*)
			FROM (SELECT 1 FROM bursar_request GROUP BY book, id HAVING count(*) > 1) AS twice
		UNION ALL SELECT 'references with two requests', count(*)
			FROM (SELECT 1 FROM bursar_request WHERE reference IS NOT NULL GROUP BY book, reference HAVING count(*) > 1) AS twice
		UNION ALL SELECT 'balances of no account', count(*) FROM bursar_balance b
			WHERE NOT EXISTS (SELECT 1 FROM bursar_account a WHERE a.account = b.account)
		UNION ALL SELECT 'checkpoints of no entry', count(*) FROM bursar_checkpoint c
			WHERE NOT EXISTS (SELECT 1 FROM bursar_entry e WHERE e.entry = c.entry AND e.seq = c.seq
				AND (e.to_account = c.account AND e.to_version = c.version OR e.from_account = c.account AND e.from_version = c.version))
		UNION ALL SELECT 'effective times of no entry', count(*) FROM bursar_backdated d
			WHERE NOT EXISTS (SELECT 1 FROM bursar_entry e WHERE e.entry = d.entry AND e.effective = d.effective
				AND d.account IN (e.to_account, e.from_account))`,
	AuditGuards: auditGuards,
}

// auditEntry reads entries with what an act on an account must leave empty, and what points at them.
const auditEntry = `SELECT e.entry, e.seq, e.at, e.hash, e.kind, uuid_send(e.request_id), e.leg, e.request_hash,
	e.from_account, e.to_account, e.amount, e.amount_hi,
	e.from_version, e.from_balance, e.from_balance_hi, e.from_held, e.from_held_hi,
	e.to_version, e.to_balance, e.to_balance_hi, e.to_held, e.to_held_hi,
	e.from_prev, e.to_prev, e.effective, e.decided, f.path, t.path, t.currency, t.scale,
	CASE WHEN e.from_account IS NULL
		THEN e.from_balance <> 0 OR e.from_balance_hi <> 0 OR e.from_held <> 0 OR e.from_held_hi <> 0
		ELSE e.from_account = 0 END,
	(SELECT count(*) FROM bursar_checkpoint c WHERE c.account = e.from_account AND c.version = e.from_version
		AND c.seq = e.seq AND c.entry = e.entry)
	+ (SELECT count(*) FROM bursar_checkpoint c WHERE c.account = e.to_account AND c.version = e.to_version
		AND c.seq = e.seq AND c.entry = e.entry),
	(SELECT count(*) FROM bursar_backdated d WHERE d.account IN (e.from_account, e.to_account)
		AND d.effective = e.effective AND d.entry = e.entry)
	FROM bursar_entry e LEFT JOIN bursar_account f ON f.account = e.from_account
	LEFT JOIN bursar_account t ON t.account = e.to_account`

// auditRequest reads requests with what a refusal and a posted request must leave empty.
const auditRequest = `SELECT ` + requestColumns + `, r.request, uuid_send(e.request_id),
	r.reference = '' OR r.metadata = '' OR r.refusal = '' OR r.refusal_field = '' OR r.refusal_message = ''
		OR CASE WHEN r.refusal IS NULL THEN r.refusal_field IS NOT NULL OR r.refusal_message IS NOT NULL OR r.last_entry IS NULL
			ELSE r.last_entry IS NOT NULL END
	FROM `

// auditGuards names what is not there or does not work: triggers that are disabled, constraints that were not held against
// the rows, indexes that are invalid.
const auditGuards = `WITH expected (rel, kind, name) AS (VALUES
		('bursar_entry', 'trigger', 'bursar_entry_update'), ('bursar_entry', 'trigger', 'bursar_entry_delete'),
		('bursar_entry', 'trigger', 'bursar_entry_truncate'),
		('bursar_request', 'trigger', 'bursar_request_update'), ('bursar_request', 'trigger', 'bursar_request_delete'),
		('bursar_request', 'trigger', 'bursar_request_truncate'),
		('bursar_account', 'trigger', 'bursar_account_update'), ('bursar_account', 'trigger', 'bursar_account_delete'),
		('bursar_account', 'trigger', 'bursar_account_truncate'),
		('bursar_balance', 'trigger', 'bursar_balance_delete'), ('bursar_balance', 'trigger', 'bursar_balance_truncate'),
		('bursar_book', 'trigger', 'bursar_book_update'), ('bursar_book', 'trigger', 'bursar_book_delete'),
		('bursar_book', 'trigger', 'bursar_book_truncate'),
		('bursar_head', 'trigger', 'bursar_head_delete'), ('bursar_head', 'trigger', 'bursar_head_truncate'),` + expectedEverywhere + `)
	SELECT name FROM expected WHERE CASE kind
		WHEN 'trigger' THEN NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = to_regclass(rel) AND t.tgname = name
			AND t.tgenabled IN ('O', 'A'))
		ELSE ` + missingEverywhere + ` END`

// expectedEverywhere is what guards the tables beside triggers.
const expectedEverywhere = `
		('bursar_book', 'constraint', 'bursar_book_name'), ('bursar_book', 'constraint', 'bursar_book_uuid'),
		('bursar_account', 'constraint', 'bursar_account_book'), ('bursar_account', 'constraint', 'bursar_account_path'),
		('bursar_balance', 'constraint', 'bursar_balance_held'), ('bursar_balance', 'constraint', 'bursar_balance_range'),
		('bursar_balance', 'constraint', 'bursar_balance_signs'), ('bursar_balance', 'constraint', 'bursar_balance_min'),
		('bursar_balance', 'constraint', 'bursar_balance_max'),
		('bursar_request', 'constraint', 'bursar_request_outcome'),
		('bursar_entry', 'constraint', 'bursar_entry_amount'), ('bursar_entry', 'constraint', 'bursar_entry_sealed'),
		('bursar_entry', 'constraint', 'bursar_entry_sides'),
		('bursar_entry', 'index', 'bursar_entry_pkey'), ('bursar_entry', 'index', 'bursar_entry_seq'),
		('bursar_request', 'index', 'bursar_request_id'), ('bursar_request', 'index', 'bursar_request_reference'),
		('bursar_account', 'index', 'bursar_account_pkey'), ('bursar_balance', 'index', 'bursar_balance_pkey'),
		('bursar_head', 'index', 'bursar_head_pkey'), ('bursar_checkpoint', 'index', 'bursar_checkpoint_seq')`

// missingEverywhere is true for one of those that is not there.
const missingEverywhere = `CASE kind
		WHEN 'constraint' THEN NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conrelid = to_regclass(rel) AND c.conname = name
			AND c.convalidated)
		ELSE NOT EXISTS (SELECT 1 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
			WHERE i.indrelid = to_regclass(rel) AND c.relname = name AND i.indisunique AND i.indisvalid) END`
