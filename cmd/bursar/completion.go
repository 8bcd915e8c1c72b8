package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/bench"
	"github.com/bursar-ledger/bursar/internal/exchange"
	"github.com/bursar-ledger/bursar/ledger"
)

const (
	suggestionsMax     = 200             // more paths than this are no help on a command line
	suggestionsTimeout = 2 * time.Second // somebody waits with a finger on the tab key
)

// suggest completes a word of the command line.
type suggest = cobra.CompletionFunc

// files leaves a word to the shell. Elsewhere nothing is a name of a file unless a flag says so.
func files(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// oneOf completes with these words.
func oneOf(choices ...string) suggest {
	return cobra.FixedCompletions(choices, cobra.ShellCompDirectiveNoFileComp)
}

// paths completes with the paths of accounts. It makes no database, and says nothing where there is none.
func (e *env) paths(cmd *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmd.Context(), suggestionsTimeout)
	defer cancel()
	quiet := *e
	quiet.stderr = io.Discard
	var found []cobra.Completion
	err := quiet.withLedger(ctx, reads, func(ctx context.Context, l *ledger.Ledger) error {
		accounts, err := l.Accounts(ctx, bursar.AccountQuery{Prefix: begun, Limit: suggestionsMax})
		for i := range accounts {
			found = append(found, accounts[i].Path)
		}
		return err
	})
	if err != nil {
		found = nil
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

// first completes the first n arguments with this, and no others.
func first(n int, with suggest) suggest {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) >= n {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return with(cmd, args, begun)
	}
}

// codes completes with the codes of the error table.
func codes() suggest {
	var all []string
	for _, d := range bursar.Catalogue() {
		all = append(all, cobra.CompletionWithDesc(string(d.Code), d.Meaning))
	}
	return oneOf(all...)
}

// completions are what the arguments of a command, or the value of a flag, are completed with.
func (e *env) completions() map[string]suggest {
	return map[string]suggest{
		"bursar --output":             oneOf(formatTable, formatJSON, formatCSV),
		"bursar account list":         first(1, e.paths),
		"bursar account list --after": e.paths,
		"bursar account open":         first(1, e.paths), // a new path begins like those of its kind
		"bursar account show":         first(1, e.paths),
		"bursar balance":              e.paths,
		"bursar balance --prefix":     e.paths,
		"bursar bench --html":         files,
		"bursar bench --strategy":     oneOf(append(bench.Names(), strategiesAll)...),
		"bursar errors":               first(1, codes()),
		"bursar export --account":     e.paths,
		"bursar export --format":      oneOf(exchange.FormatCSV, exchange.FormatJSONL, exchange.FormatHledger),
		"bursar export --out":         files,
		"bursar import":               first(1, files),
		"bursar import --ack":         files,
		"bursar import --format":      oneOf(exchange.FormatCSV, exchange.FormatJSONL),
		"bursar serve --log-level":    oneOf(logLevels()...),
		"bursar serve --token-file":   files,
		"bursar statement":            first(1, e.paths),
		"bursar transfer":             first(2, e.paths),
	}
}

// complete has the shell's tab key complete the words of all commands.
func (e *env) complete(root *cobra.Command) {
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	for place, with := range e.completions() {
		path, flag, isFlag := strings.Cut(place, " --")
		cmd, _, err := root.Find(strings.Fields(path)[1:])
		switch {
		case err != nil:
		case isFlag:
			err = cmd.RegisterFlagCompletionFunc(flag, with)
		default:
			cmd.ValidArgsFunction = with
		}
		if err != nil {
			panic(fmt.Sprintf("%s: %v", place, err)) // the commands are those of this program
		}
	}
}
