package main

import (
	"context"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// env is what a command sees of the world, and the flags that every command has.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string

	db     string // database URL
	book   string
	output string // table, json or csv

	logger *slog.Logger // what a server tells its operator; nil: nothing

	patience time.Duration // how long a database may take to answer at first; 0: patienceDefault

	atRest  bool // the database is a file that is read as it lies, so nothing new can be seen
	running bool // the command line was understood and its command began
}

// bookDefault is the book of who names none.
const bookDefault = "main"

// isFile reports whether a database URL names a file on this machine.
func isFile(database string) bool { return strings.HasPrefix(database, "sqlite:") }

// redacted is a database URL without its passwords, so that it may be shown.
func redacted(database string) string {
	if isFile(database) {
		return database
	}
	u, err := url.Parse(database)
	if err != nil {
		scheme, _, _ := strings.Cut(database, ":")
		return scheme + ":…"
	}
	query := u.Query()
	for name := range query {
		if strings.Contains(strings.ToLower(name), "password") {
			query.Set(name, "xxxxx")
			u.RawQuery = query.Encode()
		}
	}
	return u.Redacted()
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, e *env, args []string) int {
	out := &sink{w: e.stdout}
	e.stdout = out
	root := newRootCommand(e)
	prepare(e, root)
	root.SetArgs(shield(root, args))
	cmd, err := root.ExecuteContextC(ctx)
	return e.report(cmd, err, out.err)
}

func newRootCommand(e *env) *cobra.Command {
	root := &cobra.Command{
		Use:   "bursar",
		Short: "A double-entry ledger that keeps money right under concurrency",
		Long: `Bursar is a double-entry ledger that keeps money right under concurrency.

Data goes to stdout, messages to stderr. The exit code is 0 when all went well and 2 when the command line or a
request could not be read. Every other error has the exit code of its kind: bursar errors lists them.`,
		Example: `  bursar account open outside:bank --currency USD --min none
  bursar account open users:alice --currency USD
  bursar transfer outside:bank users:alice 25.00 USD
  bursar balance`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       programVersion(),
	}
	root.SetVersionTemplate("bursar {{.Version}}\n")
	root.SetIn(e.stdin)
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	e.output = formatTable
	database := e.getenv("BURSAR_DB")
	if database == "" {
		database = "sqlite:bursar.db"
	}
	flags := root.PersistentFlags()
	flags.SortFlags = false
	flags.StringVar(&e.db, "db", database, "database `URL`; BURSAR_DB sets the default")
	flags.Lookup("db").DefValue = redacted(database) // what --help prints
	flags.StringVar(&e.book, "book", bookDefault, "`name` of the book: one ledger among several in a database")
	flags.VarP(formatFlag{&e.output}, "output", "o", "how data is printed: table, json or csv")
	root.AddCommand(
		newAccountCommand(e), newTransferCommand(e), newBalanceCommand(e), newStatementCommand(e), newJournalCommand(e),
		newVerifyCommand(e), newImportCommand(e), newExportCommand(e), newServeCommand(e), newMigrateCommand(e),
		newBenchCommand(e), newErrorsCommand(e), newVersionCommand(e),
	)
	e.complete(root)
	return root
}

// prepare gives all commands what they have in common. A command that only holds others explains itself. Any other
// refuses arguments that it does not name, and env learns when it begins.
func prepare(e *env, cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		prepare(e, sub)
	}
	cmd.Flags().SortFlags = false
	if cmd.HasSubCommands() && cmd.RunE == nil {
		cmd.Args, cmd.RunE, cmd.DisableFlagsInUseLine = cobra.ArbitraryArgs, explain, true
		cmd.SuggestionsMinimumDistance = 2
	}
	if cmd.Args == nil {
		cmd.Args = arguments(0)
	}
	if body := cmd.RunE; body != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			e.running = true
			return body(cmd, args)
		}
	}
}

// explain is the body of a command that only holds others.
func explain(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	err := usagef("unknown command %q", args[0])
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return hintf(err, "did you mean %s %s?", cmd.CommandPath(), near[0])
	}
	return err
}
