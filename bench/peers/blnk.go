package main

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/bench"
)

// blnk is a Blnk over its HTTP interface. Its queue is skipped, because an answer from the queue says only that the
// transaction waits.
type blnk struct {
	wire
	balances []string // their ids, by number
	applied  atomic.Int64
}

func newBlnk(url, key string) *blnk {
	b := &blnk{wire: newWire(url)}
	if key != "" {
		b.header.Set("X-Blnk-Key", key)
	}
	return b
}

type blnkTransaction struct {
	Reference   string `json:"reference"`
	Source      string `json:"source"`
	Destination string `json:"destination"`
	Amount      int64  `json:"precise_amount"`
	Precision   int64  `json:"precision"`
	Currency    string `json:"currency"`
	Description string `json:"description"`
	Overdraft   bool   `json:"allow_overdraft"`
	SkipQueue   bool   `json:"skip_queue"`
}

// Open makes a ledger with a balance for each account.
func (b *blnk) Open(ctx context.Context, accounts int) error {
	var ledger struct {
		ID string `json:"ledger_id"`
	}
	if err := b.send(ctx, http.MethodPost, "/ledgers", map[string]string{"name": "bench"}, &ledger); err != nil {
		return err
	}
	for range accounts {
		var balance struct {
			ID string `json:"balance_id"`
		}
		body := map[string]string{"ledger_id": ledger.ID, "currency": "USD"}
		if err := b.send(ctx, http.MethodPost, "/balances", body, &balance); err != nil {
			return err
		}
		b.balances = append(b.balances, balance.ID)
	}
	return nil
}

// Caller posts a single move as a transaction, and several as a bulk that is not atomic. What is not applied in the
// answer is an error.
func (b *blnk) Caller(context.Context) (func(context.Context, []bursar.ID, []bench.Move) error, error) {
	return func(ctx context.Context, ids []bursar.ID, moves []bench.Move) error {
		transactions := make([]blnkTransaction, len(moves))
		for i, m := range moves {
			transactions[i] = blnkTransaction{
				Reference: ids[i].String(), Source: b.balances[m.From], Destination: b.balances[m.To], Amount: m.Cents,
				Precision: 100, Currency: "USD", Description: "bench", Overdraft: true, SkipQueue: true,
			}
		}
		path, body, applied := "/transactions", any(&transactions[0]), "APPLIED"
		if len(moves) > 1 {
			path, applied = "/transactions/bulk", "applied"
			body = map[string]any{"transactions": transactions, "skip_queue": true}
		}
		var answer struct {
			Status string `json:"status"`
		}
		if err := b.send(ctx, http.MethodPost, path, body, &answer); err != nil {
			return err
		}
		if answer.Status != applied {
			return fmt.Errorf("%s answers the status %q, and not %s", path, answer.Status, applied)
		}
		b.applied.Add(int64(len(moves)))
		return nil
	}, nil
}

// Posted is what was answered as applied: there is no count to ask for.
func (b *blnk) Posted(context.Context) (int64, error) { return b.applied.Load(), nil }

// Close ends the connections.
func (b *blnk) Close() error {
	b.close()
	return nil
}
