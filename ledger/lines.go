package ledger

import (
	"context"
	"slices"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/money"
)

// linePage collects a page of a span. The entries of a transfer follow one another in the history of each of its
// accounts, because it was decided under the locks of all of them.
type linePage struct {
	*span
	limit int
	// transfers are in the order asked; the entries of each are in their own order.
	transfers [][]driver.EntryRow
	legs      int
	more      bool
}

// full reports whether nothing more belongs on the page.
func (p *linePage) full() bool { return len(p.transfers) == p.limit || p.legs >= bursar.PageMax }

// version is the account's version after an entry.
func (p *linePage) version(e *driver.EntryRow) int64 {
	after, _ := side(e, p.account.Number)
	return after.Version
}

// backward collects the transfers that ended before version after, the latest first; 0 is no bound.
func (p *linePage) backward(ctx context.Context, r driver.Reader, after int64) error {
	key, skipped := p.key, bursar.ID{}
	if after > 0 && after <= p.high.Version {
		e, err := entryBefore(ctx, r, p.account, driver.MarkVersion, after+1)
		if err != nil || e == nil {
			return err
		}
		key, skipped = e.Key, e.Transfer // which ended at this version or later
	}
	var legs []driver.EntryRow // of one transfer, the last first
	for key != 0 {
		entries, err := history(ctx, r, p.account, key, p.limit-len(p.transfers)+1)
		if err != nil {
			return err
		}
		for i := range entries {
			e := &entries[i]
			if len(legs) > 0 && legs[0].Transfer != e.Transfer {
				p.add(legs)
				legs = nil
			}
			if p.version(e) <= p.low.Version {
				p.add(legs)
				return nil
			}
			if p.full() {
				p.more = true
				return nil
			}
			if e.Transfer != skipped {
				legs = append(legs, *e)
			}
			_, key = side(e, p.account.Number)
		}
	}
	p.add(legs)
	return nil
}

// add adds a transfer whose legs were read backwards.
func (p *linePage) add(legs []driver.EntryRow) {
	if len(legs) > 0 {
		slices.Reverse(legs)
		p.transfers = append(p.transfers, legs)
		p.legs += len(legs)
	}
}

// forward collects the transfers that ended after version after, the first one first. Entries only point back, so it
// reads stretches of the history from their ends.
func (p *linePage) forward(ctx context.Context, r driver.Reader, after int64) error {
	for at := max(after, p.low.Version); at < p.high.Version; {
		if p.full() {
			p.more = true
			return nil
		}
		stretch, err := p.stretch(ctx, r, at)
		if err != nil {
			return err
		}
		for _, legs := range stretch {
			if p.full() {
				break
			}
			p.transfers = append(p.transfers, legs)
			p.legs += len(legs)
			at = p.version(&legs[len(legs)-1])
		}
	}
	return nil
}

// stretch is the next transfers that ended after version at, whole and in order: at least one, and seldom more than the
// page has room for.
func (p *linePage) stretch(ctx context.Context, r driver.Reader, at int64) ([][]driver.EntryRow, error) {
	for _, most := range [2]int{p.limit - len(p.transfers) + 1, bursar.LegsMax + 1} {
		end := min(at+int64(most), p.high.Version)
		transfers, err := p.between(ctx, r, at, end)
		if err != nil {
			return nil, err
		}
		if end < p.high.Version {
			transfers = transfers[:len(transfers)-1] // the last of them may go on
		}
		if len(transfers) > 0 {
			return transfers, nil
		}
	}
	return nil, bursar.Errorf(bursar.CodeCorrupt,
		"a transfer has more than %d entries of %s after version %d: run bursar verify", bursar.LegsMax, p.account.Path, at)
}

// between is the transfers with an entry after version at and up to version end, in order. The first is whole.
func (p *linePage) between(ctx context.Context, r driver.Reader, at, end int64) ([][]driver.EntryRow, error) {
	key := p.key
	if end < p.high.Version {
		e, err := entryBefore(ctx, r, p.account, driver.MarkVersion, end+1)
		if err != nil {
			return nil, err
		}
		if e == nil {
			return nil, brokenHistory(p.account, key)
		}
		key = e.Key
	}
	var found linePage
	var legs []driver.EntryRow // of one transfer, the last first
	for more := true; more && key != 0; {
		entries, err := history(ctx, r, p.account, key, int(end-at)+1)
		if err != nil {
			return nil, err
		}
		for i := range entries {
			e := &entries[i]
			version := p.version(e)
			other := len(legs) > 0 && legs[0].Transfer != e.Transfer
			if more = version > p.low.Version && (version > at || !other); !more {
				break
			}
			if other {
				found.add(legs)
				legs = nil
			}
			legs = append(legs, *e)
			_, key = side(e, p.account.Number)
		}
	}
	found.add(legs)
	slices.Reverse(found.transfers)
	return found.transfers, nil
}

// history is a stretch of an account's history, backwards from the entry with a key.
func history(
	ctx context.Context, r driver.Reader, account *driver.AccountRow, key int64, limit int,
) ([]driver.EntryRow, error) {
	entries, err := r.History(ctx, account.Number, key, limit)
	if err == nil && len(entries) == 0 {
		err = brokenHistory(account, key)
	}
	return entries, err
}

// lines are the transfers of the page as lines, and where the next page goes on.
func (p *linePage) lines() (lines []bursar.StatementLine, next int64, err error) {
	lines = make([]bursar.StatementLine, len(p.transfers))
	for i, legs := range p.transfers {
		if lines[i], err = lineOf(legs, p.account); err != nil {
			return nil, 0, err
		}
	}
	if p.more {
		next = lines[len(lines)-1].Version
	}
	return lines, next, nil
}

// lineOf is a transfer, or an act, as one of its accounts sees it.
func lineOf(entries []driver.EntryRow, account *driver.AccountRow) (l bursar.StatementLine, err error) {
	e := &entries[len(entries)-1]
	after, _ := side(e, account.Number)
	l = bursar.StatementLine{Seq: e.Notes.Seq, At: e.Notes.At, Effective: e.Notes.At, Decided: e.Decided, Kind: e.Kind,
		Transfer: e.Transfer, Reference: e.Notes.Reference, Other: other(e, account.Number),
		Amount: money.Zero(account.Currency), Balance: after.Balance, Version: after.Version}
	if e.Backdated {
		l.Effective = e.Effective
	}
	if e.Notes.LastEntry == 0 {
		return l, bursar.Errorf(bursar.CodeCorrupt,
			"nothing is remembered of %v, which moved %s: run bursar verify", e.Transfer, account.Path)
	}
	if l.Metadata, err = metadataOf(e.Notes.Metadata); err != nil {
		return l, err
	}
	l.Legs = make([]bursar.StatementLeg, 0, len(entries))
	for i := range entries {
		leg := legOf(&entries[i], account.Number)
		if leg.Other != l.Other {
			l.Other = ""
		}
		if l.Amount, err = l.Amount.Add(leg.Amount); err != nil {
			return l, outOfRange(err, account)
		}
		if e.Kind == bursar.EntryLeg {
			l.Legs = append(l.Legs, leg)
		}
	}
	return l, nil
}

func legOf(e *driver.EntryRow, account int64) bursar.StatementLeg {
	after, _ := side(e, account)
	return bursar.StatementLeg{Leg: e.Leg, Seq: e.Seq, Other: other(e, account), Amount: amountOn(e, account),
		Balance: after.Balance}
}

// other is the account on the other side of an entry.
func other(e *driver.EntryRow, account int64) string {
	if e.FromAccount == account {
		return e.To
	}
	return e.From
}
