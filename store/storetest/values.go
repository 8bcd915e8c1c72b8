package storetest

import (
	"errors"
	"fmt"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

func currency(s string) money.Currency {
	c, err := money.ParseCurrency(s)
	if err != nil {
		panic(err) // the suite's own constant
	}
	return c
}

// limit is a pointer to an amount.
func limit(s string) *money.Amount {
	a := money.MustParse(s)
	return &a
}

// move is a transfer of one leg without an id.
func move(from, to, amount string) bursar.Transfer {
	return bursar.Transfer{Legs: []bursar.Leg{leg(from, to, amount)}}
}

func leg(from, to, amount string) bursar.Leg {
	return bursar.Leg{From: from, To: to, Amount: money.MustParse(amount)}
}

// id is the nth id of a test. It stands for a thing.
func id(n int) bursar.ID { return bursar.IDOf("storetest", n) }

// attempt is the id of the nth attempt of a test: a UUID of version 4 that is the same in every run.
func attempt(n int) bursar.ID { return attemptOf("storetest", n) }

func attemptOf(kind string, part any) bursar.ID {
	id := bursar.IDOf(kind, part)
	id[6] = id[6]&0x0f | 4<<4
	return id
}

func fieldOf(err error) string {
	var e *bursar.Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.Field
}

func instant(t time.Time) bursar.Instant {
	i, err := bursar.InstantOf(t)
	if err != nil {
		panic(err) // the suite's own constant
	}
	return i
}

// wantSame compares what is expected with what is there.
func (f *fixture) wantSame(what string, want, got any) {
	f.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		f.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// short says what an entry does in one line.
func short(e *bursar.Entry) string {
	if e.From == "" {
		return fmt.Sprintf("%d %v %s", e.Seq, e.Kind, e.To)
	}
	return fmt.Sprintf("%d %s>%s %v", e.Seq, e.From, e.To, e.Amount)
}

func shorts(entries []bursar.Entry) []string {
	lines := make([]string, len(entries))
	for i := range entries {
		lines[i] = short(&entries[i])
	}
	return lines
}

// text is an amount that may be missing.
func text(a *money.Amount) string {
	if a == nil {
		return "<nil>"
	}
	return a.String()
}
