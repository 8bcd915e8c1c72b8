package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/bench"
)

// Of a Formance Ledger: what the accounts get from the outside world at first, in cents, so that none ever runs out of
// money, and how many get it in one call.
const (
	fundedWith   = 1_000_000_000_000
	fundedAtOnce = 100
)

// formance is a Formance Ledger, version 2, over its HTTP interface. Each run has a ledger of its own there.
type formance struct {
	wire
	ledger string
	funded int64
}

func newFormance(url string) *formance {
	var letters [6]byte
	_, _ = rand.Read(letters[:]) // it never fails
	return &formance{wire: newWire(url), ledger: "bench" + hex.EncodeToString(letters[:])}
}

type formancePosting struct {
	Amount      int64  `json:"amount"`
	Asset       string `json:"asset"`
	Source      string `json:"source"`
	Destination string `json:"destination"`
}

type formanceTransaction struct {
	Postings  []formancePosting `json:"postings"`
	Reference string            `json:"reference,omitempty"`
	Metadata  map[string]string `json:"metadata"`
}

type formanceElement struct {
	Action string              `json:"action"`
	Data   formanceTransaction `json:"data"`
}

func formanceAccount(n int) string { return fmt.Sprintf("bench:%07d", n) }

// Open makes a ledger and funds its accounts from the world, which may go below zero. There is nothing else to make:
// an account is there with its first posting.
func (f *formance) Open(ctx context.Context, accounts int) error {
	if err := f.send(ctx, http.MethodPost, "/v2/"+f.ledger, struct{}{}, nil); err != nil {
		return err
	}
	for done := 0; done < accounts; done += fundedAtOnce {
		var bulk []formanceElement
		for n := done; n < min(done+fundedAtOnce, accounts); n++ {
			bulk = append(bulk, formanceElement{"CREATE_TRANSACTION", formanceTransaction{
				Postings: []formancePosting{{fundedWith, "USD/2", "world", formanceAccount(n)}},
				Metadata: map[string]string{},
			}})
		}
		if err := f.bulk(ctx, bulk); err != nil {
			return err
		}
		f.funded += int64(len(bulk))
	}
	return nil
}

// bulk posts many transactions in one call. Each is applied by itself, and one that is refused is an error here.
func (f *formance) bulk(ctx context.Context, elements []formanceElement) error {
	var answer struct {
		Data []struct {
			ResponseType     string `json:"responseType"`
			ErrorCode        string `json:"errorCode"`
			ErrorDescription string `json:"errorDescription"`
		} `json:"data"`
	}
	if err := f.send(ctx, http.MethodPost, "/v2/"+f.ledger+"/_bulk", elements, &answer); err != nil {
		return err
	}
	if len(answer.Data) != len(elements) {
		return fmt.Errorf("%d results for %d transactions", len(answer.Data), len(elements))
	}
	for _, result := range answer.Data {
		if result.ResponseType == "ERROR" {
			return fmt.Errorf("a transaction of a bulk is refused: %s: %s", result.ErrorCode, result.ErrorDescription)
		}
	}
	return nil
}

// Caller posts a single move as a transaction, and several as a bulk. The id is the transaction's reference.
func (f *formance) Caller(context.Context) (func(context.Context, []bursar.ID, []bench.Move) error, error) {
	return func(ctx context.Context, ids []bursar.ID, moves []bench.Move) error {
		elements := make([]formanceElement, len(moves))
		for i, m := range moves {
			elements[i] = formanceElement{"CREATE_TRANSACTION", formanceTransaction{
				Postings:  []formancePosting{{m.Cents, "USD/2", formanceAccount(m.From), formanceAccount(m.To)}},
				Reference: ids[i].String(), Metadata: map[string]string{},
			}}
		}
		if len(elements) == 1 {
			return f.send(ctx, http.MethodPost, "/v2/"+f.ledger+"/transactions", &elements[0].Data, nil)
		}
		return f.bulk(ctx, elements)
	}, nil
}

// Posted is the ledger's own count without what funded the accounts.
func (f *formance) Posted(ctx context.Context) (int64, error) {
	var answer struct {
		Data struct {
			Transactions int64 `json:"transactions"`
		} `json:"data"`
	}
	err := f.send(ctx, http.MethodGet, "/v2/"+f.ledger+"/stats", nil, &answer)
	return answer.Data.Transactions - f.funded, err
}

// Close ends the connections.
func (f *formance) Close() error {
	f.close()
	return nil
}
