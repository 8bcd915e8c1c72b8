package storetest

import (
	"context"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/ledger"
)

var schemaCases = []testCase{
	{"an empty database is behind", emptyIsBehind},
	{"migrating twice does nothing", migrateTwice},
	{"options migrate", optionsMigrate},
	{"a newer schema is ahead", newerIsAhead},
	{"another checksum is changed", checksumChanged},
	{"a migration of another tool has no checksum", noChecksum},
	{"two programs migrate at once", migrateAtOnce},
}

func emptyIsBehind(f *fixture) {
	_, err := ledger.New(context.Background(), f.Store, nil)
	f.wantError(err, bursar.CodeSchemaBehind, "")
	have, want, err := f.Store.Schema(f.Context())
	if err != nil || have != 0 || want < 1 {
		f.Errorf("schema %d of %d, %v; want 0 of at least 1", have, want, err)
	}
	_, err = ledger.New(context.Background(), f.Store, nil)
	f.wantError(err, bursar.CodeSchemaBehind, "") // asking has created nothing
}

func migrateTwice(f *fixture) {
	f.must(f.Store.Migrate(f.Context()))
	f.ledger = f.start(&ledger.Options{Migrate: true})
	f.funded("users:1")
	before := f.everything()
	f.must(f.Store.Migrate(f.Context()))
	f.must(f.Reopen(f.T).Migrate(f.Context()))
	f.ledger = f.startOver(f.Reopen(f.T), &ledger.Options{Migrate: true})
	f.wantSame("the accounts after migrating again", before, f.everything())
	have, want, err := f.Store.Schema(f.Context())
	if err != nil || have != want {
		f.Errorf("schema %d of %d, %v; want them equal", have, want, err)
	}
}

func optionsMigrate(f *fixture) {
	first := f.start(&ledger.Options{Migrate: true})
	second := f.startOver(f.Reopen(f.T), &ledger.Options{})
	f.wantSame("the book that a second program finds", first.Book(), second.Book())
}

func newerIsAhead(f *fixture) {
	f.must(f.Store.Migrate(f.Context()))
	_, want, err := f.Store.Schema(f.Context())
	f.must(err)
	f.exec("INSERT INTO bursar_migration (version, name) VALUES (9999, 'later')")
	have, _, err := f.Store.Schema(f.Context())
	if err != nil || have != 9999 {
		f.Errorf("schema %d, %v; want 9999", have, err)
	}
	for _, migrate := range []bool{false, true} {
		_, err := ledger.New(context.Background(), f.Store, &ledger.Options{Migrate: migrate})
		f.wantError(err, bursar.CodeSchemaAhead, "")
	}
	if got := f.number("SELECT count(*) FROM bursar_migration"); got != int64(want)+1 {
		f.Errorf("%d migrations are recorded, want %d", got, want+1)
	}
}

func checksumChanged(f *fixture) {
	f.must(f.Store.Migrate(f.Context()))
	f.exec("UPDATE bursar_migration SET checksum = '00' WHERE version = 1")
	for _, migrate := range []bool{false, true} {
		_, err := ledger.New(context.Background(), f.Store, &ledger.Options{Migrate: migrate})
		f.wantError(err, bursar.CodeSchemaChanged, "")
	}
}

func noChecksum(f *fixture) {
	f.must(f.Store.Migrate(f.Context()))
	f.exec("UPDATE bursar_migration SET checksum = NULL")
	f.start(&ledger.Options{Migrate: true})
}

func migrateAtOnce(f *fixture) {
	stores := []driver.Store{f.Store, f.Reopen(f.T), f.Reopen(f.T)}
	books := make([]bursar.Book, len(stores))
	errs := f.atOnce(len(stores), func(i int) error {
		l, err := ledger.New(context.Background(), stores[i], &ledger.Options{Migrate: true, Clock: f.clock})
		if err == nil {
			books[i] = l.Book()
		}
		return err
	})
	for i, err := range errs {
		if err != nil {
			f.Fatalf("program %d: %v", i, err)
		}
		f.wantSame("the book of a program that came at the same time", books[0], books[i])
	}
}
