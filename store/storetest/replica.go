package storetest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/ledger"
)

// Followed is an empty database and a server that follows it and takes no writes.
type Followed struct {
	// Source is the store of the database that takes writes, and Copy that of the one that follows.
	Source, Copy driver.Store
	// Replica is the server of Copy.
	Replica Follower
	// DB is an application's handle on Copy, and Tx makes what it begins fit for ledger.In.
	DB *sql.DB
	Tx func(tx *sql.Tx) driver.CallerTx
	// Bounded says that the engine tells up to which time all has been applied.
	Bounded bool
}

// Follower is a server that follows another one, such as a *sqltest.Replica.
type Follower interface {
	// CatchUp waits until it has all that is committed.
	CatchUp(testing.TB)
	// Hold keeps it from applying anything.
	Hold(testing.TB)
	// Release ends that.
	Release(testing.TB)
	// Promote makes it a server that takes writes.
	Promote(testing.TB)
}

// RunReplica checks what a ledger does over a server that takes no writes. open starts the servers, once for each test.
func RunReplica(t *testing.T, open func(t *testing.T) Followed) {
	t.Helper()
	for _, c := range []struct {
		name string
		run  func(*pair)
	}{
		{"what reads does as on the source", replicaReads},
		{"what writes is refused until it is promoted", replicaRefuses},
		{"what it says of a time is final", replicaIsFinal},
		{"it says how far it is behind", replicaFreshness},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(newPair(t, open(t)))
		})
	}
}

// pair is a ledger on a server and the same one on a server that follows it.
type pair struct {
	*testing.T
	Followed
	source, copy *ledger.Ledger
}

func newPair(t *testing.T, followed Followed) *pair {
	t.Helper()
	p := &pair{T: t, Followed: followed}
	p.source = p.open(p.Source, &ledger.Options{Migrate: true, SealEvery: -1})
	for _, o := range []bursar.Opening{{Path: "world", NoMin: true}, {Path: "users:1"}, {Path: "users:2"}} {
		o.Currency = currency("USD")
		_, err := p.source.OpenAccount(t.Context(), o)
		p.must(err)
	}
	p.Replica.CatchUp(t)
	// It looks for what is unsealed all the time, as a server does.
	p.copy = p.open(p.Copy, &ledger.Options{Strategy: ledger.Queue{}, SealEvery: time.Millisecond})
	return p
}

func (p *pair) open(store driver.Store, o *ledger.Options) *ledger.Ledger {
	p.Helper()
	var log bytes.Buffer
	o.Logger = slog.New(slog.NewTextHandler(&log, nil))
	l, err := ledger.New(context.Background(), store, o)
	p.must(err)
	p.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			p.Error(err)
		}
		if strings.Contains(log.String(), "not sealed") {
			p.Errorf("that a replica does not seal is told as a fault:\n%s", &log)
		}
	})
	return l
}

func (p *pair) must(err error) {
	p.Helper()
	if err != nil {
		p.Fatal(err)
	}
}

func (p *pair) pay(to, amount string) bursar.Posted {
	p.Helper()
	posted, err := p.source.Post(p.Context(), move("world", to, amount))
	p.must(err)
	return posted
}

func (p *pair) seal() bursar.Head {
	p.Helper()
	head, err := p.source.Seal(p.Context())
	p.must(err)
	return head
}

func replicaReads(p *pair) {
	p.pay("users:1", "25.00 USD")
	second := move("users:1", "users:2", "5.00 USD")
	second.Reference = "order 7"
	posted, err := p.source.Post(p.Context(), second)
	p.must(err)
	p.pay("users:2", "1.00 USD")
	past := p.seal()
	p.pay("users:1", "3.00 USD") // not sealed
	p.Replica.CatchUp(p)
	at := past.At.Time()
	for name, read := range map[string]func(l *ledger.Ledger) (any, error){
		"Head":    func(l *ledger.Ledger) (any, error) { return l.Head(p.Context()) },
		"Account": func(l *ledger.Ledger) (any, error) { return l.Account(p.Context(), "users:1") },
		"Accounts": func(l *ledger.Ledger) (any, error) {
			return l.Accounts(p.Context(), bursar.AccountQuery{Prefix: "users:"})
		},
		"Journal":  func(l *ledger.Ledger) (any, error) { return l.Journal(p.Context(), 1, 10) },
		"Transfer": func(l *ledger.Ledger) (any, error) { return l.Transfer(p.Context(), posted.ID) },
		"TransferByReference": func(l *ledger.Ledger) (any, error) {
			return l.TransferByReference(p.Context(), "order 7")
		},
		"Balances": func(l *ledger.Ledger) (any, error) {
			return l.Balances(p.Context(), []string{"users:1", "users:2"}, bursar.AsOf{})
		},
		"Balance as of": func(l *ledger.Ledger) (any, error) {
			return l.Balance(p.Context(), "users:1", bursar.AsOf{At: at})
		},
		"Balance effective": func(l *ledger.Ledger) (any, error) {
			return l.Balance(p.Context(), "users:1", bursar.AsOf{Effective: at})
		},
		"Statement": func(l *ledger.Ledger) (any, error) {
			return l.Statement(p.Context(), "users:1", bursar.StatementQuery{})
		},
		"Statement to": func(l *ledger.Ledger) (any, error) {
			return l.Statement(p.Context(), "users:1", bursar.StatementQuery{To: at})
		},
		"TrialBalance": func(l *ledger.Ledger) (any, error) {
			totals, _, err := l.TrialBalance(p.Context(), nil)
			return totals, err
		},
		"Sum": func(l *ledger.Ledger) (any, error) {
			totals, _, err := l.Sum(p.Context(), "users:", bursar.AsOf{At: at})
			return totals, err
		},
	} {
		want, err := read(p.source)
		p.must(err)
		got, err := read(p.copy)
		if err != nil {
			p.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(want, got); diff != "" {
			p.Errorf("%s (-source +replica):\n%s", name, diff)
		}
	}
	report, err := verify.Run(p.Context(), p.Copy, p.copy.Book(), nil)
	p.must(err)
	p.must(report.Err())
	if report.Entries != 7 || report.Unsealed != 1 || len(report.Warnings) > 0 {
		p.Errorf("the replica's report is %+v", report)
	}
	tx, err := p.DB.BeginTx(p.Context(), nil)
	p.must(err)
	balance, err := p.copy.In(p.Tx(tx)).Balance(p.Context(), "users:2", bursar.AsOf{})
	p.must(errors.Join(err, tx.Rollback()))
	if got := balance.Balance.String(); got != "6.00 USD" {
		p.Errorf("inside a database transaction on the replica users:2 has %s", got)
	}
}

// refused are all ways to write.
func (p *pair) refused() map[string]error {
	ctx := p.Context()
	errs := map[string]error{}
	t := move("world", "users:1", "1.00 USD")
	_, errs["PostBatch"] = p.copy.PostBatch(ctx, []bursar.Transfer{t})
	_, errs["OpenAccount"] = p.copy.OpenAccount(ctx, bursar.Opening{Path: "users:3", Currency: currency("USD")})
	_, errs["Seal"] = p.copy.Seal(ctx)
	_, errs["a new book"] = ledger.New(ctx, p.Copy, &ledger.Options{Book: "another", Migrate: true})
	for _, strategy := range []ledger.Strategy{
		ledger.Queue{}, ledger.Locks{}, ledger.Swap{}, ledger.Hybrid{}, ledger.Serializable{},
	} {
		name := fmt.Sprintf("%T", strategy)
		l, err := ledger.New(ctx, p.Copy, &ledger.Options{Strategy: strategy, SealEvery: -1})
		p.must(err)
		_, errs[name] = l.Post(ctx, t)
		p.must(l.Close(ctx))
	}
	tx, err := p.DB.BeginTx(ctx, nil)
	p.must(err)
	_, errs["In"] = p.copy.In(p.Tx(tx)).Post(ctx, t)
	p.must(tx.Rollback())
	return errs
}

func replicaRefuses(p *pair) {
	for name, err := range p.refused() {
		if !errors.Is(err, bursar.ErrUnavailable) || !errors.Is(err, driver.ErrReplica) {
			p.Errorf("%s: %v, want that the server takes no writes", name, err)
		}
	}
	p.pay("users:1", "2.00 USD") // and leave it to the replica to seal
	p.Replica.CatchUp(p)
	p.Replica.Promote(p)
	for name, err := range p.refused() {
		if err != nil {
			p.Errorf("%s, after the promotion: %v", name, err)
		}
	}
	head, err := p.copy.Seal(p.Context())
	p.must(err)
	report, err := verify.Run(p.Context(), p.Copy, p.copy.Book(), nil)
	p.must(errors.Join(err, report.Err()))
	if report.Unsealed != 0 || report.Head.Seq != head.Seq || report.Warnings != nil {
		p.Errorf("the report of the promoted server is %+v", report)
	}
}

// asked is what the replica answered.
type asked struct {
	at      time.Time
	balance bursar.Balance
}

// replicaIsFinal asks the replica for balances of many times while the source posts and reaches times, and while the
// replica is held and released. What it has answered must be what the source says of that time, long after.
func replicaIsFinal(p *pair) {
	const rounds, looks = 4, 20
	var answers []asked
	ahead := 0
	for round := range rounds {
		if round%2 == 1 {
			p.Replica.Hold(p)
		}
		held, err := p.copy.Head(p.Context())
		p.must(err)
		stop, stopped := make(chan struct{}), make(chan error, 1)
		go func() {
			stopped <- p.write(stop)
		}()
		for range looks {
			f, err := p.copy.Freshness(p.Context())
			p.must(err)
			for _, at := range []bursar.Instant{held.At, f.At, f.At + 1, (f.At + f.Now) / 2, f.Now} {
				balance, err := p.copy.Balance(p.Context(), "users:1", bursar.AsOf{At: at.Time()})
				switch {
				case err == nil:
					answers = append(answers, asked{at.Time(), balance})
				case errors.Is(err, bursar.ErrAsOfAhead):
					ahead++
				default:
					p.Error(err)
				}
			}
		}
		close(stop)
		p.must(<-stopped)
		if round%2 == 1 {
			p.Replica.Release(p)
		}
		p.Replica.CatchUp(p)
	}
	if len(answers) < rounds*looks || ahead < rounds*looks {
		p.Errorf("%d answers and %d refusals do not show much", len(answers), ahead)
	}
	for _, a := range answers {
		balance, err := p.source.Balance(p.Context(), "users:1", bursar.AsOf{At: a.at})
		p.must(err)
		if diff := cmp.Diff(balance, a.balance); diff != "" {
			p.Fatalf("as of %v (-source +replica):\n%s", a.at, diff)
		}
	}
}

// write posts on the source, seals and reaches times, until it is stopped.
func (p *pair) write(stop <-chan struct{}) error {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return nil
		default:
		}
		if _, err := p.source.Post(p.Context(), move("world", "users:1", "0.01 USD")); err != nil {
			return err
		}
		var err error
		switch n % 3 {
		case 1:
			_, err = p.source.Seal(p.Context())
		case 2:
			f, asking := p.source.Freshness(p.Context())
			_, reaching := p.source.Balance(p.Context(), "users:1", bursar.AsOf{At: f.Now.Time()})
			err = errors.Join(asking, reaching)
		}
		if err != nil {
			return err
		}
	}
}

func replicaFreshness(p *pair) {
	source, err := p.source.Freshness(p.Context())
	p.must(err)
	if source.Replica != nil || source.Now <= source.At {
		p.Errorf("the source says %+v of itself", source)
	}
	p.pay("users:1", "1.00 USD")
	before := p.seal()
	p.Replica.CatchUp(p)
	f := p.fresh(bursar.ReplicaFollowing)
	if f.Head != before || f.Replica.Behind == nil {
		p.Errorf("the replica says %+v, and the head is %+v", f, before)
	}
	p.Replica.Hold(p)
	posted := p.pay("users:1", "1.00 USD")
	p.seal()
	f = p.fresh(bursar.ReplicaStopped)
	if f.Head != before {
		p.Errorf("a replica that is held has the head %+v, want %+v", f.Head, before)
	}
	record, err := p.source.Transfer(p.Context(), posted.ID)
	p.must(err)
	if p.Bounded && (f.Replica.Applied == 0 || f.Replica.Applied >= record.Entries[0].At) {
		p.Errorf("it says that all before %v is here, and %v is not", f.Replica.Applied, record.Entries[0].At)
	}
	if p.Bounded != (f.Replica.Behind != nil) {
		p.Errorf("a replica that is held says %+v", f.Replica)
	}
	p.Replica.Release(p)
	p.Replica.CatchUp(p)
	p.fresh(bursar.ReplicaFollowing)
	p.Replica.Promote(p)
	f, err = p.copy.Freshness(p.Context())
	p.must(err)
	if f.Replica != nil {
		p.Errorf("a promoted server says %+v", f.Replica)
	}
}

func (p *pair) fresh(want bursar.ReplicaState) bursar.Freshness {
	p.Helper()
	f, err := p.copy.Freshness(p.Context())
	p.must(err)
	if f.Replica == nil || f.Replica.State != want || f.Now == 0 {
		p.Fatalf("the replica says %+v, want %s", f, want)
	}
	return f
}
