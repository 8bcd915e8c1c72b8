package atomic_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/sqlite"
)

// adopt adopts a database transaction that somebody else has begun.
func adopt(ctx context.Context, db *atomic.DB, pool *sql.DB) (*atomic.Adopted, *sql.Tx) {
	theirs, err := pool.BeginTx(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	adopted, err := atomic.Adopt(ctx, theirs, sqlite.Dialect{}, &atomic.AdoptOptions{DB: db})
	if err != nil {
		log.Fatal(err)
	}
	return adopted, theirs
}

func ExampleAdopted_Context() {
	pool, closeShop := openPool()
	defer closeShop()
	db, ctx := atomic.Open(pool, sqlite.Dialect{}, nil), context.Background()
	adopted, theirs := adopt(ctx, db, pool)

	// Code that calls Do becomes a savepoint in it, and is undone with it.
	if err := take(adopted.Context(ctx), db, "chips", 30); err != nil {
		log.Fatal(err)
	}
	if err := theirs.Rollback(); err != nil {
		log.Fatal(err)
	}
	adopted.RolledBack()
	show(ctx, db)
	// Output: 100 chips, 2 cards
}

func ExampleAdopted_Tx() {
	pool, closeShop := openPool()
	defer closeShop()
	db, ctx := atomic.Open(pool, sqlite.Dialect{}, nil), context.Background()
	adopted, theirs := adopt(ctx, db, pool)
	defer theirs.Rollback()

	pieces, err := atomic.QueryOne(ctx, adopted.Tx(), atomic.Value[int], `SELECT pieces FROM stock WHERE item = 'cards'`)
	fmt.Println(pieces, err)
	// Output: 2 <nil>
}

func ExampleAdopted_Ready() {
	pool, closeShop := openPool()
	defer closeShop()
	db, ctx := atomic.Open(pool, sqlite.Dialect{}, nil), context.Background()
	adopted, theirs := adopt(ctx, db, pool)

	_ = atomic.Do(adopted.Context(ctx), db, func(context.Context, *atomic.Tx) error { // Swallowed.
		return errors.New("half done")
	}, &atomic.Options{Nesting: atomic.Join})
	if err := adopted.Ready(ctx); err != nil {
		fmt.Println(err)
		_ = theirs.Rollback() // Ends it in any case.
		adopted.RolledBack()
	}
	// Output: atomic: broken by an earlier error: half done
}

func ExampleAdopted_Committed() {
	pool, closeShop := openPool()
	defer closeShop()
	db, ctx := atomic.Open(pool, sqlite.Dialect{}, nil), context.Background()
	adopted, theirs := adopt(ctx, db, pool)

	adopted.Tx().OnCommit(func(context.Context) error {
		fmt.Println("mail: your cards are on their way")
		return nil
	})
	if err := adopted.Ready(ctx); err != nil {
		log.Fatal(err)
	}
	if err := theirs.Commit(); err != nil {
		log.Fatal(err)
	}
	fmt.Println(adopted.Committed(ctx))
	// Output:
	// mail: your cards are on their way
	// <nil>
}

func ExampleAdopted_RolledBack() {
	pool, closeShop := openPool()
	defer closeShop()
	db, ctx := atomic.Open(pool, sqlite.Dialect{}, nil), context.Background()
	adopted, theirs := adopt(ctx, db, pool)

	adopted.Tx().OnRollback(func() { fmt.Println("the cache is as it was") })
	if err := theirs.Rollback(); err != nil {
		log.Fatal(err)
	}
	adopted.RolledBack()
	// Output: the cache is as it was
}
