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
	dense     []*auditedName         // the same, of the lowest numbers
	misplaced map[misplaced]int64
	unused    chan []driver.AuditedEntry // pages that nobody reads any more
}

// unusedMost is how many unused pages are kept.
const unusedMost = 4

func newAuditNames() *auditNames {
	return &auditNames{unused: make(chan []driver.AuditedEntry, unusedMost)}
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
		a.names.accounts, a.names.dense, a.names.misplaced = accounts, dense(accounts), wrong
	}
	return err
}

// dense are accounts in the order of their numbers, which a program counts up from 1.
func dense(accounts map[int64]*auditedName) []*auditedName {
	names := make([]*auditedName, 2*len(accounts))
	for number, name := range accounts {
		if number >= 0 && number < int64(len(names)) {
			names[number] = name
		}
	}
	return names
}

// of is an account, nil when it has no row.
func (n *auditNames) of(number int64) *auditedName {
	if number >= 0 && number < int64(len(n.dense)) {
		return n.dense[number]
	}
	return n.accounts[number]
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

// AuditReuse keeps the memory of a few pages.
func (a auditor) AuditReuse(entries []driver.AuditedEntry) {
	select {
	case a.names.unused <- entries[:0]:
	default:
	}
}

// entries reads entries with what points at them.
func (a auditor) entries(
	ctx context.Context, statement string, args []any, limit int,
) (entries []driver.AuditedEntry, err error) {
	if err := a.read(ctx); err != nil {
		return nil, err
	}
	select {
	case entries = <-a.names.unused:
	default:
		entries = make([]driver.AuditedEntry, 0, min(limit, 1_024))
	}
	page := a.newPage()
	done := a.scan(ctx, statement, args, func(values []Scanned) { entries = append(entries, *page.values(values)) })
	if done {
		return entries, nil
	}
	entries = entries[:0]
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

	cells   []auditCell
	targets []any // the same
}

func (a auditor) newPage() *auditPage {
	p := &auditPage{names: a.names}
	p.clear()
	places := auditedFields.targets(&p.entry, &p.row.Checkpoints, &p.row.Backdatings)
	p.cells, p.targets = make([]auditCell, len(places)), make([]any, len(places))
	for i, place := range places {
		p.cells[i] = auditCell{place: place, zero: &p.zero}
		p.targets[i] = &p.cells[i]
	}
	return p
}

// scan reads a row, which is valid until the next one is read.
func (p *auditPage) scan(scan scanner) (*driver.AuditedEntry, error) {
	p.clear()
	fault := scan(p.targets...)
	if fault == nil {
		fault = p.decode()
	}
	if fault == nil {
		return &p.row, nil
	}
	p.clear()
	err := scan(auditedFields.only(&p.entry, 2, "entry", "seq")...)
	p.failed(p.row.Key, p.entry.seq.Int64, fault)
	return &p.row, err
}

// values is scan for a row that is read already.
func (p *auditPage) values(values []Scanned) *driver.AuditedEntry {
	p.clear()
	var fault error
	for i := range values {
		if err := p.cells[i].set(&values[i]); err != nil && fault == nil {
			fault = err
		}
	}
	key, seq := p.row.Key, p.entry.seq.Int64
	if fault == nil {
		fault = p.decode()
	}
	if fault != nil {
		p.failed(key, seq, fault)
	}
	return &p.row
}

// failed makes the row one that cannot be understood.
func (p *auditPage) failed(key, seq int64, fault error) {
	p.clear()
	p.row.Key, p.row.Seq, p.row.Fault = key, seq, fault
}

func (p *auditPage) clear() {
	p.row, p.zero = driver.AuditedEntry{}, false
	p.entry = entry{EntryRow: &p.row.EntryRow}
}

// decode sets the row from what is stored.
func (p *auditPage) decode() error {
	e := &p.entry
	to := p.names.of(e.ToAccount)
	switch {
	case to == nil:
		return bursar.Errorf(bursar.CodeCorrupt, "account %d has no row", e.ToAccount)
	case to.fault != nil:
		return to.fault
	}
	e.To = to.path
	if e.fromAccount.Valid {
		if from := p.names.of(e.fromAccount.Int64); from != nil {
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
