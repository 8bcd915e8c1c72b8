package sqlstore

// Statements is the SQL of one engine, in a group for each part of a store. Engines keep the order of the fields, so
// that their files read side by side. The comments say: parameters, a colon, what comes back.
//
// A comment ends with the capability that a statement is for. An engine without ManyWriters, HiddenLevel, LocalLocks,
// TakesKeys or ChecksStorage leaves its statements empty. With NoWait, the statements that leave out what is locked
// fail instead.
type Statements struct {
	SchemaStatements
	BookStatements
	LockStatements
	WriteStatements
	SealStatements
	ReadStatements
	AuditStatements
}

// SchemaStatements keep the schema.
type SchemaStatements struct {
	HasSchema     string // one row when there is a table bursar_migration
	Migrated      string // version, checksum of each applied migration, in order
	StampChecksum string // checksum, version
	LockSchema    string // seconds: 1 when this connection alone migrates the database; empty where DDL does not commit
	UnlockSchema  string // gives LockSchema back; empty where that is
	EntryIndexes  string // name of each index of bursar_entry, and 1 when it is whole or 0 while it is being built
}

// BookStatements keep books.
type BookStatements struct {
	Book       string // name: number, uuid, genesis
	InsertBook string // name, uuid, genesis: nothing when the name is taken
	InsertHead string // book, seq, at, hash: nothing when there is one
}

// LockStatements gather what a decision needs. A post uses them in this order.
type LockStatements struct {
	Turn         string // book: locks the turn of those who write in ModeQueue (ManyWriters)
	LockAccounts Many   // book, paths: AccountColumns, and locks them in order of number
	TryAccounts  Many   // as LockAccounts, without what somebody else has locked (ManyWriters)
	ReadAccounts Many   // as LockAccounts, without a lock (ManyWriters)
	Paths        Many   // book, paths: the paths that exist (ManyWriters)
	LockVersions Many   // accounts: account and version, and locks them in order of number (ManyWriters)
	SeenVersions Many   // accounts: account and version, as a plain read sees them (HiddenLevel)
	Touch        Many   // accounts: changes rows that are locked (LocalLocks)
	Untouch      Many   // accounts: makes them again as they were before Touch (LocalLocks)
	Known        Many   // book, ids: KnownColumns
	Taken        Many   // book, references: the references that posted transfers have
	FileVersion  string // changes with what other connections have committed (not ManyWriters)
	IDsAround    string // book, id: the greatest id stored up to this one, and the least after it (not ManyWriters)
	Head         string // book: seq, at, hash, uuid of the book, and the time as microseconds by the database's clock or 0
	TakeKeys     string // makes the block that NextKeys then reads (TakesKeys)
	NextKeys     string // the first key of a block (KeyBlocks); or book: its last position and the next account number
}

// WriteStatements write a batch.
type WriteStatements struct {
	InsertRequests    Many   // NewRequest
	InsertAccounts    Many   // NewAccount
	InsertBalances    Many   // NewBalance
	UpdateBalances    Many   // BalanceGuard, BalanceMoves
	SealEntries       Many   // EntryPlace (ManyWriters)
	InsertEntries     Many   // NewEntry, or PlacedEntry without ManyWriters
	InsertCheckpoints Many   // NewCheckpoint, or PlacedCheckpoint without ManyWriters
	InsertBackdated   Many   // NewBackdated
	UpdateHead        string // seq, at, hash, book, old seq, old at, old hash
}

// SealStatements find what is to be sealed, and lock it (all ManyWriters).
type SealStatements struct {
	LockHead     string // as Head, and locks it
	TryHead      string // as LockHead; no row when somebody else has locked it
	UnsealedKeys string // book: minus the time as in Head, then keys in order
	TryEntries   Many   // keys: locks what is unsealed and nobody else has locked, and returns it
	EntriesOf    Many   // keys: AskedColumns, in order
}

// ReadStatements read.
type ReadStatements struct {
	Account        string // book, path: RecordColumns
	Accounts       string // book, after, prefix start, prefix end, limit: RecordColumns
	AccountsOf     Many   // book, paths: RecordColumns
	Request        string // book, id: KnownColumns
	Referenced     string // book, reference: id of the posted transfer that has it
	RequestEntries string // book, id, last entry's key: EntryColumns of the bursar.LegsMax entries up to that key
	Journal        string // book, after, limit: NotedColumns
	Back           string // account, key, limit: EntryColumns
	History        string // account, key, limit: HistoryColumns
	MarkSeq        string // account, seq: key
	MarkVersion    string // account, version: key
	Backdated      string // account, effective, seq: EntryColumns
}

// AuditStatements read every row as it is stored.
type AuditStatements struct {
	AuditBooks      string // number, name, uuid, genesis; seq, at, hash of the head
	AuditPaths      string // PathColumns of all accounts of all books
	AuditMisplaced  string // limit: account, version and entry of checkpoints at versions that have none
	AuditEntries    string // book, after seq, after key, limit: AuditedColumns, checkpoints, backdatings
	AuditUnsealed   string // book, after key, limit: as AuditEntries, what is not sealed (ManyWriters)
	AuditRequestIDs string // book: ids
	AuditRequests   string // book, after row, limit: RequestColumns, row key, id of its last entry, faulty
	AuditRequestsOf Many   // book, ids: as AuditRequests
	AuditAccounts   string // book, after number, limit: RecordColumns
	AuditStrays     string // what no page of an audit reaches, in any book: name and number of rows
	AuditStorage    string // faults that the engine finds in tables and indexes (ChecksStorage)
	AuditSchema     string // the objects of the schema: kind, table, name, text, state
}
