package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/bursar-ledger/bursar"
)

const (
	growthBatch   = 8190    // transfers a call, unless the run has batches of its own
	growthCallers = 2       // so that one batch is on its way while the other is answered
	growthOver    = 500_000 // transfers before a mark that its rate is taken over, at most
	growthReads   = 101     // of each kind at a mark
	growthPage    = 100     // lines of a statement's page
	firstMark     = 1_000_000
)

// marks are the sizes at which a growing ledger is looked at: 1, 2, 5, 10, 20, 50 million and so on, and the last one.
func marks(growth int64) (at []int64) {
	for decade := int64(firstMark); ; decade *= 10 {
		for _, step := range [...]int64{1, 2, 5} {
			if step*decade >= growth {
				return append(at, growth)
			}
			at = append(at, step*decade)
		}
	}
}

// grow posts until the ledger has its size, and looks at it at every mark.
func (r *run) grow(ctx context.Context) error {
	if r.Growth == 0 {
		return nil
	}
	b, err := r.bed(ctx, subjectGrowth)
	if err != nil {
		return err
	}
	batch := r.Batch
	if batch == 1 {
		batch = growthBatch
	}
	g := &growing{run: r, bed: b, batch: batch}
	if g.empty, err = b.place.bytes(ctx); err != nil {
		return err
	}
	for caller := range growthCallers {
		g.sources = append(g.sources, r.Workload.source(caller, r.Hot[0]))
	}
	for _, mark := range marks(r.Growth) {
		r.step("growing to %d transfers", mark)
		over := min(growthOver, mark-b.posted)
		if _, err := g.post(ctx, mark-over); err != nil || ctx.Err() != nil {
			return err
		}
		rate, err := g.post(ctx, mark)
		if err != nil || ctx.Err() != nil {
			return err
		}
		m, err := g.look(ctx)
		if err != nil {
			return err
		}
		m.Rate, m.Over = rounded(rate), over
		r.report.Growth = append(r.report.Growth, m)
	}
	return nil
}

// growing is a ledger on its way.
type growing struct {
	*run
	bed     *bed
	batch   int
	sources []*source
	empty   int64 // bytes before the first transfer
}

// post posts until the book has so many transfers, and says how many that were in a second.
func (g *growing) post(ctx context.Context, until int64) (rate float64, err error) {
	from := g.bed.posted
	if from >= until {
		return 0, nil
	}
	left := make(chan int, growthCallers)
	go func() {
		defer close(left)
		for n := until - from; n > 0 && ctx.Err() == nil; n -= int64(g.batch) {
			left <- int(min(n, int64(g.batch)))
		}
	}()
	l := &loop{clock: g.clock, tasks: make([]task, growthCallers)}
	began := g.clock.Now()
	err = l.run(ctx, func(ctx context.Context, caller int, _ task) {
		for n := range left {
			if l.stopped.Load() {
				continue // what is left is only taken, so that the one who gives it ends
			}
			l.call(ctx, g.bed.posting(g.sources[caller], n))
			g.progress(fmt.Sprintf("growing: %d transfers", from+l.posted.Load()), g.done-1, g.steps)
		}
	})
	took := g.clock.Now().Sub(began)
	g.bed.posted += l.posted.Load()
	return float64(g.bed.posted-from) / took.Seconds(), err
}

// look reads balances as of positions, and pages of statements, of accounts that are drawn as those of transfers are.
func (g *growing) look(ctx context.Context) (m Mark, err error) {
	head, err := g.bed.ledger.Seal(ctx)
	if err != nil {
		return m, err
	}
	random := rand.New(rand.NewPCG(g.Workload.Seed, uint64(g.bed.posted)))
	var balances, pages []time.Duration
	timed := func(into *[]time.Duration, read func() error) error {
		began := g.clock.Now()
		err := read()
		*into = append(*into, g.clock.Now().Sub(began))
		return err
	}
	opened := int64(len(g.paths))
	for range growthReads {
		path := g.paths[g.sources[0].account()]
		at := bursar.AsOf{Seq: opened + 1 + random.Int64N(max(1, head.Seq-opened))}
		if err := errors.Join(
			timed(&balances, func() error { _, err := g.bed.ledger.Balance(ctx, path, at); return err }),
			timed(&pages, func() error {
				_, err := g.bed.ledger.Statement(ctx, path, bursar.StatementQuery{Limit: growthPage})
				return err
			}),
		); err != nil {
			return m, err
		}
	}
	size, err := g.bed.place.bytes(ctx)
	return Mark{
		Transfers: g.bed.posted, Bytes: rounded(per(float64(size-g.empty), g.bed.posted)),
		Balance: exactLatency(balances), Statement: exactLatency(pages),
	}, err
}
