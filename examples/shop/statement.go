package main

import (
	"context"
	"slices"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// statement is what happened on an account in one month, in UTC, by the time at which an entry got its place in the
// journal. On PostgreSQL that is up to a quarter of a second after a purchase was committed.
type statement struct {
	Account string                 `json:"account"`
	Month   string                 `json:"month"`
	Opening money.Amount           `json:"opening"` // what the account had when the month began
	Lines   []bursar.StatementLine `json:"lines"`   // in order
	Closing money.Amount           `json:"closing"` // and when it ended, or has by now
}

// statement makes the statement of any account for a month such as "2026-01".
func (s *shop) statement(ctx context.Context, in request) (statement, error) {
	begin, err := time.Parse("2006-01", in.Month)
	if err != nil {
		return statement{}, bursar.Errorf(bursar.CodeTimeInvalid, "the month %q is not written like 2026-01", in.Month)
	}
	head, err := s.ledger.Seal(ctx) // so that the journal has what was committed a moment ago
	if err != nil {
		return statement{}, err
	}
	opening, err := s.ledger.Balance(ctx, in.Account, before(begin, head))
	if err != nil {
		return statement{}, err
	}
	closing, err := s.ledger.Balance(ctx, in.Account, before(begin.AddDate(0, 1, 0), head))
	if err != nil {
		return statement{}, err
	}
	lines, err := s.lines(ctx, in.Account, opening.Version, closing.Version)
	return statement{in.Account, in.Month, opening.Balance, lines, closing.Balance}, err
}

// before is the point right before a time, or the journal's head if the journal has not come so far.
func before(t time.Time, head bursar.Head) bursar.AsOf {
	if last := t.Add(-time.Nanosecond); last.Before(head.At.Time()) {
		return bursar.AsOf{At: last}
	}
	return bursar.AsOf{Seq: head.Seq}
}

// lines are the account's entries after one of its versions up to another. Every entry raises the version by one, so
// that their difference is the number of entries. The ledger lists the latest first, a page at a time.
func (s *shop) lines(ctx context.Context, account string, after, last int64) ([]bursar.StatementLine, error) {
	lines := make([]bursar.StatementLine, 0, last-after)
	for next := last; next > after; {
		query := bursar.StatementQuery{Before: next + 1, Limit: int(min(next-after, bursar.PageMax))}
		page, err := s.ledger.Statement(ctx, account, query)
		if err != nil {
			return nil, err
		}
		lines = append(lines, page...)
		next -= int64(len(page))
	}
	slices.Reverse(lines)
	return lines, nil
}
