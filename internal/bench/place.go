package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx" of database/sql

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/store"
	"github.com/bursar-ledger/bursar/store/mysql"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// place is a database that is measured: a store for ledgers, and a way to run statements beside it.
type place struct {
	*engine
	url   string
	dsn   string
	store store.Store
	admin *sql.DB
	cpu   *serverProcesses // nil: not to be seen
}

// engine is what differs between databases, as far as measuring goes.
type engine struct {
	name     string
	driver   string // of database/sql
	version  string // a query
	settings []Setting
	textbook textbookSQL
	size     func(ctx context.Context, db *sql.DB) (bytes int64, err error)
	pid      string // a query: a process of the server, or a file that names one
}

// engineOf finds the engine that a URL names.
func engineOf(address string) (*engine, error) {
	scheme, _, _ := strings.Cut(address, ":")
	switch scheme {
	case "sqlite":
		return sqliteEngine(), nil
	case "postgres", "postgresql":
		return postgresEngine(), nil
	case "mysql", "mariadb":
		return mysqlEngine(), nil
	}
	return nil, bursar.Errorf(bursar.CodeUnsupported,
		"there is no textbook to compare %q with: measure SQLite, PostgreSQL, MariaDB or MySQL", scheme)
}

// dsnOf is what database/sql takes for a URL of a store.
func dsnOf(e *engine, address string) (string, error) {
	switch e.driver {
	case "sqlite":
		return sqlite.DSN(strings.TrimPrefix(strings.TrimPrefix(address, "sqlite:"), "//")), nil
	case "mysql":
		return mysql.DSN(address)
	}
	u, err := url.Parse(address)
	if err != nil {
		return "", bursar.Errorf(bursar.CodeMalformed, "the database URL cannot be read")
	}
	query := u.Query()
	for name := range query {
		if strings.HasPrefix(name, "pool_") { // a pool's settings, which a connection would send to the server
			query.Del(name)
		}
	}
	u.RawQuery = query.Encode()
	return u.String(), nil
}

func openPlace(ctx context.Context, address string) (*place, error) {
	e, err := engineOf(address)
	if err != nil {
		return nil, err
	}
	p := &place{engine: e, url: address}
	if p.dsn, err = dsnOf(e, address); err != nil {
		return nil, err
	}
	if p.store, err = store.Open(address); err != nil {
		return nil, err
	}
	if p.admin, err = sql.Open(e.driver, p.dsn); err != nil {
		return nil, errors.Join(err, p.store.Close())
	}
	p.admin.SetMaxOpenConns(2)
	if e.pid != "" {
		p.cpu = findServer(ctx, p)
	}
	return p, nil
}

func (p *place) close() error { return errors.Join(p.admin.Close(), p.store.Close()) }

// exec runs statements, each in a database transaction of its own.
func (p *place) exec(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if _, err := p.admin.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}

// number is the one number that a query gives.
func (p *place) number(ctx context.Context, query string) (n int64, err error) {
	if err = p.admin.QueryRowContext(ctx, query).Scan(&n); err != nil {
		return 0, fmt.Errorf("%s: %w", query, err)
	}
	return n, nil
}

// bytes is how large the ledger's tables and those of the run are, with their indexes.
func (p *place) bytes(ctx context.Context) (int64, error) { return p.size(ctx, p.admin) }

// facts are the engine's version and the settings that matter.
func (p *place) facts(ctx context.Context) (f EngineFacts, err error) {
	f = EngineFacts{Name: p.name}
	if err = p.admin.QueryRowContext(ctx, p.version).Scan(&f.Version); err != nil {
		return f, fmt.Errorf("%s: %w", p.version, err)
	}
	if p.driver == "mysql" && !strings.Contains(f.Version, "MariaDB") {
		f.Name = "MySQL"
	}
	for _, s := range p.settings {
		var value string
		if p.admin.QueryRowContext(ctx, s.Value).Scan(&value) == nil { // an older server may lack one
			f.Settings = append(f.Settings, Setting{s.Name, value})
		}
	}
	return f, nil
}

// places opens databases: a file for each name in a temporary folder, so that they do not disturb each other, or the
// one that the URL names.
type places struct {
	folder string // empty: there is a URL
	url    string
	opened map[string]*place
}

func (ps *places) at(ctx context.Context, name string) (*place, error) {
	address := ps.url
	if ps.folder != "" {
		address = "sqlite:" + filepath.Join(ps.folder, name+".db")
	}
	if p, ok := ps.opened[address]; ok {
		return p, nil
	}
	p, err := openPlace(ctx, address)
	if err == nil {
		ps.opened[address] = p
	}
	return p, err
}

func (ps *places) close() (err error) {
	for _, p := range ps.opened {
		err = errors.Join(err, p.close())
	}
	return err
}
