package ledger

import (
	"fmt"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/journal"
)

// reused is the error for an id whose first request had other content.
func reused(r *request, first []byte) error {
	field := firstDifference(first, r.bytes)
	if r.derived {
		return &bursar.Error{Code: bursar.CodeAccountExists, Field: field,
			Message: fmt.Sprintf("account %s was opened with another %s", r.opening.Path, field)}
	}
	return &bursar.Error{Code: bursar.CodeIDReused, Field: field,
		Message: fmt.Sprintf("%s was used before with another %s", r.id, field)}
}

// firstDifference names the first field in which two canonical requests differ.
func firstDifference(a, b []byte) string {
	p, errP := journal.ParseRequest(a)
	q, errQ := journal.ParseRequest(b)
	if errP != nil || errQ != nil || p.Kind != q.Kind {
		return "kind"
	}
	if p.Kind == journal.RequestOpen {
		return differentOpening(&p, &q)
	}
	return differentTransfer(&p, &q)
}

func differentOpening(p, q *journal.Request) string {
	switch {
	case p.Account != q.Account:
		return "path"
	case p.Currency != q.Currency || p.Scale != q.Scale:
		return "currency"
	case p.Min != q.Min:
		return "min"
	case p.Max != q.Max:
		return "max"
	default:
		return "metadata"
	}
}

func differentTransfer(p, q *journal.Request) string {
	if len(p.Legs) != len(q.Legs) {
		return "legs"
	}
	for i := range p.Legs {
		a, b := p.Legs[i], q.Legs[i]
		switch {
		case a.From != b.From:
			return fmt.Sprintf("legs[%d].from", i)
		case a.To != b.To:
			return fmt.Sprintf("legs[%d].to", i)
		case a != b:
			return fmt.Sprintf("legs[%d].amount", i)
		}
	}
	if len(p.Conditions) != len(q.Conditions) {
		return "conditions"
	}
	for i := range p.Conditions {
		if p.Conditions[i] != q.Conditions[i] {
			return fmt.Sprintf("conditions[%d]", i)
		}
	}
	switch {
	case p.NotAfter != q.NotAfter || p.HasNotAfter != q.HasNotAfter:
		return "not_after"
	case p.Effective != q.Effective || p.HasEffective != q.HasEffective:
		return "effective"
	case p.Reference != q.Reference:
		return "reference"
	default:
		return "metadata"
	}
}
