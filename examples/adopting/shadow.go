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

// The other side of what an operator posts.
const (
	openings    = "adopting:opening"
	corrections = "adopting:correction"
)

// Kinds are the kinds of Move that come from or go to the world outside.
func Kinds() []string { return []string{"order", "topup"} }

// OpenOutside opens the accounts that belong to no user. Doing it twice does nothing.
func OpenOutside(ctx context.Context, l *ledger.Ledger) error {
	paths := []string{openings, corrections}
	for _, kind := range Kinds() {
		paths = append(paths, "outside:"+kind)
	}
	for _, path := range paths {
		if _, err := l.OpenAccount(ctx, bursar.Opening{Path: path, Currency: currency(), NoMin: true}); err != nil {
			return err
		}
	}
	return nil
}

func (a *App) moveShadow(ctx context.Context, tx *sql.Tx, m Move) error {
	moved := map[int64]bool{} // the users who are in the ledger
	for _, c := range m.changes() {
		var since sql.NullTime
		err := tx.QueryRowContext(ctx, `UPDATE users SET balance_cents = balance_cents + $2
			WHERE id = $1 AND balance_cents + $2 >= 0
			RETURNING ledger_since`, c.user, c.cents).Scan(&since)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrPoor
		}
		if err != nil {
			return err
		}
		moved[c.user] = since.Valid
	}
	if !moved[m.From] && !moved[m.To] {
		return nil
	}
	t := m.transfer(moved)
	_, refusal := a.Ledger.In(postgres.Tx(tx)).Post(ctx, t)
	if refusal == nil || bursar.Retryable(refusal) {
		return refusal
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO shadow_refusals (transfer_id, reference, refusal) VALUES ($1, $2, $3)`,
		t.ID.String(), t.Reference, refusal.Error())
	if err != nil {
		return errors.Join(refusal, err) // it was more than a refusal: the database transaction is broken
	}
	return nil
}

// transfer is the movement as the ledger sees it. A user who is not in the ledger yet has no account there. The account
// of the opening balances takes its place, because the user's opening balance will come out of it.
func (m Move) transfer(moved map[int64]bool) bursar.Transfer {
	side := func(user int64) string {
		switch {
		case user == 0:
			return "outside:" + m.Kind
		case moved[user]:
			return account(user)
		default:
			return openings
		}
	}
	return bursar.Transfer{
		ID:        bursar.IDOf(m.Kind, m.Key), // a retry posts once
		Reference: fmt.Sprintf("%s:%d", m.Kind, m.Key),
		Legs:      []bursar.Leg{{From: side(m.From), To: side(m.To), Amount: money.FromUnits(m.Cents, currency())}},
	}
}

// account is the path of a user's account.
func account(user int64) string { return fmt.Sprintf("users:%d", user) }

func currency() money.Currency { return money.USD{}.Currency() }

func inCents(amount money.Amount) (int64, error) {
	cents, ok := amount.Units()
	if !ok {
		return 0, fmt.Errorf("%v does not fit the column", amount)
	}
	return cents, nil
}
