package lawtest

import (
	"context"
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar"
)

// limit is an account's bounds in units. A bound that is nil does not exist.
type limit struct{ min, max *int64 }

// limits are the limits of all accounts, as the ledger shows them.
func (f *fixture) limits() map[string]limit {
	f.t.Helper()
	limits := make(map[string]limit)
	var after string
	for {
		page, err := f.ledger.Accounts(context.Background(), bursar.AccountQuery{After: after})
		if err != nil {
			f.t.Fatal(err)
		}
		if len(page) == 0 {
			return limits
		}
		for _, a := range page {
			var l limit
			if a.Min != nil {
				units, _ := a.Min.Units()
				l.min = &units
			}
			if a.Max != nil {
				units, _ := a.Max.Units()
				l.max = &units
			}
			limits[a.Path], after = l, a.Path
		}
	}
}

// side is what an entry says of one of its accounts.
type side struct {
	path    string
	delta   int64
	balance int64
	version int64
}

func sides(e *bursar.Entry) []side {
	cents, _ := e.Amount.Units()
	var list []side
	for _, s := range []struct {
		path  string
		delta int64
		after bursar.After
	}{{e.From, -cents, e.FromAfter}, {e.To, cents, e.ToAfter}} {
		if s.path == "" {
			continue
		}
		balance, _ := s.after.Balance.Units()
		list = append(list, side{s.path, s.delta, balance, s.after.Version})
	}
	return list
}

// conserved returns a violation where the balances that entries record do not sum to zero.
func conserved(entries []bursar.Entry) error {
	balances := make(map[string]int64)
	var sum int64
	for i := range entries {
		for _, s := range sides(&entries[i]) {
			sum += s.balance - balances[s.path]
			balances[s.path] = s.balance
		}
		if sum != 0 {
			return fmt.Errorf("after entry %d the balances sum to %d", entries[i].Seq, sum)
		}
	}
	return nil
}

// withinLimits returns a violation where a recorded balance, or the sum of the amounts, is beyond its account's limits.
func withinLimits(entries []bursar.Entry, limits map[string]limit) error {
	moved := make(map[string]int64)
	for i := range entries {
		for _, s := range sides(&entries[i]) {
			l, ok := limits[s.path]
			if !ok {
				return fmt.Errorf("entry %d is of %s, which is no account", entries[i].Seq, s.path)
			}
			moved[s.path] += s.delta
			for _, balance := range []int64{s.balance, moved[s.path]} {
				if l.min != nil && balance < *l.min || l.max != nil && balance > *l.max {
					return fmt.Errorf("after entry %d %s has %d", entries[i].Seq, s.path, balance)
				}
			}
		}
	}
	return nil
}

// versionsRise returns a violation where an account's entries do not follow one another in the journal. Each version is
// the one before plus one, and each balance is the one before plus the amount.
func versionsRise(entries []bursar.Entry) error {
	last := make(map[string]side)
	for i := range entries {
		for _, s := range sides(&entries[i]) {
			before := last[s.path]
			if s.version != before.version+1 || s.balance != before.balance+s.delta {
				return fmt.Errorf("entry %d takes %s from version %d with %d to version %d with %d by %d",
					entries[i].Seq, s.path, before.version, before.balance, s.version, s.balance, s.delta)
			}
			last[s.path] = s
		}
	}
	return nil
}

// placed returns a violation where positions have a gap, time does not rise, or the legs of a transfer are torn apart.
func placed(entries []bursar.Entry) error {
	var before bursar.Entry
	done := make(map[bursar.ID]bool)
	for _, e := range entries {
		switch {
		case e.Seq != before.Seq+1:
			return fmt.Errorf("position %d follows %d", e.Seq, before.Seq)
		case e.At <= before.At:
			return fmt.Errorf("entry %d is at %v, and the one before at %v", e.Seq, e.At, before.At)
		case e.At < e.Decided:
			return fmt.Errorf("entry %d is at %v and was decided at %v", e.Seq, e.At, e.Decided)
		case e.Transfer == before.Transfer && e.Leg != before.Leg+1,
			e.Transfer != before.Transfer && (e.Leg != 0 || done[e.Transfer]):
			return fmt.Errorf("entry %d is leg %d of %v, after leg %d of %v",
				e.Seq, e.Leg, e.Transfer, before.Leg, before.Transfer)
		}
		done[e.Transfer] = true
		before = e
	}
	return nil
}

// once returns a violation for each transfer that was posted and is not in the journal once, and for each that was not
// posted and is there.
func once(entries []bursar.Entry, posted map[bursar.ID]bool) error {
	times := make(map[bursar.ID]int)
	for i := range entries {
		if entries[i].Leg == 0 {
			times[entries[i].Transfer]++
		}
	}
	var violations []error
	for id, there := range posted {
		if want := map[bool]int{true: 1}[there]; times[id] != want {
			violations = append(violations, fmt.Errorf("%v is in the journal %d times, not %d", id, times[id], want))
		}
	}
	return errors.Join(violations...)
}
