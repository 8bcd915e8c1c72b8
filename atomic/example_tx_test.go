package atomic_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/internal/native"
	"github.com/bursar-ledger/bursar/atomic/sqlite"
)

func ExampleOpen() {
	pool, closeShop := openPool() // A *sql.DB, of whichever driver.
	defer closeShop()

	db := atomic.Open(pool, sqlite.Dialect{}, nil)
	show(context.Background(), db)
	// Output: 100 chips, 2 cards
}

func ExampleFrom() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()

	// A function deep inside takes the open block from the context instead of passing it through all that call it.
	audit := func(ctx context.Context) string {
		if _, open := atomic.From(ctx, db); !open {
			return "not without a block"
		}
		return "written with the rest"
	}
	fmt.Println(audit(ctx))
	err := atomic.Do(ctx, db, func(ctx context.Context, _ *atomic.Tx) error {
		fmt.Println(audit(ctx))
		return nil
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// not without a block
	// written with the rest
}

func ExampleInTransaction() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()

	// What cannot be undone refuses to be part of something that can, of whatever database.
	charge := func(ctx context.Context) string {
		if atomic.InTransaction(ctx) {
			return "no: it could still be undone"
		}
		return "charged"
	}
	err := atomic.Do(ctx, db, func(ctx context.Context, _ *atomic.Tx) error {
		fmt.Println(charge(ctx))
		return nil
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(charge(ctx))
	// Output:
	// no: it could still be undone
	// charged
}

func ExampleTx_ExecContext() {
	db, closeShop := openShop()
	defer closeShop()

	err := atomic.Do(context.Background(), db, func(ctx context.Context, tx *atomic.Tx) error {
		result, err := tx.ExecContext(ctx, `UPDATE stock SET pieces = pieces + 10`)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		fmt.Println(n, "items restocked")
		if _, err := tx.ExecContext(ctx, `COMMIT`); errors.Is(err, atomic.ErrControl) {
			fmt.Println("only Do commits")
		}
		return err
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 2 items restocked
	// only Do commits
}

func ExampleTx_QueryContext() {
	db, closeShop := openShop()
	defer closeShop()

	err := atomic.Do(context.Background(), db, func(ctx context.Context, tx *atomic.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT item FROM stock ORDER BY item`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var item string
			if err := rows.Scan(&item); err != nil {
				return err
			}
			fmt.Println(item)
		}
		return rows.Err()
	}, &atomic.Options{ReadOnly: true})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// cards
	// chips
}

func ExampleTx_QueryRowContext() {
	db, closeShop := openShop()
	defer closeShop()

	var pieces int // Set, not added to: the function may run more than once.
	err := atomic.Do(context.Background(), db, func(ctx context.Context, tx *atomic.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT pieces FROM stock WHERE item = ?`, "chips").Scan(&pieces)
	}, &atomic.Options{ReadOnly: true})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(pieces)
	// Output: 100
}

func ExampleTx_PrepareContext() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()

	err := atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
		add, err := tx.PrepareContext(ctx, `UPDATE stock SET pieces = pieces + ? WHERE item = ?`)
		if err != nil {
			return err
		}
		for _, item := range []string{"chips", "cards"} {
			if _, err := add.ExecContext(ctx, 5, item); err != nil {
				return err
			}
		}
		return nil // The statement is closed with the outermost block.
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	show(ctx, db)
	// Output: 105 chips, 7 cards
}

func ExampleTx_LockClause() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()

	err := atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
		clause, err := tx.LockClause(atomic.RowLock{}) // FOR UPDATE, or nothing on SQLite, where there is one writer
		if err != nil {
			return err
		}
		pieces, err := atomic.QueryOne(ctx, tx, atomic.Value[int], `SELECT pieces FROM stock WHERE item = 'cards' `+clause)
		if err != nil {
			return err
		}
		return atomic.ExecOne(ctx, tx, `UPDATE stock SET pieces = ? WHERE item = 'cards'`, pieces*2)
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	show(ctx, db)
	// Output: 100 chips, 4 cards
}

func ExampleTx_OnRollback() {
	db, closeShop := openShop()
	defer closeShop()

	cache := map[string]int{"cards": 2}
	err := atomic.Do(context.Background(), db, func(ctx context.Context, tx *atomic.Tx) error {
		before := cache["cards"]
		tx.OnRollback(func() { cache["cards"] = before })
		cache["cards"] = 1
		return errors.New("changed my mind")
	}, nil)
	fmt.Println(err)
	fmt.Println("cards in the cache:", cache["cards"])
	// Output:
	// changed my mind
	// cards in the cache: 2
}

func ExampleTx_BeforeCommit() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()

	errUnbalanced := errors.New("pieces were lost on the way")
	err := atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
		tx.BeforeCommit(func(ctx context.Context) error { // Sees all that was written, and can still refuse it.
			sum, err := atomic.QueryOne(ctx, tx, atomic.Value[int], `SELECT sum(pieces) FROM stock`)
			if err == nil && sum != 102 {
				err = errUnbalanced
			}
			return err
		})
		return take(ctx, db, "chips", 1)
	}, nil)
	fmt.Println(err)
	show(ctx, db)
	// Output:
	// pieces were lost on the way
	// 100 chips, 2 cards
}

// A package that must not import this one takes part in the database transaction all the same.
func ExampleTx_DatabaseTx() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()

	type execer interface { // as that package declares it
		ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	}
	restock := func(ctx context.Context, tx interface{ DatabaseTx() any }) error {
		on, ok := tx.DatabaseTx().(execer)
		if !ok {
			return errors.New("not a database transaction that runs SQL")
		}
		_, err := on.ExecContext(ctx, `UPDATE stock SET pieces = pieces + 10`)
		return err
	}
	err := atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error { return restock(ctx, tx) }, nil)
	if err != nil {
		log.Fatal(err)
	}
	show(ctx, db)
	// Output: 110 chips, 12 cards
}

// The work is done, so it must not be done again.
func ExampleHookError() {
	db, closeShop := openShop()
	defer closeShop()
	ctx := context.Background()

	err := atomic.Do(ctx, db, func(ctx context.Context, tx *atomic.Tx) error {
		tx.OnCommit(sendMail)
		return take(ctx, db, "cards", 1)
	}, nil)
	var hook *atomic.HookError
	if errors.As(err, &hook) {
		fmt.Println("committed, but:", hook.Errs[0])
		name, place, _ := strings.Cut(fmt.Sprint(hook.Hooks[0]), " (registered at ")
		fmt.Println(name, strings.HasPrefix(place, "atomic/example_tx_test.go:"))
	}
	show(ctx, db)
	// Output:
	// committed, but: the mail server is down
	// atomic_test.sendMail true
	// 100 chips, 1 cards
}

func sendMail(context.Context) error { return errors.New("the mail server is down") }

func ExampleHookError_ErrorCode() {
	var err error = &atomic.HookError{Errs: []error{errors.New("the mail server is down")}}

	// A program that does not import this package finds the code all the same.
	var coded interface{ ErrorCode() string }
	fmt.Println(errors.As(fmt.Errorf("pay: %w", err), &coded), coded.ErrorCode())
	fmt.Println(errors.As(atomic.ErrNested, &coded), coded.ErrorCode())
	// Output:
	// true hook_failed
	// true in_transaction
}

// A dialect asks it about errors that the engine gave no number.
func ExampleDisconnected() {
	fmt.Println(atomic.Disconnected(fmt.Errorf("read the answer: %w", io.ErrUnexpectedEOF)))
	fmt.Println(atomic.Disconnected(errors.New("no such table")))
	// Output:
	// true
	// false
}

func ExampleTx_Raw() {
	db, closeShop := openShop()
	defer closeShop()

	err := atomic.Do(context.Background(), db, func(ctx context.Context, tx *atomic.Tx) error {
		// What the driver can do and database/sql has no words for: with pgx's package stdlib, conn is a *stdlib.Conn,
		// whose Conn().SendBatch sends many statements in one round trip.
		return tx.Raw(ctx, func(_ context.Context, conn any) error {
			_, batches := conn.(interface{ SendBatch() })
			fmt.Println("SQLite's driver sends batches:", batches)
			return nil
		})
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	// Output: SQLite's driver sends batches: false
}

func ExampleTx_Native() {
	db, closeShop := openShop()
	defer closeShop()

	// A package for a driver makes its own kind of transaction of a block. Statements on the driver's connection are
	// then held to the rules of the block.
	err := atomic.Do(context.Background(), db, func(ctx context.Context, tx *atomic.Tx) error {
		block, err := tx.Native(native.Key{})
		if err != nil {
			return err
		}
		fmt.Println("refused:", errors.Is(block.Control("COMMIT"), atomic.ErrControl))
		return block.Run(ctx, func() (native.Cursor, error) {
			_, queries := block.Conn().(driver.QueryerContext)
			fmt.Println("SQLite's connection runs queries:", queries)
			return nil, nil
		})
	}, nil)
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// refused: true
	// SQLite's connection runs queries: true
}
