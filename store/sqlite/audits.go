package sqlite

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// audits is the SQL that reads every row as it is stored.
var audits = sqlstore.AuditStatements{
	AuditBooks: `SELECT ` + sqlstore.BookColumns.Qualified() + `
		FROM bursar_book b LEFT JOIN bursar_head h ON h.book = b.book ORDER BY b.book`,
	AuditPaths:     `SELECT ` + sqlstore.PathColumns.Qualified() + ` FROM bursar_account a`,
	AuditMisplaced: `SELECT account, version, entry FROM bursar_checkpoint WHERE version % ` + every + ` <> 0 LIMIT ?`,
	// The key says no more than the position. There is one lower bound, because SQLite begins at only one of several.
	// What points at an entry is looked up only where something may.
	AuditEntries: `SELECT ` + sqlstore.AuditedColumns.Qualified() + `,
		iif(e.from_version % ` + every + ` = 0, (SELECT count(*) FROM bursar_checkpoint c
			WHERE c.account = e.from_account AND c.version = e.from_version AND c.entry = e.entry), 0)
		+ iif(e.to_version % ` + every + ` = 0, (SELECT count(*) FROM bursar_checkpoint c
			WHERE c.account = e.to_account AND c.version = e.to_version AND c.entry = e.entry), 0),
		iif(e.effective IS NULL, 0, (SELECT count(*) FROM bursar_backdated d
			WHERE d.account IN (e.from_account, e.to_account) AND d.effective = e.effective AND d.entry = e.entry))
		FROM bursar_entry e WHERE ?3 IS NOT NULL AND e.entry > max(` + place("?1", "-1") + `, ` + place("?1", "?2") + `)
			AND e.entry < ` + place("?1 + 1", "0") + ` ORDER BY e.entry LIMIT ?4`,
	// A plus keeps SQLite from reading a whole book by its index and sorting it for every page.
	AuditRequests:   auditRequest + ` WHERE +r.book = ? AND r.request > ? ORDER BY r.request LIMIT ?`,
	AuditRequestIDs: `SELECT id FROM bursar_request WHERE book = ?`,
	AuditRequestsOf: sqlstore.ManyValues(auditRequest + ` WHERE r.book = ? AND r.id IN (...)`),
	AuditAccounts: `SELECT ` + sqlstore.RecordColumns.Qualified() + `
		FROM bursar_account a LEFT JOIN bursar_balance b ON b.account = a.account
		WHERE +a.book = ? AND a.account > ? ORDER BY a.account LIMIT ?`,
	AuditStrays:  auditStrays,
	AuditStorage: auditStorage,
	AuditSchema:  auditSchema,
}

// every is how many versions of an account lie between two checkpoints of it.
var every = strconv.Itoa(driver.CheckpointEvery)

// auditRequest reads requests with what a refusal and a posted request must leave empty.
var auditRequest = `SELECT ` + sqlstore.RequestColumns.Qualified() + `, r.request, e.request_id,
	r.reference = '' OR r.metadata = '' OR r.refusal = '' OR r.refusal_field = '' OR r.refusal_message = ''
		OR iif(r.refusal IS NULL,
			r.refusal_field IS NOT NULL OR r.refusal_message IS NOT NULL OR r.refusal_hash IS NOT NULL
				OR r.last_entry IS NULL,
			r.last_entry IS NOT NULL)
	FROM bursar_request r LEFT JOIN bursar_entry e ON e.entry = r.last_entry`

const auditStrays = `SELECT 'entries of no book', count(*) FROM bursar_entry
		WHERE book NOT IN (SELECT book FROM bursar_book)
	UNION ALL SELECT 'requests of no book', count(*) FROM bursar_request
		WHERE book NOT IN (SELECT book FROM bursar_book)
	UNION ALL SELECT 'accounts of no book', count(*) FROM bursar_account
		WHERE book NOT IN (SELECT book FROM bursar_book)
	UNION ALL SELECT 'heads of no book', count(*) FROM bursar_head WHERE book NOT IN (SELECT book FROM bursar_book)
	UNION ALL SELECT 'ids with two requests', count(*)
		FROM (SELECT 1 FROM bursar_request GROUP BY book, id HAVING count(*) > 1)
	UNION ALL SELECT 'ids with two transfers', count(*)
		FROM (SELECT 1 FROM bursar_entry WHERE leg = 0 GROUP BY book, request_id HAVING count(*) > 1)
	UNION ALL SELECT 'references with two requests', count(*)
		FROM (SELECT 1 FROM bursar_request WHERE reference IS NOT NULL GROUP BY book, reference HAVING count(*) > 1)
	UNION ALL SELECT 'balances of no account', count(*) FROM bursar_balance
		WHERE account NOT IN (SELECT account FROM bursar_account)
	UNION ALL SELECT 'checkpoints of no entry', count(*) FROM bursar_checkpoint c
		WHERE NOT EXISTS (SELECT 1 FROM bursar_entry e WHERE e.entry = c.entry
			AND (e.to_account = c.account AND e.to_version = c.version
				OR e.from_account = c.account AND e.from_version = c.version))
	UNION ALL SELECT 'effective times of no entry', count(*) FROM bursar_backdated d
		WHERE NOT EXISTS (SELECT 1 FROM bursar_entry e WHERE e.entry = d.entry AND e.effective = d.effective
			AND d.account IN (e.to_account, e.from_account))`

// auditStorage is the engine's own check of the tables and of their indexes. It leaves out the application's tables,
// which may be large.
var auditStorage = integrity("bursar_book", "bursar_head", "bursar_account", "bursar_balance", "bursar_request",
	"bursar_entry", "bursar_checkpoint", "bursar_backdated", "bursar_migration")

func integrity(tables ...string) string {
	checks := make([]string, len(tables))
	for i, table := range tables {
		checks[i] = fmt.Sprintf(`SELECT '%[1]s: ' || integrity_check FROM pragma_integrity_check('%[1]s')
			WHERE integrity_check <> 'ok'`, table)
	}
	return strings.Join(checks, " UNION ALL ") + " LIMIT 20"
}
