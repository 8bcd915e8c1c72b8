package httpapi

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/coded"
	"github.com/bursar-ledger/bursar/money"
)

// transferRequest is a bursar.Transfer as it is sent, or its short form: from, to and amount in place of legs. Where a
// field is a pointer, nil says that it was not sent.
type transferRequest struct {
	ID         bursar.ID          `json:"id,omitzero"`
	Reference  *string            `json:"reference,omitempty" minLength:"1" maxLength:"255"`
	Legs       []legRequest       `json:"legs,omitempty" minItems:"1" maxItems:"256"`
	From       *string            `json:"from,omitempty" doc:"Short for a single leg, in place of legs."`
	To         *string            `json:"to,omitempty" doc:"Short for a single leg, in place of legs."`
	Amount     *money.Amount      `json:"amount,omitempty"`
	Conditions []bursar.Condition `json:"conditions,omitempty" maxItems:"64" doc:"Must hold right before the first leg."`
	NotAfter   *bursar.Instant    `json:"not_after,omitempty"`
	Effective  *bursar.Instant    `json:"effective,omitempty" doc:"Dates the transfer back."`
	Metadata   bursar.Metadata    `json:"metadata,omitempty"`
}

// legRequest is a bursar.Leg as it is sent.
type legRequest struct {
	From   *string       `json:"from"`
	To     *string       `json:"to"`
	Amount *money.Amount `json:"amount"`
}

// short reports whether the transfer has the short form.
func (t *transferRequest) short() bool { return t.From != nil || t.To != nil || t.Amount != nil }

func (t *transferRequest) check(d *decoder) {
	if t.Reference != nil && *t.Reference == "" {
		d.rejectIn("reference", bursar.Errorf(bursar.CodeReferenceInvalid, "the reference is empty: leave it out"))
	}
	switch {
	case t.short() && t.Legs != nil:
		d.reject(bursar.Errorf(bursar.CodeLegsInvalid,
			"the transfer has legs and also from, to or amount: send one or the other"))
	case t.short():
		leg := legRequest{From: t.From, To: t.To, Amount: t.Amount}
		leg.check(d)
	case t.Legs == nil:
		d.reject(bursar.Errorf(bursar.CodeLegsInvalid,
			"the transfer moves nothing: send from, to and amount, or legs"))
	}
}

func (l *legRequest) check(d *decoder) {
	for _, field := range [...]struct {
		name string
		sent bool
	}{{"from", l.From != nil}, {"to", l.To != nil}, {"amount", l.Amount != nil}} {
		if !field.sent {
			d.rejectIn(field.name, bursar.Errorf(bursar.CodeLegsInvalid, "the field is missing"))
		}
	}
}

// transfer is what the ledger is asked for, once the request has passed its check.
func (t *transferRequest) transfer() bursar.Transfer {
	asked := bursar.Transfer{
		ID: t.ID, Conditions: t.Conditions, Metadata: t.Metadata,
		NotAfter: timeOf(t.NotAfter), Effective: timeOf(t.Effective),
	}
	if t.Reference != nil {
		asked.Reference = *t.Reference
	}
	if t.short() {
		asked.Legs = []bursar.Leg{{From: *t.From, To: *t.To, Amount: *t.Amount}}
	}
	for _, leg := range t.Legs {
		asked.Legs = append(asked.Legs, bursar.Leg{From: *leg.From, To: *leg.To, Amount: *leg.Amount})
	}
	return asked
}

// timeOf is the zero time for an instant that was not sent.
func timeOf(at *bursar.Instant) time.Time {
	if at == nil {
		return time.Time{}
	}
	return at.Time()
}

// asSent names the field at fault as the caller wrote it: the short form has no legs.
func (t *transferRequest) asSent(err error) error {
	var e *bursar.Error
	if !t.short() || !errors.As(err, &e) || !strings.HasPrefix(e.Field, "legs[0]") {
		return err
	}
	named := *e
	named.Field = strings.TrimPrefix(strings.TrimPrefix(e.Field, "legs[0]"), ".")
	return &named
}

func postTransfer(ctx context.Context, c *call, sent *transferRequest) (bursar.Posted, string, error) {
	if err := c.identify(&sent.ID); err != nil {
		return bursar.Posted{}, "", err
	}
	posted, err := c.ledger.Post(ctx, sent.transfer())
	return posted, "/v1/transfers/" + sent.ID.String(), about(sent.ID, sent.asSent(err))
}

// identify makes an id where none was sent, so that an answer can name it whatever becomes of the transfer.
func (c *call) identify(id *bursar.ID) (err error) {
	if id.IsZero() {
		*id, err = c.ledger.NewID()
	}
	return err
}

// batchRequest is the body of a batch.
type batchRequest struct {
	Transfers batchTransfers `json:"transfers" maxItems:"10000" doc:"Judged one by one, in order."`
}

type batchTransfers []batchTransfer

// batchTransfer is one transfer of a batch.
type batchTransfer struct {
	transferRequest
	fault error // a value that says nothing useful; the other transfers do not mind it
}

func (b *batchRequest) check(d *decoder) {
	if b.Transfers == nil {
		d.rejectIn("transfers", bursar.Errorf(bursar.CodeMalformed, "the field is missing"))
	}
}

func (b *batchTransfers) read(d *decoder) error {
	*b = batchTransfers{}
	return d.array(func(i int) (err error) {
		if i == bursar.BatchMax {
			return bursar.Errorf(bursar.CodeTooLarge, "a batch has at most %d transfers: send them in parts", bursar.BatchMax)
		}
		var t batchTransfer
		t.fault, err = d.apart(&t.transferRequest)
		*b = append(*b, t)
		return err
	})
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

func postBatch(ctx context.Context, c *call, sent *batchRequest) (batchResponse, error) {
	asked := make([]bursar.Transfer, 0, len(sent.Transfers))
	for i := range sent.Transfers {
		if t := &sent.Transfers[i]; t.fault == nil {
			if err := c.identify(&t.ID); err != nil {
				return batchResponse{}, err
			}
			asked = append(asked, t.transfer())
		}
	}
	results, err := c.ledger.PostBatch(ctx, asked)
	if err != nil {
		return batchResponse{}, err
	}
	out := batchResponse{Results: make([]batchResult, len(sent.Transfers))}
	for i := range sent.Transfers {
		t := &sent.Transfers[i]
		err := t.fault
		if err == nil {
			out.Results[i].Posted, err = &results[0].Posted, t.asSent(results[0].Err)
			results = results[1:]
		}
		if err != nil {
			out.Results[i] = batchResult{Error: c.within(about(t.ID, err))}
		}
	}
	return out, nil
}

// transferRecord is a bursar.TransferRecord with its refusal as a problem.
type transferRecord struct {
	bursar.TransferRecord
	Refusal *problem `json:"refusal,omitempty" doc:"Why it was refused; absent when it was posted."`
}

func getTransfer(ctx context.Context, c *call) (transferRecord, error) {
	id, err := bursar.ParseID(c.r.PathValue("id"))
	if err != nil {
		return transferRecord{}, err
	}
	record, err := c.ledger.Transfer(ctx, id)
	return c.shown(record, err)
}

func findTransfer(ctx context.Context, c *call) (transferRecord, error) {
	record, err := c.ledger.TransferByReference(ctx, c.query.Get("reference"))
	return c.shown(record, coded.At(err, "reference"))
}

// shown is what the ledger remembers, as it is answered.
func (c *call) shown(record bursar.TransferRecord, err error) (transferRecord, error) {
	if err != nil {
		return transferRecord{}, err
	}
	record.Entries = listed(record.Entries)
	out := transferRecord{TransferRecord: record}
	if record.Refusal != nil {
		refusal := *record.Refusal
		refusal.Final, refusal.Decided = true, record.Decided // what is stored is the answer for ever
		out.Refusal = c.within(about(record.ID, &refusal))
	}
	return out, nil
}

// within is a problem as a part of an answer. The id of the request is left to the answer's header.
func (c *call) within(err error) *problem {
	p := c.problem(c.id, err)
	p.Request = ""
	return p
}
