package adopting

import (
	"context"
	"database/sql"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// Correct posts the difference between a user's column and the ledger, so that the ledger says what the column says.
// ticket tells where the reason is written down. It names the correction too: a ticket corrects once.
func (a *App) Correct(ctx context.Context, user int64, ticket string) error {
	return a.InTx(ctx, func(tx *sql.Tx) error {
		users, err := lockUsers(ctx, tx, `SELECT id, balance_cents FROM users
			WHERE id = $1 AND ledger_since IS NOT NULL FOR NO KEY UPDATE`, user)
		if err != nil {
			return err
		}
		if len(users) == 0 {
			return ErrPoor
		}
		if err := a.open(ctx, tx, user); err != nil {
			return err
		}
		in := a.Ledger.In(postgres.Tx(tx))
		transfers, err := users[0].missing(ctx, in, corrections, bursar.IDOf("correction", ticket))
		if err != nil {
			return err
		}
		for i := range transfers {
			transfers[i].Metadata = bursar.Metadata{"ticket": ticket}
		}
		_, err = in.PostAll(ctx, transfers)
		return err
	})
}
