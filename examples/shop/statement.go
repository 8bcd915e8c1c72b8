package main

import (
	"context"
	"time"

	"github.com/bursar-ledger/bursar"
)

// statement is what happened on any account in a month such as "2026-01", in UTC and in order. A month that is over is
// final. On PostgreSQL a purchase counts where its commit was written into the journal, up to a quarter of a second
// later.
func (s *shop) statement(ctx context.Context, in request) (bursar.Statement, error) {
	begin, err := time.Parse("2006-01", in.Month)
	if err != nil {
		return bursar.Statement{}, bursar.Errorf(bursar.CodeTimeInvalid, "the month %q is not written like 2026-01", in.Month)
	}
	query := bursar.StatementQuery{From: begin, To: begin.AddDate(0, 1, 0), Forward: true}
	month, err := s.ledger.Statement(ctx, in.Account, query)
	for err == nil && month.Next != 0 {
		var page bursar.Statement
		query.After = month.Next
		page, err = s.ledger.Statement(ctx, in.Account, query)
		month.Lines = append(month.Lines, page.Lines...)
		month.Closing, month.Next, month.Seq = page.Closing, page.Next, page.Seq
	}
	return month, err
}
