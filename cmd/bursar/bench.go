package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/bursar-ledger/bursar/internal/bench"
	"github.com/bursar-ledger/bursar/internal/httpapi"
	"github.com/bursar-ledger/bursar/ledger"
)

// benchFlags are the flags of bench.
type benchFlags struct {
	strategies                             listFlag[string]
	clients, hot                           listFlag[int]
	accounts, batch                        int64
	rounds, growth                         int64
	seed                                   uint64
	zipf, seconds                          float64
	http                                   bool
	page                                   string
	databaseNamed, bookNamed, clientsNamed bool // on the command line
}

func newBenchCommand(e *env) *cobra.Command {
	f := benchFlags{
		strategies: listFlag[string]{values: []string{"queue"}, parse: parseStrategy, typed: "LIST"},
		clients:    listFlag[int]{values: []int{1, 64, 1024}, parse: parseCount, typed: "LIST"},
		hot:        listFlag[int]{values: []int{0}, parse: parseCount, typed: "PERCENT"},
		accounts:   10_000, batch: 1, rounds: 3, seconds: 2, seed: 1,
	}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure how many transfers a second this machine does",
		Long: `Measure how many transfers a second a ledger does on this machine, every one durable, and what each takes.

Without --db it works in SQLite files in a temporary folder, which is removed. With --db it makes books with new names
in that database, and touches no other; it says what they are called, and they stay, because a journal cannot be
removed. So better name a database that is there for it. Nobody else should use the machine meanwhile.

Always in the same run, to compare with:

  textbook  no ledger: rows of balances, locked in order, and a row with a unique id for each transfer, one database
            transaction each, with prepared statements. 1, 4 and 16 connections are tried; the best one is shown.
  in        an application's row and a transfer in one database transaction, with 16 callers

What is measured:

  --strategy  queue, locks, swap, hybrid, serializable, none (as locks), or all of these; in has --clients, too
  --clients   how many callers post at once; each of the list is measured. With --batch the default is 1,4
  --batch     how many transfers a call brings; 1 posts single transfers
  --accounts, --zipf, --hot   which accounts they use; 0,50,100 for --hot measures each share, and shows contention
  --growth    posts so many transfers, and looks at throughput and reading at 1, 2, 5, 10, 20, 50 million and at the end
  --http      the same over HTTP on a loopback port, and next to it a handler that only decodes and answers JSON

Every subject is warmed up and measured for --seconds, in --rounds in which all have their turn. Shown are medians with
the least and the most. Latency is measured afterwards, with calls that arrive evenly at half of that throughput
whether or not the ones before are answered: from when a call was to begin, so that a stall counts for all whom it
delays. In JSON there is also what callers see who wait for each answer. Percentiles are at most 0.8 % too high. A call
of a batch is one call. p99 takes 100 calls and p99.9 takes 1,000, so give enough --seconds.

bytes is what the database grew by for each transfer, with indexes. cpu_us is what this process used, which is also
what makes the load; server_cpu_us what the processes of a database server used that can be seen from here.

At the end every journal is replayed as bursar verify does it, and compared with what was answered. An interrupt ends
the run with what was measured so far, and without that.`,
		Example: `  bursar bench
  bursar bench --batch 8190 --clients 1,4
  bursar bench --strategy all --clients 1,16,64 --hot 0,50,100 --html bench.html
  bursar bench --db postgres://bursar@localhost/bench --seconds 5 --rounds 5
  bursar bench --growth 20000000 --clients 64
  bursar bench --http --clients 64 -o json > bench.json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			named := cmd.Flags().Changed
			f.databaseNamed, f.bookNamed, f.clientsNamed = named("db"), named("book"), named("clients")
			return e.bench(cmd.Context(), &f)
		},
	}
	flags := cmd.Flags()
	flags.Var(&f.strategies, "strategy", "strategies to measure, or all")
	flags.Var(countFlag{&f.accounts, 2, 10_000_000}, "accounts", "how many accounts there are")
	flags.Float64Var(&f.zipf, "zipf", 0, "draw accounts by a zipf law with this `exponent`; 0 draws all alike")
	flags.Var(&f.hot, "hot", "share of the transfers that touch one hot account")
	flags.Var(&f.clients, "clients", "numbers of callers")
	flags.Var(countFlag{&f.batch, 1, 10_000}, "batch", "transfers a call")
	flags.Float64Var(&f.seconds, "seconds", f.seconds, "how `long` each subject is measured in each round")
	flags.Var(countFlag{&f.rounds, 1, 1000}, "rounds", "how often all have their turn")
	flags.Var(countFlag{&f.growth, 0, 1_000_000_000}, "growth", "also grow a ledger to so many transfers")
	flags.BoolVar(&f.http, "http", false, "also measure the HTTP interface")
	flags.StringVar(&f.page, "html", "", "also write a page with plots to this `file`")
	flags.Uint64Var(&f.seed, "seed", f.seed, "`number` that the accounts and amounts are drawn by")
	return cmd
}

// config is what the flags ask for.
func (f *benchFlags) config(e *env) (*bench.Config, error) {
	if f.bookNamed {
		return nil, usagef("bench makes books of its own: leave out --book")
	}
	c := &bench.Config{
		Strategies: f.strategies.values,
		Workload:   bench.Workload{Accounts: int(f.accounts), Zipf: f.zipf, Seed: f.seed},
		Hot:        f.hot.values, Clients: f.clients.values, Batch: int(f.batch),
		Time: time.Duration(f.seconds * float64(time.Second)), Rounds: int(f.rounds), Growth: f.growth,
	}
	if f.batch > 1 && !f.clientsNamed {
		c.Clients = []int{1, 4} // a queue takes no more of the largest batches
	}
	if f.databaseNamed {
		c.Database = e.db
	}
	if f.http {
		c.Handler = func(l *ledger.Ledger) http.Handler { return httpapi.New(l, nil) }
	}
	v, err := newVersion()
	c.Build = bench.Build{Version: v.Version, Revision: v.Revision, Modified: v.Modified}
	return c, errors.Join(err, c.Check())
}

func (e *env) bench(ctx context.Context, f *benchFlags) error {
	c, err := f.config(e)
	if err != nil {
		return err
	}
	var page *os.File
	if f.page != "" {
		if page, err = os.Create(f.page); err != nil { // before minutes are spent
			return hintf(err, "--html names a file that can be written")
		}
		defer page.Close() // a second time, when all went well
	}
	if c.Database != "" {
		if err := e.benchable(ctx); err != nil {
			return err
		}
	}
	var bar *progressbar.ProgressBar
	c.Progress = func(what string, done, total int) {
		if bar == nil {
			bar = e.bar("bench", int64(total))
		}
		bar.Describe(what)
		_ = bar.Set(done) // a bar that cannot be drawn is no reason to fail
	}
	report, err := bench.Run(ctx, c)
	if bar != nil {
		_ = bar.Clear()
	}
	if len(report.Rows) == 0 && len(report.Growth) == 0 && err != nil {
		return err
	}
	e.sayBench(&report)
	err = errors.Join(err, e.showBench(&report))
	if page != nil {
		err = errors.Join(err, bench.WritePage(page, &report), page.Close())
	}
	return err
}

// benchable refuses a database that cannot be measured, with the remedy. A server's database needs a ledger's schema.
func (e *env) benchable(ctx context.Context) error {
	s, err := e.openStore(ctx, makes)
	if err != nil {
		return err
	}
	return s.Close()
}

// sayBench tells what the numbers do not.
func (e *env) sayBench(r *bench.Report) {
	for _, note := range r.Notes {
		e.say("warning", note)
	}
	if r.Interrupted {
		e.say("warning", "interrupted: what was measured is shown, and no journal was replayed")
	}
	for _, book := range r.Setup.Books {
		fmt.Fprintf(e.stderr, "bursar: book %s stays in %s\n", book, redacted(e.db))
	}
}
