package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/clock"
)

// textbookConnections are how many connections the baseline is tried with. The best of them counts.
func textbookConnections() []int { return []int{1, 4, 16} }

// fillMax is how many accounts one statement makes.
const fillMax = 500

// baseline is money moved as textbooks do it: rows of balances that are locked in order, a row for each transfer under
// a unique id, one database transaction each. It has no chain, no limits and no memory of what was asked for.
type baseline struct {
	place  *place
	prefix string // of its tables
	clock  clock.Clock
	ids    func() (bursar.ID, error)
}

// statement puts the prefix into a statement of textbookSQL.
func (b *baseline) statement(s string) string { return strings.Replace(s, "%s", b.prefix, 1) }

// create makes the tables with all accounts.
func (b *baseline) create(ctx context.Context, accounts int) error {
	sql := b.place.textbook
	if err := b.place.exec(ctx, b.statement(sql.accounts), b.statement(sql.transfers)); err != nil {
		return err
	}
	for done := 0; done < accounts; done += fillMax {
		var rows strings.Builder
		for i := done; i < min(done+fillMax, accounts); i++ {
			fmt.Fprintf(&rows, ", (%d, 0)", i)
		}
		fill := "INSERT INTO " + b.prefix + "account (id, balance) VALUES " + rows.String()[2:]
		if err := b.place.exec(ctx, fill); err != nil {
			return err
		}
	}
	return nil
}

// check compares the tables with what the callers were told.
func (b *baseline) check(ctx context.Context, posted int64) error {
	stored, err := b.place.number(ctx, "SELECT COUNT(*) FROM "+b.prefix+"transfer")
	if err != nil {
		return err
	}
	sum, err := b.place.number(ctx, "SELECT CAST(SUM(balance) AS DECIMAL(18)) FROM "+b.prefix+"account")
	if err != nil {
		return err
	}
	if stored != posted || sum != 0 {
		return bursar.Errorf(bursar.CodeVerificationFailed,
			"the textbook's tables have %d transfers of %d, and balances that sum to %d", stored, posted, sum)
	}
	return nil
}

// dropTables drops those that a run makes, as far as they are there.
func dropTables(ctx context.Context, p *place, prefix string) error {
	return p.exec(ctx, "DROP TABLE IF EXISTS "+prefix+"account", "DROP TABLE IF EXISTS "+prefix+"transfer",
		"DROP TABLE IF EXISTS "+prefix+"purchase")
}

// begin opens a connection for each caller, with its statements prepared.
func (b *baseline) begin(
	ctx context.Context, sources []*source, again *tally,
) (tasks []task, end func() error, err error) {
	db, err := sql.Open(b.place.driver, b.place.dsn)
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(len(sources))
	for _, s := range sources {
		c, err := b.connect(ctx, db)
		if err != nil {
			return nil, nil, errors.Join(err, db.Close())
		}
		tasks = append(tasks, func(ctx context.Context) (int64, error) {
			id, err := b.ids()
			if err != nil {
				return 0, err
			}
			m := s.next()
			if err := again.until(func() error { return c.post(ctx, id, m) }); err != nil {
				return 0, err
			}
			return 1, nil
		})
	}
	return tasks, db.Close, nil
}

// teller is one connection with prepared statements.
type teller struct {
	conn                 *sql.Conn
	lock, insert, update *sql.Stmt
	begin                string
	clock                clock.Clock
}

func (b *baseline) connect(ctx context.Context, db *sql.DB) (*teller, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	c := &teller{conn: conn, begin: b.place.textbook.begin, clock: b.clock}
	for text, into := range map[string]**sql.Stmt{
		b.place.textbook.lock: &c.lock, b.place.textbook.insert: &c.insert, b.place.textbook.update: &c.update,
	} {
		if *into, err = conn.PrepareContext(ctx, b.statement(text)); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// post moves money in one database transaction.
func (c *teller) post(ctx context.Context, id bursar.ID, m Move) error {
	if _, err := c.conn.ExecContext(ctx, c.begin); err != nil {
		return err
	}
	err := c.statements(ctx, id, m)
	if err == nil {
		_, err = c.conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		_, rollback := c.conn.ExecContext(ctx, "ROLLBACK")
		return errors.Join(err, rollback)
	}
	return nil
}

func (c *teller) statements(ctx context.Context, id bursar.ID, m Move) error {
	first, second := min(m.From, m.To), max(m.From, m.To)
	for _, account := range []int{first, second} {
		var balance int64
		if err := c.lock.QueryRowContext(ctx, account).Scan(&balance); err != nil {
			return err
		}
	}
	if _, err := c.insert.ExecContext(ctx, id, m.From, m.To, m.Cents, c.clock.Now().UnixNano()); err != nil {
		return err
	}
	change := func(account int) int64 {
		if account == m.From {
			return -m.Cents
		}
		return m.Cents
	}
	for _, account := range []int{first, second} {
		if _, err := c.update.ExecContext(ctx, change(account), account); err != nil {
			return err
		}
	}
	return nil
}
