package sqlstore

import (
	"context"
	"crypto/sha256"
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
// that was applied is bursar.SchemaChanged.
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

// Migrate applies what is missing, one database transaction a file. Two programs may do it at once.
func (s *Store) Migrate(ctx context.Context) error {
	list, err := s.dialect.migrations()
	if err != nil {
		return err
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
			return s.wrap(err)
		}
	}
	return nil
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
			return bursar.Errorf(bursar.SchemaChanged, "migration %d was applied with other content than this program's", version)
		}
		return nil
	})
	return version, err
}
