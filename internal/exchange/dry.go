package exchange

import (
	"context"
	"errors"
	"io"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// Known is what a dry run asks of a ledger. A *ledger.Ledger has it.
type Known interface {
	// Account is one account, or account_not_found.
	Account(ctx context.Context, path string) (bursar.Account, error)
	// Transfer is what became of an id, or transfer_not_found.
	Transfer(ctx context.Context, id bursar.ID) (bursar.TransferRecord, error)
}

// DryOptions says how a dry run goes. The zero value, and nil, are the defaults.
type DryOptions struct {
	// Open says which accounts may be opened when they do not exist, as in ImportOptions. Defaults to none.
	Open []Opener
	// Opening is told of every account that would be opened, and for which line.
	Opening func(line int, o bursar.Opening)
	// Fault is told of everything that the import would stop at or that the ledger would refuse.
	Fault func(err error)
}

// Plan is what an import would do.
type Plan struct {
	Rows      int64 `json:"rows"` // that make sense
	Transfers int64 `json:"transfers"`
	Fresh     int64 `json:"fresh"`  // transfers that would be posted
	Known     int64 `json:"known"`  // transfers that were posted
	Opened    int64 `json:"opened"` // accounts that would be opened
	Faults    int64 `json:"faults"`
}

// faultsMax is how many faults are told before a dry run gives up.
const faultsMax = 1_000

// DryRun reads the rows as [Import] does, looks at each, and says what an import would do. It writes nothing, and does
// not stop at a row that makes no sense. Whether there is money enough is not judged: that is up to the ledger.
//
// l may be nil: a ledger that would be made. Errors: canceled, those of l, and those of reading the file any further.
func DryRun(ctx context.Context, l Known, rows *Rows, o *DryOptions) (Plan, error) {
	if o == nil {
		o = &DryOptions{}
	}
	if l == nil {
		l = nobody{}
	}
	d := &dryRun{
		known: l, options: o, groups: newGroups(rows),
		openers:    importer{ledger: asking{known: l}, options: ImportOptions{Open: o.Open}},
		currencies: make(map[string]money.Currency), seen: make(map[bursar.ID]digest),
		told: make(map[string]bool),
	}
	rows.source = &skipping{source: rows.source, run: d}
	for d.plan.Faults < faultsMax {
		if err := ctx.Err(); err != nil {
			return d.plan, &bursar.Error{Code: bursar.CodeCanceled, Message: "stopped", Err: err}
		}
		it, err := d.groups.next()
		switch {
		case errors.Is(err, io.EOF):
			return d.plan, nil
		case err != nil && !d.readsOn(err):
			return d.plan, err
		case err != nil:
			d.fault(err)
			continue
		}
		if err := d.look(ctx, it); err != nil {
			return d.plan, err
		}
	}
	return d.plan, tooManyFaults()
}

// dryRun is a DryRun under way.
type dryRun struct {
	known      Known
	options    *DryOptions
	groups     *groups
	openers    importer
	currencies map[string]money.Currency // of the accounts that exist or would be opened
	seen       map[bursar.ID]digest      // in this file
	told       map[string]bool           // accounts that are a fault, of which one is enough
	plan       Plan
}

// readsOn reports whether the rows behind one that makes no sense can be read.
func (d *dryRun) readsOn(err error) bool {
	code := bursar.CodeOf(err)
	return code != bursar.CodeTooLarge && bursar.Describe(code).Exit == bursar.Describe(bursar.CodeMalformed).Exit
}

func (d *dryRun) fault(err error) {
	d.plan.Faults++
	if d.options.Fault != nil {
		d.options.Fault(err)
	}
}

// look looks at one transfer. Its error is the ledger's, and not about the transfer.
func (d *dryRun) look(ctx context.Context, it *item) error {
	first := &it.rows[0]
	d.plan.Rows += int64(len(it.rows))
	d.plan.Transfers++
	if err := it.transfer.Validate(); err != nil {
		d.fault(d.at(first, err))
		return nil
	}
	posted, err := d.posted(ctx, it)
	switch {
	case posted:
		d.plan.Known++
		return nil
	case undecided(err):
		return err
	case err != nil:
		d.fault(d.at(first, err))
		return nil
	}
	d.seen[it.transfer.ID] = it.content
	sound := true
	for i := range it.rows {
		ok, err := d.accounts(ctx, &it.rows[i])
		if err != nil {
			return err
		}
		sound = sound && ok
	}
	if sound {
		d.plan.Fresh++
	}
	return nil
}

// posted reports whether the ledger, or the file before this place, has the transfer. Its error is a refusal.
func (d *dryRun) posted(ctx context.Context, it *item) (bool, error) {
	reused := bursar.Errorf(bursar.CodeIDReused, "the id %v is that of a transfer with other content", it.transfer.ID)
	if content, twice := d.seen[it.transfer.ID]; twice {
		if content != it.content {
			return false, reused
		}
		return true, nil
	}
	record, err := d.known.Transfer(ctx, it.transfer.ID)
	switch {
	case errors.Is(err, bursar.ErrTransferNotFound):
		return false, nil
	case err != nil:
		return false, err
	case record.Refusal != nil:
		return false, record.Refusal
	case !sameLegs(it.transfer.Legs, record.Entries):
		return false, reused
	default:
		return true, nil
	}
}

func sameLegs(legs []bursar.Leg, entries []bursar.Entry) bool {
	if len(legs) != len(entries) {
		return false
	}
	for i := range legs {
		if e := &entries[i]; (bursar.Leg{From: e.From, To: e.To, Amount: e.Amount}) != legs[i] {
			return false
		}
	}
	return true
}

// accounts looks at the accounts of a row. ok is false when there was a fault.
func (d *dryRun) accounts(ctx context.Context, row *Row) (ok bool, err error) {
	ok = true
	for _, side := range [2]struct {
		column column
		path   string
	}{{columnFrom, row.From}, {columnTo, row.To}} {
		currency, err := d.currency(ctx, row, side.path)
		switch {
		case undecided(err):
			return false, err
		case err != nil:
			ok = false
			if !d.told[side.path] {
				d.told[side.path] = true
				d.fault(d.groups.fault(row, side.column, err))
			}
		case currency != row.Amount.Currency():
			ok = false
			d.fault(d.groups.fault(row, columnAmount, bursar.Errorf(bursar.CodeCurrencyMismatch,
				"%v is not in %v, the currency of %s", row.Amount, currency, side.path)))
		}
	}
	return ok, nil
}

// currency is that of an account that exists, or that would be opened for the row.
func (d *dryRun) currency(ctx context.Context, row *Row, path string) (money.Currency, error) {
	if currency, ok := d.currencies[path]; ok {
		return currency, nil
	}
	account, err := d.known.Account(ctx, path)
	if err == nil {
		d.currencies[path] = account.Currency
		return account.Currency, nil
	}
	if !errors.Is(err, bursar.ErrAccountNotFound) {
		return money.Currency{}, err
	}
	opening, err := d.openers.opening(ctx, path, row.Amount.Currency())
	if err == nil {
		err = opening.Validate()
	}
	if err != nil {
		return money.Currency{}, err
	}
	d.currencies[path] = opening.Currency
	d.plan.Opened++
	if d.options.Opening != nil {
		d.options.Opening(row.Line, *opening)
	}
	return opening.Currency, nil
}

// at names the line of a row.
func (d *dryRun) at(row *Row, err error) error {
	return d.groups.rows.place(&fault{line: row.Line, err: err})
}

// nobody is a ledger that has not been made.
type nobody struct{}

func (nobody) Account(_ context.Context, path string) (bursar.Account, error) {
	return bursar.Account{}, bursar.Errorf(bursar.CodeAccountNotFound, "no account %s", path)
}

func (nobody) Transfer(_ context.Context, id bursar.ID) (bursar.TransferRecord, error) {
	return bursar.TransferRecord{}, bursar.Errorf(bursar.CodeTransferNotFound, "no transfer %v", id)
}

// skipping passes over the rows that cannot be read, and tells of them. So a transfer is whole without them.
type skipping struct {
	source
	run *dryRun
}

func (s *skipping) next(r *record) error {
	for {
		err := s.source.next(r)
		if err == nil {
			_, err = r.parse()
		}
		if err == nil || errors.Is(err, io.EOF) || !s.run.readsOn(err) {
			return err
		}
		s.run.fault(s.run.groups.rows.place(err))
		if s.run.plan.Faults >= faultsMax {
			return tooManyFaults()
		}
		*r = record{}
	}
}

func tooManyFaults() error {
	return bursar.Errorf(bursar.CodeTooLarge,
		"there are %d faults: the rest of the file was not looked at", faultsMax)
}

// asking is as much of a Ledger as is needed to find out how an account would be opened.
type asking struct {
	Ledger
	known Known
}

func (a asking) Account(ctx context.Context, path string) (bursar.Account, error) {
	return a.known.Account(ctx, path)
}
