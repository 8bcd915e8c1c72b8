package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

// awaitSealed runs the program's verify on a node until the servers have sealed everything. It must succeed each time.
func (f *fleet) awaitSealed(ctx context.Context, node int) error {
	f.verified = "failed"
	for {
		out, err := exec.CommandContext(ctx, "bursar", "verify", "--db", f.nodes[node].URL(), "-o", "json").Output()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return fmt.Errorf("verify on node %d: %w: %s%s", node+1, err, exit.Stderr, out)
		}
		var report struct {
			OK       bool  `json:"ok"`
			Unsealed int64 `json:"unsealed"`
		}
		if err := errors.Join(err, json.Unmarshal(out, &report)); err != nil {
			return fmt.Errorf("verify: %w: %s", err, out)
		}
		if report.OK && report.Unsealed == 0 {
			f.verified = "ok"
			return nil
		}
		if err := clock.System().Sleep(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("verify: %w: %s", err, out)
		}
	}
}

// heads wants all nodes to have the same journal.
func (f *fleet) heads(ctx context.Context) {
	f.Helper()
	heads := make([]bursar.Head, len(f.nodes))
	for n, node := range f.nodes {
		f.ledger(node, func(l *ledger.Ledger) {
			var err error
			heads[n], err = l.Head(ctx)
			f.must(err)
		})
		f.Logf("head of node %d: %d, %v", n+1, heads[n].Seq, heads[n].Hash)
		if heads[n] != heads[0] {
			f.violation("the head of node %d is %+v, and that of the first %+v", n+1, heads[n], heads[0])
		}
	}
}

// rows are the shop's orders in the database.
func (f *fleet) rows() map[order]bursar.Leg {
	f.Helper()
	if f.shop == nil {
		return nil
	}
	found, err := f.database.Open(f.T).QueryContext(f.Context(), `SELECT id, buyer, seller, cents FROM orders`)
	f.must(err)
	defer found.Close()
	rows := make(map[order]bursar.Leg)
	for found.Next() {
		var number int
		var cents int64
		var leg bursar.Leg
		f.must(found.Scan(&number, &leg.From, &leg.To, &cents))
		leg.Amount = dollars(cents)
		rows[order(number)] = leg
	}
	f.must(found.Err())
	if len(rows) == 0 {
		f.Error("there are no orders")
	}
	return rows
}

// askAgain asks the servers for the transfer of every request.
func (f *fleet) askAgain(ctx context.Context) {
	requests := make(chan request)
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for q := range requests {
				if err := f.checkRemembered(ctx, q); err != nil {
					f.violation("%+v: %v", q, err)
				}
			}
		})
	}
	for q := range f.history.answers {
		requests <- q
	}
	close(requests)
	clients.Wait()
}

// checkRemembered wants a server to remember the answers to a request.
func (f *fleet) checkRemembered(ctx context.Context, q request) error {
	var record struct {
		Decided string `json:"decided"`
		Refusal *struct {
			Code bursar.Code `json:"code"`
		} `json:"refusal"`
		Entries []struct {
			Seq    int64        `json:"seq"`
			From   string       `json:"from"`
			To     string       `json:"to"`
			Amount money.Amount `json:"amount"`
		} `json:"entries"`
	}
	if err := f.get(ctx, f.servers[q.number%len(f.servers)], "/v1/transfers/"+q.id().String(), &record); err != nil {
		return err
	}
	for _, a := range f.history.answers[q] {
		if a.code != "" {
			if record.Refusal == nil || record.Refusal.Code != a.code || len(record.Entries) > 0 {
				return fmt.Errorf("it was refused as %s, and is %+v", a.code, record)
			}
			continue
		}
		legs := q.legs(f.history.seed)
		if record.Refusal != nil || len(record.Entries) != len(legs) || record.Decided != a.decided {
			return fmt.Errorf("it was posted, decided at %s, and is %+v", a.decided, record)
		}
		for i, e := range record.Entries {
			found := bursar.Leg{From: e.From, To: e.To, Amount: e.Amount}
			if found != legs[i] || a.seq != 0 && e.Seq != a.seq-int64(len(legs)-1-i) {
				return fmt.Errorf("leg %d of %+v at %d is %+v", i, legs, a.seq, e)
			}
		}
	}
	return nil
}

func (f *fleet) get(ctx context.Context, s *server, path string, into any) error {
	call, err := http.NewRequestWithContext(ctx, http.MethodGet, s.address()+path, nil)
	if err != nil {
		return err
	}
	response, err := f.patient.Do(call)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: status %d: %w: %s", path, response.StatusCode, err, text)
	}
	return json.Unmarshal(text, into)
}

// balances wants the sum of all balances to be zero, by every server.
func (f *fleet) balances(ctx context.Context) {
	for _, s := range f.servers {
		var trial struct {
			Totals []struct {
				Sum money.Amount `json:"sum"`
			} `json:"totals"`
		}
		err := f.get(ctx, s, "/v1/trial-balance", &trial)
		if err != nil || len(trial.Totals) != 1 || !trial.Totals[0].Sum.IsZero() {
			f.Errorf("trial balance: %+v, %v", trial, err)
		}
	}
}

// logs shows what servers have said, by kind.
func (f *fleet) logs() {
	kinds := make(map[string]int)
	example := make(map[string]string)
	for _, s := range f.servers {
		for _, line := range s.log {
			kind := logKind(line)
			kinds[kind]++
			example[kind] = line
		}
	}
	for kind, n := range kinds {
		f.Logf("%6d × %s, such as %s", n, kind, example[kind])
	}
}

// logKind leaves out of a line what is its own: times and ids.
func logKind(line string) string {
	_, text, found := strings.Cut(line, " level=")
	if !found {
		return "talk"
	}
	if i := strings.Index(text, " request="); i >= 0 {
		_, rest, _ := strings.Cut(text[i+1:], " ")
		text = text[:i] + " " + rest
	}
	text, _, _ = strings.Cut(text, " error=")
	return text
}
