package verify

import (
	"bytes"
	"context"
	"fmt"
	"math"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/chain"
	"github.com/bursar-ledger/bursar/internal/journal"
	"github.com/bursar-ledger/bursar/money"
)

// replayed is the request whose entries are being replayed.
type replayed struct {
	id      bursar.ID
	open    bool // there is one
	known   bool // with content that can be read
	content journal.Request
	hash    [32]byte
	decided bursar.Instant
	key     int64 // of its last entry
	next    int   // leg that comes next
	last    spot  // of its last entry so far
}

// entries is how many entries the content asks for.
func (r *replayed) entries() int {
	if r.content.Kind == journal.RequestTransfer {
		return len(r.content.Legs)
	}
	return 1
}

// limits are the limits and the metadata of an opening.
func (r *replayed) limits(c money.Currency) (min, max driver.Limit, metadata string) {
	if !r.known || r.content.Kind != journal.RequestOpen {
		return driver.Limit{}, driver.Limit{}, ""
	}
	return limitOf(r.content.Min, c), limitOf(r.content.Max, c), chain.MetadataText(r.content.Metadata)
}

// records are stored requests by id.
type records map[bursar.ID][]driver.AuditedRequest

// requestsOf looks up the requests of entries, of those that may have one.
func (a *audit) requestsOf(ctx context.Context, entries []driver.AuditedEntry) (records, error) {
	var known records
	var ids []bursar.ID
	for i := range entries {
		id := &entries[i].Transfer
		if entries[i].Fault != nil || !a.filter.may(id) || len(ids) > 0 && ids[len(ids)-1] == *id {
			continue
		}
		if _, listed := known[*id]; listed {
			continue
		}
		if known == nil {
			known = make(records)
		}
		known[*id] = nil
		ids = append(ids, *id)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	found, err := a.source.AuditRequestsOf(ctx, a.book.Number, ids)
	for i := range found {
		if found[i].Fault == nil {
			known[found[i].ID] = append(known[found[i].ID], found[i])
		}
	}
	return known, err
}

// checkRequest compares an entry with what was asked for under its id, and gives it the hash of that.
func (a *audit) checkRequest(e *driver.AuditedEntry, known records) {
	r := &a.request
	if !r.open || r.id != e.Transfer {
		a.endRequest()
		*r = replayed{id: e.Transfer, open: true}
		a.begin(e, known[e.Transfer])
	}
	e.RequestHash = r.hash
	if r.known {
		if fault := r.compare(e); fault != "" {
			a.findIn(e, Requests, "%v: %s", e.Transfer, fault)
		}
	}
	r.next, r.last = e.Leg+1, spotOf(e)
}

// begin checks the request of an entry that is its first.
func (a *audit) begin(e *driver.AuditedEntry, records []driver.AuditedRequest) {
	if len(records) == 0 {
		a.beginAlone(e)
		return
	}
	if len(records) != 1 {
		a.findIn(e, Requests, "%v: %d requests have this id that can be read", e.Transfer, len(records))
		return
	}
	r, record := &a.request, &records[0]
	r.hash = journal.Hash(record.Content)
	if record.Refusal != nil {
		a.findIn(e, Requests, "%v: it was refused and has entries", e.Transfer)
		return
	}
	var err error
	if r.content, err = journal.ParseRequest(record.Content); err != nil {
		a.findIn(e, Requests, "%v: its content: %v", e.Transfer, err)
		return
	}
	r.known = true
	r.decided, r.key = record.Decided, record.LastEntry
	if e.Kind == bursar.EntryLeg && hashable(e) && bytes.Equal(record.Content, chain.Content(nil, &e.Entry)) {
		a.findIn(e, Requests, "%v: a row says again what its entry says", e.Transfer)
	}
	if fault := columns(record, &r.content); fault != "" {
		a.findIn(e, Requests, "%v: %s", e.Transfer, fault)
	}
	if r.content.HasNotAfter && int64(record.Decided) > r.content.NotAfter {
		a.findIn(e, Requests, "%v: it was decided after its not-after time", e.Transfer)
	}
	for i := range r.content.Conditions {
		if !a.satisfied(&r.content.Conditions[i]) {
			a.findIn(e, Requests, "%v: condition %d does not hold", e.Transfer, i)
		}
	}
}

// beginAlone takes what was asked for from the entry, because no row says it.
func (a *audit) beginAlone(e *driver.AuditedEntry) {
	if e.Kind != bursar.EntryLeg || e.Leg != 0 || !hashable(e) {
		a.findIn(e, Requests, "%v: no request has this id that can be read", e.Transfer)
		return
	}
	r := &a.request
	r.content = chain.Request(&e.Entry, a.single)
	a.single = r.content.Legs[:0]
	a.buf = journal.AppendRequest(a.buf[:0], &r.content)
	r.known, r.hash, r.decided, r.key = true, journal.Hash(a.buf), e.Decided, e.Key
	a.report.Requests++
}

// satisfied reports whether a condition is met before the request's first entry. A condition on an account that no leg
// touches passes, because it is not known when the ledger looked at the account.
func (a *audit) satisfied(c *journal.Condition) bool {
	touched := false
	for i := range a.request.content.Legs {
		leg := &a.request.content.Legs[i]
		touched = touched || leg.From == c.Account || leg.To == c.Account
	}
	if !touched {
		return true
	}
	acc := a.paths[c.Account]
	if acc == nil {
		return false
	}
	if c.Kind == journal.ConditionVersion {
		return uint64(acc.after.Version) == c.Version
	}
	least, err := money.FromParts(c.Amount.Hi, c.Amount.Lo, acc.currency)
	if err != nil || !sameCurrency(acc.currency, c.Currency, c.Scale) {
		return false
	}
	available, err := acc.after.Balance.Sub(acc.after.Held)
	if err != nil {
		return false
	}
	order, err := available.Cmp(least)
	return err == nil && order >= 0
}

// compare says how an entry differs from the request. It returns "" when it does not.
func (r *replayed) compare(e *driver.AuditedEntry) string {
	switch n := r.entries(); {
	case e.Decided != r.decided:
		return "the request and the entry were decided at different times"
	case e.Leg != r.next || e.Leg >= n:
		return fmt.Sprintf("leg %d of %d stands where leg %d is expected", e.Leg, n, r.next)
	case e.Key != r.key-int64(n-1-e.Leg):
		return fmt.Sprintf("the entry's row key is %d, and the request's last one %d", e.Key, r.key)
	case e.Backdated != r.content.HasEffective || e.Backdated && int64(e.Effective) != r.content.Effective:
		return "the entry has another effective time"
	case r.content.Kind == journal.RequestOpen:
		return r.compareOpening(e)
	default:
		return r.compareLeg(e)
	}
}

func (r *replayed) compareOpening(e *driver.AuditedEntry) string {
	if e.Kind != bursar.EntryOpen || e.To != r.content.Account ||
		!sameCurrency(e.Amount.Currency(), r.content.Currency, r.content.Scale) {
		return fmt.Sprintf("it asked to open %s in %s", r.content.Account, r.content.Currency)
	}
	return ""
}

func (r *replayed) compareLeg(e *driver.AuditedEntry) string {
	leg := &r.content.Legs[e.Leg]
	hi, lo := e.Amount.Parts()
	if e.Kind != bursar.EntryLeg || e.From != leg.From || e.To != leg.To ||
		(journal.Pair{Hi: hi, Lo: lo}) != leg.Amount || !sameCurrency(e.Amount.Currency(), leg.Currency, leg.Scale) {
		return fmt.Sprintf("leg %d asked for another movement than the entry's", e.Leg)
	}
	return ""
}

func sameCurrency(c money.Currency, code string, scale uint8) bool {
	return c.Code() == code && c.Scale() == int(scale)
}

// endRequest checks that the request before had all of its entries.
func (a *audit) endRequest() {
	if r := &a.request; r.open && r.known && r.next != r.entries() {
		at := r.last
		if at.seq > 0 {
			at.seq++
		}
		a.findAt(at, Requests, "%v: it asked for %d entries, and they end with number %d", r.id, r.entries(), r.next)
	}
	a.request.open = false
}

// columns says which column of a request differs from its content. It returns "" when none does.
func columns(record *driver.AuditedRequest, content *journal.Request) string {
	reference := content.Reference
	if record.Refusal != nil {
		reference = "" // it stays free
	}
	switch {
	case record.Reference != reference:
		return "the reference is not that of its content"
	case record.Metadata != chain.MetadataText(content.Metadata):
		return "the metadata is not that of its content"
	default:
		return ""
	}
}

// checkRequests looks at every request once. It checks refusals, and posted requests that no entry has led to.
func (a *audit) checkRequests(ctx context.Context) error {
	for row := int64(math.MinInt64); ; {
		page, err := a.source.AuditRequests(ctx, a.book.Number, row, pageSize)
		if err != nil {
			return err
		}
		for i := range page {
			r := &page[i]
			row = r.Row
			a.report.Requests++
			switch {
			case r.Fault != nil:
				a.find(0, Readable, "request %d: %v", r.Row, r.Fault)
			case r.Refusal != nil:
				a.report.Refusals++
				if fault := a.refusal(r); fault != "" {
					a.find(0, Requests, "refused %v: %s", r.ID, fault)
				}
			case r.EntryOf != r.ID:
				a.find(0, Requests, "%v: its last entry, %d, is missing or another's", r.ID, r.LastEntry)
			}
		}
		if len(page) < pageSize {
			return nil
		}
	}
}

// refusal says what is wrong with a refused request. It returns "" when nothing is.
func (a *audit) refusal(r *driver.AuditedRequest) string {
	content, err := journal.ParseRequest(r.Content)
	if err != nil {
		return err.Error()
	}
	if d := bursar.Describe(r.Refusal.Code); d.Code != r.Refusal.Code || !d.Remembered {
		return fmt.Sprintf("%q is not a code that is remembered", r.Refusal.Code)
	}
	if r.ID.Thing() {
		return "the id is that of a thing, and no refusal of a thing is remembered"
	}
	if fault := columns(r, &content); fault != "" {
		return fault
	}
	if r.RefusalHash != chain.Refusal(a.book.UUID, r.ID, r.Content, r.Decided, r.Refusal) {
		return "its id, content, time or answer has another hash than was stored with it"
	}
	return ""
}
