package ledger

import (
	"context"
	"iter"

	"github.com/bursar-ledger/bursar"
)

// The iterators read page after page, each in a snapshot of its own. So nothing is missed or doubled, and no
// database transaction is open while the loop's body runs: it may take its time, post and break. What is posted
// meanwhile is there if it comes later in the order. An error is the last that a loop sees.

// AllAccounts are all accounts that q selects, in order of path. q.Limit is how many are read at once. What happens to
// an account while the loop runs may be seen or not.
func (v *view) AllAccounts(ctx context.Context, q bursar.AccountQuery) iter.Seq2[bursar.Account, error] {
	return func(yield func(bursar.Account, error) bool) {
		next := q
		each(yield, func() ([]bursar.Account, bool, error) {
			limit, err := pageLimit(next.Limit)
			if err != nil {
				return nil, false, err
			}
			page, err := v.Accounts(ctx, next)
			if n := len(page); n > 0 {
				next.After = page[n-1].Path
			}
			return page, len(page) == limit, err
		})
	}
}

// AllLines are all lines that q selects of an account's statement, in the direction that q asks for. q.Limit is how
// many are read at once. Latest first, the loop sees the account as it was at the beginning; forward, it sees what is
// posted meanwhile, and ends with the line that was the last when it got there.
// The balances around the lines come with each page of Statement.
func (v *view) AllLines(
	ctx context.Context, path string, q bursar.StatementQuery,
) iter.Seq2[bursar.StatementLine, error] {
	return func(yield func(bursar.StatementLine, error) bool) {
		next := q
		each(yield, func() ([]bursar.StatementLine, bool, error) {
			page, err := v.Statement(ctx, path, next)
			next.After = page.Next
			return page.Lines, page.Next != 0, err
		})
	}
}

// AllEntries are all sealed entries after a position, in order, up to the head that the last page found.
func (v *view) AllEntries(ctx context.Context, after int64) iter.Seq2[bursar.Entry, error] {
	return func(yield func(bursar.Entry, error) bool) {
		next := after
		each(yield, func() ([]bursar.Entry, bool, error) {
			page, err := v.Journal(ctx, next, bursar.PageMax)
			if n := len(page); n > 0 {
				next = page[n-1].Seq
			}
			return page, len(page) == bursar.PageMax, err
		})
	}
}

// each yields the items of page after page. It ends with the last page, an error or when yield says so.
func each[T any](yield func(T, error) bool, read func() (page []T, more bool, err error)) {
	for more := true; more; {
		var page []T
		var err error
		if page, more, err = read(); err != nil {
			var none T
			yield(none, err)
			return
		}
		for _, item := range page {
			if !yield(item, nil) {
				return
			}
		}
	}
}
