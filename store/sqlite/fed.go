//go:build !bursar_no_modernc

package sqlite

import (
	"fmt"
	"strconv"
	"strings"
	"sync"

	"modernc.org/sqlite/vtab"

	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// fedModule is the virtual table from which whole batches are inserted: a row of a batch is then neither bound nor
// copied by package database/sql. Each connection of the ledger's own has one table of it, which reads what the
// connection is fed. It is safe for concurrent use.
type fedModule struct {
	mu   sync.Mutex
	last int
	fed  map[string]*fed // of the open connections
}

// fedColumns is how many columns the table has: more than any row that is written.
const fedColumns = 48

// add makes the rows of a connection known under a name, which the table is made with. SQLite makes its table object
// anew after a change of the schema, so the name must find them until the connection is closed.
func (m *fedModule) add(rows *fed) (name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last++
	name = strconv.Itoa(m.last)
	m.fed[name] = rows
	return name
}

func (m *fedModule) remove(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.fed, name)
}

// Create implements vtab.Module.
func (m *fedModule) Create(ctx vtab.Context, args []string) (vtab.Table, error) {
	return m.Connect(ctx, args)
}

// Connect implements vtab.Module. After the names of module, database and table, args has that of add.
func (m *fedModule) Connect(ctx vtab.Context, args []string) (vtab.Table, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	const named = 4
	if len(args) != named || m.fed[args[named-1]] == nil {
		return nil, fmt.Errorf("a table of fed rows is made by the connection that has it, not with %q", args)
	}
	columns := make([]string, fedColumns)
	for i := range columns {
		columns[i] = fmt.Sprintf("column%d", i+1)
	}
	if err := ctx.Declare("CREATE TABLE fed (" + strings.Join(columns, ", ") + ")"); err != nil {
		return nil, err
	}
	return m.fed[args[named-1]], nil
}

// fed is the table of one connection, and what it reads.
type fed struct{ rows sqlstore.Fed }

// fedRows is what SQLite is told of the number of rows when it plans a statement: enough that it goes through them once
// and looks up the rest by key.
const fedRows = 1_000_000

// BestIndex implements vtab.Table. The only way is from the first row to the last.
func (*fed) BestIndex(info *vtab.IndexInfo) error {
	info.EstimatedCost, info.EstimatedRows = fedRows, fedRows
	return nil
}

// Open implements vtab.Table.
func (f *fed) Open() (vtab.Cursor, error) { return &fedCursor{rows: f.rows}, nil }

// Disconnect implements vtab.Table.
func (*fed) Disconnect() error { return nil }

// Destroy implements vtab.Table.
func (*fed) Destroy() error { return nil }

// fedCursor goes through the rows.
type fedCursor struct {
	rows   sqlstore.Fed
	at, of int
}

// Filter implements vtab.Cursor: it begins with the first row.
func (c *fedCursor) Filter(int, string, []vtab.Value) error {
	c.at, c.of = 0, 0
	if c.rows != nil {
		c.of = c.rows.Len()
	}
	return nil
}

// Next implements vtab.Cursor.
func (c *fedCursor) Next() error {
	c.at++
	return nil
}

// Eof implements vtab.Cursor.
func (c *fedCursor) Eof() bool { return c.at >= c.of }

// Column implements vtab.Cursor.
func (c *fedCursor) Column(column int) (vtab.Value, error) { return c.rows.Value(c.at, column), nil }

// Rowid implements vtab.Cursor.
func (c *fedCursor) Rowid() (int64, error) { return int64(c.at), nil }

// Close implements vtab.Cursor.
func (*fedCursor) Close() error { return nil }
