package main

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// orderWriter is a program of an application's beside the servers: it writes orders of its own and their transfers in one
// database transaction each, and says which are paid. It is killed at times too.
type orderWriter struct {
	f *fleet

	mu      sync.Mutex
	command *exec.Cmd
	read    chan struct{} // closed when all that it said was read
	lives   int
	paid    []int64
}

// ordersProgram is the name that the program of an application has for tests.
const ordersProgram = "fleet-orders"

// employ makes the table of orders and starts the program.
func (f *fleet) employ() *orderWriter {
	f.Helper()
	_, err := f.database.Open(f.T).ExecContext(f.Context(), "CREATE TABLE orders (id BIGINT PRIMARY KEY)")
	f.must(err)
	w := &orderWriter{f: f}
	w.start()
	f.Cleanup(func() { _ = w.command.Process.Kill() })
	return w
}

// perLife is more orders than a life of the program has time for.
const perLife = 1_000_000

func (w *orderWriter) start() {
	w.lives++
	command := exec.Command(ordersProgram, w.f.database.URL(), strconv.Itoa(w.lives*perLife))
	command.Stderr = os.Stderr
	stdout, err := command.StdoutPipe()
	if err == nil {
		err = command.Start()
	}
	if err != nil {
		w.f.Errorf("start the application: %v", err)
	}
	w.command, w.read = command, make(chan struct{})
	go func() {
		defer close(w.read)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if n, err := strconv.ParseInt(lines.Text(), 10, 64); err == nil { // the last line may be half a line
				w.mu.Lock()
				w.paid = append(w.paid, n)
				w.mu.Unlock()
			}
		}
	}()
}

// kill kills the program and starts it again.
func (w *orderWriter) kill() {
	w.end()
	w.start()
}

func (w *orderWriter) end() {
	_ = w.command.Process.Kill()
	<-w.read
	_ = w.command.Wait()
}

// check wants a transfer for each order and no other, and takes them away from what is posted.
func (w *orderWriter) check(posted map[bursar.ID][]bursar.Entry) {
	f := w.f
	f.Helper()
	rows, err := f.database.Open(f.T).QueryContext(f.Context(), "SELECT id FROM orders")
	f.must(err)
	defer rows.Close()
	written := make(map[int64]bool)
	for rows.Next() {
		var n int64
		f.must(rows.Scan(&n))
		written[n] = true
		id := bursar.IDOf("fleet.order", n)
		if len(posted[id]) != 1 {
			f.Errorf("order %d has %d entries in the journal", n, len(posted[id]))
		}
		delete(posted, id)
	}
	f.must(rows.Err())
	for _, n := range w.paid {
		if !written[n] {
			f.lost++
			f.Errorf("order %d was paid and is not there", n)
		}
	}
	if len(w.paid) == 0 {
		f.Errorf("the application paid no order")
	}
}

// ordersMain is the program. It ends when it is killed.
func ordersMain() {
	ctx := context.Background()
	pay, err := payer(ctx, os.Args[1])
	first, errFirst := strconv.ParseInt(os.Args[2], 10, 64)
	if err != nil || errFirst != nil {
		fmt.Fprintln(os.Stderr, ordersProgram+":", err, errFirst)
		os.Exit(1)
	}
	const workers = 4
	var all sync.WaitGroup
	var out sync.Mutex
	for worker := range int64(workers) {
		all.Go(func() {
			for n := first + worker; ; n += workers {
				commit := rand.IntN(10) < 7
				for pay(ctx, n, commit) != nil { // it may be there already; then nothing happens twice
					<-time.After(rand.N(50 * time.Millisecond))
				}
				if commit {
					out.Lock()
					fmt.Println(n)
					out.Unlock()
				}
			}
		})
	}
	all.Wait()
}

// payer opens the application's database, and returns how it pays order n there: its row and its transfer in one
// database transaction, which is rolled back in the end if it is not to be committed.
func payer(ctx context.Context, url string) (func(ctx context.Context, n int64, commit bool) error, error) {
	if strings.HasPrefix(url, "postgres:") {
		return pgxPayer(ctx, url)
	}
	dsn, err := mysql.DSN(url)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("mysql", dsn)
	if err != nil {
		return nil, err
	}
	ledger, err := bursar.New(mysql.New(db), nil)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, n int64, commit bool) error {
		tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		if err != nil {
			return err
		}
		defer tx.Rollback() // after a commit it does nothing
		if _, err := tx.ExecContext(ctx, "INSERT INTO orders VALUES (?) ON DUPLICATE KEY UPDATE id = orders.id", n); err != nil {
			return err
		}
		if _, err := ledger.In(mysql.Tx(tx)).Post(ctx, orderTransfer(n)); err != nil || !commit {
			return err
		}
		return tx.Commit()
	}, nil
}

func pgxPayer(ctx context.Context, url string) (func(ctx context.Context, n int64, commit bool) error, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, err
	}
	ledger, err := bursar.New(postgres.New(pool), nil)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, n int64, commit bool) error {
		tx, err := pool.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback(ctx) }()
		if _, err := tx.Exec(ctx, "INSERT INTO orders VALUES ($1) ON CONFLICT DO NOTHING", n); err != nil {
			return err
		}
		if _, err := ledger.In(postgres.PgxTx(tx)).Post(ctx, orderTransfer(n)); err != nil || !commit {
			return err
		}
		return tx.Commit(ctx)
	}, nil
}

func orderTransfer(n int64) bursar.Transfer {
	return bursar.Transfer{
		ID:   bursar.IDOf("fleet.order", n),
		Legs: []bursar.Leg{{From: "bank", To: player(int(n % fleetPlayers)), Amount: money.MustParse("0.50 USD")}},
	}
}
