package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	sqldriver "database/sql/driver"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
)

// migration is one file of the schema.
type migration struct {
	version  int
	name     string
	text     string
	checksum string
}

// migrations are the dialect's files in order: 0001_init.up.sql and so on, numbered without a gap.
func (d *Dialect) migrations() ([]migration, error) {
	files, err := fs.Glob(d.Migrations, "*.up.sql") // sorted
	if err != nil {
		return nil, err
	}
	var list []migration
	for i, file := range files {
		number, name, _ := strings.Cut(strings.TrimSuffix(path.Base(file), ".up.sql"), "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("migration %s is not number %d", file, i+1)
		}
		text, err := fs.ReadFile(d.Migrations, file)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(text)
		list = append(list, migration{version, name, string(text), hex.EncodeToString(sum[:])})
	}
	return list, nil
}

// Schema reports the schema's version and the one that this program needs. A migration whose file is not the one
// that was applied is bursar.CodeSchemaChanged.
func (s *Store) Schema(ctx context.Context) (have, want int, err error) {
	list, err := s.dialect.migrations()
	if err != nil {
		return 0, 0, err
	}
	err = atomic.Do(ctx, s.db, func(ctx context.Context, db *atomic.Tx) error {
		have, err = s.applied(ctx, std{db}, list)
		return err
	}, &atomic.Options{ReadOnly: true, Retry: s.options.Retry})
	return have, len(list), s.wrap(err)
}

// Migrate applies what is missing, one database transaction a file. Two programs may do it at once. Where DDL commits by
// itself, a file whose application is cut short is applied again from its beginning, so its statements must allow that.
func (s *Store) Migrate(ctx context.Context) error {
	list, err := s.dialect.migrations()
	if err != nil {
		return err
	}
	if s.dialect.Atomic.Traits().DDLCommits {
		return s.wrap(s.migrateAlone(ctx, list))
	}
	for _, m := range list {
		err := atomic.Do(ctx, s.db, func(ctx context.Context, db *atomic.Tx) error {
			have, err := s.applied(ctx, std{db}, list)
			if err != nil || have >= m.version {
				return err
			}
			if _, err := db.ExecContext(ctx, m.text); err != nil {
				return fmt.Errorf("migration %d %s: %w", m.version, m.name, err)
			}
			_, err = db.ExecContext(ctx, s.dialect.Statements.StampChecksum, m.checksum, m.version)
			return err
		}, &atomic.Options{Nesting: atomic.Outermost, Retry: s.options.Retry})
		if err != nil {
			if have, _, looked := s.Schema(ctx); looked == nil && have >= m.version {
				continue // another program was faster
			}
			return s.wrap(err)
		}
	}
	return nil
}

// schemaPatience is how many seconds Migrate waits for another program that is migrating.
const schemaPatience = 60

// migrateAlone applies what is missing statement by statement, on one connection that keeps other programs from doing so.
func (s *Store) migrateAlone(ctx context.Context, list []migration) error {
	if atomic.InTransaction(ctx) {
		return atomic.ErrNested
	}
	conn, err := s.pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	var alone sql.NullInt64
	lock := func(scan func(...any) error) error { return scan(&alone) }
	if err := query(ctx, std{conn}, s.dialect.Statements.LockSchema, []any{schemaPatience}, lock); err != nil {
		return err
	}
	if alone.Int64 != 1 {
		return bursar.Errorf(bursar.CodeConflict, "another program has been migrating this database for %d seconds", schemaPatience)
	}
	defer func() {
		if query(context.WithoutCancel(ctx), std{conn}, s.dialect.Statements.UnlockSchema, nil, lock) != nil {
			_ = conn.Raw(func(any) error { return sqldriver.ErrBadConn }) // which ends the connection, and the lock with it
		}
	}()
	for _, m := range list {
		have, err := s.applied(ctx, std{conn}, list)
		if err != nil {
			return err
		}
		if have >= m.version {
			continue
		}
		for _, statement := range split(m.text) {
			if _, err := conn.ExecContext(ctx, statement); err != nil {
				return fmt.Errorf("migration %d %s: %w", m.version, m.name, err)
			}
		}
		if _, err = conn.ExecContext(ctx, s.dialect.Statements.StampChecksum, m.checksum, m.version); err != nil {
			return err
		}
	}
	return nil
}

// split returns the statements of a migration as goose does: each ends with a line that ends with a semicolon, or is
// what stands between the marks StatementBegin and StatementEnd.
func split(text string) (statements []string) {
	var current strings.Builder
	whole := false
	end := func() {
		if statement := strings.TrimSuffix(strings.TrimSpace(current.String()), ";"); statement != "" {
			statements = append(statements, statement)
		}
		current.Reset()
	}
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		mark, marked := strings.CutPrefix(trimmed, "-- +goose ")
		switch {
		case marked:
			whole = mark == "StatementBegin"
			end()
			continue
		case strings.HasPrefix(trimmed, "--"):
			continue
		}
		current.WriteString(line)
		code, _, _ := strings.Cut(trimmed, " --")
		if !whole && strings.HasSuffix(strings.TrimSpace(code), ";") {
			end()
		}
	}
	end()
	return statements
}

// applied is the version of the schema in the database, after comparing checksums with list.
func (s *Store) applied(ctx context.Context, db Executor, list []migration) (version int, err error) {
	exists := false
	err = query(ctx, db, s.dialect.Statements.HasSchema, nil, func(scan func(...any) error) error {
		exists = true
		return scan(new(any))
	})
	if err != nil || !exists {
		return 0, err
	}
	err = query(ctx, db, s.dialect.Statements.Migrated, nil, func(scan func(...any) error) error {
		var checksum *string
		if err := scan(&version, &checksum); err != nil {
			return err
		}
		if version >= 1 && version <= len(list) && checksum != nil && *checksum != list[version-1].checksum {
			return bursar.Errorf(bursar.CodeSchemaChanged, "migration %d was applied with other content than this program's", version)
		}
		return nil
	})
	return version, err
}
