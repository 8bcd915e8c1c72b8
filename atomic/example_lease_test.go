package atomic_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/sqlite"
)

func ExampleSetup() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()

	fmt.Println(atomic.Setup(ctx, db))
	fmt.Println(atomic.Setup(ctx, db)) // Nothing is left to do.
	// Output:
	// <nil>
	// <nil>
}

func ExampleSchema() {
	for line := range strings.Lines(atomic.Schema(sqlite.Dialect{})) {
		if strings.HasPrefix(line, "CREATE") {
			fmt.Print(line)
		}
	}
	// Output:
	// CREATE TABLE IF NOT EXISTS atomic_key (
	// CREATE TABLE IF NOT EXISTS atomic_lock (
	// CREATE TABLE IF NOT EXISTS atomic_lease (
}

func ExampleFence() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()
	setUp(ctx, db)

	lease, err := atomic.Acquire(ctx, db, "importer", "host a, process 17", time.Minute)
	if err != nil {
		log.Fatal(err)
	}
	// The same holder again, after a crash.
	if _, err := atomic.Acquire(ctx, db, "importer", "host a, process 17", time.Minute); err != nil {
		log.Fatal(err)
	}
	err = atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
		if err := atomic.Fence(ctx, tx, lease); err != nil {
			return err
		}
		return atomic.ExecOne(ctx, tx, `UPDATE stock SET pieces = pieces + 1 WHERE item = 'chips'`)
	}, nil)
	fmt.Println("the first lease is fenced off:", errors.Is(err, atomic.ErrFenced))
	show(ctx, db)
	// Output:
	// the first lease is fenced off: true
	// 100 chips, 2 cards
}

func ExampleRenew() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()
	setUp(ctx, db)

	lease, err := atomic.Acquire(ctx, db, "importer", "host a, process 17", time.Minute)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(atomic.Renew(ctx, db, lease)) // Every twenty seconds.
	// Output: <nil>
}

func ExampleRelease() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()
	setUp(ctx, db)

	lease, err := atomic.Acquire(ctx, db, "importer", "host a, process 17", time.Minute)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(atomic.Release(ctx, db, lease))
	fmt.Println("renewed after that:", !errors.Is(atomic.Renew(ctx, db, lease), atomic.ErrFenced))
	// Output:
	// <nil>
	// renewed after that: false
}

// The count of a guard is the version of what it guards.
func ExampleGuardCount() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()
	setUp(ctx, db)

	err := atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
		seen, err := atomic.GuardCount(ctx, tx, "shelf")
		if err != nil {
			return err
		}
		before, err := atomic.Guard(ctx, tx, "shelf")
		fmt.Println("nobody came between:", before == seen)
		return err
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	// Output: nobody came between: true
}

// The number of pieces is the version here, see Swap.
func ExampleLockAt() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()

	sell := func(seen int64) error {
		return atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
			if err := atomic.LockAt(ctx, tx, seen, `SELECT pieces FROM stock WHERE item = 'cards'`); err != nil {
				return err
			}
			return atomic.ExecOne(ctx, tx, `UPDATE stock SET pieces = ? WHERE item = 'cards'`, seen-1)
		}, nil)
	}
	fmt.Println(sell(2))
	fmt.Println("stale:", errors.Is(sell(2), atomic.ErrStale))
	show(ctx, db)
	// Output:
	// <nil>
	// stale: true
	// 100 chips, 1 cards
}

func ExampleValue() {
	db, closeShop := openShop()
	defer closeShop()

	err := atomic.Do(context.Background(), db, func(ctx context.Context, tx *atomic.Tx) error {
		items, err := atomic.QueryAll(ctx, tx, atomic.Value[string], `SELECT item FROM stock ORDER BY item`)
		fmt.Println(items)
		return err
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	// Output: [cards chips]
}
