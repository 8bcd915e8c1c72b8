package ledger

import (
	"context"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/coded"
	"github.com/bursar-ledger/bursar/money"
)

// Statement is a page of an account's history, one line for each transfer, with the balances around all of what q
// asks for. It has what is not sealed yet, too, with an empty place, so its lines always add up: Opening and the
// amounts of all lines are Closing.
//
// A From or a To that is past by the ledger's clock is reached as Balance reaches a time, also in a quiet ledger. What
// is asked of a past From to a past To is the same for ever. Where the time cannot be reached, such a bound that is
// later than the journal's head is [bursar.ErrAsOfAhead].
//
// Errors: those of Balance; a q with a From later than its To, or a negative After, is [bursar.ErrMalformed].
func (v *view) Statement(
	ctx context.Context, path string, q bursar.StatementQuery,
) (s bursar.Statement, err error) {
	if err := checkStatement(&q); err != nil {
		return s, err
	}
	err = v.asOf(ctx, func(ctx context.Context, r driver.Reader) error {
		s, err = v.statement(ctx, r, path, &q)
		return err
	})
	return s, err
}

// checkStatement also fills in the limit.
func checkStatement(q *bursar.StatementQuery) (err error) {
	field := ""
	switch {
	case !q.From.IsZero() && !q.To.IsZero() && q.From.After(q.To):
		field, err = "from", bursar.Errorf(bursar.CodeMalformed, "from %v is later than to %v", q.From, q.To)
	case q.After < 0:
		field, err = "after", bursar.Errorf(bursar.CodeMalformed, "there is no version %d of an account", q.After)
	default:
		q.Limit, err = pageLimit(q.Limit)
	}
	return coded.At(err, field)
}

// statement reads the head before the account. Inside a caller's database transaction these may be two snapshots, and
// all that the head covers must be there when the account is read. What is read later never changes.
func (v *view) statement(
	ctx context.Context, r driver.Reader, path string, q *bursar.StatementQuery,
) (bursar.Statement, error) {
	head, err := r.Head(ctx, v.book.Number)
	if err != nil {
		return bursar.Statement{}, err
	}
	account, err := v.account(ctx, r, path)
	if err != nil {
		return bursar.Statement{}, err
	}
	s, err := v.span(ctx, r, head, &account.AccountRow, q)
	if err != nil {
		return bursar.Statement{}, err
	}
	page := linePage{span: s, limit: q.Limit}
	if q.Forward {
		err = page.forward(ctx, r, q.After)
	} else {
		err = page.backward(ctx, r, q.After)
	}
	if err != nil {
		return bursar.Statement{}, err
	}
	lines, next, err := page.lines()
	return bursar.Statement{Path: path, Currency: account.Currency, Opening: s.low.Balance, Closing: s.high.Balance,
		Lines: lines, Next: next, Seq: s.seq}, err
}

// span is the part of an account's history that a statement covers. Neither end parts a transfer.
type span struct {
	account *driver.AccountRow
	low     bursar.After // the account before the first entry
	high    bursar.After // and after the last
	key     int64        // row key of the last entry, 0 when the account had none
	seq     int64        // the journal position that is covered
}

func (v *view) span(
	ctx context.Context, r driver.Reader, head bursar.Head, account *driver.AccountRow, q *bursar.StatementQuery,
) (*span, error) {
	s := &span{account: account, low: unopened(account), high: present(account), key: account.LastEntry, seq: head.Seq}
	if !q.To.IsZero() {
		seq, past, err := v.bound(ctx, r, head, q.To)
		if err != nil {
			return nil, coded.At(err, "to")
		}
		if past {
			s.seq = seq
			if s.high, s.key, err = last(ctx, r, account, seq); err != nil {
				return nil, err
			}
		}
	}
	if !q.From.IsZero() {
		seq, past, err := v.bound(ctx, r, head, q.From)
		if err != nil {
			return nil, coded.At(err, "from")
		}
		if s.low = s.high; past {
			if s.low, _, err = last(ctx, r, account, seq); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

// bound is the last journal position before t. A t that is not past has none. What will be sealed may still come before
// it.
func (v *view) bound(
	ctx context.Context, r driver.Reader, head bursar.Head, t time.Time,
) (seq int64, past bool, err error) {
	before := t.Add(-1)
	at, err := bursar.InstantOf(before)
	if err != nil {
		return 0, false, err
	}
	if at > head.At {
		stored, err := r.Now(ctx, v.book.Number)
		if err != nil {
			return 0, false, err
		}
		if now, err := v.now(stored); err != nil || at > now {
			return 0, false, err
		}
	}
	seq, err = v.position(ctx, r, head, before)
	return seq, true, err
}

// unopened is an account before its first entry.
func unopened(account *driver.AccountRow) bursar.After {
	zero := money.Zero(account.Currency)
	return bursar.After{Balance: zero, Held: zero}
}
