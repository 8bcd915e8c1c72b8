package ledger

import (
	"maps"
	"slices"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/chain"
	"github.com/bursar-ledger/bursar/internal/journal"
	"github.com/bursar-ledger/bursar/money"
)

// request is a transfer or an opening that has passed every check that needs no database, with the canonical bytes that
// decide whether two requests are the same.
type request struct {
	id        bursar.ID
	transfer  *bursar.Transfer
	opening   *bursar.Opening
	derived   bool // the id was made of the account's path
	effective bursar.Instant
	notAfter  bursar.Instant
	metadata  string // canonical JSON, empty when there is none
	bytes     []byte
	hash      [32]byte
}

// entries is how many journal entries the request makes when it is not refused.
func (r *request) entries() int {
	if r.transfer != nil {
		return len(r.transfer.Legs)
	}
	return 1
}

// accounts is how many accounts the request names, with repeats.
func (r *request) accounts() int {
	if r.transfer != nil {
		return 2*len(r.transfer.Legs) + len(r.transfer.Conditions)
	}
	return 1
}

// paths calls yield for every account that the request names, with repeats: from and to of each leg, and then those of
// the conditions.
func (r *request) paths(yield func(string)) {
	if r.opening != nil {
		yield(r.opening.Path)
		return
	}
	for i := range r.transfer.Legs {
		yield(r.transfer.Legs[i].From)
		yield(r.transfer.Legs[i].To)
	}
	for i := range r.transfer.Conditions {
		yield(r.transfer.Conditions[i].Path)
	}
}

// requestOf is the request of one transfer, in memory of its own.
func requestOf(t *bursar.Transfer) (*request, error) {
	var a asked
	if err := new(posting).request(&a, t); err != nil {
		return nil, err
	}
	return &a.request, nil
}

// request checks t and copies it, so that the caller may go on using its slices and maps.
func (p *posting) request(a *asked, t *bursar.Transfer) error {
	if err := t.Validate(); err != nil {
		return err
	}
	a.transfer, a.request = *t, request{id: t.ID, transfer: &a.transfer}
	c, r := &a.transfer, &a.request
	first := len(p.legs)
	p.legs = append(p.legs, t.Legs...)
	c.Legs = p.legs[first:len(p.legs):len(p.legs)]
	content := journal.Request{Kind: journal.RequestTransfer, Reference: t.Reference, Legs: p.legFacts(c.Legs)}
	if len(t.Conditions) > 0 {
		c.Conditions = slices.Clone(t.Conditions)
		for i := range c.Conditions {
			condition := &c.Conditions[i]
			condition.AtLeast, condition.Version = copied(condition.AtLeast), copied(condition.Version)
			content.Conditions = append(content.Conditions, conditionOf(condition))
		}
	}
	if !t.Effective.IsZero() {
		r.effective = bursar.Instant(t.Effective.UnixNano())
		content.Effective, content.HasEffective = int64(r.effective), true
	}
	if !t.NotAfter.IsZero() {
		r.notAfter = bursar.Instant(t.NotAfter.UnixNano())
		content.NotAfter, content.HasNotAfter = int64(r.notAfter), true
	}
	p.bytes = r.encode(p.bytes, &content, t.Metadata)
	return nil
}

// requestOpen checks o and copies it.
func requestOpen(o *bursar.Opening) (*request, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	c := *o
	c.Min, c.Max = copied(o.Min), copied(o.Max)
	if c.Min == nil && !c.NoMin {
		zero := money.Zero(o.Currency)
		c.Min = &zero
	}
	r := &request{id: o.ID, opening: &c}
	if o.ID.IsZero() {
		r.id, r.derived = bursar.IDOf("account.open", o.Path), true
	}
	r.encode(nil, &journal.Request{Kind: journal.RequestOpen, Account: o.Path,
		Currency: o.Currency.Code(), Scale: uint8(o.Currency.Scale()),
		Min: boundOf(c.Min), Max: boundOf(c.Max)}, o.Metadata)
	return r, nil
}

// copied keeps what a pointer of the caller's points to, which may change while the request waits.
func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// encode adds the metadata, appends the canonical bytes to those of other requests, and hashes them.
func (r *request) encode(buf []byte, content *journal.Request, m bursar.Metadata) []byte {
	if len(m) > 0 {
		content.Metadata = make([]journal.Tag, 0, len(m))
		for _, key := range slices.Sorted(maps.Keys(m)) {
			content.Metadata = append(content.Metadata, journal.Tag{Key: key, Value: m[key]})
		}
		r.metadata = chain.MetadataText(content.Metadata)
	}
	first := len(buf)
	buf = journal.AppendRequest(buf, content)
	r.bytes = buf[first:len(buf):len(buf)]
	r.hash = journal.Hash(r.bytes)
	return buf
}

// legFacts are legs as their canonical bytes need them, until the next call.
func (p *posting) legFacts(legs []bursar.Leg) []journal.Leg {
	p.facts = slices.Grow(p.facts[:0], len(legs))[:len(legs)]
	for i := range legs {
		leg, currency := &legs[i], legs[i].Amount.Currency()
		p.facts[i] = journal.Leg{From: leg.From, To: leg.To,
			Currency: currency.Code(), Scale: uint8(currency.Scale()), Amount: chain.Pair(leg.Amount)}
	}
	return p.facts
}

func conditionOf(c *bursar.Condition) journal.Condition {
	if c.Version != nil {
		return journal.Condition{Account: c.Path, Kind: journal.ConditionVersion, Version: uint64(*c.Version)}
	}
	currency := c.AtLeast.Currency()
	return journal.Condition{Account: c.Path, Kind: journal.ConditionAtLeast, Amount: chain.Pair(*c.AtLeast),
		Currency: currency.Code(), Scale: uint8(currency.Scale())}
}

func boundOf(limit *money.Amount) journal.Bound {
	if limit == nil {
		return journal.Bound{}
	}
	return journal.Bound{Set: true, Amount: chain.Pair(*limit)}
}
