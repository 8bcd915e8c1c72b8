package mysql

import (
	"strconv"

	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// audits is the SQL that reads every row as it is stored.
func (v variant) audits() sqlstore.AuditStatements {
	return sqlstore.AuditStatements{
		AuditBooks: `SELECT ` + sqlstore.BookColumns.Qualified() + `
			FROM bursar_book b LEFT JOIN bursar_head h ON h.book = b.book ORDER BY b.book`,
		AuditPaths: `SELECT ` + sqlstore.PathColumns.Qualified() + ` FROM bursar_account a`,
		AuditMisplaced: `SELECT account, version, entry FROM bursar_checkpoint
			WHERE version % ` + every + ` <> 0 LIMIT ?`,
		// k is the last entry of the page before. What has its place and does not come after it was on that page.
		AuditEntries: auditEntry + ` FROM bursar_entry e ` + places + `
			WHERE e.book = ? AND e.kind <> 0 AND e.seq >= ?
				AND NOT EXISTS (SELECT 1 FROM bursar_entry k
					WHERE k.entry = ? AND k.seq = e.seq AND k.entry >= e.entry)
			ORDER BY e.seq LIMIT ?`,
		AuditUnsealed: auditEntry + ` FROM bursar_entry e ` + places + `
			WHERE e.book = ? AND e.seq IS NULL AND e.entry > ? ORDER BY e.entry LIMIT ?`,
		AuditRequests: auditRequest + ` FORCE INDEX (PRIMARY)` + lastEntry + `
			WHERE r.book = ? AND r.request > ? ORDER BY r.request LIMIT ?`,
		AuditRequestIDs: `SELECT id FROM bursar_request WHERE book = ?`,
		AuditRequestsOf: sqlstore.ManyValues(auditRequest + lastEntry + ` WHERE r.book = ? AND r.id IN (...)`),
		AuditAccounts: `SELECT ` + sqlstore.RecordColumns.Qualified() + `
			FROM bursar_account a FORCE INDEX (PRIMARY) LEFT JOIN bursar_balance b ON b.account = a.account
			WHERE a.book = ? AND a.account > ? ORDER BY a.account LIMIT ?`,
		AuditStrays:  auditStrays,
		AuditStorage: auditStorage,
		AuditSchema:  v.schema,
	}
}

// every is how many versions of an account lie between two checkpoints of it.
var every = strconv.Itoa(driver.CheckpointEvery)

// auditEntry reads entries with what points at them, which is looked up only where something may.
var auditEntry = `SELECT ` + sqlstore.AuditedColumns.Qualified() + `,
	IF(e.from_version % ` + every + ` = 0, (SELECT count(*) FROM bursar_checkpoint c
		WHERE c.account = e.from_account AND c.version = e.from_version AND c.seq = e.seq AND c.entry = e.entry), 0)
	+ IF(e.to_version % ` + every + ` = 0, (SELECT count(*) FROM bursar_checkpoint c
		WHERE c.account = e.to_account AND c.version = e.to_version AND c.seq = e.seq AND c.entry = e.entry), 0),
	IF(e.effective IS NULL, 0, (SELECT count(*) FROM bursar_backdated d
		WHERE d.account = e.from_account AND d.effective = e.effective AND d.entry = e.entry)
	+ (SELECT count(*) FROM bursar_backdated d
		WHERE d.account = e.to_account AND d.effective = e.effective AND d.entry = e.entry))`

// auditRequest reads requests with what a refusal and a posted request must leave empty.
var auditRequest = `SELECT ` + sqlstore.RequestColumns.Qualified() + `, r.request, e.request_id,
	r.reference = '' OR r.metadata = '' OR r.refusal = '' OR r.refusal_field = '' OR r.refusal_message = ''
		OR IF(r.refusal IS NULL,
			r.refusal_field IS NOT NULL OR r.refusal_message IS NOT NULL OR r.refusal_hash IS NOT NULL
				OR r.last_entry IS NULL,
			r.last_entry IS NOT NULL)
	FROM bursar_request r`

const auditStrays = `SELECT 'entries of no book', count(*) FROM bursar_entry WHERE book NOT IN (SELECT book
		FROM bursar_book)
	UNION ALL SELECT 'requests of no book', count(*) FROM bursar_request WHERE book NOT IN (SELECT book FROM bursar_book)
	UNION ALL SELECT 'accounts of no book', count(*) FROM bursar_account WHERE book NOT IN (SELECT book FROM bursar_book)
	UNION ALL SELECT 'heads of no book', count(*) FROM bursar_head WHERE book NOT IN (SELECT book FROM bursar_book)
	UNION ALL SELECT 'ids with two requests', count(*)
		FROM (SELECT 1 FROM bursar_request GROUP BY book, id HAVING count(*) > 1) i
	UNION ALL SELECT 'ids with two transfers', count(*)
		FROM (SELECT 1 FROM bursar_entry WHERE leg = 0 GROUP BY book, request_id HAVING count(*) > 1) e
	UNION ALL SELECT 'ids taken by no refusal', count(*) FROM bursar_entry e
		WHERE e.kind = 0 AND (NOT e.seq <=> -e.entry OR e.at IS NOT NULL OR e.hash IS NOT NULL OR e.leg <> 0
			OR e.from_account IS NOT NULL OR e.effective IS NOT NULL OR e.amount_hi IS NOT NULL
			OR COALESCE(e.from_balance_hi, e.from_held, e.from_held_hi) IS NOT NULL
			OR COALESCE(e.to_balance_hi, e.to_held, e.to_held_hi) IS NOT NULL
			OR e.to_account <> 0 OR e.amount <> 0 OR e.from_version <> 0 OR e.from_balance <> 0 OR e.to_version <> 0
			OR e.to_balance <> 0 OR e.from_prev <> 0 OR e.to_prev <> 0
			OR NOT EXISTS (SELECT 1 FROM bursar_request r WHERE r.book = e.book AND r.id = e.request_id
				AND r.refusal IS NOT NULL AND r.decided = e.decided))
	UNION ALL SELECT 'refusals without their id', count(*) FROM bursar_request r WHERE r.refusal IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM bursar_entry e WHERE e.book = r.book AND e.request_id = r.id
			AND e.leg = 0 AND e.kind = 0)
	UNION ALL SELECT 'references with two requests', count(*)
		FROM (SELECT 1 FROM bursar_request WHERE reference IS NOT NULL GROUP BY book, reference HAVING count(*) > 1) r
	UNION ALL SELECT 'balances of no account', count(*) FROM bursar_balance
		WHERE account NOT IN (SELECT account FROM bursar_account)
	UNION ALL SELECT 'checkpoints of no entry', count(*) FROM bursar_checkpoint c
		WHERE NOT EXISTS (SELECT 1 FROM bursar_entry e WHERE e.entry = c.entry AND e.seq = c.seq
			AND (e.to_account = c.account AND e.to_version = c.version
			OR e.from_account = c.account AND e.from_version = c.version))
	UNION ALL SELECT 'effective times of no entry', count(*) FROM bursar_backdated d
		WHERE NOT EXISTS (SELECT 1 FROM bursar_entry e WHERE e.entry = d.entry AND e.effective = d.effective
			AND d.account IN (e.to_account, e.from_account))`

// auditStorage finds tables that another engine keeps, without transactions. CHECK TABLE reads the indexes too, but it
// commits and so cannot be part of an audit over one snapshot. InnoDB checks the checksum of every page that an audit
// reads.
const auditStorage = `SELECT CONCAT(table_name, ': is kept by ', engine, ' instead of InnoDB')
	FROM information_schema.tables
	WHERE table_schema = DATABASE() AND table_name LIKE 'bursar\_%' AND table_type = 'BASE TABLE'
		AND engine <> 'InnoDB'`
