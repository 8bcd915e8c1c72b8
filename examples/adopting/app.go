// Package adopting is an application that keeps its users' money in a column and moves it to a ledger while it runs.
// docs/adopting.md is the guide, and shows the code and the SQL that the test of this package runs.
//
// App is one process of it. Its Step says how far that process has come. Processes of neighbouring steps may run side
// by side. The files column.go, shadow.go and ledger.go have a step each; backfill.go and correct.go have what an
// operator runs between the steps.
//
// It has no server: it shows the database transactions.
package adopting

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
)

// Step is how a process treats the column and the ledger.
type Step int

// The steps, in order.
const (
	Column Step = iota // the column alone, as before
	Shadow             // the column decides and the ledger follows
	Ledger             // the ledger decides and the column follows
	Alone              // the ledger alone
)

// App is one process of the application. It is safe for concurrent use.
type App struct {
	DB     *sql.DB
	Ledger *ledger.Ledger // not needed in step Column
	Step   Step
}

// ErrPoor means that a user is unknown, or has not enough money.
var ErrPoor = errors.New("no such user, or not enough money")

// Pay pays an order once, however often it is called.
func (a *App) Pay(ctx context.Context, order int64) error {
	return a.InTx(ctx, func(tx *sql.Tx) error {
		m := Move{Kind: "order", Key: order}
		err := tx.QueryRowContext(ctx, `UPDATE orders SET state = 'paid' WHERE id = $1 AND state = 'open'
			RETURNING user_id, cents`, order).Scan(&m.From, &m.Cents)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // paid before
		}
		if err != nil {
			return err
		}
		return a.Move(ctx, tx, m)
	})
}

// TopUp adds money that came from a bank, once for each id.
func (a *App) TopUp(ctx context.Context, id, user, cents int64) error {
	return a.InTx(ctx, func(tx *sql.Tx) error {
		fresh, err := changed(tx.ExecContext(ctx, `INSERT INTO topups (id, user_id, cents) VALUES ($1, $2, $3)
			ON CONFLICT DO NOTHING`, id, user, cents))
		if err != nil || !fresh {
			return err
		}
		return a.Move(ctx, tx, Move{Kind: "topup", Key: id, To: user, Cents: cents})
	})
}

// Give moves money between two users, once for each id.
func (a *App) Give(ctx context.Context, id, from, to, cents int64) error {
	return a.InTx(ctx, func(tx *sql.Tx) error {
		fresh, err := changed(tx.ExecContext(ctx, `INSERT INTO gifts (id, from_user, to_user, cents)
			VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`, id, from, to, cents))
		if err != nil || !fresh {
			return err
		}
		return a.Move(ctx, tx, Move{Kind: "gift", Key: id, From: from, To: to, Cents: cents})
	})
}

// SignUp makes a user without money. The database says whether new users are in the ledger from the first moment.
func (a *App) SignUp(ctx context.Context, user int64) error {
	return a.InTx(ctx, func(tx *sql.Tx) error {
		if a.Step == Column {
			_, err := tx.ExecContext(ctx, `INSERT INTO users (id, balance_cents) VALUES ($1, 0) ON CONFLICT DO NOTHING`, user)
			return err
		}
		var since sql.NullTime
		err := tx.QueryRowContext(ctx, `INSERT INTO users (id) VALUES ($1) ON CONFLICT DO NOTHING RETURNING ledger_since`,
			user).Scan(&since)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // signed up before
		}
		if err != nil || !since.Valid {
			return err
		}
		return a.open(ctx, tx, user)
	})
}

// Balance is what a user has, in cents.
func (a *App) Balance(ctx context.Context, user int64) (cents int64, err error) {
	if a.Step < Ledger {
		err = a.DB.QueryRowContext(ctx, `SELECT balance_cents FROM users WHERE id = $1`, user).Scan(&cents)
		return cents, err
	}
	balance, err := a.Ledger.Balance(ctx, account(user), bursar.AsOf{})
	if err != nil {
		return 0, err
	}
	return inCents(balance.Available)
}

// InTx runs fn in a database transaction and commits it. After an error it has left nothing behind, unless the error
// came from the commit. Calling the same again is right either way, since every movement of money has an id.
func (a *App) InTx(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := a.DB.BeginTx(ctx, nil) // READ COMMITTED; In would refuse REPEATABLE READ
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, rollback(tx))
	}
	return tx.Commit()
}

func rollback(tx *sql.Tx) error {
	if err := tx.Rollback(); err != nil && !errors.Is(err, sql.ErrTxDone) {
		return fmt.Errorf("rolling back: %w", err)
	}
	return nil
}

// changed reports whether a statement found a row to write.
func changed(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}
