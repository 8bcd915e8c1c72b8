package bench

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bursar-ledger/bursar/internal/clock"
)

// task is what one caller does over and over: a call that moves money. It says how many transfers it has posted, also
// next to an error. One task is never run twice at once.
type task func(ctx context.Context) (transfers int64, err error)

// lap is one measurement of one subject.
type lap struct {
	rate     float64 // transfers a second
	posted   int64   // transfers in all, those before and after the measured time too
	latency  *Histogram
	used     usage // from the end of the warm-up until the last answer
	usedFor  int64 // transfers in that time
	arrivals int64 // of an open loop
}

// loop runs tasks side by side until its time is over, its context is done or one of them fails.
type loop struct {
	clock clock.Clock
	usage func() usage
	tasks []task

	stopped atomic.Bool
	posted  atomic.Int64
	failed  sync.Once
	err     error
}

// run has each task run by a goroutine of its own, and waits for all of them. Calls that have begun are finished, so
// that what was posted is known.
func (l *loop) run(ctx context.Context, each func(ctx context.Context, caller int, call task)) error {
	stop := context.AfterFunc(ctx, func() { l.stopped.Store(true) })
	defer stop()
	var running sync.WaitGroup
	for caller, call := range l.tasks {
		running.Go(func() { each(context.WithoutCancel(ctx), caller, call) })
	}
	running.Wait()
	return l.err
}

// call runs a task once, and ends the loop when it fails.
func (l *loop) call(ctx context.Context, call task) (transfers int64, ok bool) {
	n, err := call(ctx)
	l.posted.Add(n)
	if err != nil {
		l.failed.Do(func() { l.err = err })
		l.stopped.Store(true)
	}
	return n, err == nil
}

// window is what one caller did between the end of the warm-up and the end of the time.
type window struct {
	first, last      time.Time // of its answers
	firstN, answered int64     // transfers in the first answer, and in all
}

// answersLeast is how many answers a rate is made of at least: of fewer, it would be the luck of where they fell.
const answersLeast = 3

// closed lets every caller make its next call when the last one is answered. The rate is that from the first answer
// after the warm-up to the last one before the end, so that it does not matter how the time falls on long calls. It
// waits for answersLeast answers. The latency is that of calls, each from its own beginning: a stall delays calls that
// then are never made.
func (l *loop) closed(ctx context.Context, warm, measured time.Duration) (lap, error) {
	begin := l.clock.Now().Add(warm)
	end := begin.Add(measured)
	out := lap{latency: new(Histogram)}
	windows := make([]window, len(l.tasks))
	var warmed sync.Once
	var answers atomic.Int64 // after the warm-up
	var usedBefore usage
	var postedBefore int64
	err := l.run(ctx, func(ctx context.Context, caller int, call task) {
		w := &windows[caller]
		for now := l.clock.Now(); (now.Before(end) || answers.Load() < answersLeast) && !l.stopped.Load(); {
			n, ok := l.call(ctx, call)
			if !ok {
				return
			}
			done := l.clock.Now()
			if !done.Before(begin) {
				warmed.Do(func() { usedBefore, postedBefore = l.usage(), l.posted.Load() })
			}
			if !done.Before(begin) && (!done.After(end) || answers.Load() < answersLeast) {
				answers.Add(1)
				w.add(done, n)
				out.latency.Add(done.Sub(now), 1)
			}
			now = done
		}
	})
	out.posted = l.posted.Load()
	warmed.Do(func() { usedBefore, postedBefore = l.usage(), out.posted })
	out.used, out.usedFor = l.usage().since(usedBefore), out.posted-postedBefore
	out.rate = rateOf(windows, begin, measured)
	return out, err
}

func (w *window) add(at time.Time, n int64) {
	if w.answered == 0 {
		w.first, w.firstN = at, n
	}
	w.last = at
	w.answered += n
}

// rateOf is what all callers did in a second. Where the answers came close together, as those of a single commit do,
// all of the measured time counts.
func rateOf(windows []window, begin time.Time, measured time.Duration) float64 {
	var all window
	for _, w := range windows {
		if w.answered == 0 {
			continue
		}
		if all.answered == 0 || w.first.Before(all.first) {
			all.first, all.firstN = w.first, w.firstN
		}
		if all.answered == 0 || w.last.After(all.last) {
			all.last = w.last
		}
		all.answered += w.answered
	}
	if elapsed := all.last.Sub(all.first); elapsed > measured/2 {
		return float64(all.answered-all.firstN) / elapsed.Seconds()
	}
	return float64(all.answered) / max(measured, all.last.Sub(begin)).Seconds()
}

// open lets calls arrive at a rate, evenly, whether or not the ones before are answered. A call waits while all callers
// are busy. Its latency is counted from when it was to begin, so that a stall delays all calls that fall into it.
// Calls that have still not begun after twice the time are counted as having taken until then.
func (l *loop) open(ctx context.Context, calls float64, measured time.Duration) (lap, error) {
	out := lap{latency: new(Histogram)}
	start := l.clock.Now()
	limit := start.Add(2 * measured)
	arrivals := max(1, int64(calls*measured.Seconds()))
	intended := func(i int64) time.Time { return start.Add(time.Duration(float64(i) / calls * float64(time.Second))) }
	var next int64
	var turn sync.Mutex // whoever has it waits for the next arrival
	arrive := func() (at time.Time, ok bool) {
		turn.Lock()
		defer turn.Unlock()
		at = intended(next)
		now := l.clock.Now()
		if next >= arrivals || l.stopped.Load() || now.After(limit) {
			return at, false
		}
		next++
		return at, l.clock.Sleep(ctx, at.Sub(now)) == nil
	}
	err := l.run(ctx, func(ctx context.Context, _ int, call task) {
		for {
			at, ok := arrive()
			if !ok {
				return
			}
			if _, ok := l.call(ctx, call); !ok {
				return
			}
			out.latency.Add(l.clock.Now().Sub(at), 1)
		}
	})
	if err == nil && ctx.Err() == nil {
		for ended := l.clock.Now(); next < arrivals; next++ {
			out.latency.Add(ended.Sub(intended(next)), 1)
		}
	}
	out.arrivals, out.posted = next, l.posted.Load()
	return out, err
}
