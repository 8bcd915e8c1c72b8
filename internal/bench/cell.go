package bench

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// cell is one subject under one load, and what was measured of it.
type cell struct {
	subject             string
	clients, batch, hot int

	place *place // nil: somebody else's
	bed   *bed   // nil: there is no ledger of ours
	again *tally
	// begin gets everything ready for callers, one for each source.
	begin func(ctx context.Context, sources []*source) (tasks []task, end func() error, err error)

	rates   []float64
	latency *Histogram
	open    *OpenLatency
	used    usage
	usedFor int64
	grown   int64 // bytes
	posted  int64
	retries map[string]int64
}

// measure runs a cell once, by a function of its loop. What its database has grown by counts too.
func (c *cell) measure(
	ctx context.Context, r *run, lapNumber int, by func(context.Context, *loop) (lap, error),
) (out lap, err error) {
	settled := context.WithoutCancel(ctx)
	before, err := c.bytes(settled)
	if err != nil {
		return out, err
	}
	sources := make([]*source, c.clients)
	for i := range sources {
		sources[i] = r.Workload.source(lapNumber*clientsMax+i, c.hot)
	}
	tasks, end, err := c.begin(settled, sources)
	if err != nil {
		return out, err
	}
	out, err = by(ctx, &loop{clock: r.clock, tasks: tasks, usage: c.usage})
	err = errors.Join(err, end())
	c.posted += out.posted
	if c.bed != nil {
		c.bed.posted += out.posted
		err = errors.Join(err, c.bed.seal(settled))
	}
	c.again.take(c.retries)
	if err != nil {
		return out, err
	}
	after, err := c.bytes(settled)
	c.grown += after - before
	return out, err
}

// round measures the cell's throughput once more. A round that was interrupted does not count.
func (c *cell) round(ctx context.Context, r *run, number int) error {
	out, err := c.measure(ctx, r, number, func(ctx context.Context, l *loop) (lap, error) {
		return l.closed(ctx, r.warmup(), r.Time)
	})
	if err != nil || ctx.Err() != nil {
		return err
	}
	c.rates = append(c.rates, out.rate)
	c.latency.addAll(out.latency)
	c.used = usage{c.used.cpu + out.used.cpu, c.used.server + out.used.server}
	c.usedFor += out.usedFor
	return nil
}

// late measures the cell's latency at a share of its throughput.
func (c *cell) late(ctx context.Context, r *run) error {
	rate := spreadOf(c.rates).Median * LoadShare
	if rate <= 0 {
		return nil
	}
	out, err := c.measure(ctx, r, r.Rounds, func(ctx context.Context, l *loop) (lap, error) {
		return l.open(ctx, rate/float64(c.batch), r.Time)
	})
	if err != nil || ctx.Err() != nil {
		return err
	}
	c.open = &OpenLatency{Latency: latencyOf(out.latency), Rate: rounded(rate), Calls: out.arrivals}
	return nil
}

// bytes is how large the cell's database is; 0 where that is not to be known.
func (c *cell) bytes(ctx context.Context) (int64, error) {
	if c.place == nil {
		return 0, nil
	}
	return c.place.bytes(ctx)
}

func (c *cell) usage() usage {
	cpu, _ := processUsage()
	u := usage{cpu: cpu}
	if c.place != nil && c.place.cpu != nil {
		u.server = c.place.cpu.used()
	}
	return u
}

// row is what the report says of the cell.
func (c *cell) row() Row {
	r := Row{
		Subject: c.subject, Clients: c.clients, Batch: c.batch, Hot: c.hot,
		Closed: latencyOf(c.latency), Open: c.open, Retries: c.retries, Posted: c.posted,
		Bytes:     known(float64(c.grown), c.posted),
		CPU:       known(float64(c.used.cpu)/float64(time.Microsecond), c.usedFor),
		ServerCPU: known(float64(c.used.server)/float64(time.Microsecond), c.usedFor),
	}
	s := spreadOf(c.rates)
	r.Rate = Spread{rounded(s.Median), rounded(s.Min), rounded(s.Max)}
	for _, rate := range c.rates {
		r.Rounds = append(r.Rounds, rounded(rate))
	}
	return r
}

// best is the cell of the textbook that did most, nil if there is none. tried are the medians of all.
func best(cells []*cell) (chosen *cell, tried map[int]float64) {
	tried = map[int]float64{}
	for _, c := range cells {
		median := spreadOf(c.rates).Median
		tried[c.clients] = rounded(median)
		if chosen == nil || cmp.Compare(median, spreadOf(chosen.rates).Median) > 0 {
			chosen = c
		}
	}
	return chosen, tried
}
