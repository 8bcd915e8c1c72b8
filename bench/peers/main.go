// Command peers gives other ledgers the transfers of bursar bench: the same accounts, callers, batches, loops and
// percentiles. It drives servers that run already, by their public interfaces, and starts none.
//
//	go run . --pgledger postgres://bursar@localhost/pgledger --clients 1,16
//	go run . --formance http://localhost:3068 --blnk http://localhost:5001 --batch 100 --clients 16
//
// TigerBeetle has no driver here: its protocol is its Go client's, which needs cgo and is not always to be had as a
// module. Its own benchmark, tigerbeetle benchmark, measures it.
//
// It is a module of its own and no part of the tests of a release. What a peer promises about an answer, above all
// whether it is durable, is the peer's settings' matter: look at them before you compare.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/bursar-ledger/bursar/internal/bench"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// options are what the command line asks for.
type options struct {
	formance, blnk, blnkKey, pgledger string

	config bench.Config
	json   bool
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	var seconds float64
	flags := flag.NewFlagSet("peers", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.formance, "formance", "", "`URL` of a Formance Ledger, version 2")
	flags.StringVar(&o.blnk, "blnk", "", "`URL` of a Blnk")
	flags.StringVar(&o.blnkKey, "blnk-key", os.Getenv("BLNK_KEY"), "`key` for Blnk; BLNK_KEY sets the default")
	flags.StringVar(&o.pgledger, "pgledger", "", "`URL` of a PostgreSQL database with pgledger's functions")
	flags.IntVar(&o.config.Workload.Accounts, "accounts", 1000, "how many accounts are made")
	flags.Float64Var(&o.config.Workload.Zipf, "zipf", 0, "exponent that accounts are drawn by; 0 draws all alike")
	flags.Uint64Var(&o.config.Workload.Seed, "seed", 1, "what accounts and amounts are drawn by")
	flags.IntVar(&o.config.Batch, "batch", 1, "transfers a call")
	flags.IntVar(&o.config.Rounds, "rounds", 3, "how often all have their turn")
	flags.Float64Var(&seconds, "seconds", 2, "how long each is measured in each round")
	flags.BoolVar(&o.json, "json", false, "print JSON")
	clients := flags.String("clients", "1,16", "numbers of callers")
	hot := flags.String("hot", "0", "percent of the transfers that touch one account")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	o.config.Time = time.Duration(seconds * float64(time.Second))
	var errClients, errHot error
	o.config.Clients, errClients = numbers(*clients)
	o.config.Hot, errHot = numbers(*hot)
	return o, errors.Join(errClients, errHot)
}

func numbers(list string) (values []int, err error) {
	for word := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(word))
		if err != nil {
			return nil, fmt.Errorf("%q is not a list of whole numbers such as 1,16", list)
		}
		values = append(values, n)
	}
	return values, nil
}

// peers are those that the flags name, in the order in which they are shown.
func (o *options) peers(ctx context.Context) (names []string, peers map[string]bench.Peer, err error) {
	peers = map[string]bench.Peer{}
	add := func(name string, p bench.Peer) { names, peers[name] = append(names, name), p }
	if o.formance != "" {
		add("formance", newFormance(o.formance))
	}
	if o.blnk != "" {
		add("blnk", newBlnk(o.blnk, o.blnkKey))
	}
	if o.pgledger != "" {
		p, err := newPgledger(ctx, o.pgledger)
		if err != nil {
			return nil, nil, err
		}
		add("pgledger", p)
	}
	if len(names) == 0 {
		return nil, nil, errors.New("name a peer: --formance, --blnk or --pgledger")
	}
	return names, peers, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	names, peers, err := o.peers(ctx)
	if err != nil {
		return err
	}
	o.config.Progress = func(what string, done, total int) { fmt.Fprintf(stderr, "%d/%d %s\n", done, total, what) }
	report, err := bench.RunPeers(ctx, &o.config, names, peers)
	if o.json {
		return errors.Join(err, json.NewEncoder(stdout).Encode(&report))
	}
	return errors.Join(err, table(stdout, &report))
}

// known leaves out what too few calls were made for.
func known(micros float64) string {
	if micros == 0 {
		return ""
	}
	return strconv.FormatFloat(micros, 'f', -1, 64)
}

// table prints the rows of a report.
func table(w io.Writer, r *bench.Report) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(out, "peer\tclients\tbatch\thot\ttps\tmin\tmax\tp50_us\tp99_us\tp99.9_us\tretries\t")
	for i := range r.Rows {
		row := &r.Rows[i]
		var open bench.OpenLatency
		if row.Open != nil {
			open = *row.Open
		}
		fmt.Fprintf(out, "%s\t%d\t%d\t%d\t%.0f\t%.0f\t%.0f\t%s\t%s\t%s\t%v\t\n",
			row.Subject, row.Clients, row.Batch, row.Hot,
			row.Rate.Median, row.Rate.Min, row.Rate.Max, known(open.P50), known(open.P99), known(open.P999), row.Retries)
	}
	return out.Flush()
}
