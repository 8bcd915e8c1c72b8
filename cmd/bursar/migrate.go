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
	var onlyPrint, reports bool
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to date",
		Long: `Bring the database's schema up to date, and print the versions before and after. A book that is not there is
made: main, or the one that --book names. Doing it twice does no harm.

With --reports it also makes the indexes that reports need and posting does not, as far as they are missing, and prints
their names. They slow posting down a little; docs/schema.md says how much, and how they are undone.

With --print it prints the SQL of what is missing and leaves the database alone; with --reports the SQL of all their
indexes too.`,
		Example: `  bursar migrate
  bursar migrate --book tenants:2
  bursar migrate --reports
  bursar migrate --print > migrations.sql`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if onlyPrint {
				return e.printMigrations(cmd.Context(), reports)
			}
			return e.migrate(cmd.Context(), reports)
		},
	}
	cmd.Flags().BoolVar(&onlyPrint, "print", false, "print the SQL instead of running it")
	cmd.Flags().BoolVar(&reports, "reports", false, "also make the indexes for reports")
	return cmd
}

// migrated is what migrate prints: the versions of the schema, and the indexes for reports that were made if they were
// asked for.
type migrated struct {
	From    int       `json:"from"`
	To      int       `json:"to"`
	Indexes *[]string `json:"indexes,omitempty"`
}

func (e *env) migrate(ctx context.Context, reports bool) (err error) {
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
	m := migrated{From: s.have, To: now}
	fields := []field{{"from", strconv.Itoa(s.have)}, {"to", strconv.Itoa(now)}}
	if reports {
		made, err := s.IndexReports(ctx)
		if err != nil {
			return err
		}
		made = append([]string{}, made...) // none is an empty list in JSON
		m.Indexes = &made
		fields = append(fields, field{"indexes", strings.Join(made, " ")})
	}
	return e.show(m, fields...)
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

func (e *env) printMigrations(ctx context.Context, reports bool) error {
	have, err := e.schemaUntouched(ctx)
	if err != nil {
		return err
	}
	migrations, err := store.Migrations(e.db)
	if err != nil {
		return err
	}
	if err := e.printFiles(migrations, have); err != nil || !reports {
		return err
	}
	indexes, err := store.ReportIndexes(e.db)
	if err != nil {
		return err
	}
	return e.printFiles(indexes, 0)
}

// printFiles prints the files of a folder but for the first few.
func (e *env) printFiles(folder fs.FS, skip int) error {
	files, err := fs.Glob(folder, "*.up.sql") // in order, one a version
	if err != nil {
		return err
	}
	for _, name := range files[skip:] {
		text, err := fs.ReadFile(folder, name)
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
