package ledger

import (
	"context"
	"hash/maphash"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/clock"
)

// set makes a timekeeper believe that the wall clock was moved by d while the program ran.
func (k *timekeeper) set(d time.Duration) { k.wall = k.wall.Add(-d) }

func TestAClockThatJumpsIsNotBelieved(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]bursar.Code{
		0: "", time.Hour: "", -time.Hour: "", 25 * time.Hour: bursar.CodeClockJumped, -25 * time.Hour: bursar.CodeClockJumped,
		365 * 24 * time.Hour: bursar.CodeClockJumped,
	} {
		k := newTimekeeper(clock.System(), false)
		k.set(d)
		if _, err := k.now(0); bursar.CodeOf(err) != want {
			t.Errorf("after a jump of %v: %v, want %q", d, err, want)
		}
		if stored, err := k.now(7); stored != 7 || err != nil {
			t.Errorf("the database's own clock says 7, the ledger %v, %v", stored, err)
		}
		k.confirm()
		if now, err := k.now(0); err != nil || now.Time().Sub(time.Now()).Abs() > time.Minute {
			t.Errorf("confirmed after a jump of %v: %v, %v", d, now, err)
		}
	}
}

func TestAGivenClockIsBelieved(t *testing.T) {
	t.Parallel()
	fake := clock.NewFake(time.Unix(100, 0))
	k := newTimekeeper(fake, true)
	fake.Advance(10 * 365 * 24 * time.Hour)
	want, _ := bursar.InstantOf(fake.Now())
	for _, stored := range []bursar.Instant{0, 7} {
		if now, err := k.now(stored); now != want || err != nil {
			t.Errorf("got %v, %v, want %v", now, err, want)
		}
	}
}

// TestAJumpStopsPosting posts through a writer whose store runs its function.
func TestAJumpStopsPosting(t *testing.T) {
	t.Parallel()
	w := newWorld(maphash.MakeSeed(), nil, []func(*client){func(*client) {}})
	c := w.clients[len(w.clients)-1]
	c.writer.time = newTimekeeper(clock.System(), false)
	c.writer.time.set(48 * time.Hour)
	s := c.begin(driver.ModeLocks)
	s.joined = true
	err := c.writer.postIn(context.Background(), s.tx(), jobsOf([]*request{pay(1, "ab")}))
	if bursar.CodeOf(err) != bursar.CodeClockJumped || len(s.entries) > 0 {
		t.Errorf("posting after a jump: %v, %d entries", err, len(s.entries))
	}
}
