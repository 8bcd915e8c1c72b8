package httpapi

import (
	"context"
	"errors"
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// transferRequest is the body of a transfer as the document shows it; readTransfer reads it.
type transferRequest struct {
	ID         bursar.ID          `json:"id,omitzero" doc:"Makes the transfer idempotent: sent again, it is posted once. Made for you when absent; then a lost answer cannot be asked for again."`
	Reference  string             `json:"reference,omitempty" minLength:"1" maxLength:"255" doc:"Unique among the posted transfers of the book."`
	Legs       []legRequest       `json:"legs,omitempty" minItems:"1" maxItems:"256" doc:"Happen all or not at all, in order. Either legs, or from, to and amount."`
	From       string             `json:"from,omitempty" doc:"Short for a single leg."`
	To         string             `json:"to,omitempty" doc:"Short for a single leg."`
	Amount     money.Amount       `json:"amount,omitzero"`
	Conditions []conditionRequest `json:"conditions,omitempty" maxItems:"64" doc:"Must hold right before the first leg."`
	NotAfter   bursar.Instant     `json:"not_after,omitempty" doc:"Refuses the transfer when it is decided later than this."`
	Effective  bursar.Instant     `json:"effective,omitempty" doc:"Dates the transfer back."`
	Metadata   bursar.Metadata    `json:"metadata,omitempty"`
}

type legRequest struct {
	From   string       `json:"from"`
	To     string       `json:"to"`
	Amount money.Amount `json:"amount"`
}

type conditionRequest struct {
	Account string       `json:"account"`
	AtLeast money.Amount `json:"at_least,omitzero" doc:"The available balance is at least this. Either this or version."`
	Version int64        `json:"version,omitempty" doc:"The account's version is this."`
}

type batchRequest struct {
	Transfers []transferRequest `json:"transfers" maxItems:"10000" doc:"Judged one by one, in order."`
}

// batchResponse has one result for each transfer, in order.
type batchResponse struct {
	Results []batchResult `json:"results"`
}

// batchResult has exactly one of its fields.
type batchResult struct {
	Posted *bursar.Posted `json:"posted,omitempty"`
	Error  *problem       `json:"error,omitempty"`
}

// transferRecord is what the ledger remembers of an id.
type transferRecord struct {
	ID        bursar.ID        `json:"id"`
	Kind      bursar.EntryKind `json:"kind"`
	Reference string           `json:"reference,omitempty"`
	Metadata  bursar.Metadata  `json:"metadata,omitempty"`
	Decided   bursar.Instant   `json:"decided"`
	Refusal   *problem         `json:"refusal,omitempty" doc:"Why it was refused; absent when it was posted."`
	Entries   []entry          `json:"entries" doc:"In order; none when it was refused."`
}

func postTransfer(ctx context.Context, c *call) (answer, error) {
	var t bursar.Transfer
	var short bool
	err := decode(c.body, func(d *decoder) (err error) {
		t, short, err = readTransfer(d)
		return err
	})
	if err != nil {
		return answer{}, err
	}
	posted, err := c.ledger.Post(ctx, t)
	if err != nil {
		return answer{}, asSent(err, short)
	}
	return answer{body: posted, created: !posted.Replayed, replayed: posted.Replayed, location: "/v1/transfers/" + posted.ID.String()}, nil
}

func postBatch(ctx context.Context, c *call) (answer, error) {
	var b batch
	if err := decode(c.body, b.read); err != nil {
		return answer{}, err
	}
	results, err := c.ledger.PostBatch(ctx, b.transfers)
	if err != nil {
		return answer{}, err
	}
	out := batchResponse{Results: make([]batchResult, len(b.faults))}
	next := 0
	for i, err := range b.faults {
		if err == nil {
			result := &results[next]
			next++
			if result.Err == nil {
				out.Results[i].Posted = &result.Posted
				continue
			}
			err = asSent(result.Err, b.short[i])
		}
		p := c.problem(c.id, err)
		p.Request = "" // the whole answer has it in its header
		out.Results[i].Error = p
	}
	return answer{body: out}, nil
}

// batch is the body of a batch: the transfers that the ledger is to judge and the faults of the others.
type batch struct {
	transfers []bursar.Transfer
	faults    []error // one for each transfer sent, nil for those in transfers
	short     []bool
}

func (b *batch) read(d *decoder) error {
	found := false
	err := d.object(func(key string) error {
		if key != "transfers" {
			return errUnknown
		}
		found = true
		return d.array(func(i int) error {
			if i == bursar.BatchMax {
				return bursar.Errorf(bursar.CodeTooLarge, "a batch has at most %d transfers: send them in parts", bursar.BatchMax)
			}
			return b.readOne(d)
		})
	})
	if err == nil && !found {
		err = malformed("transfers", "the field is missing")
	}
	return err
}

func (b *batch) readOne(d *decoder) error {
	d.base, d.fault = len(d.path), nil
	t, short, err := readTransfer(d)
	if err != nil {
		return err
	}
	if d.fault == nil {
		b.transfers = append(b.transfers, t)
	}
	b.faults, b.short = append(b.faults, d.fault), append(b.short, short)
	d.base, d.fault = 0, nil
	return nil
}

// readTransfer reads a transfer; short says that it has from, to and amount in place of legs.
func readTransfer(d *decoder) (t bursar.Transfer, short bool, err error) {
	var single leg
	legs := false
	err = d.object(func(key string) (err error) {
		switch key {
		case "id":
			t.ID, err = d.uuid()
		case "reference":
			if t.Reference, err = d.text(); err == nil && t.Reference == "" {
				d.reject(bursar.Errorf(bursar.CodeReferenceInvalid, "the reference is empty: leave it out"))
			}
		case "legs":
			legs = true
			t.Legs, err = readLegs(d)
		case "conditions":
			t.Conditions, err = readConditions(d)
		case "not_after":
			var at bursar.Instant
			at, err = d.instant()
			t.NotAfter = at.Time()
		case "effective":
			var at bursar.Instant
			at, err = d.instant()
			t.Effective = at.Time()
		case "metadata":
			t.Metadata, err = d.metadata()
		default:
			err = single.read(d, key)
		}
		return err
	})
	if err != nil {
		return t, false, err
	}
	short = single.has != 0
	switch {
	case short && legs:
		d.reject(bursar.Errorf(bursar.CodeLegsInvalid, "the transfer has legs and also from, to or amount: send one or the other"))
	case short:
		single.complete(d)
		t.Legs = []bursar.Leg{single.Leg}
	case !legs:
		d.reject(bursar.Errorf(bursar.CodeLegsInvalid, "the transfer moves nothing: send from, to and amount, or legs"))
	}
	return t, short, nil
}

// leg is a leg being read.
type leg struct {
	bursar.Leg
	has uint8 // a bit for each field that came
}

const legComplete = 1 | 2 | 4

func (l *leg) read(d *decoder, key string) (err error) {
	switch key {
	case "from":
		l.has |= 1
		l.From, err = d.text()
	case "to":
		l.has |= 2
		l.To, err = d.text()
	case "amount":
		l.has |= 4
		l.Amount, err = d.amount()
	default:
		err = errUnknown
	}
	return err
}

// complete rejects a leg without one of its fields.
func (l *leg) complete(d *decoder) {
	for i, name := range []string{"from", "to", "amount"} {
		if l.has&(1<<i) == 0 {
			d.path = append(d.path, step{name: name})
			d.reject(bursar.Errorf(bursar.CodeLegsInvalid, "the field is missing"))
			d.path = d.path[:len(d.path)-1]
		}
	}
}

func readLegs(d *decoder) (legs []bursar.Leg, err error) {
	err = d.array(func(int) error {
		var l leg
		if err := d.object(func(key string) error { return l.read(d, key) }); err != nil {
			return err
		}
		if l.has != legComplete {
			l.complete(d)
		}
		legs = append(legs, l.Leg)
		return nil
	})
	return legs, err
}

func readConditions(d *decoder) (conditions []bursar.Condition, err error) {
	err = d.array(func(int) error {
		var c bursar.Condition
		err := d.object(func(key string) (err error) {
			switch key {
			case "account":
				c.Path, err = d.text()
			case "at_least":
				var a money.Amount
				a, err = d.amount()
				c.AtLeast = &a
			case "version":
				var n int64
				n, err = d.integer()
				c.Version = &n
			default:
				err = errUnknown
			}
			return err
		})
		conditions = append(conditions, c)
		return err
	})
	return conditions, err
}

// asSent names the field at fault as the caller wrote it: the short form has no legs.
func asSent(err error, short bool) error {
	var e *bursar.Error
	if !short || !errors.As(err, &e) || !strings.HasPrefix(e.Field, "legs[0]") {
		return err
	}
	named := *e
	named.Field = strings.TrimPrefix(strings.TrimPrefix(e.Field, "legs[0]"), ".")
	return &named
}

func getTransfer(ctx context.Context, c *call) (answer, error) {
	id, err := bursar.ParseID(c.r.PathValue("id"))
	if err != nil {
		return answer{}, err
	}
	t, err := c.ledger.Transfer(ctx, id)
	if err != nil {
		return answer{}, err
	}
	out := transferRecord{ID: t.ID, Kind: t.Kind, Reference: t.Reference, Metadata: t.Metadata, Decided: t.Decided, Entries: entries(t.Entries)}
	if t.Refusal != nil {
		out.Refusal = c.problem(c.id, t.Refusal)
		out.Refusal.Request = ""
	}
	return answer{body: out}, nil
}
