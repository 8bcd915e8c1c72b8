package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store"
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

	running bool // the command line was understood and its command began
}

// closeTimeout bounds how long a command waits for posts that are on their way.
const closeTimeout = 30 * time.Second

// withLedger opens the ledger that the flags name, runs fn and closes it. A file without a schema is migrated first.
// stderr says so, because a mistyped name looks like a new file. A server's database is not migrated, because it may be
// someone else's. A database with an older schema is not migrated either.
func (e *env) withLedger(ctx context.Context, fn func(context.Context, *ledger.Ledger) error) (err error) {
	s, have, _, err := e.openStore(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if have == 0 && !isFile(e.db) {
		return hintf(bursar.Errorf(bursar.CodeSchemaBehind, "there is no ledger in %s", redacted(e.db)),
			"bursar migrate makes one, if that is the right database")
	}
	l, err := ledger.New(ctx, s, &ledger.Options{
		Book: e.book, Migrate: have == 0, Strategy: ledger.Queue{}, Logger: e.logger,
	})
	if err != nil {
		return err
	}
	if have == 0 {
		fmt.Fprintf(e.stderr, "bursar: new ledger in %s\n", redacted(e.db))
	}
	err = fn(ctx, l)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	return errors.Join(err, l.Close(closing))
}

// openStore opens the database that the flags name. It reports the schema that the database has and the one that this
// program wants. The caller closes the store.
func (e *env) openStore(ctx context.Context) (s driver.Store, have, want int, err error) {
	if s, err = store.Open(e.db); err != nil {
		return nil, 0, 0, err
	}
	if have, want, err = s.Schema(ctx); err == nil {
		return s, have, want, nil
	}
	if bursar.CodeOf(err) == bursar.CodeUnavailable {
		err = hintf(err, "is %s the right database? --db and BURSAR_DB say which", redacted(e.db))
	}
	return nil, 0, 0, errors.Join(err, s.Close())
}

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
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
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
	flags.StringVar(&e.book, "book", "main", "`name` of the book: one ledger among several in a database")
	flags.VarP(formatFlag{&e.output}, "output", "o", "how data is printed: table, json or csv")
	root.AddCommand(
		newAccountCommand(e), newTransferCommand(e), newBalanceCommand(e), newStatementCommand(e), newJournalCommand(e),
		newVerifyCommand(e), newImportCommand(e), newExportCommand(e), newServeCommand(e), newMigrateCommand(e),
		newErrorsCommand(e), newVersionCommand(e),
	)
	return root
}

// prepare gives all commands what they have in common. A command that only holds others explains itself. Any other
// refuses arguments that it does not name, and env learns when it begins.
func prepare(e *env, cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		prepare(e, sub)
	}
	cmd.Flags().SortFlags = false
	if cmd.HasSubCommands() {
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
