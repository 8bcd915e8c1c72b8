package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store"
)

func newMigrateCommand(e *env) *cobra.Command {
	var onlyPrint bool
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to date",
		Long: `Bring the database's schema up to date, and print the versions before and after. A book that is not there is
made: main, or the one that --book names. Doing it twice does no harm.

With --print it prints the SQL of the missing migrations and leaves the database alone.`,
		Example: `  bursar migrate
  bursar migrate --book tenants:2
  bursar migrate --print > migrations.sql`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if onlyPrint {
				return e.printMigrations(cmd.Context())
			}
			return e.migrate(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&onlyPrint, "print", false, "print the SQL instead of running it")
	return cmd
}

// migrated is what migrate prints: the versions of the schema.
type migrated struct {
	From int `json:"from"`
	To   int `json:"to"`
}

func (e *env) migrate(ctx context.Context) (err error) {
	s, err := e.connect(ctx, makes)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := tooNew(s.have, s.want); err != nil {
		return err
	}
	if err := s.Migrate(ctx); err != nil {
		return err
	}
	if err := e.makeBook(ctx, s); err != nil {
		return err
	}
	now, _, err := s.Schema(ctx)
	if err != nil {
		return err
	}
	return e.show(migrated{s.have, now}, field{"from", strconv.Itoa(s.have)}, field{"to", strconv.Itoa(now)})
}

// makeBook makes the book that the flags name, if it is not there.
func (e *env) makeBook(ctx context.Context, s *opened) error {
	if !e.lacksBook(ctx, s) {
		return nil
	}
	l, err := ledger.New(ctx, s, &ledger.Options{Book: e.book, Migrate: true, SealEvery: -1})
	if err != nil {
		return inWords(err, words{"book": "--book"})
	}
	e.sayMade(s.have)
	return l.Close(ctx)
}

// tooNew refuses a schema that this program does not know.
func tooNew(have, want int) error {
	if have > want {
		return bursar.Errorf(bursar.CodeSchemaAhead, "the database has schema %d and this program knows %d", have, want)
	}
	return nil
}

func (e *env) printMigrations(ctx context.Context) error {
	have, err := e.schemaUntouched(ctx)
	if err != nil {
		return err
	}
	migrations, err := store.Migrations(e.db)
	if err != nil {
		return err
	}
	files, err := fs.Glob(migrations, "*.up.sql") // in order, as many as the schema version of this program
	if err != nil {
		return err
	}
	for _, name := range files[have:] {
		text, err := fs.ReadFile(migrations, name)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(e.stdout, "-- %s\n%s\n", name, strings.TrimSpace(string(text))); err != nil {
			return err
		}
	}
	return nil
}

// schemaUntouched is the version of the database's schema. A SQLite file that is not there is not opened, because that
// would create it.
func (e *env) schemaUntouched(ctx context.Context) (have int, err error) {
	if e.absent() {
		return 0, nil
	}
	s, err := e.connect(ctx, reads)
	if err != nil {
		return 0, err
	}
	return s.have, errors.Join(tooNew(s.have, s.want), s.Close())
}
