package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"strings"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/driver"
)

// Dialect is what one engine does its own way. It is a value without state.
type Dialect struct {
	Name       string
	Atomic     atomic.Dialect
	Statements Statements
	// Migrations holds NNNN_name.up.sql in order, forward only.
	Migrations fs.FS
	// ParametersMax is the most parameters that a statement is given.
	ParametersMax int
	// RowsMax is how many rows one statement writes where the text of a statement is never used twice, so that few statements
	// are better than few texts. 0 means that connections keep what they have prepared.
	RowsMax int
	// BytesMax is how many bytes of text and blobs a statement over many rows is given, unless a single row has more; 0
	// means that nothing bounds them.
	BytesMax int
	// Columnar says that statements over many values take an array for each column instead of a parameter for each
	// value. Their text is then as it is, without (...).
	Columnar bool
	// SealsLater says that the engine has many writers, so that entries are committed unsealed.
	SealsLater bool
	// KeyBlock is how many keys NextKeys reserves at once, for the store to hand out; the statement must not make others
	// wait for the end of the database transaction. 0 means that it is asked each time, under a lock that everybody holds.
	KeyBlock int64
	// ReadsLock says that SERIALIZABLE would be made of shared locks on all that is read. Two that have read an account and
	// both want to write it could then only deadlock, so in that mode accounts are read with LockAccounts.
	ReadsLock bool
	// Isolation is the level of the store's own database transactions in a mode; nil means the dialect's default, and the
	// engine's SERIALIZABLE for bursar.Serializable.
	Isolation func(driver.Mode) sql.IsolationLevel
	// Pipe sends several statements at once over a connection of the driver's and returns how many of them went well. It is nil
	// where the driver cannot; ErrNoPipe if this connection is not the driver's own.
	Pipe func(ctx context.Context, driverConn any, calls []*Call) (done int, err error)
	// Admit checks a database transaction that a caller began and refuses one that would not keep the ledger safe
	// with bursar.CodeUnsafeTransaction and the remedy. It changes nothing that outlives the database transaction.
	// given is what the caller gave, over which tx runs.
	Admit func(ctx context.Context, tx Executor, given any) error
	// Ready checks the settings of a connection of the store's own pool, likewise.
	Ready func(ctx context.Context, conn Executor) error
}

// Statements is the SQL of one engine, in the order in which a post uses it. Engines keep the same order so that
// their files read side by side. In a statement, (...) stands for a list of parameters: one for each value, or one
// list for each row after VALUES. (SELECT ...) stands for those lists as SELECTs of c1, c2 and so on, united; where a
// parameter needs a type, the columns stand before the dots: (SELECT CAST(? AS SIGNED), ? ...).
type Statements struct {
	HasSchema     string // one row when there is a table bursar_migration
	Migrated      string // version, checksum of each applied migration, in order
	StampChecksum string // checksum, version
	LockSchema    string // seconds: 1 when this connection alone migrates the database; empty where DDL is transactional
	UnlockSchema  string

	Book       string // name
	InsertBook string // name, uuid, genesis: nothing when the name is taken
	InsertHead string // book, seq, at, hash

	Turn         string // book: locks the turn of those who write in mode Queue; empty when nobody can be in the way
	LockAccounts string // book, paths...: locks them in order of number
	TryAccounts  string // book, paths...: locks those that nobody else holds; empty when all are always free
	ReadAccounts string // book, paths...: without a lock; empty when reading is locking
	Paths        string // book, paths...: the paths that exist
	LockVersions string // accounts...: account and version, locked in order of number; empty when reading is locking
	SeenVersions string // accounts...: likewise, as a plain read sees them; empty where Admit has seen that it sees all
	Known        string // book, ids...
	Taken        string // book, references...
	Head         string // book
	LockHead     string // book: likewise, locked; empty when reading is locking
	TryHead      string // book: likewise, no row when someone else holds it
	TakeKeys     string // makes the block that NextKeys then reads; empty when one statement does both
	NextKeys     string // the next entry key and account number, or the first key of a block
	UnsealedKeys string // book: in order
	TryEntries   string // keys...: those that are not sealed and that nobody else holds
	EntriesOf    string // keys...: in order

	InsertRequests    string
	InsertAccounts    string
	InsertBalances    string
	UpdateBalances    string
	SealEntries       string // entry, seq, at, hash of each
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
	AuditUnsealed   string // book, after key, limit: likewise, not sealed; empty where every entry is sealed
	AuditRequests   string // book, after row, limit: the row key, the id of its last entry and faults beside the request
	AuditRequestsOf string // book, ids...: likewise
	AuditAccounts   string // book, after number, limit
	AuditStrays     string // what no page of an audit reaches, in any book: name and number of rows
	AuditStorage    string // faults that the engine finds in tables and indexes; empty where it cannot look
	AuditGuards     string // names of triggers and indexes that are missing
}

// expand writes count parameters for the (...) in a statement.
func expand(statement string, count int) string {
	return strings.Replace(statement, "(...)", "("+strings.TrimSuffix(strings.Repeat("?,", count), ",")+")", 1)
}

// expandRows writes rows lists of columns parameters each for the (...) or (SELECT ...) in a statement.
func expandRows(statement string, rows, columns int) string {
	list := strings.TrimSuffix(strings.Repeat("?, ", columns), ", ")
	before, rest, _ := strings.Cut(statement, "(SELECT ")
	own, after, selects := strings.Cut(rest, "...)")
	if !selects || strings.HasSuffix(own, "(") {
		return strings.Replace(statement, "(...)", "("+list+")"+strings.Repeat(",("+list+")", rows-1), 1)
	}
	list = cmp.Or(strings.TrimSpace(own), list)
	var text strings.Builder
	text.WriteString(before + "(SELECT ")
	for c, column := range strings.Split(list, ", ") {
		if c > 0 {
			text.WriteString(", ")
		}
		fmt.Fprintf(&text, "%s AS c%d", column, c+1)
	}
	text.WriteString(strings.Repeat(" UNION ALL SELECT "+list, rows-1) + ")" + after)
	return text.String()
}
