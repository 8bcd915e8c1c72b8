package sqlstore

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
)

// indexName is the index that a file of Dialect.Reports makes.
func indexName(file string) string {
	_, name, _ := strings.Cut(strings.TrimSuffix(path.Base(file), ".up.sql"), "_")
	return "bursar_" + name
}

// IndexReports makes the indexes for reports that are missing, and returns the names of those that it made. Others go
// on posting where the engine can build an index beside them. Doing it twice does nothing. An index that another
// program is building, or that a build left behind unfinished, is bursar.CodeConflict.
func (m migrator) IndexReports(ctx context.Context) (made []string, err error) {
	if atomic.InTransaction(ctx) {
		return nil, m.dialect.coded(atomic.ErrNested)
	}
	have, want, err := m.Schema(ctx)
	if err != nil {
		return nil, err
	}
	if have < want {
		return nil, bursar.Errorf(bursar.CodeSchemaBehind,
			"the database has schema %d of %d: migrate it before it gets indexes for reports", have, want)
	}
	files, err := fs.Glob(m.dialect.Reports, "*.up.sql") // sorted
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		built, err := m.index(ctx, file)
		if err != nil {
			return made, m.dialect.coded(err)
		}
		if built {
			made = append(made, indexName(file))
		}
	}
	return made, nil
}

// index makes the index of one file, in no database transaction, unless it is there.
func (m migrator) index(ctx context.Context, file string) (built bool, err error) {
	name := indexName(file)
	if there, err := m.hasIndex(ctx, name); there || err != nil {
		return false, err
	}
	if err := m.standing.takesWrites(ctx); err != nil {
		return false, err
	}
	text, err := fs.ReadFile(m.dialect.Reports, file)
	if err != nil {
		return false, err
	}
	for _, statement := range split(string(text)) {
		if _, err := m.pool.ExecContext(ctx, statement); err != nil {
			if there, looked := m.hasIndex(ctx, name); there && looked == nil {
				return false, nil // another program was faster
			}
			return false, fmt.Errorf("index %s: %w", name, err)
		}
	}
	return true, nil
}

// hasIndex reports whether bursar_entry has an index that can be used. One that cannot is an error.
func (m migrator) hasIndex(ctx context.Context, name string) (bool, error) {
	there, whole := false, true
	err := query(ctx, std{m.pool}, m.dialect.Statements.EntryIndexes, nil, func(scan scanner) error {
		var found string
		var valid int64
		if err := scan(&found, &valid); err != nil {
			return err
		}
		if found == name {
			there, whole = true, valid == 1
		}
		return nil
	})
	if err == nil && !whole {
		err = bursar.Errorf(bursar.CodeConflict, "the index %s is not whole: wait while somebody builds it; "+
			"if nobody does, a build was cut short: DROP INDEX %s, then do this again", name, name)
	}
	return there, err
}
