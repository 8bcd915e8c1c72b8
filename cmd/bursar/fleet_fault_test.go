package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// killAServer kills a server whose node is there, and starts it anew.
func (f *fleet) killAServer(ctx context.Context) error {
	for _, n := range f.random.Perm(len(f.servers)) {
		s := f.servers[n]
		if !s.held.TryLock() {
			continue
		}
		defer s.held.Unlock()
		if err := s.kill(); err != nil {
			return err
		}
		f.kills++
		return f.restart(ctx, s)
	}
	return nil
}

// restart starts a server. While another node is going away, a cluster answers nobody for some seconds, and a server
// that finds no database ends, so that its supervisor starts it again.
func (f *fleet) restart(ctx context.Context, s *server) error {
	for {
		err := s.restart(ctx, f.random.IntN(2) == 0)
		if len(f.nodes) == 1 || !isUnavailable(err) {
			return err
		}
		if end := clock.System().Sleep(ctx, backoffMax); end != nil {
			return errors.Join(err, end)
		}
	}
}

// killDatabase kills the database, and then one of the servers, which must not start without a database. The other
// servers must say that the database is away. They must be healthy again soon after it is back, without a restart.
func (f *fleet) killDatabase(ctx context.Context) error {
	if err := f.database.Kill9(); err != nil {
		return err
	}
	f.databaseKills++
	victim := f.random.IntN(len(f.servers))
	var asked sync.WaitGroup
	for i, s := range f.servers {
		if i == victim {
			continue
		}
		asked.Go(func() {
			if status, err := s.health(ctx); err != nil || status != http.StatusServiceUnavailable {
				f.violation("without a database /healthz says %d: %v", status, err)
			}
		})
	}
	err := f.servers[victim].kill()
	f.kills++
	if start := f.servers[victim].start(ctx, anyPort); !isUnavailable(start) {
		err = errors.Join(err, fmt.Errorf("without a database a server starts, or ends with %v", start))
	}
	asked.Wait()
	if err := errors.Join(err, f.database.Restart(ctx)); err != nil {
		return err
	}
	back := clock.System().Now()
	for i, s := range f.servers {
		if i == victim {
			continue
		}
		if err := s.awaitHealthy(ctx); err != nil {
			return err
		}
	}
	f.recovery = max(f.recovery, clock.System().Now().Sub(back))
	return f.servers[victim].restart(ctx, true)
}

// nodeFault is a way in which a node goes away and comes back.
type nodeFault struct {
	name       string
	begin, end func(ctx context.Context, node *sqltest.Server) error
}

func nodeFaults() []nodeFault {
	restart := func(ctx context.Context, node *sqltest.Server) error { return node.Restart(ctx) }
	return []nodeFault{
		{"killed", func(_ context.Context, node *sqltest.Server) error { return node.Kill9() }, restart},
		{"wiped", func(_ context.Context, node *sqltest.Server) error {
			return errors.Join(node.Kill9(), node.Wipe())
		}, restart},
		{
			"frozen",
			func(_ context.Context, node *sqltest.Server) error { return node.Freeze() },
			func(_ context.Context, node *sqltest.Server) error { return node.Thaw() },
		},
		{
			"cut off",
			func(ctx context.Context, node *sqltest.Server) error {
				if err := node.Cut(ctx); err != nil {
					return err
				}
				return node.AwaitAlone(ctx)
			},
			func(ctx context.Context, node *sqltest.Server) error { return node.Heal(ctx) },
		},
	}
}

// takeNodesAway takes nodes of a cluster away, one at a time and each in turn, in one way after the other, until the
// run is over.
func (f *fleet) takeNodesAway(ctx context.Context) error {
	if len(f.nodes) == 1 {
		return nil
	}
	random := rand.New(rand.NewPCG(f.history.seed, 2))
	nodes, faults := random.Perm(len(f.nodes)), nodeFaults()
	random.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
	probe := newClient(f, f.form.clients)
	probe.http = f.patient
	began := clock.System().Now()
	for f.nodeFaults == 0 || clock.System().Now().Sub(began) < f.form.lasts {
		n, fault := nodes[f.nodeFaults%len(nodes)], &faults[f.nodeFaults%len(faults)]
		if err := f.takeAway(ctx, probe, n, fault); err != nil {
			return fmt.Errorf("node %d %s: %w", n+1, fault.name, err)
		}
		f.nodeFaults++
	}
	return nil
}

// takeAway takes a node away. Its server must say so, and the others must go on. When the node is back, its server
// must soon be healthy and post, without a restart.
func (f *fleet) takeAway(ctx context.Context, probe *client, n int, fault *nodeFault) error {
	s, node := f.servers[n], f.nodes[n]
	s.held.Lock()
	defer s.held.Unlock()
	began := clock.System().Now()
	if err := fault.begin(ctx, node); err != nil {
		return err
	}
	gone := clock.System().Now()
	var asked sync.WaitGroup
	asked.Go(func() {
		if status, err := s.health(ctx); err != nil || status != http.StatusServiceUnavailable {
			f.violation("node %d is %s, and /healthz says %d: %v", n+1, fault.name, status, err)
		}
	})
	probe.servers = slices.Concat(f.servers[:n], f.servers[n+1:])
	asked.Go(func() { probe.settle(ctx, request{probe.number, 2 * f.nodeFaults}) })
	q := request{probe.number, 2*f.nodeFaults + 1}
	said := probe.askInVain(ctx, s, q)
	asked.Wait()
	asleep := clock.System().Now()
	if err := fault.end(ctx, node); err != nil {
		return err
	}
	if err := node.AwaitMember(ctx); err != nil {
		return err
	}
	back := clock.System().Now()
	if err := s.awaitHealthy(ctx); err != nil {
		return err
	}
	probe.servers = []*server{s}
	probe.settle(ctx, q)
	f.recovery = max(f.recovery, clock.System().Now().Sub(back))
	f.Logf("node %d %s: gone after %v, its server said %s after %v; a member again after %v, its server posts after %v",
		n+1, fault.name, round(gone.Sub(began)), said, round(asleep.Sub(gone)), round(back.Sub(asleep)),
		round(clock.System().Now().Sub(back)))
	return nil
}

// askInVain sends a transfer to a server whose node is away, which must answer with a code that says to try again.
func (c *client) askInVain(ctx context.Context, s *server, q request) bursar.Code {
	body, err := q.body(c.fleet.history.seed)
	if err != nil {
		c.fleet.violation("%+v: %v", q, err)
		return ""
	}
	a, code, err := c.send(ctx, s, body)
	if a != nil || code == "" || err != nil {
		c.fleet.violation("without its node a server answers %+v, %s: %v", a, code, err)
	}
	return code
}

func round(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
