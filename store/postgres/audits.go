package postgres

import (
	"strconv"

	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// audits is the SQL that reads every row as it is stored.
func (v variant) audits() sqlstore.AuditStatements {
	return sqlstore.AuditStatements{
		AuditBooks: `SELECT ` + v.read(sqlstore.BookColumns) + `
			FROM bursar_book b LEFT JOIN bursar_head h ON h.book = b.book ORDER BY b.book`,
		AuditPaths: `SELECT ` + sqlstore.PathColumns.Qualified() + ` FROM bursar_account a`,
		AuditMisplaced: `SELECT account, version, entry FROM bursar_checkpoint
			WHERE version % ` + every + ` <> 0 LIMIT $1`,
		AuditEntries: v.auditEntry() + ` WHERE e.book = $1 AND e.kind <> 0 AND e.seq >= $2 AND (e.seq > $2 OR e.entry > $3)
			ORDER BY e.seq, e.entry LIMIT $4`,
		AuditUnsealed: v.auditEntry() + ` WHERE e.book = $1 AND e.seq IS NULL AND e.entry > $2
			ORDER BY e.entry LIMIT $3`,
		AuditRequests: v.auditRequest() + `bursar_request r LEFT JOIN bursar_entry e ON e.entry = r.last_entry
			WHERE r.book = $1 AND r.request > $2 ORDER BY r.request LIMIT $3`,
		AuditRequestIDs: `SELECT ` + v.bytes("id") + ` FROM bursar_request WHERE book = $1`,
		AuditRequestsOf: sqlstore.ManyArrays(v.auditRequest() + ids + requestOfID + `
			LEFT JOIN bursar_entry e ON e.entry = r.last_entry`),
		AuditAccounts: `SELECT ` + sqlstore.RecordColumns.Qualified() + `
			FROM bursar_account a LEFT JOIN bursar_balance b ON b.account = a.account
			WHERE a.book = $1 AND a.account > $2 ORDER BY a.account LIMIT $3`,
		AuditStrays: auditStrays,
		AuditSchema: v.schema,
	}
}

// every is how many versions of an account lie between two checkpoints of it.
var every = strconv.Itoa(driver.CheckpointEvery)

// auditEntry reads entries with what points at them, which is looked up only where something may.
func (v variant) auditEntry() string {
	return `SELECT ` + v.read(sqlstore.AuditedColumns) + `,
		CASE WHEN e.from_version % ` + every + ` = 0 THEN (SELECT count(*) FROM bursar_checkpoint c
			WHERE c.account = e.from_account AND c.version = e.from_version AND c.seq = e.seq AND c.entry = e.entry)
			ELSE 0 END
		+ CASE WHEN e.to_version % ` + every + ` = 0 THEN (SELECT count(*) FROM bursar_checkpoint c
			WHERE c.account = e.to_account AND c.version = e.to_version AND c.seq = e.seq AND c.entry = e.entry)
			ELSE 0 END,
		CASE WHEN e.effective IS NULL THEN 0 ELSE (SELECT count(*) FROM bursar_backdated d
			WHERE d.account IN (e.from_account, e.to_account) AND d.effective = e.effective AND d.entry = e.entry) END
		FROM bursar_entry e`
}

// auditRequest reads requests with what a refusal and a posted request must leave empty.
func (v variant) auditRequest() string {
	return `SELECT ` + v.read(sqlstore.RequestColumns) + `, r.request, ` + v.bytes("e.request_id") + `,
		r.reference = '' OR r.metadata = '' OR r.refusal = '' OR r.refusal_field = '' OR r.refusal_message = ''
			OR CASE WHEN r.refusal IS NULL
				THEN r.refusal_field IS NOT NULL OR r.refusal_message IS NOT NULL OR r.refusal_hash IS NOT NULL
				OR r.last_entry IS NULL
				ELSE r.last_entry IS NOT NULL END
		FROM `
}

const auditStrays = `SELECT 'entries of no book', count(*) FROM bursar_entry
			WHERE book NOT IN (SELECT book FROM bursar_book)
		UNION ALL SELECT 'requests of no book', count(*) FROM bursar_request WHERE book NOT IN (SELECT book FROM bursar_book)
		UNION ALL SELECT 'accounts of no book', count(*) FROM bursar_account WHERE book NOT IN (SELECT book FROM bursar_book)
		UNION ALL SELECT 'heads of no book', count(*) FROM bursar_head WHERE book NOT IN (SELECT book FROM bursar_book)
		UNION ALL SELECT 'ids with two requests', count(*)
			FROM (SELECT 1 FROM bursar_request GROUP BY book, id HAVING count(*) > 1) AS twice
		UNION ALL SELECT 'ids with two transfers', count(*)
			FROM (SELECT 1 FROM bursar_entry WHERE leg = 0 GROUP BY book, request_id HAVING count(*) > 1) AS twice
		UNION ALL SELECT 'ids taken by no refusal', count(*) FROM bursar_entry e
			WHERE e.kind = 0 AND (e.seq IS DISTINCT FROM -e.entry OR e.at IS NOT NULL OR e.hash IS NOT NULL OR e.leg <> 0
				OR e.from_account IS NOT NULL OR e.effective IS NOT NULL OR e.amount_hi IS NOT NULL
				OR coalesce(e.from_balance_hi, e.from_held, e.from_held_hi) IS NOT NULL
				OR coalesce(e.to_balance_hi, e.to_held, e.to_held_hi) IS NOT NULL
				OR ROW(e.to_account, e.amount, e.from_version, e.from_balance, e.to_version, e.to_balance, e.from_prev, e.to_prev)
					<> ROW(0, 0, 0, 0, 0, 0, 0, 0)
				OR NOT EXISTS (SELECT 1 FROM bursar_request r WHERE r.book = e.book AND r.id = e.request_id
					AND r.refusal IS NOT NULL AND r.decided = e.decided))
		UNION ALL SELECT 'refusals without their id', count(*) FROM bursar_request r WHERE r.refusal IS NOT NULL
			AND NOT EXISTS (SELECT 1 FROM bursar_entry e WHERE e.book = r.book AND e.request_id = r.id
				AND e.leg = 0 AND e.kind = 0)
		UNION ALL SELECT 'references with two requests', count(*)
			FROM (SELECT 1 FROM bursar_request WHERE reference IS NOT NULL GROUP BY book, reference HAVING count(*) > 1) AS twice
		UNION ALL SELECT 'balances of no account', count(*) FROM bursar_balance b
			WHERE NOT EXISTS (SELECT 1 FROM bursar_account a WHERE a.account = b.account)
		UNION ALL SELECT 'checkpoints of no entry', count(*) FROM bursar_checkpoint c
			WHERE NOT EXISTS (SELECT 1 FROM bursar_entry e WHERE e.entry = c.entry AND e.seq = c.seq
				AND (e.to_account = c.account AND e.to_version = c.version
					OR e.from_account = c.account AND e.from_version = c.version))
		UNION ALL SELECT 'effective times of no entry', count(*) FROM bursar_backdated d
			WHERE NOT EXISTS (SELECT 1 FROM bursar_entry e WHERE e.entry = d.entry AND e.effective = d.effective
				AND d.account IN (e.to_account, e.from_account))`
