package journal

import "encoding/binary"

// RequestKind says what a caller asked for. The numbers are in every hash and never change meaning.
type RequestKind uint8

// The kinds of request. docs/journal.md reserves the numbers of verbs that do not exist yet.
const (
	// RequestTransfer asks for one or more legs, all or nothing.
	RequestTransfer RequestKind = 1
	// RequestOpen asks for a new account.
	RequestOpen RequestKind = 2
)

// ConditionKind says what a condition compares.
type ConditionKind uint8

// The kinds of condition.
const (
	// ConditionAtLeast wants the available balance to be at least an amount.
	ConditionAtLeast ConditionKind = 1
	// ConditionVersion wants the account's version to be exactly a number.
	ConditionVersion ConditionKind = 2
)

// Leg is one movement that a transfer asks for.
type Leg struct {
	From, To string
	Currency string
	Scale    uint8
	Amount   Pair
}

// Condition is what a transfer wants to hold before its first leg. Currency, Scale and Amount belong to
// ConditionAtLeast, Version to ConditionVersion.
type Condition struct {
	Kind     ConditionKind
	Account  string
	Currency string
	Scale    uint8
	Amount   Pair
	Version  uint64
}

// Tag is one metadata pair.
type Tag struct{ Key, Value string }

// Bound is an optional limit.
type Bound struct {
	Set    bool
	Amount Pair
}

// Request is the content that a caller sent under an id: two requests are the same when their canonical bytes
// are. The id itself is not part of it. Fields that do not belong to the kind are zero.
type Request struct {
	Kind RequestKind

	// A transfer.
	Legs         []Leg
	Conditions   []Condition
	NotAfter     int64
	HasNotAfter  bool
	Effective    int64
	HasEffective bool
	Reference    string

	// The opening of an account.
	Account  string
	Currency string
	Scale    uint8
	Min, Max Bound

	// Both.
	Metadata []Tag // sorted by key, keys unique
}

// AppendRequest appends the canonical bytes of q to dst. It sorts nothing: Metadata must be in order.
func AppendRequest(dst []byte, q *Request) []byte {
	dst = append(dst, Version, byte(q.Kind))
	switch q.Kind {
	case RequestTransfer:
		dst = appendTransfer(dst, q)
	case RequestOpen:
		dst = append(appendString(appendString(dst, q.Account), q.Currency), q.Scale)
		dst = appendBound(appendBound(dst, q.Min), q.Max)
	default:
		panic("journal: request of unknown kind")
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(q.Metadata)))
	for _, tag := range q.Metadata {
		dst = appendString(appendString(dst, tag.Key), tag.Value)
	}
	return dst
}

func appendTransfer(dst []byte, q *Request) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(q.Legs)))
	for i := range q.Legs {
		leg := &q.Legs[i]
		dst = appendString(appendString(dst, leg.From), leg.To)
		dst = appendMoney(dst, leg.Currency, leg.Scale, leg.Amount)
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(q.Conditions)))
	for i := range q.Conditions {
		dst = appendCondition(dst, &q.Conditions[i])
	}
	dst = appendOptionalTime(dst, q.NotAfter, q.HasNotAfter)
	dst = appendOptionalTime(dst, q.Effective, q.HasEffective)
	return appendString(dst, q.Reference)
}

func appendCondition(dst []byte, c *Condition) []byte {
	dst = appendString(append(dst, byte(c.Kind)), c.Account)
	if c.Kind == ConditionVersion {
		return binary.BigEndian.AppendUint64(dst, c.Version)
	}
	return appendMoney(dst, c.Currency, c.Scale, c.Amount)
}

func appendBound(dst []byte, b Bound) []byte {
	if !b.Set {
		return append(dst, 0)
	}
	return appendPair(append(dst, 1), b.Amount)
}

// ParseRequest reads canonical bytes back, as strictly as ParseEntry.
func ParseRequest(b []byte) (Request, error) {
	r := reader{rest: b}
	r.version()
	q := Request{Kind: RequestKind(r.u8())}
	switch q.Kind {
	case RequestTransfer:
		r.transfer(&q)
	case RequestOpen:
		q.Account, q.Currency, q.Scale = r.text(), r.text(), r.u8()
		q.Min, q.Max = r.bound(), r.bound()
	default:
		r.fail("unknown kind of request")
	}
	for range r.u16() {
		if r.err != nil {
			break
		}
		q.Metadata = append(q.Metadata, Tag{Key: r.text(), Value: r.text()})
	}
	for i := 1; i < len(q.Metadata); i++ {
		if q.Metadata[i-1].Key >= q.Metadata[i].Key {
			r.fail("metadata is not sorted by unique keys")
		}
	}
	return q, r.end()
}

func (r *reader) transfer(q *Request) {
	for range r.u16() {
		if r.err != nil {
			return
		}
		leg := Leg{From: r.text(), To: r.text()}
		leg.Currency, leg.Scale, leg.Amount = r.money()
		q.Legs = append(q.Legs, leg)
	}
	for range r.u16() {
		if r.err != nil {
			return
		}
		q.Conditions = append(q.Conditions, r.condition())
	}
	q.NotAfter, q.HasNotAfter = r.optionalTime()
	q.Effective, q.HasEffective = r.optionalTime()
	q.Reference = r.text()
}

func (r *reader) condition() Condition {
	c := Condition{Kind: ConditionKind(r.u8()), Account: r.text()}
	switch c.Kind {
	case ConditionVersion:
		c.Version = r.u64()
	case ConditionAtLeast:
		c.Currency, c.Scale, c.Amount = r.money()
	default:
		r.fail("unknown kind of condition")
	}
	return c
}

func (r *reader) bound() Bound {
	if !r.flag() {
		return Bound{}
	}
	return Bound{Set: true, Amount: r.pair()}
}
