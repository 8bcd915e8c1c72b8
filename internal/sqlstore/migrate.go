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

// readMigrations reads files in order: 0001_init.up.sql and so on, numbered without a gap.
func readMigrations(folder fs.FS) ([]migration, error) {
	files, err := fs.Glob(folder, "*.up.sql") // sorted
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
		text, err := fs.ReadFile(folder, file)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(text)
		list = append(list, migration{version, name, string(text), hex.EncodeToString(sum[:])})
	}
	return list, nil
}

// migrator is the part of a store that keeps the schema.
type migrator struct{ *handle }

// Schema reports the schema's version and the version that this program needs. A migration that was applied with
// another content is bursar.CodeSchemaChanged.
func (m migrator) Schema(ctx context.Context) (have, want int, err error) {
	list, err := readMigrations(m.dialect.Migrations)
	if err != nil {
		return 0, 0, err
	}
	err = atomic.Do(ctx, m.db, func(ctx context.Context, db *atomic.Tx) error {
		have, err = m.applied(ctx, std{db}, list)
		return err
	}, &atomic.Options{ReadOnly: true, Retry: m.retry})
	return have, len(list), m.dialect.coded(err)
}

// Migrate applies what is missing, if the server takes writes, one database transaction a file. Two programs may do
// it at once. Where DDL commits by itself, a file whose application is cut short is applied again from its beginning,
// so its statements must allow that. Where the settings would not keep a ledger safe, nothing is made.
func (m migrator) Migrate(ctx context.Context) error {
	list, err := readMigrations(m.dialect.Migrations)
	if err != nil {
		return err
	}
	if atomic.InTransaction(ctx) {
		return m.dialect.coded(atomic.ErrNested)
	}
	if have, want, err := m.Schema(ctx); err != nil || have >= want {
		return err
	}
	if err := m.standing.takesWrites(ctx); err != nil {
		return err
	}
	if err := m.understood(ctx); err != nil {
		return err
	}
	if m.dialect.migratesAlone() {
		return m.dialect.codedWrite(m.alone(ctx, list))
	}
	for _, next := range list {
		err := m.apply(ctx, next, list)
		if err == nil {
			continue
		}
		if have, _, looked := m.Schema(ctx); looked == nil && have >= next.version {
			continue // another program was faster
		}
		return m.dialect.codedWrite(err)
	}
	return nil
}

// apply applies one file in a database transaction, unless it has been applied.
func (m migrator) apply(ctx context.Context, next migration, list []migration) error {
	return atomic.Do(ctx, m.db, func(ctx context.Context, db *atomic.Tx) error {
		have, err := m.applied(ctx, std{db}, list)
		if err != nil || have >= next.version {
			return err
		}
		return m.run(ctx, db, next, []string{next.text})
	}, &atomic.Options{Nesting: atomic.Outermost, Retry: m.retry})
}

// run runs the statements of one file and stamps its checksum. A connection whose settings would not keep the ledger
// safe makes no schema: some of them decide what the schema becomes, and each file may run on another connection.
func (m migrator) run(ctx context.Context, db DBTX, next migration, statements []string) error {
	if err := m.dialect.Ready(ctx, std{db}); err != nil {
		return err
	}
	for _, statement := range statements {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("migration %d %s: %w", next.version, next.name, err)
		}
	}
	_, err := db.ExecContext(ctx, m.dialect.Statements.StampChecksum, next.checksum, next.version)
	return err
}

// schemaPatience is how many seconds Migrate waits for another program that is migrating.
const schemaPatience = 60

// alone applies what is missing statement by statement, on one connection that keeps other programs from doing so.
func (m migrator) alone(ctx context.Context, list []migration) (err error) {
	if atomic.InTransaction(ctx) {
		return atomic.ErrNested
	}
	conn, err := m.pool.Conn(ctx)
	if err != nil && ctx.Err() == nil { // a limit of the driver's own may look like the end of ctx
		return fmt.Errorf("%w: %v", atomic.ErrNoConnection, err)
	}
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := m.lock(ctx, conn); err != nil {
		return err
	}
	defer m.unlock(ctx, conn)
	for _, next := range list {
		have, err := m.applied(ctx, std{conn}, list)
		if err != nil {
			return err
		}
		if have >= next.version {
			continue
		}
		if m.dialect.Migrates != nil {
			if err := m.dialect.Migrates(ctx, std{conn}); err != nil {
				return err
			}
		}
		if err := m.run(ctx, conn, next, split(next.text)); err != nil {
			return err
		}
	}
	return nil
}

func (m migrator) lock(ctx context.Context, conn *sql.Conn) error {
	var alone sql.NullInt64
	err := query(ctx, std{conn}, m.dialect.Statements.LockSchema, []any{schemaPatience}, func(scan scanner) error {
		return scan(&alone)
	})
	if err == nil && alone.Int64 != 1 {
		err = bursar.Errorf(bursar.CodeConflict,
			"another program has been migrating this database for %d seconds", schemaPatience)
	}
	return err
}

// unlock lets other programs migrate. Where it cannot say so, it ends the connection, and the lock with it.
func (m migrator) unlock(ctx context.Context, conn *sql.Conn) {
	ignore := func(scan scanner) error { return scan(new(any)) }
	if query(context.WithoutCancel(ctx), std{conn}, m.dialect.Statements.UnlockSchema, nil, ignore) != nil {
		_ = conn.Raw(func(any) error { return sqldriver.ErrBadConn })
	}
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
func (m migrator) applied(ctx context.Context, db Executor, list []migration) (version int, err error) {
	exists := false
	err = query(ctx, db, m.dialect.Statements.HasSchema, nil, func(scan scanner) error {
		exists = true
		return scan(new(any))
	})
	if err != nil || !exists {
		return 0, err
	}
	err = query(ctx, db, m.dialect.Statements.Migrated, nil, func(scan scanner) error {
		var checksum *string
		if err := scan(&version, &checksum); err != nil {
			return err
		}
		if version >= 1 && version <= len(list) && checksum != nil && *checksum != list[version-1].checksum {
			return bursar.Errorf(bursar.CodeSchemaChanged,
				"migration %d was applied with other content than this program's", version)
		}
		return nil
	})
	return version, err
}
