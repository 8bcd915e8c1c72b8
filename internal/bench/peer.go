package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/bursar-ledger/bursar"
)

// Peer is another ledger that is given the same transfers.
type Peer interface {
	// Open makes so many accounts, none of which this workload can empty.
	Open(ctx context.Context, accounts int) error
	// Caller makes what one caller uses, which is not shared. What it returns posts moves in one call, and is done when
	// all of them are applied and durable. Each has an id that a call which is made again has, too. An error means that
	// the run ends, unless bursar.Retryable knows it.
	Caller(ctx context.Context) (post func(ctx context.Context, ids []bursar.ID, moves []Move) error, err error)
	// Posted is how many transfers the peer itself has recorded since Open.
	Posted(ctx context.Context) (int64, error)
	// Close ends its connections. What was posted stays.
	Close() error
}

// RunPeers measures other ledgers with the loops and the workload of Run: c's accounts, clients, batches and rounds.
// There is no textbook, no journal to replay, and no size, because these are known to their makers alone. Peers have
// names for the report, and are closed in the end.
//
// Errors: bursar.CodeMalformed for what Config.Check refuses; bursar.CodeVerificationFailed when a peer has recorded
// another number of transfers than it has answered; those of the peers.
func RunPeers(ctx context.Context, c *Config, names []string, peers map[string]Peer) (report Report, err error) {
	defer func() {
		for _, p := range peers {
			err = errors.Join(err, p.Close())
		}
	}()
	if err := c.checkWorkload(); err != nil {
		return Report{}, err
	}
	r := newRun(c)
	r.describe()
	r.steps = len(names) * (1 + len(c.Hot)*len(c.Clients)*(c.Rounds+1))
	for _, name := range names {
		r.step("%s: opening %d accounts", name, c.Workload.Accounts)
		if err := peers[name].Open(ctx, c.Workload.Accounts); err != nil {
			return r.report, fmt.Errorf("%s: %w", name, err)
		}
		r.add(r.peerCell(name, peers[name]), c.Clients...)
	}
	err = r.measureAll(ctx)
	r.show()
	_, r.report.PeakMemory = processUsage()
	if r.report.Interrupted = ctx.Err() != nil; err == nil && !r.report.Interrupted {
		err = r.checkPeers(ctx, names, peers)
	}
	return r.report, err
}

func (r *run) peerCell(name string, p Peer) cell {
	again := new(tally)
	return cell{subject: name, batch: r.Batch, again: again,
		begin: func(ctx context.Context, sources []*source) (tasks []task, end func() error, err error) {
			for _, s := range sources {
				post, err := p.Caller(ctx)
				if err != nil {
					return nil, nil, err
				}
				tasks = append(tasks, peerTask(s, r.Batch, post, again, r.clock.Now))
			}
			return tasks, nothing, nil
		}}
}

func peerTask(
	s *source, batch int, post func(context.Context, []bursar.ID, []Move) error, again *tally, now func() time.Time,
) task {
	ids, moves := make([]bursar.ID, batch), make([]Move, batch)
	return func(ctx context.Context) (int64, error) {
		for i := range moves {
			moves[i] = s.next()
			if err := freshID(&ids[i], now()); err != nil {
				return 0, err
			}
		}
		if err := again.until(func() error { return post(ctx, ids, moves) }); err != nil {
			return 0, err
		}
		return int64(batch), nil
	}
}

// freshID makes an id of version 7, as Ledger.NewID does: later ones sort later. Peers get the same kind of ids.
func freshID(id *bursar.ID, now time.Time) error {
	if _, err := rand.Read(id[6:]); err != nil {
		return err
	}
	milliseconds := now.UnixMilli()
	for i := range 6 {
		id[i] = byte(milliseconds >> (8 * (5 - i)))
	}
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return nil
}

// checkPeers compares what peers have recorded with what they have answered.
func (r *run) checkPeers(ctx context.Context, names []string, peers map[string]Peer) error {
	for _, name := range names {
		recorded, err := peers[name].Posted(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		var answered int64
		for _, c := range r.cells {
			if c.subject == name {
				answered += c.posted
			}
		}
		if recorded != answered {
			return bursar.Errorf(bursar.CodeVerificationFailed,
				"%s has recorded %d transfers, and %d were answered", name, recorded, answered)
		}
	}
	return nil
}
