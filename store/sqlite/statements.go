package sqlite

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

const requestColumns = `r.id, r.content, r.decided, r.last_entry, e.seq, e.at,
	r.reference, r.metadata, r.refusal, r.refusal_field, r.refusal_message`

// statements is the SQL of this engine, in the order of sqlstore.Statements.
var statements = sqlstore.Statements{
	HasSchema:     `SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'bursar_migration'`,
	Migrated:      `SELECT version, checksum FROM bursar_migration ORDER BY version`,
	StampChecksum: `UPDATE bursar_migration SET checksum = ? WHERE version = ?`,

	Book:       `SELECT book, uuid, genesis FROM bursar_book WHERE name = ?`,
	InsertBook: `INSERT INTO bursar_book (name, uuid, genesis) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING`,
	InsertHead: `INSERT INTO bursar_head (book, seq, at, hash) VALUES (?, ?, ?, ?) ON CONFLICT (book) DO NOTHING`,

	// The write lock of the whole file is held already, so reading is locking.
	LockAccounts: `SELECT ` + accountColumns + ` FROM bursar_account a JOIN bursar_balance b ON b.account = a.account
		WHERE a.book = ? AND a.path IN (...)`,
	Known: `SELECT ` + requestColumns + ` FROM bursar_request r LEFT JOIN bursar_entry e ON e.entry = r.last_entry
		WHERE r.book = ? AND r.id IN (...)`,
	Taken:    `SELECT reference FROM bursar_request WHERE book = ? AND reference IN (...)`,
	Head:     `SELECT h.seq, h.at, h.hash, b.uuid FROM bursar_head h JOIN bursar_book b ON b.book = h.book WHERE h.book = ?`,
	NextKeys: `SELECT (SELECT coalesce(max(entry), 0) + 1 FROM bursar_entry), (SELECT coalesce(max(account), 0) + 1 FROM bursar_account)`,

	InsertRequests: `INSERT INTO bursar_request (book, id, content, decided, last_entry, reference, metadata,
		refusal, refusal_field, refusal_message) VALUES (...)`,
	InsertAccounts: `INSERT INTO bursar_account (account, book, path, currency, scale, opened, metadata) VALUES (...)`,
	InsertBalances: `INSERT INTO bursar_balance (account, state, version, balance, balance_hi, held, held_hi, available, available_hi,
		available_min, available_min_hi, balance_max, balance_max_hi, decided, last_entry) VALUES (...)`,
	UpdateBalances: `UPDATE bursar_balance SET version = v.column3, balance = v.column4, balance_hi = v.column5,
		held = v.column6, held_hi = v.column7, available = v.column8, available_hi = v.column9,
		decided = v.column10, last_entry = v.column11
		FROM (VALUES (...)) AS v WHERE account = v.column1 AND version = v.column2`,
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
	RequestEntries: `SELECT ` + entryColumns + ` FROM bursar_entry e ` + entryPaths + `
		WHERE e.book = ?1 AND e.request_id = ?2 AND e.entry BETWEEN ?3 - 255 AND ?3 ORDER BY e.leg`,
	Journal: `SELECT ` + entryColumns + ` FROM bursar_entry e ` + entryPaths + `
		WHERE e.book = ? AND e.seq > ? ORDER BY e.seq LIMIT ?`,
	Back: `WITH RECURSIVE walk (entry, step) AS (
			SELECT ?2, 1
			UNION ALL
			SELECT iif(e.from_account = ?1, e.from_prev, e.to_prev), walk.step + 1
			FROM walk JOIN bursar_entry e ON e.entry = walk.entry WHERE walk.step < ?3)
		SELECT ` + entryColumns + ` FROM walk JOIN bursar_entry e ON e.entry = walk.entry ` + entryPaths + ` ORDER BY walk.step`,
	MarkSeq:     `SELECT entry FROM bursar_checkpoint WHERE account = ? AND seq >= ? ORDER BY seq LIMIT 1`,
	MarkVersion: `SELECT entry FROM bursar_checkpoint WHERE account = ? AND version >= ? ORDER BY version LIMIT 1`,
	Backdated: `SELECT ` + entryColumns + ` FROM bursar_backdated d JOIN bursar_entry e ON e.entry = d.entry ` + entryPaths + `
		WHERE d.account = ? AND d.effective <= ? AND e.seq > ? ORDER BY e.seq`,

	AuditBooks: `SELECT b.book, b.name, b.uuid, b.genesis, h.seq, h.at, h.hash
		FROM bursar_book b LEFT JOIN bursar_head h ON h.book = b.book ORDER BY b.book`,
	AuditEntries: `SELECT e.entry, e.seq, e.at, e.hash, e.kind, e.request_id, e.leg, e.request_hash,
		e.from_account, e.to_account, e.amount, e.amount_hi,
		e.from_version, e.from_balance, e.from_balance_hi, e.from_held, e.from_held_hi,
		e.to_version, e.to_balance, e.to_balance_hi, e.to_held, e.to_held_hi,
		e.from_prev, e.to_prev, e.effective, e.decided, f.path, t.path, t.currency, t.scale,
		iif(e.from_account IS NULL, e.from_balance <> 0 OR e.from_balance_hi <> 0 OR e.from_held <> 0 OR e.from_held_hi <> 0,
			e.from_account = 0),
		(SELECT count(*) FROM bursar_checkpoint c WHERE c.account = e.from_account AND c.version = e.from_version
			AND c.seq = e.seq AND c.entry = e.entry)
		+ (SELECT count(*) FROM bursar_checkpoint c WHERE c.account = e.to_account AND c.version = e.to_version
			AND c.seq = e.seq AND c.entry = e.entry),
		(SELECT count(*) FROM bursar_backdated d WHERE d.account IN (e.from_account, e.to_account)
			AND d.effective = e.effective AND d.entry = e.entry)
		FROM bursar_entry e LEFT JOIN bursar_account f ON f.account = e.from_account
		LEFT JOIN bursar_account t ON t.account = e.to_account
		WHERE e.book = ?1 AND e.seq >= ?2 AND (e.seq > ?2 OR e.entry > ?3) ORDER BY e.seq, e.entry LIMIT ?4`,
	// A plus keeps SQLite from reading a whole book by its index and sorting it for every page.
	AuditRequests:   auditRequest + ` WHERE +r.book = ? AND r.request > ? ORDER BY r.request LIMIT ?`,
	AuditRequestsOf: auditRequest + ` WHERE r.book = ? AND r.id IN (...)`,
	AuditAccounts: `SELECT a.account, a.path, a.currency, a.scale, a.opened, a.metadata, b.state, b.version,
		b.balance, b.balance_hi, b.held, b.held_hi, b.available, b.available_hi,
		b.available_min, b.available_min_hi, b.balance_max, b.balance_max_hi, b.decided, b.last_entry
		FROM bursar_account a LEFT JOIN bursar_balance b ON b.account = a.account
		WHERE +a.book = ? AND a.account > ? ORDER BY a.account LIMIT ?`,
	AuditStrays: `SELECT 'entries without a position', count(*) FROM bursar_entry WHERE seq IS NULL
		UNION ALL SELECT 'entries of no book', count(*) FROM bursar_entry WHERE book NOT IN (SELECT book FROM bursar_book)
		UNION ALL SELECT 'requests of no book', count(*) FROM bursar_request WHERE book NOT IN (SELECT book FROM bursar_book)
		UNION ALL SELECT 'accounts of no book', count(*) FROM bursar_account WHERE book NOT IN (SELECT book FROM bursar_book)
		UNION ALL SELECT 'heads of no book', count(*) FROM bursar_head WHERE book NOT IN (SELECT book FROM bursar_book)
		UNION ALL SELECT 'ids with two requests', count(*)
			FROM (SELECT 1 FROM bursar_request GROUP BY book, id HAVING count(*) > 1)
		UNION ALL SELECT 'references with two requests', count(*)
			FROM (SELECT 1 FROM bursar_request WHERE reference IS NOT NULL GROUP BY book, reference HAVING count(*) > 1)
		UNION ALL SELECT 'balances of no account', count(*) FROM bursar_balance
			WHERE account NOT IN (SELECT account FROM bursar_account)
		UNION ALL SELECT 'checkpoints of no entry', count(*) FROM bursar_checkpoint c
			WHERE NOT EXISTS (SELECT 1 FROM bursar_entry e WHERE e.entry = c.entry AND e.seq = c.seq
				AND (e.to_account = c.account AND e.to_version = c.version OR e.from_account = c.account AND e.from_version = c.version))
		UNION ALL SELECT 'effective times of no entry', count(*) FROM bursar_backdated d
			WHERE NOT EXISTS (SELECT 1 FROM bursar_entry e WHERE e.entry = d.entry AND e.effective = d.effective
				AND d.account IN (e.to_account, e.from_account))`,
	// The engine's own check of the tables (not of the application's, which may be large) and of their indexes.
	AuditStorage: auditStorage,
	AuditGuards: `WITH expected (name) AS (VALUES ('bursar_entry_update'), ('bursar_entry_delete'), ('bursar_entry_replace'),
			('bursar_request_update'), ('bursar_request_delete'), ('bursar_request_replace'),
			('bursar_account_update'), ('bursar_account_replace'), ('bursar_account_delete'), ('bursar_balance_delete'),
			('bursar_book_update'), ('bursar_book_delete'), ('bursar_head_delete'),
			('bursar_entry_seq'), ('bursar_request_id'), ('bursar_request_reference'), ('bursar_checkpoint_seq'))
		SELECT name FROM expected WHERE name NOT IN (SELECT name FROM sqlite_schema WHERE type IN ('trigger', 'index'))`,
}

// auditRequest reads requests with what a refusal and a posted request must leave empty.
const auditRequest = `SELECT ` + requestColumns + `, r.request, e.request_id,
	r.reference = '' OR r.metadata = '' OR r.refusal = '' OR r.refusal_field = '' OR r.refusal_message = ''
		OR iif(r.refusal IS NULL, r.refusal_field IS NOT NULL OR r.refusal_message IS NOT NULL OR r.last_entry IS NULL,
			r.last_entry IS NOT NULL)
	FROM bursar_request r LEFT JOIN bursar_entry e ON e.entry = r.last_entry`

const auditStorage = `SELECT 'bursar_book: ' || integrity_check FROM pragma_integrity_check('bursar_book') WHERE integrity_check <> 'ok'
	UNION ALL SELECT 'bursar_head: ' || integrity_check FROM pragma_integrity_check('bursar_head') WHERE integrity_check <> 'ok'
	UNION ALL SELECT 'bursar_account: ' || integrity_check FROM pragma_integrity_check('bursar_account') WHERE integrity_check <> 'ok'
	UNION ALL SELECT 'bursar_balance: ' || integrity_check FROM pragma_integrity_check('bursar_balance') WHERE integrity_check <> 'ok'
	UNION ALL SELECT 'bursar_request: ' || integrity_check FROM pragma_integrity_check('bursar_request') WHERE integrity_check <> 'ok'
	UNION ALL SELECT 'bursar_entry: ' || integrity_check FROM pragma_integrity_check('bursar_entry') WHERE integrity_check <> 'ok'
	UNION ALL SELECT 'bursar_checkpoint: ' || integrity_check FROM pragma_integrity_check('bursar_checkpoint') WHERE integrity_check <> 'ok'
	UNION ALL SELECT 'bursar_backdated: ' || integrity_check FROM pragma_integrity_check('bursar_backdated') WHERE integrity_check <> 'ok'
	LIMIT 20`
