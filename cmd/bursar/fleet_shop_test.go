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
	"slices"
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

// fleetShop is the name of a program that is an application on the fleet's database. It writes an order's row and posts
// the order's transfer in one database transaction, and says the answer once it is acknowledged.
const fleetShop = "bursar-fleet-shop"

// shopTask is what a shop is told, in one line. The shop goes on until its stdin ends.
type shopTask struct {
	URL  string
	Seed uint64
	Next []int // the first order of each worker
}

// What a shop says of an order, with its number behind it.
const (
	answerPaid = "paid"  // row and transfer are committed
	answerOff  = "off"   // neither is: they were rolled back, or refused for lack of money
	noteAgain  = "again" // the order is attempted again
)

func runFleetShop() {
	if err := runShop(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(plainExit)
	}
}

// shopDatabase is the database as the shop uses it.
type shopDatabase struct {
	store driver.Store
	begin func(context.Context) (*shopTx, error)
}

// shopTx is a database transaction of the shop.
type shopTx struct {
	driver.CallerTx
	exec             func(ctx context.Context, query string) (affected int64, err error)
	commit, rollback func() error
}

const orderTable = `CREATE TABLE orders (
	id BIGINT PRIMARY KEY, buyer VARCHAR(64) NOT NULL, seller VARCHAR(64) NOT NULL, cents BIGINT NOT NULL
)`

func openShopDatabase(ctx context.Context, url string) (*shopDatabase, error) {
	if strings.HasPrefix(url, "postgres:") {
		return openShopPostgres(ctx, url)
	}
	dsn, err := mysql.DSN(url)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return nil, err
	}
	open := mysql.New
	if strings.HasPrefix(url, "galera:") {
		open = mysql.NewGalera
	}
	return &shopDatabase{open(db), func(ctx context.Context) (*shopTx, error) {
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
		return &shopTx{mysql.Tx(tx), exec, tx.Commit, tx.Rollback}, nil
	}}, nil
}

func openShopPostgres(ctx context.Context, url string) (*shopDatabase, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, err
	}
	return &shopDatabase{postgres.New(pool), func(ctx context.Context) (*shopTx, error) {
		tx, err := pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
		if err != nil {
			return nil, err
		}
		return &shopTx{
			CallerTx: postgres.PgxTx(tx),
			exec: func(ctx context.Context, query string) (int64, error) {
				tag, err := tx.Exec(ctx, query+" ON CONFLICT DO NOTHING")
				return tag.RowsAffected(), err
			},
			commit:   func() error { return tx.Commit(ctx) },
			rollback: func() error { return tx.Rollback(ctx) },
		}, nil
	}}, nil
}

// shopProcess is the shop from the inside.
type shopProcess struct {
	*shopDatabase
	ledger *ledger.Ledger
	seed   uint64
	out    io.Writer // each line in one write, which a pipe takes whole or not at all
}

func runShop(stdin io.Reader, out io.Writer) error {
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
	s := &shopProcess{seed: task.Seed, out: out}
	if s.shopDatabase, err = openShopDatabase(ctx, task.URL); err != nil {
		return err
	}
	if s.ledger, err = s.open(ctx); err != nil {
		return err
	}
	errs := make([]error, len(task.Next))
	var workers sync.WaitGroup
	for w, next := range task.Next {
		workers.Go(func() { errs[w] = s.takeOrders(ctx, closing, next, len(task.Next)) })
	}
	workers.Wait()
	return errors.Join(errors.Join(errs...), s.ledger.Close(ctx))
}

// open makes the ledger, as soon as the database is there.
func (s *shopProcess) open(ctx context.Context) (l *ledger.Ledger, err error) {
	err = s.retry(ctx, 0, func() error {
		l, err = ledger.New(ctx, s.store, nil)
		return err
	})
	return l, err
}

func (s *shopProcess) takeOrders(ctx context.Context, closing <-chan struct{}, next, step int) error {
	for ; ; next += step {
		select {
		case <-closing:
			return nil
		default:
		}
		var answer string
		o := order(next)
		err := s.retry(ctx, o, func() (err error) {
			answer, err = s.post(ctx, o)
			return err
		})
		if err != nil {
			return fmt.Errorf("order %d: %w", o, err)
		}
		if _, err := fmt.Fprintf(s.out, "%s %d\n", answer, o); err != nil {
			return err
		}
	}
}

// retry repeats what failed for a reason that may pass, with a pause.
func (s *shopProcess) retry(ctx context.Context, o order, fn func() error) error {
	ctx, cancel := context.WithTimeout(ctx, fleetMax)
	defer cancel()
	for {
		err := fn()
		var coded *bursar.Error
		if err == nil || errors.As(err, &coded) && !bursar.Retryable(err) {
			return err
		}
		if _, err := fmt.Fprintf(s.out, "%s %d\n", noteAgain, o); err != nil {
			return err
		}
		if clock.System().Sleep(ctx, 20*time.Millisecond) != nil {
			return err
		}
	}
}

// post writes the row and posts the transfer of one order.
func (s *shopProcess) post(ctx context.Context, o order) (answer string, err error) {
	tx, err := s.begin(ctx)
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil || answer != answerPaid {
			_ = tx.rollback() // an error would change nothing: nothing is committed
		}
	}()
	leg := o.leg(s.seed)
	cents, _ := leg.Amount.Units() // small ones
	n, err := tx.exec(ctx, fmt.Sprintf("INSERT INTO orders (id, buyer, seller, cents) VALUES (%d, '%s', '%s', %d)",
		o, leg.From, leg.To, cents))
	if err != nil {
		return "", err
	}
	posted, err := s.ledger.In(tx).Post(ctx, bursar.Transfer{ID: o.id(), Legs: []bursar.Leg{leg}})
	switch {
	case errors.Is(err, bursar.ErrInsufficientFunds) && n == 1:
		return answerOff, nil
	case err != nil:
		return "", err
	case posted.Replayed != (n == 0):
		return "", bursar.Errorf(bursar.CodeCorrupt, "%d rows were new, and the transfer is %+v", n, posted)
	case o.rolledBack():
		return answerOff, nil
	}
	return answerPaid, tx.commit()
}

// shop is the shop from the outside: one process after the other. A single goroutine starts and kills it.
type shop struct {
	fleet  *fleet
	next   []int
	again  int
	cmd    *exec.Cmd
	stdin  io.Closer
	done   chan error // how its stdout ended
	stderr strings.Builder
}

func (s *shop) start() error {
	s.cmd = exec.Command(fleetShop)
	s.stderr.Reset()
	s.cmd.Stderr = &s.stderr
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
	s.stdin, s.done = stdin, make(chan error, 1)
	go func() { s.done <- s.read(stdout) }()
	return json.NewEncoder(stdin).Encode(shopTask{
		URL: s.fleet.database.URL(), Seed: s.fleet.history.seed, Next: slices.Clone(s.next),
	})
}

// read notes what the process says. It is done before another process is started.
func (s *shop) read(out io.Reader) error {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var said string
		var number int
		if _, err := fmt.Sscanf(lines.Text(), "%s %d", &said, &number); err != nil {
			return fmt.Errorf("the shop says %q", lines.Text())
		}
		if said == noteAgain {
			s.again++
			continue
		}
		s.fleet.history.orders[order(number)] = said == answerPaid
		s.next[number%len(s.next)] = number + len(s.next)
	}
	return lines.Err()
}

func (s *shop) kill() error {
	err := errors.Join(s.cmd.Process.Kill(), <-s.done)
	var exit *exec.ExitError
	if end := s.cmd.Wait(); !errors.As(end, &exit) || exit.ExitCode() != -1 {
		err = errors.Join(err, fmt.Errorf("the shop ended by itself: %v: %s", end, &s.stderr))
	}
	return err
}

func (s *shop) stop() error {
	err := errors.Join(s.stdin.Close(), <-s.done)
	if end := s.cmd.Wait(); end != nil {
		err = errors.Join(err, fmt.Errorf("the shop: %w: %s", end, &s.stderr))
	}
	return err
}
