package mysql

import "github.com/bursar-ledger/bursar/internal/sqlstore"

const accountColumns = `a.account, a.path, a.currency, a.scale, b.state, b.version,
	b.balance, b.balance_hi, b.held, b.held_hi, b.available, b.available_hi,
	b.available_min, b.available_min_hi, b.balance_max, b.balance_max_hi, b.decided, b.last_entry`

const entryColumns = `e.entry, e.seq, e.at, e.hash, e.kind, e.request_id, e.leg, e.request_hash,
	e.from_account, e.to_account, e.amount, e.amount_hi,
	e.from_version, e.from_balance, e.from_balance_hi, e.from_held, e.from_held_hi,
	e.to_version, e.to_balance, e.to_balance_hi, e.to_held, e.to_held_hi,
	e.from_prev, e.to_prev, e.effective, e.decided, f.path, t.path, t.currency, t.scale`

const entryPaths = `LEFT JOIN bursar_account f ON f.account = e.from_account
	JOIN bursar_account t ON t.account = e.to_account`

// places keeps the server from going through a whole book to find a page of it.
const places = `FORCE INDEX (bursar_entry_seq) `

const requestColumns = `r.id, r.content, r.decided, r.last_entry, e.seq, e.at,
	r.reference, r.metadata, r.refusal, r.refusal_field, r.refusal_message`

// lockedAccounts finds accounts without a lock and then takes their balances one by one. The inner SELECT is made first
// because of its LIMIT, and nothing in it is locked; STRAIGHT_JOIN and FORCE INDEX keep the server from reading the balances in
// another order or all of them.
const lockedAccounts = `SELECT ` + accountColumns + ` FROM (SELECT account, path, currency, scale FROM bursar_account
		WHERE book = ? AND path IN (...) ORDER BY account LIMIT 100000) a
		STRAIGHT_JOIN bursar_balance b FORCE INDEX (PRIMARY) ON b.account = a.account FOR UPDATE`

// numbers are the columns of a changed balance. A column of parameters alone would be text to a server that prepares the
// statement, and big numbers are not compared with text exactly.
const numbers = number + `, ` + number + `, ` + number + `, ` + number + `, ` + number + `, ` + number + `, ` +
	number + `, ` + number + `, ` + number + `, ` + number + `, ` + number

const number = `CAST(? AS SIGNED)`

// headOf reads the book's UUID apart, so that locking the head locks nothing of the book.
const headOf = `SELECT h.seq, h.at, h.hash, (SELECT b.uuid FROM bursar_book b WHERE b.book = h.book) FROM bursar_head h WHERE h.book = ?`

// statements is the SQL of this engine, in the order of sqlstore.Statements.
var statements = sqlstore.Statements{
	HasSchema:     `SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'bursar_migration'`,
	Migrated:      `SELECT version, checksum FROM bursar_migration ORDER BY version`,
	StampChecksum: `UPDATE bursar_migration SET checksum = ? WHERE version = ?`,
	LockSchema:    `SELECT GET_LOCK(CONCAT('bursar_', SHA1(DATABASE())), ?)`,
	UnlockSchema:  `SELECT RELEASE_LOCK(CONCAT('bursar_', SHA1(DATABASE())))`,

	Book: `SELECT book, uuid, genesis FROM bursar_book WHERE name = ?`,
	// Not INSERT IGNORE, which would ignore other errors too.
	InsertBook: `INSERT INTO bursar_book (name, uuid, genesis) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE name = bursar_book.name`,
	InsertHead: `INSERT INTO bursar_head (book, seq, at, hash) VALUES (?, ?, ?, ?) ON DUPLICATE KEY UPDATE book = bursar_head.book`,

	// Makes the row if it is not there, and locks it either way.
	Turn:         `INSERT INTO bursar_turn (book) VALUES (?) ON DUPLICATE KEY UPDATE book = bursar_turn.book`,
	LockAccounts: lockedAccounts,
	TryAccounts:  lockedAccounts + ` SKIP LOCKED`,
	ReadAccounts: `SELECT ` + accountColumns + ` FROM bursar_account a JOIN bursar_balance b ON b.account = a.account
		WHERE a.book = ? AND a.path IN (...)`,
	Paths:        `SELECT path FROM bursar_account WHERE book = ? AND path IN (...)`,
	LockVersions: `SELECT account, version FROM bursar_balance FORCE INDEX (PRIMARY) WHERE account IN (...) ORDER BY account FOR UPDATE`,
	SeenVersions: `SELECT account, version FROM bursar_balance WHERE account IN (...)`,
	Known: `SELECT ` + requestColumns + ` FROM bursar_request r LEFT JOIN bursar_entry e ON e.entry = r.last_entry
		WHERE r.book = ? AND r.id IN (...)`,
	Taken:    `SELECT reference FROM bursar_request WHERE book = ? AND reference IN (...)`,
	Head:     headOf,
	LockHead: headOf + ` FOR UPDATE`,
	TryHead:  headOf + ` FOR UPDATE SKIP LOCKED`,
	// InnoDB's counter belongs to no database transaction: nobody waits for it, and no rollback turns it back.
	TakeKeys: `INSERT INTO bursar_block () VALUES ()`,
	NextKeys: `SELECT CAST(LAST_INSERT_ID() AS SIGNED) * 16777216`,
	// The unique index on (book, seq) holds the unsealed entries side by side, in order of their keys.
	UnsealedKeys: `SELECT entry FROM bursar_entry FORCE INDEX (bursar_entry_seq) WHERE book = ? AND seq IS NULL ORDER BY entry`,
	TryEntries:   `SELECT entry FROM bursar_entry FORCE INDEX (PRIMARY) WHERE entry IN (...) AND seq IS NULL FOR UPDATE SKIP LOCKED`,
	EntriesOf:    `SELECT ` + entryColumns + ` FROM bursar_entry e ` + entryPaths + ` WHERE e.entry IN (...) ORDER BY e.entry`,

	InsertRequests: `INSERT INTO bursar_request (book, id, content, decided, last_entry, reference, metadata,
		refusal, refusal_field, refusal_message) VALUES (...)`,
	InsertAccounts: `INSERT INTO bursar_account (account, book, path, currency, scale, opened, metadata) VALUES (...)`,
	InsertBalances: `INSERT INTO bursar_balance (account, state, version, balance, balance_hi, held, held_hi, available, available_hi,
		available_min, available_min_hi, balance_max, balance_max_hi, decided, last_entry) VALUES (...)`,
	UpdateBalances: `UPDATE (SELECT ` + numbers + ` ...) v STRAIGHT_JOIN bursar_balance b FORCE INDEX (PRIMARY) ON b.account = v.c1 AND b.version = v.c2
		SET b.version = v.c3, b.balance = v.c4, b.balance_hi = v.c5, b.held = v.c6, b.held_hi = v.c7,
		b.available = v.c8, b.available_hi = v.c9, b.decided = v.c10, b.last_entry = v.c11`,
	SealEntries: `UPDATE (SELECT ` + number + `, ` + number + `, ` + number + `, CAST(? AS BINARY(32)) ...) v STRAIGHT_JOIN bursar_entry e FORCE INDEX (PRIMARY) ON e.entry = v.c1
		SET e.seq = v.c2, e.at = v.c3, e.hash = v.c4 WHERE e.seq IS NULL`,
	InsertEntries: `INSERT INTO bursar_entry (entry, book, seq, at, hash, kind, request_id, leg, request_hash,
		from_account, to_account, amount, amount_hi,
		from_version, from_balance, from_balance_hi, from_held, from_held_hi,
		to_version, to_balance, to_balance_hi, to_held, to_held_hi,
		from_prev, to_prev, effective, decided) VALUES (...)`,
	InsertCheckpoints: `INSERT INTO bursar_checkpoint (account, version, seq, entry) VALUES (...)`,
	InsertBackdated:   `INSERT INTO bursar_backdated (account, effective, entry) VALUES (...)`,
	UpdateHead:        `UPDATE bursar_head SET seq = ?, at = ?, hash = ? WHERE book = ? AND seq = ? AND hash = ?`,

	Account: `SELECT ` + accountColumns + `, a.opened, a.metadata FROM bursar_account a JOIN bursar_balance b ON b.account = a.account
		WHERE a.book = ? AND a.path = ?`,
	Accounts: `SELECT ` + accountColumns + `, a.opened, a.metadata FROM bursar_account a JOIN bursar_balance b ON b.account = a.account
		WHERE a.book = ? AND a.path > ? AND a.path >= ? AND a.path < ? ORDER BY a.path LIMIT ?`,
	Request: `SELECT ` + requestColumns + ` FROM bursar_request r LEFT JOIN bursar_entry e ON e.entry = r.last_entry
		WHERE r.book = ? AND r.id = ?`,
	// The keys of a request's entries follow one another and end with the one that it names.
	RequestEntries: `SELECT ` + entryColumns + ` FROM (SELECT CAST(? AS SIGNED) AS book, CAST(? AS BINARY(16)) AS id, CAST(? AS SIGNED) AS last) p
		STRAIGHT_JOIN bursar_entry e FORCE INDEX (PRIMARY) ON e.entry BETWEEN p.last - 255 AND p.last AND e.book = p.book AND e.request_id = p.id ` + entryPaths + `
		ORDER BY e.leg`,
	Journal: `SELECT ` + entryColumns + ` FROM bursar_entry e ` + places + entryPaths + `
		WHERE e.book = ? AND e.seq > ? ORDER BY e.seq LIMIT ?`,
	// Both servers bound a recursion by 1000 steps. Who wants more asks again.
	Back: `WITH RECURSIVE walk (account, entry, most, step) AS (
			SELECT CAST(? AS SIGNED), CAST(? AS SIGNED), CAST(? AS SIGNED), 1
			UNION ALL
			SELECT w.account, IF(e.from_account = w.account, e.from_prev, e.to_prev), w.most, w.step + 1
			FROM walk w JOIN bursar_entry e ON e.entry = w.entry WHERE w.step < LEAST(w.most, 500))
		SELECT ` + entryColumns + ` FROM walk w STRAIGHT_JOIN bursar_entry e ON e.entry = w.entry ` + entryPaths + ` ORDER BY w.step`,
	MarkSeq:     `SELECT entry FROM bursar_checkpoint WHERE account = ? AND seq >= ? ORDER BY seq LIMIT 1`,
	MarkVersion: `SELECT entry FROM bursar_checkpoint WHERE account = ? AND version >= ? ORDER BY version LIMIT 1`,
	Backdated: `SELECT ` + entryColumns + ` FROM bursar_backdated d JOIN bursar_entry e ON e.entry = d.entry ` + entryPaths + `
		WHERE d.account = ? AND d.effective <= ? AND e.seq > ? ORDER BY e.seq`,

	AuditBooks: `SELECT b.book, b.name, b.uuid, b.genesis, h.seq, h.at, h.hash
		FROM bursar_book b LEFT JOIN bursar_head h ON h.book = b.book ORDER BY b.book`,
	// k is the last entry of the page before: what has its place and does not come after it was on that page.
	AuditEntries: `SELECT ` + auditColumns + ` FROM bursar_entry e ` + places + auditPaths + `
		WHERE e.book = ? AND e.seq >= ?
			AND NOT EXISTS (SELECT 1 FROM bursar_entry k WHERE k.entry = ? AND k.seq = e.seq AND k.entry >= e.entry)
		ORDER BY e.seq LIMIT ?`,
	AuditUnsealed: `SELECT ` + auditColumns + ` FROM bursar_entry e ` + places + auditPaths + `
		WHERE e.book = ? AND e.seq IS NULL AND e.entry > ? ORDER BY e.entry LIMIT ?`,
	AuditRequests:   auditRequest + ` FORCE INDEX (PRIMARY)` + auditRequestEntry + ` WHERE r.book = ? AND r.request > ? ORDER BY r.request LIMIT ?`,
	AuditRequestsOf: auditRequest + auditRequestEntry + ` WHERE r.book = ? AND r.id IN (...)`,
	AuditAccounts: `SELECT a.account, a.path, a.currency, a.scale, a.opened, a.metadata, b.state, b.version,
		b.balance, b.balance_hi, b.held, b.held_hi, b.available, b.available_hi,
		b.available_min, b.available_min_hi, b.balance_max, b.balance_max_hi, b.decided, b.last_entry
		FROM bursar_account a FORCE INDEX (PRIMARY) LEFT JOIN bursar_balance b ON b.account = a.account
		WHERE a.book = ? AND a.account > ? ORDER BY a.account LIMIT ?`,
	AuditStrays: `SELECT 'entries of no book', count(*) FROM bursar_entry WHERE book NOT IN (SELECT book FROM bursar_book)
		UNION ALL SELECT 'requests of no book', count(*) FROM bursar_request WHERE book NOT IN (SELECT book FROM bursar_book)
		UNION ALL SELECT 'accounts of no book', count(*) FROM bursar_account WHERE book NOT IN (SELECT book FROM bursar_book)
		UNION ALL SELECT 'heads of no book', count(*) FROM bursar_head WHERE book NOT IN (SELECT book FROM bursar_book)
		UNION ALL SELECT 'ids with two requests', count(*)
			FROM (SELECT 1 FROM bursar_request GROUP BY book, id HAVING count(*) > 1) i
		UNION ALL SELECT 'references with two requests', count(*)
			FROM (SELECT 1 FROM bursar_request WHERE reference IS NOT NULL GROUP BY book, reference HAVING count(*) > 1) r
		UNION ALL SELECT 'balances of no account', count(*) FROM bursar_balance
			WHERE account NOT IN (SELECT account FROM bursar_account)
		UNION ALL SELECT 'checkpoints of no entry', count(*) FROM bursar_checkpoint c
			WHERE NOT EXISTS (SELECT 1 FROM bursar_entry e WHERE e.entry = c.entry AND e.seq = c.seq
				AND (e.to_account = c.account AND e.to_version = c.version OR e.from_account = c.account AND e.from_version = c.version))
		UNION ALL SELECT 'effective times of no entry', count(*) FROM bursar_backdated d
			WHERE NOT EXISTS (SELECT 1 FROM bursar_entry e WHERE e.entry = d.entry AND e.effective = d.effective
				AND d.account IN (e.to_account, e.from_account))`,
	AuditStorage: auditStorage,
	AuditGuards:  auditGuards,
}

const auditColumns = entryColumns + `,
	IF(e.from_account IS NULL, e.from_balance <> 0 OR e.from_balance_hi <> 0 OR e.from_held <> 0 OR e.from_held_hi <> 0,
		e.from_account = 0),
	(SELECT count(*) FROM bursar_checkpoint c WHERE c.account = e.from_account AND c.version = e.from_version
		AND c.seq = e.seq AND c.entry = e.entry)
	+ (SELECT count(*) FROM bursar_checkpoint c WHERE c.account = e.to_account AND c.version = e.to_version
		AND c.seq = e.seq AND c.entry = e.entry),
	(SELECT count(*) FROM bursar_backdated d WHERE d.account = e.from_account AND d.effective = e.effective AND d.entry = e.entry)
	+ (SELECT count(*) FROM bursar_backdated d WHERE d.account = e.to_account AND d.effective = e.effective AND d.entry = e.entry)`

// auditPaths keeps entries whose accounts are not there.
const auditPaths = `LEFT JOIN bursar_account f ON f.account = e.from_account
	LEFT JOIN bursar_account t ON t.account = e.to_account`

// auditRequest reads requests with what a refusal and a posted request must leave empty.
const auditRequest = `SELECT ` + requestColumns + `, r.request, e.request_id,
	r.reference = '' OR r.metadata = '' OR r.refusal = '' OR r.refusal_field = '' OR r.refusal_message = ''
		OR IF(r.refusal IS NULL, r.refusal_field IS NOT NULL OR r.refusal_message IS NOT NULL OR r.last_entry IS NULL,
			r.last_entry IS NOT NULL)
	FROM bursar_request r`

const auditRequestEntry = ` LEFT JOIN bursar_entry e ON e.entry = r.last_entry`

// auditStorage finds tables that another engine keeps, without transactions. CHECK TABLE, which reads the indexes too, commits
// and so cannot be part of an audit over one snapshot; InnoDB checks the checksum of every page that an audit reads.
const auditStorage = `SELECT CONCAT(table_name, ': is kept by ', engine, ' instead of InnoDB') FROM information_schema.tables
	WHERE table_schema = DATABASE() AND table_name LIKE 'bursar\_%' AND table_type = 'BASE TABLE' AND engine <> 'InnoDB'`

// auditGuards compares with what the migrations make.
const auditGuards = `SELECT x.name FROM (SELECT 'bursar_entry_update' AS name
		UNION ALL SELECT 'bursar_entry_delete' UNION ALL SELECT 'bursar_request_update' UNION ALL SELECT 'bursar_request_delete'
		UNION ALL SELECT 'bursar_account_update' UNION ALL SELECT 'bursar_account_delete' UNION ALL SELECT 'bursar_balance_delete'
		UNION ALL SELECT 'bursar_book_update' UNION ALL SELECT 'bursar_book_delete' UNION ALL SELECT 'bursar_head_delete') x
		WHERE x.name NOT IN (SELECT CONVERT(trigger_name USING utf8mb4) FROM information_schema.triggers WHERE trigger_schema = DATABASE())
	UNION ALL ` + auditChecks

// auditChecks is the part of auditGuards that an engine without triggers has.
const auditChecks = `SELECT x.name FROM (SELECT 'bursar_head_place' AS name
		UNION ALL SELECT 'bursar_account_scale' UNION ALL SELECT 'bursar_balance_state' UNION ALL SELECT 'bursar_balance_version'
		UNION ALL SELECT 'bursar_balance_held' UNION ALL SELECT 'bursar_balance_pair' UNION ALL SELECT 'bursar_balance_sign'
		UNION ALL SELECT 'bursar_balance_min' UNION ALL SELECT 'bursar_balance_max' UNION ALL SELECT 'bursar_request_outcome'
		UNION ALL SELECT 'bursar_entry_place' UNION ALL SELECT 'bursar_entry_leg' UNION ALL SELECT 'bursar_entry_amount'
		UNION ALL SELECT 'bursar_entry_sealed' UNION ALL SELECT 'bursar_entry_accounts') x
		WHERE x.name NOT IN (SELECT CONVERT(constraint_name USING utf8mb4) FROM information_schema.table_constraints
			WHERE constraint_schema = DATABASE() AND constraint_type = 'CHECK' /*!80016 AND enforced = 'YES' */)
	UNION ALL SELECT x.name FROM (SELECT 'bursar_book_name' AS name UNION ALL SELECT 'bursar_account_path'
		UNION ALL SELECT 'bursar_request_id' UNION ALL SELECT 'bursar_request_reference' UNION ALL SELECT 'bursar_entry_seq'
		UNION ALL SELECT 'bursar_checkpoint_seq') x
		WHERE x.name NOT IN (SELECT CONVERT(index_name USING utf8mb4) FROM information_schema.statistics
			WHERE table_schema = DATABASE() AND non_unique = 0)`
