package verify

import (
	"context"
	"fmt"
	"math"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/chain"
	"github.com/bursar-ledger/bursar/internal/journal"
	"github.com/bursar-ledger/bursar/money"
)

// asked is the request whose entries are being replayed.
type asked struct {
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
func (r *asked) entries() int {
	if r.content.Kind == journal.RequestTransfer {
		return len(r.content.Legs)
	}
	return 1
}

// limits are those of an opening.
func (r *asked) limits(c money.Currency) (min, max driver.Limit, metadata string) {
	if !r.known || r.content.Kind != journal.RequestOpen {
		return driver.Limit{}, driver.Limit{}, ""
	}
	return limitOf(r.content.Min, c), limitOf(r.content.Max, c), chain.MetadataText(r.content.Metadata)
}

// requestsOf looks up the requests of a page of entries.
func (a *audit) requestsOf(ctx context.Context, page []driver.AuditedEntry) (map[bursar.ID][]driver.AuditedRequest, error) {
	known := make(map[bursar.ID][]driver.AuditedRequest)
	var ids []bursar.ID
	for i := range page {
		id := page[i].Transfer
		if _, listed := known[id]; !listed && page[i].Fault == nil {
			known[id] = nil
			ids = append(ids, id)
		}
	}
	found, err := a.source.AuditRequestsOf(ctx, a.book.Number, ids)
	for i := range found {
		if found[i].Fault == nil {
			known[found[i].ID] = append(known[found[i].ID], found[i])
		}
	}
	return known, err
}

// ask compares an entry with what was asked for under its id.
func (a *audit) ask(e *driver.AuditedEntry, known map[bursar.ID][]driver.AuditedRequest) {
	r := &a.request
	if !r.open || r.id != e.Transfer {
		a.endRequest()
		*r = asked{id: e.Transfer, open: true}
		a.begin(e, known[e.Transfer])
	}
	if r.known {
		if fault := r.compare(e); fault != "" {
			a.fault(e, Requests, "%v: %s", e.Transfer, fault)
		}
	}
	r.next, r.last = e.Leg+1, spotOf(e)
}

// begin checks the request that an entry is the first one of.
func (a *audit) begin(e *driver.AuditedEntry, records []driver.AuditedRequest) {
	if len(records) != 1 {
		a.fault(e, Requests, "%v: %d requests have this id that can be read", e.Transfer, len(records))
		return
	}
	r, record := &a.request, &records[0]
	if record.Refusal != nil {
		a.fault(e, Requests, "%v: it was refused and has entries", e.Transfer)
		return
	}
	var err error
	if r.content, err = journal.ParseRequest(record.Content); err != nil {
		a.fault(e, Requests, "%v: its content: %v", e.Transfer, err)
		return
	}
	r.known = true
	r.hash, r.decided, r.key = journal.Hash(record.Content), record.Decided, record.LastEntry
	if fault := columns(record, &r.content); fault != "" {
		a.fault(e, Requests, "%v: %s", e.Transfer, fault)
	}
	if r.content.HasNotAfter && int64(record.Decided) > r.content.NotAfter {
		a.fault(e, Requests, "%v: it was decided after its not-after time", e.Transfer)
	}
	for i := range r.content.Conditions {
		if !a.holds(&r.content.Conditions[i]) {
			a.fault(e, Requests, "%v: condition %d does not hold", e.Transfer, i)
		}
	}
}

// holds reports whether a condition holds before the request's first entry. Of an account that no leg touches it
// is not known when it was looked at.
func (a *audit) holds(c *journal.Condition) bool {
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

// compare says what of an entry is not as the request has it, or nothing.
func (r *asked) compare(e *driver.AuditedEntry) string {
	switch n := r.entries(); {
	case e.RequestHash != r.hash:
		return "its content has another hash than the entry says"
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

func (r *asked) compareOpening(e *driver.AuditedEntry) string {
	if e.Kind != bursar.EntryOpen || e.To != r.content.Account || !sameCurrency(e.Amount.Currency(), r.content.Currency, r.content.Scale) {
		return fmt.Sprintf("it asked to open %s in %s", r.content.Account, r.content.Currency)
	}
	return ""
}

func (r *asked) compareLeg(e *driver.AuditedEntry) string {
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

// columns says which columns of a request are not as its content has them.
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

// checkRequests looks at every request once: refusals, and posted ones that no entry has led to.
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
				if fault := refusal(r); fault != "" {
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

// refusal says what is wrong with a refused request, or nothing.
func refusal(r *driver.AuditedRequest) string {
	content, err := journal.ParseRequest(r.Content)
	if err != nil {
		return err.Error()
	}
	if d := bursar.Describe(r.Refusal.Code); d.Code != r.Refusal.Code || !d.Remembered {
		return fmt.Sprintf("%q is not a code that is remembered", r.Refusal.Code)
	}
	return columns(r, &content)
}
