//go:build !bursar_no_modernc

package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	sqldriver "database/sql/driver"
	"errors"
	"fmt"
	"sync"

	"modernc.org/libc"
	modernc "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// privately opens the connection of the ledger's own that only its writes use, beside the pool that is lent.
type privately struct {
	dsn     string
	module  *fedModule
	driver  *modernc.Driver // of no other connections, so that only these have the module
	guarded bool            // the guard triggers stay on
	written chan struct{}   // of capacity 1: gets a value when walPages more are in the write-ahead log
}

// fedDriver is a driver whose connections can be fed. The driver's package never forgets one, so all stores share it.
var fedDriver = sync.OnceValues(func() (*modernc.Driver, *fedModule) {
	module := &fedModule{fed: make(map[string]*fed)}
	driver := &modernc.Driver{}
	if err := driver.RegisterModule(fedName, module); err != nil {
		panic(err) // it is the first of a new driver
	}
	return driver, module
})

// fedName is the name of the module and of each connection's table.
const fedName = "bursar_fed"

func newPrivately(path string) *privately {
	driver, module := fedDriver()
	return &privately{dsn: dsn(path, walMost), driver: driver, module: module, written: make(chan struct{}, 1)}
}

// pool is a pool of one such connection.
func (p *privately) pool() *sql.DB {
	db := sql.OpenDB(p)
	db.SetMaxOpenConns(1)
	return db
}

// Driver implements driver.Connector.
func (p *privately) Driver() sqldriver.Driver { return p.driver }

// Connect opens a connection.
func (p *privately) Connect(ctx context.Context) (sqldriver.Conn, error) {
	opened, err := p.driver.Open(p.dsn)
	if err != nil {
		return nil, err
	}
	c, err := p.prepare(ctx, opened)
	if err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return c, nil
}

// prepare makes an open connection the ledger's own. Where the triggers cannot be switched off they stay on: everything
// works, and each row costs more.
func (p *privately) prepare(ctx context.Context, opened sqldriver.Conn) (*privateConn, error) {
	base, ok := opened.(baseConn)
	if !ok {
		return nil, fmt.Errorf("sqlite: the driver's %T lacks what database/sql may ask of it", opened)
	}
	if !p.guarded {
		unguard(base)
	}
	c := &privateConn{conn: &conn{baseConn: base, kept: make(map[string]*kept)}, module: p.module, written: p.written}
	c.name = p.module.add(&c.rows)
	create := fmt.Sprintf("CREATE VIRTUAL TABLE temp.%s USING %[1]s(%s)", fedName, c.name)
	if _, err := base.ExecContext(ctx, create, nil); err != nil {
		p.module.remove(c.name)
		return nil, err
	}
	return c, nil
}

// unguard switches the triggers of the file off for this connection alone, and reports whether that worked. The driver
// offers no way to sqlite3_db_config, so the call is made through the driver's own copy of SQLite, with [handleOf].
func unguard(driverConn any) bool {
	handle := handleOf(driverConn)
	if handle == 0 {
		return false
	}
	tls := libc.NewTLS()
	defer tls.Close()
	// Two arguments in slots of eight bytes, and then the answer, an int of four.
	const slots, answer = 16, 4
	memory := libc.Xcalloc(tls, 1, slots+answer)
	if memory == 0 {
		return false
	}
	defer libc.Xfree(tls, memory)
	libc.GoBytes(memory+slots, answer)[0] = 1
	rc := sqlite3.Xsqlite3_db_config(tls, handle, sqlite3.SQLITE_DBCONFIG_ENABLE_TRIGGER,
		libc.VaList(memory, int32(0), memory+slots))
	return rc == sqlite3.SQLITE_OK && bytes.Equal(libc.GoBytes(memory+slots, answer), make([]byte, answer))
}

// privateConn is the connection of the ledger's own.
type privateConn struct {
	*conn
	module *fedModule
	name   string // of rows in the module
	rows   fed

	begun, committed int64
	pages            int // written since the last value in written
	written          chan<- struct{}
}

var _ sqlstore.Private = (*privateConn)(nil)

// Feed implements sqlstore.Private.
func (c *privateConn) Feed(rows sqlstore.Fed) { c.rows.rows = rows }

// Blocks implements sqlstore.Private.
func (c *privateConn) Blocks() (begun, committed int64) { return c.begun, c.committed }

// ExecContext runs a statement that returns no rows, and counts what package atomic begins and commits.
func (c *privateConn) ExecContext(
	ctx context.Context, query string, args []sqldriver.NamedValue,
) (sqldriver.Result, error) {
	result, err := c.conn.ExecContext(ctx, query, args)
	switch {
	case err != nil:
	case query == "BEGIN IMMEDIATE":
		c.begun++
	case query == "COMMIT":
		c.committed = c.begun
		c.count()
	}
	return result, err
}

// count adds the pages that were written, and says when there are enough of them to copy.
func (c *privateConn) count() {
	status, ok := c.baseConn.(modernc.DBStatus)
	if !ok {
		return
	}
	pages, _, err := status.Status(modernc.DBStatusCacheWrite, true)
	if err != nil {
		return
	}
	if c.pages += pages; c.pages < walPages {
		return
	}
	c.pages = 0
	select {
	case c.written <- struct{}{}:
	default: // it is being said already
	}
}

// Close ends the connection.
func (c *privateConn) Close() error {
	c.module.remove(c.name)
	return c.conn.Close()
}
