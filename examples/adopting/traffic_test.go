package adopting_test

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bursar-ledger/bursar/examples/adopting"
	"github.com/bursar-ledger/bursar/ledger"
)

const (
	processes = 3
	clients   = 6
)

// process is one process of the application. Calls share its lock and a deployment takes it, because a process that is
// replaced ends its calls first.
type process struct {
	sync.RWMutex
	app *adopting.App
}

// traffic is what users do all the time: top-ups, orders, gifts and sign-ups. Some calls are retried, rolled back or
// given up half way.
type traffic struct {
	*testing.T
	db      *sql.DB
	fleet   [processes]process
	keys    atomic.Int64 // of orders, top-ups and gifts
	next    atomic.Int64 // the id of who signed up last
	stop    chan struct{}
	clients sync.WaitGroup

	mu     sync.Mutex
	users  []int64
	passed sync.Cond // of mu: done or failed has changed
	done   int
	failed bool
}

func startTraffic(t *testing.T, db *sql.DB, users int64) *traffic {
	w := &traffic{T: t, db: db, stop: make(chan struct{})}
	w.passed.L = &w.mu
	w.next.Store(users)
	for id := range users {
		w.users = append(w.users, id+1)
	}
	for i := range w.fleet {
		w.fleet[i].app = &adopting.App{DB: db}
	}
	for seed := range uint64(clients) {
		w.clients.Go(func() { w.client(rand.New(rand.NewPCG(seed, 1))) })
	}
	return w
}

// end stops the traffic.
func (w *traffic) end() {
	close(w.stop)
	w.clients.Wait()
}

// deploy replaces all processes, one after the other, while the others are used.
func (w *traffic) deploy(step adopting.Step, l *ledger.Ledger) {
	w.Helper()
	for i := range w.fleet {
		p := &w.fleet[i]
		p.Lock()
		p.app = &adopting.App{DB: w.db, Ledger: l, Step: step}
		p.Unlock()
		w.more(10)
	}
}

// more waits until the users have done more.
func (w *traffic) more(calls int) {
	w.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for until := w.done + calls; w.done < until; w.passed.Wait() {
		if w.failed {
			w.FailNow()
		}
	}
}

// client is one goroutine's users.
func (w *traffic) client(r *rand.Rand) {
	for {
		select {
		case <-w.stop:
			return
		default:
		}
		err := w.act(r)
		w.mu.Lock()
		w.done++
		w.failed = w.failed || err != nil
		w.passed.Broadcast()
		w.mu.Unlock()
		if err != nil {
			w.Error(err)
			return
		}
	}
}

// errChanged is why a caller rolls back.
var errChanged = errors.New("changed my mind")

// act does one thing that a user may do. An error from it is a violation, such as a deadlock or a refusal of a user who
// has money.
func (w *traffic) act(r *rand.Rand) error {
	ctx, key := context.Background(), w.keys.Add(1)
	user, other := w.user(r), w.user(r)
	cents := 1 + r.Int64N(2_000)
	switch n := r.IntN(20); {
	case n < 6:
		return w.call(r, func(ctx context.Context, a *adopting.App) error { return a.TopUp(ctx, key, user, cents) })
	case n < 12:
		_, err := w.db.ExecContext(ctx, `INSERT INTO orders (id, user_id, cents, state) VALUES ($1, $2, $3, 'open')`,
			key, user, cents)
		if err != nil {
			return err
		}
		return w.call(r, func(ctx context.Context, a *adopting.App) error { return a.Pay(ctx, key) })
	case user == other:
		return nil
	case n < 17:
		return w.call(r, func(ctx context.Context, a *adopting.App) error { return a.Give(ctx, key, user, other, cents) })
	case n < 19:
		err := w.call(r, func(ctx context.Context, a *adopting.App) error {
			return a.InTx(ctx, func(tx *sql.Tx) error {
				m := adopting.Move{Kind: "gift", Key: key, From: user, To: other, Cents: cents}
				return errors.Join(a.Move(ctx, tx, m), errChanged)
			})
		})
		if !errors.Is(err, errChanged) {
			return err
		}
		return nil
	default:
		fresh := w.next.Add(1)
		err := w.call(r, func(ctx context.Context, a *adopting.App) error { return a.SignUp(ctx, fresh) })
		if err == nil {
			w.mu.Lock()
			w.users = append(w.users, fresh)
			w.mu.Unlock()
		}
		return err
	}
}

// user is one of the users there are.
func (w *traffic) user(r *rand.Rand) int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.users[r.IntN(len(w.users))]
}

// call calls some process. One call in ten is given up while it runs and then made again at another process. One in
// five is made twice.
func (w *traffic) call(r *rand.Rand, fn func(context.Context, *adopting.App) error) error {
	if r.IntN(10) == 0 {
		ctx, cancel := context.WithCancel(context.Background())
		go cancel()
		_ = w.at(ctx, r, fn) // the call after it decides
		cancel()
	}
	err := w.at(context.Background(), r, fn)
	if err == nil && r.IntN(5) == 0 {
		err = w.at(context.Background(), r, fn)
	}
	if errors.Is(err, adopting.ErrPoor) && !errors.Is(err, errChanged) {
		return nil
	}
	return err
}

func (w *traffic) at(ctx context.Context, r *rand.Rand, fn func(context.Context, *adopting.App) error) error {
	p := &w.fleet[r.IntN(processes)]
	p.RLock()
	defer p.RUnlock()
	return fn(ctx, p.app)
}
