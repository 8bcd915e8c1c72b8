package sqlstore

import (
	"context"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/money"
)

// auditNames is what an audit reads once and holds, so that no entry needs a join: the names of all accounts, and the
// checkpoints that stand where none belongs.
type auditNames struct {
	accounts  map[int64]*auditedName // by number; nil before they were read
	misplaced map[misplaced]int64
}

// auditedName is what an entry says of an account beside its number.
type auditedName struct {
	path     string
	currency money.Currency
	fault    error // of the row or its currency
}

// misplaced is a checkpoint at a version that has none.
type misplaced struct{ account, version, entry int64 }

// misplacedMost is how many of them are held. More of them change nothing: the ledger is not sound.
const misplacedMost = 1_000

// read reads what is held, unless that is done.
func (a auditor) read(ctx context.Context) error {
	if a.names.accounts != nil {
		return nil
	}
	accounts, wrong := make(map[int64]*auditedName), make(map[misplaced]int64)
	err := a.query(ctx, a.sql.AuditPaths, nil, func(scan scanner) error {
		number, name, err := auditName(scan)
		accounts[number] = name
		return err
	})
	if err != nil {
		return err
	}
	err = a.query(ctx, a.sql.AuditMisplaced, []any{misplacedMost}, func(scan scanner) error {
		var m misplaced
		err := scan(&m.account, &m.version, &m.entry)
		wrong[m]++
		return err
	})
	if err == nil {
		*a.names = auditNames{accounts, wrong}
	}
	return err
}

// auditName reads PathColumns.
func auditName(scan scanner) (number int64, name *auditedName, err error) {
	var row driver.AccountRow
	read := account{AccountRow: &row}
	name = &auditedName{}
	if name.fault = scan(pathFields.targets(&read)...); name.fault != nil {
		err = scan(pathFields.only(&read, 0, "account")...)
		return row.Number, name, err
	}
	name.path = row.Path
	name.currency, name.fault = read.currency.decoded()
	return row.Number, name, nil
}

// entries reads entries with what points at them.
func (a auditor) entries(
	ctx context.Context, statement string, args []any, limit int,
) (entries []driver.AuditedEntry, err error) {
	if err := a.read(ctx); err != nil {
		return nil, err
	}
	entries = make([]driver.AuditedEntry, 0, min(limit, 1_024))
	page := a.newPage()
	err = a.query(ctx, statement, args, func(scan scanner) error {
		e, err := page.scan(scan)
		if err == nil {
			entries = append(entries, *e)
		}
		return err
	})
	return entries, err
}

// auditPage reads rows of entries, one after the other into the same places.
type auditPage struct {
	names *auditNames
	row   driver.AuditedEntry
	entry entry
	zero  bool // a zero stands where NULL says it
	cells []any
}

func (a auditor) newPage() *auditPage {
	p := &auditPage{names: a.names}
	p.clear()
	places := auditedFields.targets(&p.entry, &p.row.Checkpoints, &p.row.Backdatings)
	p.cells = make([]any, len(places))
	for i, place := range places {
		p.cells[i] = &auditCell{place: place, zero: &p.zero}
	}
	return p
}

// scan reads a row, which is valid until the next one is read.
func (p *auditPage) scan(scan scanner) (*driver.AuditedEntry, error) {
	p.clear()
	fault := scan(p.cells...)
	if fault == nil {
		fault = p.decode()
	}
	if fault == nil {
		return &p.row, nil
	}
	p.clear()
	err := scan(auditedFields.only(&p.entry, 2, "entry", "seq")...)
	key, seq := p.row.Key, p.entry.seq.Int64
	p.clear()
	p.row.Key, p.row.Seq, p.row.Fault = key, seq, fault
	return &p.row, err
}

func (p *auditPage) clear() {
	p.row, p.zero = driver.AuditedEntry{}, false
	p.entry = entry{EntryRow: &p.row.EntryRow}
}

// decode sets the row from what is stored.
func (p *auditPage) decode() error {
	e := &p.entry
	to := p.names.accounts[e.ToAccount]
	switch {
	case to == nil:
		return bursar.Errorf(bursar.CodeCorrupt, "account %d has no row", e.ToAccount)
	case to.fault != nil:
		return to.fault
	}
	e.To = to.path
	if e.fromAccount.Valid {
		if from := p.names.accounts[e.fromAccount.Int64]; from != nil {
			e.From = from.path
		}
	}
	if err := e.decodeIn(to.currency); err != nil {
		return err
	}
	if len(p.names.misplaced) > 0 {
		p.row.Checkpoints += p.names.misplaced[misplaced{e.FromAccount, e.FromAfter.Version, e.Key}] +
			p.names.misplaced[misplaced{e.ToAccount, e.ToAfter.Version, e.Key}]
	}
	return loose(p.zero || e.loose())
}

// loose reports a payer that is not there and has a number or an amount.
func (e *entry) loose() bool {
	if e.fromAccount.Valid {
		return e.fromAccount.Int64 == 0
	}
	return e.fromBalance != pair{} || e.fromHeld != pair{}
}
