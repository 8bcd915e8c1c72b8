package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// answered is the answer to a transfer, and what was asked for.
type answered struct {
	legs    []bursar.Leg
	refusal bursar.Code // empty when it was posted
	seq     int64       // 0 when it was not told
}

// matches compares a posted transfer with its entries in the journal.
func (a *answered) matches(entries []bursar.Entry) error {
	for i, leg := range a.legs {
		e := entries[i]
		if e.Leg != i || e.From != leg.From || e.To != leg.To || e.Amount != leg.Amount {
			return fmt.Errorf("leg %d is %s to %s %v in the journal, not %v", i, e.From, e.To, e.Amount, leg)
		}
	}
	if last := entries[len(entries)-1].Seq; a.seq != 0 && a.seq != last {
		return fmt.Errorf("it was told position %d and is at %d", a.seq, last)
	}
	return nil
}

// client sends transfers over HTTP.
type client struct {
	f      *fleet
	number int
	http   http.Client
	next   int
}

const requestTimeout = 30 * time.Second

func newClient(f *fleet, number int) *client {
	return &client{f: f, number: number, http: http.Client{Timeout: requestTimeout, Transport: &http.Transport{MaxIdleConnsPerHost: 2}}}
}

// work sends transfers until ctx is done. The last one is answered too.
func (c *client) work(ctx context.Context) {
	defer c.http.CloseIdleConnections()
	for ctx.Err() == nil && !c.f.Failed() {
		id := bursar.IDOf("fleet", int64(c.number*10_000_000+c.next))
		c.next++
		legs := c.draw()
		first := c.insist(id, legs)
		if c.next%8 == 0 { // and again, to two servers at once
			var again [2]answered
			var both sync.WaitGroup
			for i := range again {
				both.Go(func() { again[i] = c.insist(id, legs) })
			}
			both.Wait()
			for _, a := range again {
				if a.refusal != first.refusal || first.seq != 0 && a.seq != first.seq {
					c.f.Errorf("%v was answered %q at %d and then %q at %d", id, first.refusal, first.seq, a.refusal, a.seq)
				}
			}
		}
		c.f.mu.Lock()
		c.f.answers[id] = first
		c.f.mu.Unlock()
	}
}

// draw is what the next transfer moves: money from the bank, or more than a player may have.
func (c *client) draw() []bursar.Leg {
	amount := func(max int64) money.Amount { return money.FromUnits(1+rand.Int64N(max), c.f.usd) }
	who := func() string { return player(rand.IntN(fleetPlayers)) }
	from, to := who(), who()
	for to == from {
		to = who()
	}
	switch rand.IntN(4) {
	case 0:
		return []bursar.Leg{{From: "bank", To: to, Amount: amount(500)}}
	case 1:
		return []bursar.Leg{{From: from, To: to, Amount: amount(300)}, {From: to, To: "bank", Amount: amount(100)}}
	default:
		return []bursar.Leg{{From: from, To: to, Amount: amount(400)}}
	}
}

// insist sends a transfer to one server after another until it is posted or refused.
func (c *client) insist(id bursar.ID, legs []bursar.Leg) answered {
	type leg struct {
		From   string       `json:"from"`
		To     string       `json:"to"`
		Amount money.Amount `json:"amount"`
	}
	sent := make([]leg, len(legs))
	for i, l := range legs {
		sent[i] = leg(l)
	}
	body, err := json.Marshal(map[string]any{"id": id, "legs": sent})
	if err != nil {
		c.f.Error(err)
		return answered{}
	}
	deadline := time.Now().Add(2 * time.Minute)
	for pause := 5 * time.Millisecond; time.Now().Before(deadline); pause = min(2*pause, 200*time.Millisecond) {
		if a, done := c.send(body); done {
			a.legs = legs
			return a
		}
		<-time.After(rand.N(pause) + time.Millisecond)
	}
	c.f.Errorf("%v has no answer after two minutes", id)
	return answered{legs: legs}
}

// reply is the answer to a transfer in either form.
type reply struct {
	ID        bursar.ID   `json:"id"`
	Seq       int64       `json:"seq"`
	Replayed  bool        `json:"replayed"`
	Code      bursar.Code `json:"code"`
	Detail    string      `json:"detail"`
	Status    int         `json:"status"`
	Retryable bool        `json:"retryable"`
}

// send sends a transfer once. It is not done if there was no answer or one that says to try again.
func (c *client) send(body []byte) (a answered, done bool) {
	url := c.f.ships[rand.IntN(shipsMax)].at()
	if url == "" {
		return a, false
	}
	c.f.count(&c.f.sent)
	response, err := c.http.Post(url+"/v1/transfers", "application/json", bytes.NewReader(body))
	if err != nil {
		return a, false // killed
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return a, false
	}
	var r reply
	if err := json.Unmarshal(text, &r); err != nil {
		c.f.Errorf("an answer with status %d cannot be read: %v\n%s", response.StatusCode, err, text)
		return a, true
	}
	switch {
	case response.StatusCode < 300:
		if r.Replayed {
			c.f.count(&c.f.replayed)
		}
		return answered{seq: r.Seq}, true
	case r.Code == bursar.InsufficientFunds:
		return answered{refusal: r.Code}, true
	case r.Code == bursar.OutcomeUnknown:
		c.f.count(&c.f.unknown)
	}
	if row := bursar.Describe(r.Code); row.Code != r.Code || !row.Retryable || !r.Retryable || row.Status != response.StatusCode {
		c.f.Errorf("an answer with status %d that no client can expect: %s", response.StatusCode, text)
		return a, true
	}
	return a, false
}

func (f *fleet) count(n *int) {
	f.mu.Lock()
	*n++
	f.mu.Unlock()
}
