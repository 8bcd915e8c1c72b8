package httpapi

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// entry is an entry of the journal. What belongs to from is absent for an act on an account.
type entry struct {
	Seq         int64            `json:"seq"`
	At          bursar.Instant   `json:"at"`
	Hash        string           `json:"hash" pattern:"^[0-9a-f]{64}$" doc:"SHA-256 over the hash before it and the entry."`
	Kind        bursar.EntryKind `json:"kind"`
	Transfer    bursar.ID        `json:"transfer" doc:"The id of the transfer or act that the entry belongs to."`
	Leg         int              `json:"leg" doc:"The position of the leg in the transfer, from 0."`
	From        string           `json:"from,omitempty"`
	To          string           `json:"to"`
	Amount      money.Amount     `json:"amount"`
	FromVersion int64            `json:"from_version,omitempty"`
	FromBalance *money.Amount    `json:"from_balance,omitempty"`
	FromHeld    *money.Amount    `json:"from_held,omitempty"`
	ToVersion   int64            `json:"to_version"`
	ToBalance   money.Amount     `json:"to_balance"`
	ToHeld      money.Amount     `json:"to_held"`
	Effective   bursar.Instant   `json:"effective" doc:"The time at, unless the transfer was dated back."`
	Decided     bursar.Instant   `json:"decided"`
}

func entries(from []bursar.Entry) []entry {
	out := make([]entry, len(from))
	for i := range from {
		e := &from[i]
		out[i] = entry{Seq: e.Seq, At: e.At, Hash: hex.EncodeToString(e.Hash[:]), Kind: e.Kind, Transfer: e.Transfer, Leg: e.Leg,
			From: e.From, To: e.To, Amount: e.Amount, ToVersion: e.ToAfter.Version, ToBalance: e.ToAfter.Balance, ToHeld: e.ToAfter.Held,
			Effective: e.At, Decided: e.Decided}
		if e.From != "" {
			out[i].FromVersion, out[i].FromBalance, out[i].FromHeld = e.FromAfter.Version, &e.FromAfter.Balance, &e.FromAfter.Held
		}
		if e.Backdated {
			out[i].Effective = e.Effective
		}
	}
	return out
}

// journalPage is a page of the journal.
type journalPage struct {
	Entries []entry `json:"entries"`
	Next    int64   `json:"next" doc:"The after of the next page, which is empty until the journal has grown."`
}

// headResponse is the journal's last position.
type headResponse struct {
	Book string         `json:"book"`
	Seq  int64          `json:"seq"`
	At   bursar.Instant `json:"at,omitempty" doc:"Absent while the journal is empty."`
	Hash string         `json:"hash" pattern:"^[0-9a-f]{64}$"`
}

// trialBalance is the sums of all balances, and the position that they cover.
type trialBalance struct {
	Seq    int64                  `json:"seq"`
	At     bursar.Instant         `json:"at,omitempty"`
	Totals []bursar.CurrencyTotal `json:"totals"`
}

type health struct {
	Status string `json:"status" enum:"ok"`
}

func listJournal(ctx context.Context, c *call) (answer, error) {
	limit, err := c.limit()
	if err != nil {
		return answer{}, err
	}
	after, err := c.count("after", 0, 0)
	if err != nil {
		return answer{}, err
	}
	found, err := c.ledger.Journal(ctx, after, limit)
	if err != nil {
		return answer{}, err
	}
	page := journalPage{Entries: entries(found), Next: after}
	if n := len(found); n > 0 {
		page.Next = found[n-1].Seq
	}
	return answer{body: page}, nil
}

func getHead(ctx context.Context, c *call) (answer, error) {
	head, err := c.ledger.Head(ctx)
	if err != nil {
		return answer{}, err
	}
	return answer{body: headResponse{Book: c.ledger.Book().Name, Seq: head.Seq, At: head.At, Hash: hex.EncodeToString(head.Hash[:])}}, nil
}

func getTrialBalance(ctx context.Context, c *call) (answer, error) {
	totals, head, err := c.ledger.TrialBalance(ctx, nil)
	if err != nil {
		return answer{}, err
	}
	return answer{body: trialBalance{Seq: head.Seq, At: head.At, Totals: listed(totals)}}, nil
}

// healthTimeout is how long the database may take to show that it is there.
const healthTimeout = 2 * time.Second

func getHealth(ctx context.Context, c *call) (answer, error) {
	select {
	case <-c.options.Draining:
		return answer{}, bursar.Errorf(bursar.CodeClosed, "the server is shutting down")
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	if _, err := c.ledger.Head(ctx); err != nil {
		return answer{}, bursar.Errorf(bursar.CodeUnavailable, "the journal's head: %w", err)
	}
	return answer{body: health{Status: "ok"}}, nil
}
