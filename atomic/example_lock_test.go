package atomic_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/sqlite"
)

// setUp makes the tables of the package in the shop.
func setUp(ctx context.Context, db *atomic.DB) {
	if err := atomic.Setup(ctx, db); err != nil {
		log.Fatal(err)
	}
}

func ExampleDoKeyed() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()
	setUp(ctx, db)

	sell := func(order string) {
		receipt, replayed, err := atomic.DoKeyed(ctx, db, order, func(ctx context.Context, tx *atomic.Tx) ([]byte, error) {
			err := atomic.ExecOne(ctx, tx, `UPDATE stock SET pieces = pieces - 1 WHERE item = 'cards'`)
			return []byte("one deck of cards"), err
		}, nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s, replayed: %v\n", order, receipt, replayed)
	}
	sell("order 1")
	sell("order 1") // The answer was lost on the way, so the customer asks again.
	show(ctx, db)
	// Output:
	// order 1: one deck of cards, replayed: false
	// order 1: one deck of cards, replayed: true
	// 100 chips, 1 cards
}

func ExampleTx_Savepoint() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()

	err := atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
		err := tx.Savepoint(ctx, func(ctx context.Context, tx *atomic.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO stock VALUES ('chips', 1)`)
			return err
		})
		if err != nil { // The item is there already, and that is fine.
			return atomic.ExecOne(ctx, tx, `UPDATE stock SET pieces = pieces + 1 WHERE item = 'chips'`)
		}
		return nil
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	show(ctx, db)
	// Output: 101 chips, 2 cards
}

func ExampleExecOne() {
	db, closeShop := openShop()
	defer closeShop()

	err := atomic.Do(context.Background(), db, func(ctx context.Context, tx *atomic.Tx) error {
		return atomic.ExecOne(ctx, tx, `UPDATE stock SET pieces = pieces - 1 WHERE item = 'dice'`)
	}, nil)
	fmt.Println(errors.Is(err, atomic.ErrNotOne))
	// Output: true
}

func ExampleQueryAll() {
	db, closeShop := openShop()
	defer closeShop()

	type item struct {
		name   string
		pieces int
	}
	err := atomic.Do(context.Background(), db, func(ctx context.Context, tx *atomic.Tx) error {
		items, err := atomic.QueryAll(ctx, tx, func(row atomic.Row) (item, error) {
			var i item
			err := row.Scan(&i.name, &i.pieces)
			return i, err
		}, `SELECT item, pieces FROM stock ORDER BY item`)
		fmt.Println(items)
		return err
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	// Output: [{cards 2} {chips 100}]
}

func ExampleQueryOne() {
	db, closeShop := openShop()
	defer closeShop()

	err := atomic.Do(context.Background(), db, func(ctx context.Context, tx *atomic.Tx) error {
		pieces, err := atomic.QueryOne(ctx, tx, atomic.Value[int], `SELECT pieces FROM stock WHERE item = ?`, "cards")
		fmt.Println(pieces)
		return err
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	// Output: 2
}

// The number of pieces is its own version here, but only because it never rises. A table that is restocked needs a
// column that counts changes.
func ExampleSwap() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()

	err := atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
		pieces, err := atomic.QueryOne(ctx, tx, atomic.Value[int], `SELECT pieces FROM stock WHERE item = 'cards'`)
		if err != nil {
			return err
		}
		return atomic.Swap(ctx, tx, 1, `UPDATE stock SET pieces = ? WHERE item = 'cards' AND pieces = ?`, pieces-1, pieces)
	}, &atomic.Options{RetryStale: true})
	if err != nil {
		log.Fatal(err)
	}
	show(ctx, db)
	// Output: 100 chips, 1 cards
}

func ExampleHybrid() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()

	const version = `SELECT pieces FROM stock WHERE item = 'cards'` // See Swap.
	read := func(ctx context.Context) (pieces int64, err error) {
		err = atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
			pieces, err = atomic.QueryOne(ctx, tx, atomic.Value[int64], version)
			return err
		}, &atomic.Options{ReadOnly: true})
		return pieces, err // Ask a price list, a person, another service: no lock is held.
	}
	err := atomic.Hybrid(ctx, db, read, func(ctx context.Context, tx *atomic.Tx, pieces int64) error {
		clause, err := tx.LockClause(atomic.RowLock{})
		if err != nil {
			return err
		}
		if err := atomic.LockAt(ctx, tx, pieces, version+" "+clause); err != nil {
			return err
		}
		return atomic.ExecOne(ctx, tx, `UPDATE stock SET pieces = ? WHERE item = 'cards'`, pieces-1)
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	show(ctx, db)
	// Output: 100 chips, 1 cards
}

func ExampleAdvisory() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()
	setUp(ctx, db)

	err := atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
		if err := atomic.Advisory(ctx, tx, "stocktaking"); err != nil {
			return err
		}
		fmt.Println("nobody else is taking stock until the commit")
		return nil
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	// Output: nobody else is taking stock until the commit
}

func ExampleTryAdvisory() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()
	setUp(ctx, db)

	err := atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
		got, err := atomic.TryAdvisory(ctx, tx, "stocktaking")
		fmt.Println("mine:", got)
		return err
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	// Output: mine: true
}

// At most two items may be on sale. There is no row to lock for the one that is not there yet.
func ExampleGuard() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()
	setUp(ctx, db)

	errFull := errors.New("the shelf is full")
	err := atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
		if _, err := atomic.Guard(ctx, tx, "shelf"); err != nil {
			return err
		}
		items, err := atomic.QueryOne(ctx, tx, atomic.Value[int], `SELECT count(*) FROM stock`)
		if err != nil {
			return err
		}
		if items >= 2 {
			return errFull
		}
		return atomic.ExecOne(ctx, tx, `INSERT INTO stock VALUES ('dice', 6)`)
	}, nil)
	fmt.Println(err)
	// Output: the shelf is full
}

func ExampleAcquire() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()
	setUp(ctx, db)

	write := func(lease atomic.Lease) error {
		return atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
			if err := atomic.Fence(ctx, tx, lease); err != nil {
				return err
			}
			return atomic.ExecOne(ctx, tx, `UPDATE stock SET pieces = pieces + 1 WHERE item = 'chips'`)
		}, nil)
	}
	old, err := atomic.Acquire(ctx, db, "importer", "host a, process 17", time.Minute)
	if err != nil {
		log.Fatal(err)
	}
	_, err = atomic.Acquire(ctx, db, "importer", "host b, process 4", time.Minute)
	fmt.Println("held:", errors.Is(err, atomic.ErrHeld))
	if err := atomic.Release(ctx, db, old); err != nil {
		log.Fatal(err)
	}
	current, err := atomic.Acquire(ctx, db, "importer", "host b, process 4", time.Minute)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("old holder fenced off:", errors.Is(write(old), atomic.ErrFenced))
	fmt.Println("new holder:", write(current))
	// Output:
	// held: true
	// old holder fenced off: true
	// new holder: <nil>
}

func ExampleAdopt() {
	pool, closeShop := openPool()
	defer closeShop()
	ctx := context.Background()

	tx, err := pool.BeginTx(ctx, nil) // Some framework does this.
	if err != nil {
		log.Fatal(err)
	}
	adopted, err := atomic.Adopt(ctx, tx, sqlite.Dialect{}, nil)
	if err != nil {
		log.Fatal(err)
	}
	adopted.Tx().OnCommit(func(context.Context) error {
		fmt.Println("mail: your cards are on their way")
		return nil
	})
	err = adopted.Tx().Savepoint(ctx, func(ctx context.Context, tx *atomic.Tx) error {
		return atomic.ExecOne(ctx, tx, `UPDATE stock SET pieces = pieces - 1 WHERE item = 'cards'`)
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := adopted.Ready(ctx); err != nil {
		log.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(adopted.Committed(ctx))
	// Output:
	// mail: your cards are on their way
	// <nil>
}

// A queue that works on every engine. A worker claims a job in a short database transaction, so jobs may take long.
// If jobs are short and the engine has SKIP LOCKED, a worker may also run its job in the database transaction that
// has locked it. The attempt is the fencing token: a worker that comes back from a long pause cannot finish a job
// that another has claimed since.
func ExampleDo_queue() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()

	type job struct{ id, attempt int }
	scanJob := func(row atomic.Row) (j job, err error) {
		err = row.Scan(&j.id, &j.attempt)
		return j, err
	}
	claim := func() (jobs []job) {
		err := atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) (err error) {
			jobs, err = atomic.QueryAll(ctx, tx, scanJob, `UPDATE jobs SET state = 'running', attempt = attempt + 1
				WHERE id = (SELECT min(id) FROM jobs WHERE state = 'ready') RETURNING id, attempt`)
			return err
		}, nil)
		if err != nil {
			log.Fatal(err)
		}
		return jobs
	}
	finish := func(j job) error {
		return atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
			return atomic.Swap(ctx, tx, 1, `UPDATE jobs SET state = 'done'
				WHERE id = ? AND attempt = ? AND state = 'running'`, j.id, j.attempt)
		}, nil)
	}
	err := atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
		_, err := tx.ExecContext(ctx, `
			CREATE TABLE jobs (id INTEGER PRIMARY KEY, state TEXT NOT NULL, attempt INTEGER NOT NULL);
			INSERT INTO jobs VALUES (1, 'ready', 0), (2, 'ready', 0)`)
		return err
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	for jobs := claim(); len(jobs) > 0; jobs = claim() {
		fmt.Println("job", jobs[0].id, "finished:", finish(jobs[0]))
	}
	fmt.Println("an old attempt:", errors.Is(finish(job{1, 0}), atomic.ErrStale))
	// Output:
	// job 1 finished: <nil>
	// job 2 finished: <nil>
	// an old attempt: true
}
