package sqlstore

import (
	"database/sql"
	"fmt"
	"slices"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/chain"
	"github.com/bursar-ledger/bursar/internal/journal"
	"github.com/bursar-ledger/bursar/money"
)

// entry is a row of bursar_entry on its way between Go and the database. What both sides write alike stands in the row
// of package driver; the rest is here as it is stored.
type entry struct {
	*driver.EntryRow

	book                   int64
	seq, at                sql.NullInt64
	fromAccount, effective sql.NullInt64
	amount                 pair
	fromBalance, fromHeld  pair
	toBalance, toHeld      pair

	fromPath sql.NullString
	currency currency

	lag             int64
	content         []byte        // of the request; nil where that has no row
	lastEntry       sql.NullInt64 // of the request
	lastSeq, lastAt sql.NullInt64
}

// A new column of bursar_entry is one line in one of these lists. The texts of all engines follow.
var (
	entryKey = fields[entry]{
		{Column{"e", "entry", Bigint}, func(e *entry) any { return &e.Key }},
	}
	entryBook = fields[entry]{
		{Column{"e", "book", Bigint}, func(e *entry) any { return &e.book }},
	}
	// The place in the journal. All of it is NULL until the entry is sealed.
	entrySeq = fields[entry]{
		{Column{"e", "seq", Bigint}, func(e *entry) any { return &e.seq }},
	}
	entrySealed = fields[entry]{
		{Column{"e", "at", Bigint}, func(e *entry) any { return &e.at }},
		{Column{"e", "hash", Hash}, func(e *entry) any { return &fixedBytes{e.Hash[:], !e.at.Valid} }},
	}
	// What is decided.
	entryFacts = fields[entry]{
		{Column{"e", "kind", Integer}, func(e *entry) any { return (*uint8)(&e.Kind) }},
		{Column{"e", "request_id", UUID}, func(e *entry) any { return fixed(e.Transfer[:]) }},
		{Column{"e", "leg", Integer}, func(e *entry) any { return &e.Leg }},
		{Column{"e", "from_account", Bigint}, func(e *entry) any { return &e.fromAccount }},
		{Column{"e", "to_account", Bigint}, func(e *entry) any { return &e.ToAccount }},
		{Column{"e", "amount", Bigint}, func(e *entry) any { return &e.amount.lo }},
		{Column{"e", "amount_hi", Bigint}, func(e *entry) any { return (*orZero)(&e.amount.hi) }},
		{Column{"e", "from_version", Bigint}, func(e *entry) any { return &e.FromAfter.Version }},
		{Column{"e", "from_balance", Bigint}, func(e *entry) any { return &e.fromBalance.lo }},
		{Column{"e", "from_balance_hi", Bigint}, func(e *entry) any { return (*orZero)(&e.fromBalance.hi) }},
		{Column{"e", "from_held", Bigint}, func(e *entry) any { return (*orZero)(&e.fromHeld.lo) }},
		{Column{"e", "from_held_hi", Bigint}, func(e *entry) any { return (*orZero)(&e.fromHeld.hi) }},
		{Column{"e", "to_version", Bigint}, func(e *entry) any { return &e.ToAfter.Version }},
		{Column{"e", "to_balance", Bigint}, func(e *entry) any { return &e.toBalance.lo }},
		{Column{"e", "to_balance_hi", Bigint}, func(e *entry) any { return (*orZero)(&e.toBalance.hi) }},
		{Column{"e", "to_held", Bigint}, func(e *entry) any { return (*orZero)(&e.toHeld.lo) }},
		{Column{"e", "to_held_hi", Bigint}, func(e *entry) any { return (*orZero)(&e.toHeld.hi) }},
		{Column{"e", "from_prev", Bigint}, func(e *entry) any { return &e.FromPrev }},
		{Column{"e", "to_prev", Bigint}, func(e *entry) any { return &e.ToPrev }},
		{Column{"e", "effective", Bigint}, func(e *entry) any { return &e.effective }},
	}
	entryDecided = fields[entry]{
		{Column{"e", "decided", Bigint}, func(e *entry) any { return (*int64)(&e.Decided) }},
	}
	// How long after the decision the entry was sealed: what stands for the decision where every post seals its own.
	entryLag = fields[entry]{
		{Column{"e", "lag", Bigint}, func(e *entry) any { return &e.lag }},
	}
	// Of the two accounts: f pays, t is paid.
	entryAccounts = fields[entry]{
		{Column{"f", "path", Text}, func(e *entry) any { return &e.fromPath }},
		{Column{"t", "path", Text}, func(e *entry) any { return &e.To }},
		{Column{"t", "currency", Text}, func(e *entry) any { return &e.currency.code }},
		{Column{"t", "scale", Integer}, func(e *entry) any { return &e.currency.scale }},
	}

	// What was asked for: r, which has no row where the entry says all of it.
	entryContent = fields[entry]{
		{Column{"r", "content", Blob}, func(e *entry) any { return &e.content }},
	}
	entryNotes = fields[entry]{
		{Column{"r", "last_entry", Bigint}, func(e *entry) any { return &e.lastEntry }},
		{Column{"r", "reference", Text}, func(e *entry) any { return &optionalText{target: &e.Notes.Reference} }},
		{Column{"r", "metadata", Text}, func(e *entry) any { return &optionalText{target: &e.Notes.Metadata} }},
	}
	// The place of the request's last entry: l.
	entryLast = fields[entry]{
		{Column{"l", "seq", Bigint}, func(e *entry) any { return &e.lastSeq }},
		{Column{"l", "at", Bigint}, func(e *entry) any { return &e.lastAt }},
	}

	entryFields    = slices.Concat(entryKey, entrySeq, entrySealed, entryFacts, entryDecided, entryAccounts)
	newEntryFields = slices.Concat(entryKey, entryBook, entrySeq, entrySealed, entryFacts, entryDecided)
	placedFields   = slices.Concat(entryKey, entrySealed, entryFacts, entryLag)
	sealFields     = slices.Concat(entryKey, entrySeq, entrySealed)
	askedFields    = slices.Concat(entryFields, entryContent)
	notedFields    = slices.Concat(askedFields, entryNotes)
	historyFields  = slices.Concat(entryFields, entryNotes, entryLast)
	auditedFields  = slices.Concat(entryKey, entrySeq, entrySealed, entryFacts, entryDecided)
)

// The columns of entries, for the statements of the engines. A statement that reads calls the entry e, its accounts f
// and t, its request r and the last entry of that l.
var (
	EntryColumns   = entryFields.columns()
	AskedColumns   = askedFields.columns()    // of an entry with the content of its request
	NotedColumns   = notedFields.columns()    // and with what else its request says
	HistoryColumns = historyFields.columns()  // of an entry with what else its request says and where that ends
	AuditedColumns = auditedFields.columns()  // of an entry without the names of its accounts
	NewEntry       = newEntryFields.columns() // InsertEntries
	PlacedEntry    = placedFields.columns()   // InsertEntries where every post seals its own: the key is the place
	EntryPlace     = sealFields.columns()     // SealEntries: the key, and the place that it gets
)

// encode sets what is stored from a row that was decided.
func (e *entry) encode() {
	sealed := e.Seq != 0
	e.seq, e.at = sql.NullInt64{Int64: e.Seq, Valid: sealed}, sql.NullInt64{Int64: int64(e.At), Valid: sealed}
	e.lag = int64(e.At - e.Decided)
	e.fromAccount = sql.NullInt64{Int64: e.FromAccount, Valid: e.FromAccount != 0}
	e.effective = sql.NullInt64{Int64: int64(e.Effective), Valid: e.Backdated}
	e.amount = pairOf(e.Amount)
	e.fromBalance, e.fromHeld = pairOf(e.FromAfter.Balance), pairOf(e.FromAfter.Held)
	e.toBalance, e.toHeld = pairOf(e.ToAfter.Balance), pairOf(e.ToAfter.Held)
}

// decode sets a row from what is stored.
func (e *entry) decode() error {
	currency, err := e.currency.decoded()
	if err != nil {
		return err
	}
	e.From = e.fromPath.String
	return e.decodeIn(currency)
}

// decodeIn sets all of a row but the names of its accounts.
func (e *entry) decodeIn(currency money.Currency) error {
	e.Seq, e.At = e.seq.Int64, bursar.Instant(e.at.Int64)
	e.FromAccount = e.fromAccount.Int64
	e.Notes.LastEntry, e.Notes.Seq, e.Notes.At = e.lastEntry.Int64, e.lastSeq.Int64, bursar.Instant(e.lastAt.Int64)
	if !e.lastEntry.Valid && e.alone() {
		e.Notes.LastEntry, e.Notes.Seq, e.Notes.At = e.Key, e.Seq, e.At
	}
	e.Effective, e.Backdated = bursar.Instant(e.effective.Int64), e.effective.Valid
	c := amounts{currency: currency}
	e.Amount = c.of(e.amount)
	e.ToAfter.Balance, e.ToAfter.Held = c.of(e.toBalance), c.of(e.toHeld)
	if e.FromAccount != 0 {
		e.FromAfter.Balance, e.FromAfter.Held = c.of(e.fromBalance), c.of(e.fromHeld)
	}
	if c.err != nil {
		return fmt.Errorf("entry %d: %w", e.Key, c.err)
	}
	return nil
}

// alone reports whether an entry without a row of its request may say all that was asked for.
func (e *entry) alone() bool { return e.Kind == bursar.EntryLeg && e.Leg == 0 }

// hash sets the hash of what was asked for, which is zero if that is missing.
func (e *entry) hash() {
	switch {
	case e.content != nil:
		e.RequestHash = journal.Hash(e.content)
	case e.alone():
		e.RequestHash = journal.Hash(chain.Content(make([]byte, 0, contentSize), &e.Entry))
	}
}

// contentSize is room for the content of most requests.
const contentSize = 192

// scanEntry reads EntryColumns. more are the places of columns that the statement has after these.
func scanEntry(scan scanner, row *driver.EntryRow, more ...any) error {
	return scanFields(scan, entryFields, row, more...)
}

// scanFields reads entries without their RequestHash.
func scanFields(scan scanner, f fields[entry], row *driver.EntryRow, more ...any) error {
	e := entry{EntryRow: row}
	if err := scan(f.targets(&e, more...)...); err != nil {
		return err
	}
	return e.decode()
}

// scanAsked reads entries with the content of their request, of which they get the hash.
func scanAsked(scan scanner, f fields[entry], row *driver.EntryRow) error {
	e := entry{EntryRow: row}
	if err := scan(f.targets(&e)...); err != nil {
		return err
	}
	if err := e.decode(); err != nil {
		return err
	}
	e.hash()
	return nil
}

// Checkpoints are a sparse index into an account's history.
var checkpointFields = fields[driver.Checkpoint]{
	{Column{"c", "account", Bigint}, func(c *driver.Checkpoint) any { return &c.Account }},
	{Column{"c", "version", Bigint}, func(c *driver.Checkpoint) any { return &c.Version }},
	{Column{"c", "entry", Bigint}, func(c *driver.Checkpoint) any { return &c.Key }},
}

// checkpointSeq is for engines on which the key of an entry is not its place.
var checkpointSeq = fields[driver.Checkpoint]{
	{Column{"c", "seq", Bigint}, func(c *driver.Checkpoint) any { return &c.Seq }},
}

var unplacedCheckpoints = slices.Concat(checkpointFields, checkpointSeq)

// backdating is a row of the index of entries by effective time, one for each account of a backdated entry.
type backdating struct{ account, effective, entry int64 }

var backdatedFields = fields[backdating]{
	{Column{"d", "account", Bigint}, func(d *backdating) any { return &d.account }},
	{Column{"d", "effective", Bigint}, func(d *backdating) any { return &d.effective }},
	{Column{"d", "entry", Bigint}, func(d *backdating) any { return &d.entry }},
}

// The columns of the indexes of entries, for the statements of the engines.
var (
	NewCheckpoint    = unplacedCheckpoints.columns() // InsertCheckpoints
	PlacedCheckpoint = checkpointFields.columns()    // InsertCheckpoints where the key is the place
	NewBackdated     = backdatedFields.columns()     // InsertBackdated
)

// backdatings are those of entries.
func backdatings(entries []driver.EntryRow) (all []backdating) {
	for i := range entries {
		if e := &entries[i]; e.Backdated {
			effective := int64(e.Effective)
			all = append(all, backdating{e.FromAccount, effective, e.Key}, backdating{e.ToAccount, effective, e.Key})
		}
	}
	return all
}
