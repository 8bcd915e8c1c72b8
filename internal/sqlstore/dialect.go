package sqlstore

import (
	"context"
	"database/sql"
	"io/fs"
	"strings"

	"github.com/bursar-ledger/bursar/atomic"
)

// Executor runs statements. *sql.Tx, *sql.Conn and *atomic.Tx are executors.
type Executor interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// Dialect is what one engine does its own way. It is a value without state.
type Dialect struct {
	Name       string
	Atomic     atomic.Dialect
	Statements Statements
	// Migrations holds NNNN_name.up.sql in order, forward only.
	Migrations fs.FS
	// ParametersMax is the most parameters that a statement is given.
	ParametersMax int
	// Admit checks a database transaction that a caller began and refuses one that would not keep the ledger safe
	// with bursar.UnsafeTransaction and the remedy. It changes nothing that outlives the database transaction.
	Admit func(ctx context.Context, tx Executor) error
	// Ready checks the settings of a connection of the store's own pool, likewise.
	Ready func(ctx context.Context, conn Executor) error
}

// Statements is the SQL of one engine, in the order in which a post uses it. Engines keep the same order so that
// their files read side by side. In a statement, (...) stands for a list of parameters: one for each value, or one
// list for each row after VALUES.
type Statements struct {
	HasSchema     string // one row when there is a table bursar_migration
	Migrated      string // version, checksum of each applied migration, in order
	StampChecksum string // checksum, version

	Book       string // name
	InsertBook string // name, uuid, genesis: nothing when the name is taken
	InsertHead string // book, seq, at, hash

	LockAccounts string // book, paths...
	Known        string // book, ids...
	Taken        string // book, references...
	Head         string // book
	NextKeys     string // the next entry key and account number

	InsertRequests    string
	InsertAccounts    string
	InsertBalances    string
	UpdateBalances    string
	InsertEntries     string
	InsertCheckpoints string
	InsertBackdated   string
	UpdateHead        string // seq, at, hash, book, old seq, old hash

	Account        string // book, path
	Accounts       string // book, after, prefix start, prefix end, limit
	Request        string // book, id
	RequestEntries string // book, id, last entry's key
	Journal        string // book, after, limit
	Back           string // account, key, limit
	MarkSeq        string // account, seq
	MarkVersion    string // account, version
	Backdated      string // account, effective, seq

	AuditBooks      string // number, name, uuid, genesis; seq, at, hash of the head
	AuditEntries    string // book, after seq, after key, limit: faults, checkpoints and backdatings beside the entry
	AuditRequests   string // book, after row, limit: the row key, the id of its last entry and faults beside the request
	AuditRequestsOf string // book, ids...: likewise
	AuditAccounts   string // book, after number, limit
	AuditStrays     string // what no page of an audit reaches, in any book: name and number of rows
	AuditStorage    string // faults that the engine finds in tables and indexes
	AuditGuards     string // names of triggers and indexes that are missing
}

// expand writes count parameters for the (...) in a statement.
func expand(statement string, count int) string {
	return strings.Replace(statement, "(...)", "("+strings.TrimSuffix(strings.Repeat("?,", count), ",")+")", 1)
}

// expandRows writes rows lists of columns parameters each for the (...) in a statement.
func expandRows(statement string, rows, columns int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", columns), ",") + ")"
	return strings.Replace(statement, "(...)", strings.TrimSuffix(strings.Repeat(row+",", rows), ","), 1)
}
