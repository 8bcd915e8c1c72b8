package atomic_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/sqlite"
)

// openShop makes a database file with one table of stock, and a handle on it.
func openShop() (db *atomic.DB, closeShop func()) {
	pool, closeShop := openPool()
	return atomic.Open(pool, sqlite.Dialect{}, nil), closeShop
}

// openPool makes a database file with one table of stock.
func openPool() (pool *sql.DB, closeShop func()) {
	dir, err := os.MkdirTemp("", "shop")
	if err != nil {
		log.Fatal(err)
	}
	dsn := "file:" + filepath.Join(dir, "shop.db") +
		"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)"
	pool, err = sql.Open("sqlite", dsn)
	if err != nil {
		log.Fatal(err)
	}
	if _, err := pool.Exec(`CREATE TABLE stock (item TEXT PRIMARY KEY, pieces INTEGER NOT NULL CHECK (pieces >= 0)) STRICT;
		INSERT INTO stock VALUES ('chips', 100), ('cards', 2)`); err != nil {
		log.Fatal(err)
	}
	return pool, func() {
		_ = pool.Close()
		_ = os.RemoveAll(dir)
	}
}

// take is written once and works by itself as well as inside another block.
func take(ctx context.Context, db *atomic.DB, item string, pieces int) error {
	return atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
		_, err := tx.ExecContext(ctx, `UPDATE stock SET pieces = pieces - ? WHERE item = ?`, pieces, item)
		if err != nil {
			return fmt.Errorf("take %d %s: %w", pieces, item, err)
		}
		return nil
	}, nil)
}

func show(ctx context.Context, db *atomic.DB) {
	err := atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
		var chips, cards int
		row := tx.QueryRowContext(ctx, `SELECT (SELECT pieces FROM stock WHERE item = 'chips'),
			(SELECT pieces FROM stock WHERE item = 'cards')`)
		if err := row.Scan(&chips, &cards); err != nil {
			return err
		}
		fmt.Println(chips, "chips,", cards, "cards")
		return nil
	}, &atomic.Options{ReadOnly: true})
	if err != nil {
		log.Fatal(err)
	}
}

func ExampleDo() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()

	err := atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
		if err := take(ctx, db, "chips", 30); err != nil {
			return err
		}
		return take(ctx, db, "cards", 3) // There are only 2, so the chips stay too.
	}, nil)
	fmt.Println("failed:", err != nil)
	show(ctx, db)
	// Output:
	// failed: true
	// 100 chips, 2 cards
}

func ExampleDo_nested() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()

	err := atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
		if err := take(ctx, db, "chips", 30); err != nil {
			return err
		}
		if err := take(ctx, db, "cards", 3); err != nil {
			fmt.Println("sold without cards") // Only the inner block was undone.
		}
		return nil
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	show(ctx, db)
	// Output:
	// sold without cards
	// 70 chips, 2 cards
}

func ExampleTx_OnCommit() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()

	errClosed := errors.New("the shop is closed")
	sell := func(end error) error {
		return atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
			tx.OnCommit(func(context.Context) error {
				fmt.Println("mail: your cards are on their way")
				return nil
			})
			if err := take(ctx, db, "cards", 1); err != nil {
				return err
			}
			return end
		}, nil)
	}
	fmt.Println(sell(errClosed))
	fmt.Println(sell(nil))
	show(ctx, db)
	// Output:
	// the shop is closed
	// mail: your cards are on their way
	// <nil>
	// 100 chips, 1 cards
}
