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

func ExampleDoValue() {
	db, closeShop := openShop()
	defer closeShop()

	left, err := atomic.DoValue(context.Background(), db, func(ctx context.Context, tx *atomic.Tx) (int, error) {
		if err := take(ctx, db, "chips", 30); err != nil {
			return 0, err
		}
		return atomic.QueryOne(ctx, tx, atomic.Value[int], `SELECT pieces FROM stock WHERE item = 'chips'`)
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(left, "chips are left")
	// Output: 70 chips are left
}

// The program begins and commits by itself, and leaves only the repetition to this package.
func ExampleRetry() {
	pool, closeShop := openPool()
	defer closeShop()

	err := atomic.Retry(context.Background(), sqlite.Dialect{}, func(ctx context.Context) error {
		tx, err := pool.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE stock SET pieces = pieces - 1 WHERE item = 'cards'`); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	}, nil)
	fmt.Println(err)
	show(context.Background(), atomic.Open(pool, sqlite.Dialect{}, nil))
	// Output:
	// <nil>
	// 100 chips, 1 cards
}

// Get or create: the savepoint makes the duplicate harmless.
func ExampleIsUnique() {
	db, closeShop := openShop()
	defer closeShop()

	add := func(ctx context.Context, item string) (created bool, err error) {
		err = atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
			_, err := tx.ExecContext(ctx, `INSERT INTO stock VALUES (?, 0)`, item)
			return err
		}, nil)
		if _, duplicate := atomic.IsUnique(err, db); duplicate {
			return false, nil
		}
		return err == nil, err
	}
	fmt.Println(add(context.Background(), "dice"))
	fmt.Println(add(context.Background(), "dice"))
	// Output:
	// true <nil>
	// false <nil>
}

func ExampleDB_Classify() {
	db, closeShop := openShop()
	defer closeShop()

	err := take(context.Background(), db, "cards", 3) // There are 2.
	class := db.Classify(err)
	fmt.Println(class.Kind == atomic.KindConstraint, class.Code)
	// Output: true SQLITE_CONSTRAINT(275)
}

// A repository reads inside a block as well as outside.
func ExampleTxOrPool() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()

	pieces := func(ctx context.Context, item string) (n int) {
		row := atomic.TxOrPool(ctx, db).QueryRowContext(ctx, `SELECT pieces FROM stock WHERE item = ?`, item)
		if err := row.Scan(&n); err != nil && !errors.Is(err, sql.ErrNoRows) {
			log.Fatal(err)
		}
		return n
	}
	err := atomic.Do(ctx, db, func(ctx context.Context, _ *atomic.Tx) error {
		err := take(ctx, db, "cards", 2)
		fmt.Println("inside:", pieces(ctx, "cards"))
		return errors.Join(err, errTestIsOver)
	}, nil)
	fmt.Println(err)
	fmt.Println("outside:", pieces(ctx, "cards"))
	// Output:
	// inside: 0
	// the test is over
	// outside: 2
}
