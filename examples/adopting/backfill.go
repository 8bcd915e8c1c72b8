package adopting

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// Backfill brings every user into the ledger, some at a time, while the application runs in step Shadow. It may be
// stopped or killed at any point, and run again. Two may run at once. progress, unless nil, is told how many users each
// database transaction has brought. round names the attempt: use another name after the users have been taken out of
// the ledger again.
func (a *App) Backfill(ctx context.Context, round string, batch int, progress func(users int)) error {
	for {
		n, err := a.enter(ctx, round, batch, "SKIP LOCKED")
		if err == nil && n == 0 {
			n, err = a.enter(ctx, round, 1, "") // those who are left are being paid just now: wait for one
		}
		if err != nil || n == 0 {
			return err
		}
		if progress != nil {
			progress(n)
		}
	}
}

// enter brings some users into the ledger: accounts, opening entries and marks, all or nothing.
func (a *App) enter(ctx context.Context, round string, limit int, wait string) (n int, err error) {
	err = a.InTx(ctx, func(tx *sql.Tx) error {
		users, err := lockUsers(ctx, tx, `SELECT id, balance_cents FROM users WHERE ledger_since IS NULL
			ORDER BY id LIMIT $1 FOR NO KEY UPDATE `+wait, limit)
		if err != nil {
			return err
		}
		n = len(users)
		in := a.Ledger.In(postgres.Tx(tx))
		var transfers []bursar.Transfer
		for _, u := range users {
			if err := a.open(ctx, tx, u.id); err != nil {
				return err
			}
			id := bursar.IDOf("opening."+round, u.id)
			t, err := u.missing(ctx, in, openings, id)
			if err != nil {
				return err
			}
			transfers = append(transfers, t...)
		}
		if _, err := in.PostAll(ctx, transfers); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE users SET ledger_since = now() WHERE id = ANY($1)`, ids(users))
		return err
	})
	return n, err
}

// open opens a user's account. Doing it twice does nothing.
func (a *App) open(ctx context.Context, tx *sql.Tx, user int64) error {
	_, err := a.Ledger.In(postgres.Tx(tx)).OpenAccount(ctx, bursar.Opening{Path: account(user), Currency: currency()})
	return err
}

// column is a user's row, which is locked.
type column struct{ id, cents int64 }

func lockUsers(ctx context.Context, tx *sql.Tx, query string, arg any) (users []column, err error) {
	rows, err := tx.QueryContext(ctx, query, arg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var u column
		if err := rows.Scan(&u.id, &u.cents); err != nil {
			return nil, err
		}
		users = append(users, u)
	}
	return users, rows.Err()
}

func ids(users []column) []int64 {
	list := make([]int64, len(users))
	for i, u := range users {
		list[i] = u.id
	}
	return list
}

// missing is the transfer that makes the ledger say what the column says. It is empty when the ledger does already.
func (u column) missing(ctx context.Context, in *ledger.Joined, other string, id bursar.ID) ([]bursar.Transfer, error) {
	balance, err := in.Balance(ctx, account(u.id), bursar.AsOf{})
	if err != nil {
		return nil, err
	}
	amount, err := money.FromUnits(u.cents, currency()).Sub(balance.Balance)
	if err != nil {
		return nil, fmt.Errorf("user %d: %w", u.id, err)
	}
	leg := bursar.Leg{From: other, To: account(u.id), Amount: amount.Abs()}
	switch amount.Sign() {
	case 0:
		return nil, nil
	case -1:
		leg.From, leg.To = leg.To, leg.From
	}
	return []bursar.Transfer{{ID: id, Legs: []bursar.Leg{leg}}}, nil
}
