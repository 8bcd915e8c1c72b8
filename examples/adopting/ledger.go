package adopting

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/store/postgres"
)

func (a *App) moveLedger(ctx context.Context, tx *sql.Tx, m Move) error {
	// The row first, as in step Shadow, whose processes may still run: the other way round would be a deadlock with them.
	users, err := lockUsers(ctx, tx, `SELECT id, balance_cents FROM users
		WHERE id = ANY($1) AND ledger_since IS NOT NULL ORDER BY id FOR NO KEY UPDATE`, m.users())
	if err != nil {
		return err
	}
	if len(users) < len(m.users()) {
		return fmt.Errorf("%w: not all of %d are in the ledger", ErrPoor, m.users())
	}
	if err := a.moveAlone(ctx, tx, m); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE users u SET balance_cents = b.balance
		FROM bursar_account a JOIN bursar_balance b ON b.account = a.account
		WHERE a.book = $2 AND a.path = 'users:' || u.id AND u.id = ANY($1)`, ids(users), a.Ledger.Book().Number)
	return err
}

func (a *App) moveAlone(ctx context.Context, tx *sql.Tx, m Move) error {
	moved := map[int64]bool{m.From: true, m.To: true}
	_, err := a.Ledger.In(postgres.Tx(tx)).Post(ctx, m.transfer(moved))
	if errors.Is(err, bursar.ErrInsufficientFunds) || errors.Is(err, bursar.ErrAccountNotFound) {
		return fmt.Errorf("%w: %w", ErrPoor, err)
	}
	return err
}
