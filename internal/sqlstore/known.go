package sqlstore

import (
	"database/sql"
	"slices"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/chain"
)

// known is what an id leads to, as it is stored: the row of the request, if there is one, and the entry that has taken
// the id. Of the two that is missing which has nothing to say.
type known struct {
	request

	decided  sql.NullInt64 // of the request; NULL where it has no row
	last     spot          // where the request's last entry is
	kind     sql.NullInt64 // of the entry; the rest is of it, too
	key      sql.NullInt64
	own      spot
	settled  sql.NullInt64
	amount   sql.NullInt64
	amountHi int64
	dated    sql.NullInt64
	from, to sql.NullString
	code     sql.NullString
	scale    sql.NullInt64
}

// spot is a place in the journal.
type spot struct{ seq, at sql.NullInt64 }

// of is a row of bursar_request as a part of what is known.
func (f field[R]) of(part func(*known) *R) field[known] {
	return field[known]{f.Column, func(k *known) any { return f.place(part(k)) }}
}

var (
	knownRequest = fields[known]{
		{Column{"k", "request_id", UUID}, func(k *known) any { return fixed(k.ID[:]) }},
		{Column{"r", "content", Blob}, func(k *known) any { return &k.Content }},
		{Column{"r", "decided", Bigint}, func(k *known) any { return &k.decided }},
	}
	knownEntry = fields[known]{
		{Column{"l", "seq", Bigint}, func(k *known) any { return &k.last.seq }},
		{Column{"l", "at", Bigint}, func(k *known) any { return &k.last.at }},
		{Column{"k", "kind", Integer}, func(k *known) any { return &k.kind }},
		{Column{"k", "entry", Bigint}, func(k *known) any { return &k.key }},
		{Column{"k", "seq", Bigint}, func(k *known) any { return &k.own.seq }},
		{Column{"k", "at", Bigint}, func(k *known) any { return &k.own.at }},
		{Column{"k", "decided", Bigint}, func(k *known) any { return &k.settled }},
		{Column{"k", "amount", Bigint}, func(k *known) any { return &k.amount }},
		{Column{"k", "amount_hi", Bigint}, func(k *known) any { return (*orZero)(&k.amountHi) }},
		{Column{"k", "effective", Bigint}, func(k *known) any { return &k.dated }},
		{Column{"f", "path", Text}, func(k *known) any { return &k.from }},
		{Column{"t", "path", Text}, func(k *known) any { return &k.to }},
		{Column{"t", "currency", Text}, func(k *known) any { return &k.code }},
		{Column{"t", "scale", Integer}, func(k *known) any { return &k.scale }},
	}

	knownFields = slices.Concat(knownRequest, requestOfKnown(), knownEntry)
)

func requestOfKnown() (f fields[known]) {
	for _, column := range requestFacts {
		f = append(f, column.of(func(k *known) *request { return &k.request }))
	}
	return f
}

// KnownColumns are what a look-up of ids reads, for the statements of the engines. They call the request r and its last
// entry l. k is the entry with leg 0 that has the id, of which f and t are the accounts. The id is k's.
var KnownColumns = knownFields.columns()

// scanKnown reads KnownColumns.
func scanKnown(scan scanner, record *driver.RequestRecord) error {
	k := known{request: request{RequestRecord: record}}
	if err := scan(knownFields.targets(&k)...); err != nil {
		return err
	}
	if k.decided.Valid {
		k.decode()
		k.Decided = bursar.Instant(k.decided.Int64)
		k.Seq, k.At = k.last.seq.Int64, bursar.Instant(k.last.at.Int64)
		return nil
	}
	return k.rebuild()
}

// rebuild makes what is remembered from the entry alone.
func (k *known) rebuild() error {
	if k.kind.Int64 != int64(bursar.EntryLeg) || !k.from.Valid || !k.to.Valid {
		return bursar.Errorf(bursar.CodeCorrupt, "%v: what was asked for is missing: run bursar verify", k.ID)
	}
	currency, err := currency{k.code.String, int(k.scale.Int64)}.decoded()
	if err != nil {
		return err
	}
	c := amounts{currency: currency}
	e := bursar.Entry{
		From: k.from.String, To: k.to.String, Amount: c.of(pair{k.amount.Int64, k.amountHi}),
		Effective: bursar.Instant(k.dated.Int64), Backdated: k.dated.Valid,
	}
	if c.err != nil {
		return c.err
	}
	k.Content = chain.Content(make([]byte, 0, contentSize), &e)
	k.Decided, k.LastEntry = bursar.Instant(k.settled.Int64), k.key.Int64
	k.Seq, k.At = k.own.seq.Int64, bursar.Instant(k.own.at.Int64)
	return nil
}
