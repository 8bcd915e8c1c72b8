package main

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// fleetShop is the name of a program that is an application on the fleet's database: it writes an order's row and posts
// the order's transfer in one database transaction, and says what became of it once that is acknowledged.
const fleetShop = "bursar-fleet-shop"

// shopTask is what a shop is told, in one line. It works until its stdin ends.
type shopTask struct {
	URL  string
	Seed uint64
	Next []int // the first order of each worker
}

// saidPaid is a row and a transfer; saidOff is neither, because the customer repented or had not the money.
const (
	saidPaid  = "paid"
	saidOff   = "off"
	saidAgain = "again"
)

func runFleetShop() {
	if err := keepFleetShop(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(plainExit)
	}
}

// purse begins database transactions of an application's.
type purse struct {
	store driver.Store
	begin func(context.Context) (*sale, error)
}

// sale is one of them.
type sale struct {
	driver.CallerTx
	exec             func(ctx context.Context, query string) (affected int64, err error)
	commit, rollback func() error
}

const orderTable = `CREATE TABLE orders (id BIGINT PRIMARY KEY, buyer VARCHAR(64) NOT NULL, seller VARCHAR(64) NOT NULL, cents BIGINT NOT NULL)`

func openPurse(ctx context.Context, url string) (*purse, error) {
	if strings.HasPrefix(url, "postgres:") {
		pool, err := pgxpool.New(ctx, url)
		if err != nil {
			return nil, err
		}
		return &purse{postgres.New(pool), func(ctx context.Context) (*sale, error) {
			tx, err := pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
			if err != nil {
				return nil, err
			}
			exec := func(ctx context.Context, query string) (int64, error) {
				tag, err := tx.Exec(ctx, query+" ON CONFLICT DO NOTHING")
				return tag.RowsAffected(), err
			}
			return &sale{postgres.PgxTx(tx), exec, func() error { return tx.Commit(ctx) }, func() error { return tx.Rollback(ctx) }}, nil
		}}, nil
	}
	dsn, err := mysql.DSN(url)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return nil, err
	}
	return &purse{mysql.New(db), func(ctx context.Context) (*sale, error) {
		tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		if err != nil {
			return nil, err
		}
		exec := func(ctx context.Context, query string) (int64, error) {
			result, err := tx.ExecContext(ctx, query+" ON DUPLICATE KEY UPDATE id = id")
			if err != nil {
				return 0, err
			}
			return result.RowsAffected()
		}
		return &sale{mysql.Tx(tx), exec, tx.Commit, tx.Rollback}, nil
	}}, nil
}

// shopkeeper is the body of the program.
type shopkeeper struct {
	*purse
	ledger *ledger.Ledger
	seed   uint64
	out    io.Writer // each line in one write, which a pipe takes whole or not at all
}

func keepFleetShop(stdin io.Reader, out io.Writer) error {
	in := bufio.NewReader(stdin)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return err
	}
	var task shopTask
	if err := json.Unmarshal(line, &task); err != nil {
		return err
	}
	closing := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, in)
		close(closing)
	}()
	ctx := context.Background()
	s := &shopkeeper{seed: task.Seed, out: out}
	if s.purse, err = openPurse(ctx, task.URL); err != nil {
		return err
	}
	if s.ledger, err = s.open(ctx); err != nil {
		return err
	}
	errs := make([]error, len(task.Next))
	var workers sync.WaitGroup
	for w, next := range task.Next {
		workers.Go(func() { errs[w] = s.work(ctx, closing, next, len(task.Next)) })
	}
	workers.Wait()
	return errors.Join(errors.Join(errs...), s.ledger.Close(ctx))
}

// open makes the ledger, as soon as the database is there.
func (s *shopkeeper) open(ctx context.Context) (l *ledger.Ledger, err error) {
	err = s.persist(ctx, 0, func() error {
		l, err = ledger.New(ctx, s.store, nil)
		return err
	})
	return l, err
}

func (s *shopkeeper) work(ctx context.Context, closing <-chan struct{}, next, step int) error {
	for ; ; next += step {
		select {
		case <-closing:
			return nil
		default:
		}
		var said string
		p := purchase(next)
		err := s.persist(ctx, p, func() (err error) {
			said, err = s.sell(ctx, p)
			return err
		})
		if err != nil {
			return fmt.Errorf("order %d: %w", p, err)
		}
		if _, err := fmt.Fprintf(s.out, "%s %d\n", said, p); err != nil {
			return err
		}
	}
}

// persist repeats what failed for a reason that passes, with a pause.
func (s *shopkeeper) persist(ctx context.Context, p purchase, fn func() error) error {
	ctx, cancel := context.WithTimeout(ctx, fleetPatience)
	defer cancel()
	for {
		err := fn()
		var coded *bursar.Error
		if err == nil || errors.As(err, &coded) && !bursar.Retryable(err) {
			return err
		}
		if _, err := fmt.Fprintf(s.out, "%s %d\n", saidAgain, p); err != nil {
			return err
		}
		if clock.System().Sleep(ctx, 20*time.Millisecond) != nil {
			return err
		}
	}
}

// sell writes the row and posts the transfer of one order.
func (s *shopkeeper) sell(ctx context.Context, p purchase) (said string, err error) {
	tx, err := s.begin(ctx)
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil || said != saidPaid {
			_ = tx.rollback() // what was not committed never is
		}
	}()
	leg := p.leg(s.seed)
	cents, _ := leg.Amount.Units() // small ones
	n, err := tx.exec(ctx, fmt.Sprintf("INSERT INTO orders (id, buyer, seller, cents) VALUES (%d, '%s', '%s', %d)", p, leg.From, leg.To, cents))
	if err != nil {
		return "", err
	}
	posted, err := s.ledger.In(tx).Post(ctx, bursar.Transfer{ID: p.id(), Legs: []bursar.Leg{leg}})
	switch {
	case errors.Is(err, bursar.ErrInsufficientFunds) && n == 1:
		return saidOff, nil
	case err != nil:
		return "", err
	case posted.Replayed != (n == 0):
		return "", bursar.Errorf(bursar.CodeCorrupt, "%d rows were new, and the transfer is %+v", n, posted)
	case p.repented():
		return saidOff, nil
	}
	return saidPaid, tx.commit()
}

// shop is the process, one after the other. A single goroutine starts and kills it.
type shop struct {
	fleet *fleet
	next  []int
	again int
	cmd   *exec.Cmd
	stdin io.Closer
	heard chan error // how its stdout ended
	talk  strings.Builder
}

func (s *shop) start() error {
	s.cmd = exec.Command(fleetShop)
	s.talk.Reset()
	s.cmd.Stderr = &s.talk
	stdin, err := s.cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.stdin, s.heard = stdin, make(chan error, 1)
	go func() { s.heard <- s.hear(stdout) }()
	return json.NewEncoder(stdin).Encode(shopTask{URL: s.fleet.url, Seed: s.fleet.history.seed, Next: append([]int(nil), s.next...)})
}

// hear takes in what the process says. It is done before another one is started.
func (s *shop) hear(out io.Reader) error {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var said string
		var number int
		if _, err := fmt.Sscanf(lines.Text(), "%s %d", &said, &number); err != nil {
			return fmt.Errorf("the shop says %q", lines.Text())
		}
		if said == saidAgain {
			s.again++
			continue
		}
		s.fleet.history.bought[purchase(number)] = said == saidPaid
		s.next[number%len(s.next)] = number + len(s.next)
	}
	return lines.Err()
}

func (s *shop) kill() error {
	err := errors.Join(s.cmd.Process.Kill(), <-s.heard)
	var exit *exec.ExitError
	if end := s.cmd.Wait(); !errors.As(end, &exit) || exit.ExitCode() != -1 {
		err = errors.Join(err, fmt.Errorf("the shop ended by itself: %v: %s", end, &s.talk))
	}
	return err
}

func (s *shop) stop() error {
	err := errors.Join(s.stdin.Close(), <-s.heard)
	if end := s.cmd.Wait(); end != nil {
		err = errors.Join(err, fmt.Errorf("the shop: %w: %s", end, &s.talk))
	}
	return err
}
