// Command czechbank replays fifteen months of a real bank through a ledger and compares every balance with the one that
// the bank printed.
//
//	BURSAR_DB=sqlite:czechbank.db go run ./examples/czechbank czech-bank.csv.gz
//
// The file holds the anonymised transactions of a Czech bank (PKDD'99 Discovery Challenge, Berka and Sochorova).
// Running the program again posts nothing new.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store"
)

func main() {
	database := os.Getenv("BURSAR_DB")
	if database == "" {
		database = "sqlite:czechbank.db"
	}
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: czechbank FILE")
		os.Exit(2)
	}
	if err := run(context.Background(), database, os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "czechbank:", err)
		os.Exit(1)
	}
}

// run replays the file into the database and prints what came of it.
func run(ctx context.Context, database, file string, out io.Writer) (err error) {
	rows, err := readFile(file)
	if err != nil {
		return err
	}
	s, err := store.Open(database)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	l, err := ledger.New(ctx, s, &ledger.Options{Migrate: true, Strategy: ledger.Queue{}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close(ctx)) }()

	began := time.Now()
	accounts, err := open(ctx, l, rows)
	if err != nil {
		return err
	}
	opened := time.Now()
	done, err := post(ctx, l, rows)
	if err != nil {
		return err
	}
	took := time.Since(opened)
	bank, err := compare(ctx, l, rows, done.seqs)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "posted      %6d transfers, replayed %d\n", done.posted, done.replayed)
	fmt.Fprintf(out, "accounts    %6d\n", accounts)
	fmt.Fprintf(out, "off         %6d printed balances do not follow from the bank's own amounts, %v net\n",
		bank.drifts, bank.net)
	fmt.Fprintf(out, "reproduced  %6d printed balances: the ledger has each one, less what the bank is off by\n",
		bank.reproduced)
	fmt.Fprintf(out, "negative    %6d printed balances\n", bank.negative)
	fmt.Fprintf(out, "time        %6.2f s, %d transfers per second\n",
		time.Since(began).Seconds(), perSecond(len(rows), took))
	return nil
}

func perSecond(n int, took time.Duration) int64 {
	return int64(n) * int64(time.Second) / max(int64(took), 1)
}

// open opens every account that the rows name. Opening an account again changes nothing.
func open(ctx context.Context, l *ledger.Ledger, rows []row) (int, error) {
	seen := map[string]bool{}
	for i := range rows {
		for _, account := range [2]string{rows[i].customer(), rows[i].outside()} {
			if seen[account] {
				continue
			}
			seen[account] = true
			// No minimum: the bank let some of its customers overdraw.
			opening := bursar.Opening{Path: account, Currency: rows[i].amount.Currency(), NoMin: true}
			if _, err := l.OpenAccount(ctx, opening); err != nil {
				return 0, err
			}
		}
	}
	return len(seen), nil
}

// posted is what became of the rows.
type posted struct {
	posted, replayed int
	seqs             []int64 // the journal position of each row
}

const batch = 4_096

// post posts the rows in the file's order.
func post(ctx context.Context, l *ledger.Ledger, rows []row) (done posted, err error) {
	for len(rows) > 0 {
		n := min(len(rows), batch)
		transfers := make([]bursar.Transfer, n)
		for i := range transfers {
			transfers[i] = rows[i].transfer()
		}
		results, err := l.PostBatch(ctx, transfers)
		if err != nil {
			return done, err
		}
		for i, result := range results {
			switch {
			case result.Err != nil:
				return done, fmt.Errorf("trans_id %s: %w", rows[i].id, result.Err)
			case result.Posted.Replayed:
				done.replayed++
			default:
				done.posted++
			}
			done.seqs = append(done.seqs, result.Posted.Seq)
		}
		rows = rows[n:]
	}
	return done, nil
}

// comparison is the bank's printed balances against its own amounts and against the ledger.
type comparison struct {
	reproduced int          // printed balances that the ledger has, the bank's drift added
	drifts     int          // rows whose printed balance is not the one before plus or minus the amount
	net        money.Amount // the sum of these drifts
	negative   int
}

// compare goes through the rows in order. The bank's drift comes from the file alone and the ledger's balance from its
// journal, so that each of the two can show the other wrong.
func compare(ctx context.Context, l *ledger.Ledger, rows []row, seqs []int64) (comparison, error) {
	printed := map[string]money.Amount{} // by account: the balance before
	drift := map[string]money.Amount{}   // by account: all drifts so far
	journal := journal{ledger: l}
	var c comparison
	for i := range rows {
		r := &rows[i]
		follows, err := plus(printed[r.account], r.signed())
		if err != nil {
			return c, err
		}
		off, err := r.printed.Sub(follows)
		if err != nil {
			return c, err
		}
		if !off.IsZero() {
			c.drifts++
		}
		if r.printed.Sign() < 0 {
			c.negative++
		}
		if c.net, err = plus(c.net, off); err != nil {
			return c, err
		}
		if drift[r.account], err = plus(drift[r.account], off); err != nil {
			return c, err
		}
		printed[r.account] = r.printed
		balance, err := journal.balance(ctx, seqs[i], r.customer())
		if err != nil {
			return c, err
		}
		if balance, err = balance.Add(drift[r.account]); err != nil || balance != r.printed {
			return c, errors.Join(err, fmt.Errorf("trans_id %s: the ledger has %v, drift included, and the bank printed %v",
				r.id, balance, r.printed))
		}
		c.reproduced++
	}
	return c, nil
}

// plus adds to an amount that may be missing from its map.
func plus(a, b money.Amount) (money.Amount, error) {
	if a.Currency().IsZero() {
		return b, nil
	}
	return a.Add(b)
}

// journal reads entries page by page. Asking for positions in rising order reads every page once.
type journal struct {
	ledger *ledger.Ledger
	page   []bursar.Entry
}

// balance is the account's balance right after the entry at seq.
func (j *journal) balance(ctx context.Context, seq int64, account string) (money.Amount, error) {
	if len(j.page) == 0 || seq < j.page[0].Seq || seq > j.page[len(j.page)-1].Seq {
		var err error
		if j.page, err = j.ledger.Journal(ctx, seq-1, bursar.PageMax); err != nil {
			return money.Amount{}, err
		}
		if len(j.page) == 0 {
			return money.Amount{}, fmt.Errorf("the journal has no position %d", seq)
		}
	}
	e := &j.page[seq-j.page[0].Seq]
	switch account {
	case e.From:
		return e.FromAfter.Balance, nil
	case e.To:
		return e.ToAfter.Balance, nil
	default:
		return money.Amount{}, fmt.Errorf("the entry at position %d does not touch %s", seq, account)
	}
}
