package httpapi

import (
	"context"
	"time"

	"github.com/bursar-ledger/bursar"
)

// journalPage is a page of the journal.
type journalPage struct {
	Entries []bursar.Entry `json:"entries"`
	Next    int64          `json:"next,omitempty"`
}

func listJournal(ctx context.Context, c *call) (page journalPage, err error) {
	limit, err := c.limit()
	if err != nil {
		return page, err
	}
	after, err := c.count("after", 0, 0)
	if err != nil {
		return page, err
	}
	entries, err := c.ledger.Journal(ctx, after, limit)
	if err != nil {
		return page, err
	}
	page.Entries = listed(entries)
	more, err := further(entries, limit, func(last *bursar.Entry) ([]bursar.Entry, error) {
		return c.ledger.Journal(ctx, last.Seq, 1)
	})
	if more {
		page.Next = entries[len(entries)-1].Seq
	}
	return page, err
}

// headResponse is a bursar.Head and the name of its book.
type headResponse struct {
	Book string `json:"book"`
	bursar.Head
}

func getHead(ctx context.Context, c *call) (headResponse, error) {
	head, err := c.ledger.Head(ctx)
	return headResponse{Book: c.ledger.Book().Name, Head: head}, err
}

// trialBalance is the sums of balances, and the position that they cover.
type trialBalance struct {
	Seq    int64                  `json:"seq"`
	At     bursar.Instant         `json:"at,omitempty"`
	Totals []bursar.CurrencyTotal `json:"totals"`
}

func getTrialBalance(ctx context.Context, c *call) (trialBalance, error) {
	totals, head, err := c.ledger.TrialBalance(ctx, nil)
	return trialBalance{Seq: head.Seq, At: head.At, Totals: listed(totals)}, err
}

func getSums(ctx context.Context, c *call) (trialBalance, error) {
	asOf, err := c.asOf()
	if err != nil {
		return trialBalance{}, err
	}
	totals, head, err := c.ledger.Sum(ctx, c.query.Get("prefix"), asOf)
	return trialBalance{Seq: head.Seq, At: head.At, Totals: listed(totals)}, err
}

type health struct {
	Status string `json:"status" enum:"ok"`
}

// healthTimeout is how long the database may take to show that it is there.
const healthTimeout = 2 * time.Second

func getHealth(ctx context.Context, c *call) (health, error) {
	select {
	case <-c.options.Draining:
		return health{}, bursar.Errorf(bursar.CodeClosed, "the server is shutting down")
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	if _, err := c.ledger.Head(ctx); err != nil {
		return health{}, bursar.Errorf(bursar.CodeUnavailable, "the journal's head: %w", err)
	}
	return health{Status: "ok"}, nil
}
