package adopting

import (
	"context"
	"database/sql"
	"fmt"
)

// Move is money on its way between two users, or between a user and the world outside. The world outside is user 0.
type Move struct {
	Kind     string // what for; with Key it is the movement's identity
	Key      int64
	From, To int64
	Cents    int64
}

// Move moves money inside the caller's database transaction. Nothing else in the application changes a balance. It is
// the last thing that a database transaction does before its commit.
func (a *App) Move(ctx context.Context, tx *sql.Tx, m Move) error {
	switch a.Step {
	case Column:
		return a.moveColumn(ctx, tx, m)
	case Shadow:
		return a.moveShadow(ctx, tx, m)
	case Ledger:
		return a.moveLedger(ctx, tx, m)
	case Alone:
		return a.moveAlone(ctx, tx, m)
	default:
		return fmt.Errorf("there is no step %d", a.Step)
	}
}

func (a *App) moveColumn(ctx context.Context, tx *sql.Tx, m Move) error {
	for _, c := range m.changes() {
		enough, err := changed(tx.ExecContext(ctx, `UPDATE users SET balance_cents = balance_cents + $2
			WHERE id = $1 AND balance_cents + $2 >= 0`, c.user, c.cents))
		if err != nil {
			return err
		}
		if !enough {
			return ErrPoor
		}
	}
	return nil
}

type change struct{ user, cents int64 }

// changes are what a movement does to the users in it, by rising id: everybody locks users in that order.
func (m Move) changes() []change {
	from, to := change{m.From, -m.Cents}, change{m.To, m.Cents}
	switch {
	case m.From == 0:
		return []change{to}
	case m.To == 0:
		return []change{from}
	case m.From < m.To:
		return []change{from, to}
	default:
		return []change{to, from}
	}
}

// users are the ids of the users in it.
func (m Move) users() []int64 {
	var ids []int64
	for _, c := range m.changes() {
		ids = append(ids, c.user)
	}
	return ids
}
