package bursar

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bursar-ledger/bursar/internal/journal"
	"github.com/bursar-ledger/bursar/money"
)

// Bounds on what one request may hold. Error messages and docs name the same numbers.
const (
	legsMax          = 256
	conditionsMax    = 64
	pathBytesMax     = 255
	referenceMax     = 255
	metadataPairsMax = 32
	metadataKeyMax   = 64
	metadataValueMax = 512
	// BatchMax is the most transfers that one call of PostBatch takes.
	BatchMax = 10_000
)

// Request is a transfer or an opening that has passed every check that needs no database, with the canonical
// bytes that decide whether two requests are the same. Only this package makes one.
type Request struct {
	id        ID
	transfer  *Transfer
	opening   *Opening
	derived   bool // the id was made of the account's path
	effective Instant
	notAfter  Instant
	metadata  string // canonical JSON, empty when there is none
	bytes     []byte
	hash      [32]byte
}

// ID is the request's id.
func (r *Request) ID() ID { return r.id }

// Entries is how many journal entries the request makes when it is not refused.
func (r *Request) Entries() int {
	if r.transfer != nil {
		return len(r.transfer.Legs)
	}
	return 1
}

// paths calls yield for every account that the request names, with repeats.
func (r *Request) paths(yield func(string)) {
	if r.opening != nil {
		yield(r.opening.Account)
		return
	}
	for i := range r.transfer.Legs {
		yield(r.transfer.Legs[i].From)
		yield(r.transfer.Legs[i].To)
	}
	for i := range r.transfer.Conditions {
		yield(r.transfer.Conditions[i].Account)
	}
}

// requestOf checks t and copies it, so that the caller may go on using its slices and maps.
func requestOf(t *Transfer) (*Request, error) {
	c := *t
	c.Legs, c.Conditions = slices.Clone(t.Legs), slices.Clone(t.Conditions)
	for i := range c.Conditions {
		condition := &c.Conditions[i]
		condition.AtLeast, condition.Version = copied(condition.AtLeast), copied(condition.Version)
	}
	r := &Request{id: t.ID, transfer: &c}
	content := journal.Request{Kind: journal.RequestTransfer, Reference: t.Reference}
	if err := checkLegs(c.Legs, &content); err != nil {
		return nil, err
	}
	if err := checkConditions(c.Conditions, &content); err != nil {
		return nil, err
	}
	if t.Reference != "" {
		if err := checkReference(t.Reference); err != nil {
			return nil, err
		}
	}
	var err error
	if !t.Effective.IsZero() {
		if r.effective, err = InstantOf(t.Effective); err != nil {
			return nil, InField(err, "effective")
		}
		content.Effective, content.HasEffective = int64(r.effective), true
	}
	if !t.NotAfter.IsZero() {
		if r.notAfter, err = InstantOf(t.NotAfter); err != nil {
			return nil, InField(err, "not_after")
		}
		content.NotAfter, content.HasNotAfter = int64(r.notAfter), true
	}
	return r.seal(&content, t.Metadata)
}

// requestOpen checks o.
func requestOpen(o *Opening) (*Request, error) {
	c := *o
	c.Min, c.Max = copied(o.Min), copied(o.Max)
	r := &Request{id: o.ID, opening: &c}
	if err := checkPath(o.Account); err != nil {
		return nil, InField(err, "id")
	}
	if o.Currency.IsZero() {
		return nil, InField(Errorf(CurrencyInvalid, "an account needs a currency"), "currency")
	}
	if o.ID.IsZero() {
		r.id, r.derived = IDOf("account.open", o.Account), true
	}
	content := journal.Request{Kind: journal.RequestOpen, Account: o.Account,
		Currency: o.Currency.Code(), Scale: uint8(o.Currency.Scale())}
	if err := checkLimits(&c, &content); err != nil {
		return nil, err
	}
	return r.seal(&content, o.Metadata)
}

// copied keeps what a pointer of the caller's points to, which may change while the request waits.
func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// seal adds the metadata and makes the canonical bytes and their hash.
func (r *Request) seal(content *journal.Request, m Metadata) (*Request, error) {
	if len(m) > 0 {
		if err := checkMetadata(m); err != nil {
			return nil, err
		}
		content.Metadata = make([]journal.Tag, 0, len(m))
		for _, key := range slices.Sorted(maps.Keys(m)) {
			content.Metadata = append(content.Metadata, journal.Tag{Key: key, Value: m[key]})
		}
		r.metadata = metadataText(content.Metadata)
	}
	r.bytes = journal.AppendRequest(make([]byte, 0, 128), content)
	r.hash = journal.Hash(r.bytes)
	return r, nil
}

func checkLegs(legs []Leg, content *journal.Request) error {
	if len(legs) == 0 || len(legs) > legsMax {
		return InField(Errorf(LegsInvalid, "a transfer has 1 to %d legs, not %d", legsMax, len(legs)), "legs")
	}
	content.Legs = make([]journal.Leg, len(legs))
	for i := range legs {
		leg := &legs[i]
		if field, err := checkLeg(leg); err != nil {
			return InField(err, fmt.Sprintf("legs[%d].%s", i, field))
		}
		currency := leg.Amount.Currency()
		content.Legs[i] = journal.Leg{From: leg.From, To: leg.To,
			Currency: currency.Code(), Scale: uint8(currency.Scale()), Amount: pairOf(leg.Amount)}
	}
	return nil
}

func checkLeg(leg *Leg) (field string, err error) {
	if err := checkPath(leg.From); err != nil {
		return "from", err
	}
	if err := checkPath(leg.To); err != nil {
		return "to", err
	}
	if leg.Amount.Currency().IsZero() {
		return "amount", Errorf(AmountInvalid, "the amount has no currency")
	}
	if leg.Amount.Sign() <= 0 {
		return "amount", Errorf(AmountNotPositive, "%v is not more than zero", leg.Amount)
	}
	if leg.From == leg.To {
		return "to", Errorf(SameAccount, "from and to are both %s", leg.From)
	}
	return "", nil
}

func checkConditions(conditions []Condition, content *journal.Request) error {
	if len(conditions) > conditionsMax {
		return InField(Errorf(LegsInvalid, "a transfer has at most %d conditions, not %d", conditionsMax, len(conditions)), "conditions")
	}
	for i := range conditions {
		c := &conditions[i]
		field := fmt.Sprintf("conditions[%d]", i)
		if err := checkPath(c.Account); err != nil {
			return InField(err, field+".account")
		}
		fact := journal.Condition{Account: c.Account}
		switch {
		case c.AtLeast != nil && c.Version == nil && !c.AtLeast.Currency().IsZero():
			currency := c.AtLeast.Currency()
			fact.Kind, fact.Amount = journal.ConditionAtLeast, pairOf(*c.AtLeast)
			fact.Currency, fact.Scale = currency.Code(), uint8(currency.Scale())
		case c.Version != nil && c.AtLeast == nil && *c.Version >= 0:
			fact.Kind, fact.Version = journal.ConditionVersion, uint64(*c.Version)
		default:
			return InField(Errorf(Malformed, "a condition has either at_least with a currency or a version from 0 on"), field)
		}
		content.Conditions = append(content.Conditions, fact)
	}
	return nil
}

func checkLimits(o *Opening, content *journal.Request) error {
	zero := money.Zero(o.Currency)
	switch {
	case o.NoMin && o.Min != nil:
		return InField(Errorf(LimitsInvalid, "min and no minimum exclude each other"), "min")
	case o.Min == nil && !o.NoMin:
		o.Min = &zero
	}
	for _, limit := range []struct {
		field  string
		amount *money.Amount
		sign   int // the sign that would leave no room for a balance of zero
		bound  *journal.Bound
	}{{"min", o.Min, 1, &content.Min}, {"max", o.Max, -1, &content.Max}} {
		if limit.amount == nil {
			continue
		}
		if limit.amount.Currency() != o.Currency {
			return InField(Errorf(LimitsInvalid, "%v is not in %v", *limit.amount, o.Currency), limit.field)
		}
		if limit.amount.Sign() == limit.sign {
			return InField(Errorf(LimitsInvalid, "%v leaves no room for the balance of zero that an account opens with",
				*limit.amount), limit.field)
		}
		*limit.bound = journal.Bound{Set: true, Amount: pairOf(*limit.amount)}
	}
	return nil
}

// CheckAccount reports whether path is a well-formed account path, as [AccountInvalid] if not.
func CheckAccount(path string) error { return checkPath(path) }

func checkPath(path string) error {
	if path == "" {
		return Errorf(AccountInvalid, "an account path is missing")
	}
	if len(path) > pathBytesMax {
		return Errorf(AccountInvalid, "%q has %d bytes; a path has at most %d", shorten(path), len(path), pathBytesMax)
	}
	boundary := true // at the start of a segment
	for i := range len(path) {
		switch c := path[i]; {
		case c == ':' && boundary:
			return Errorf(AccountInvalid, "%q has an empty segment", shorten(path))
		case c == ':':
			boundary = true
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '.', c == '_', c == '-', c == '@', c == '+':
			boundary = false
		default:
			return Errorf(AccountInvalid, "%q has a character at byte %d that is not a letter, a digit or one of . _ - @ +", shorten(path), i)
		}
	}
	if boundary {
		return Errorf(AccountInvalid, "%q has an empty segment", shorten(path))
	}
	return nil
}

func checkReference(s string) error {
	control := strings.ContainsFunc(s, unicode.IsControl)
	if len(s) > referenceMax || !utf8.ValidString(s) || control {
		return InField(Errorf(ReferenceInvalid, "%q is not 1 to %d bytes of UTF-8 without control characters", shorten(s), referenceMax), "reference")
	}
	return nil
}

func checkMetadata(m Metadata) error {
	if len(m) > metadataPairsMax {
		return InField(Errorf(MetadataInvalid, "%d pairs are more than %d", len(m), metadataPairsMax), "metadata")
	}
	for key, value := range m {
		switch {
		case key == "" || len(key) > metadataKeyMax || !validText(key):
			return InField(Errorf(MetadataInvalid, "the key %q is not 1 to %d bytes of UTF-8 without NUL", shorten(key), metadataKeyMax), "metadata")
		case len(value) > metadataValueMax || !validText(value):
			return InField(Errorf(MetadataInvalid, "the value of %q is not at most %d bytes of UTF-8 without NUL", shorten(key), metadataValueMax), "metadata")
		}
	}
	return nil
}

func validText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// shorten keeps error messages readable whatever the input was.
func shorten(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
