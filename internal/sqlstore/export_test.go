package sqlstore

import "github.com/bursar-ledger/bursar/driver"

// DialectOf is the engine of a store of New.
func DialectOf(s driver.Store) *Dialect { return s.(*Store).dialect }

// StatementsOf is the SQL that a store of New speaks.
func StatementsOf(s driver.Store) Statements { return DialectOf(s).Statements }

// Ends are what stands before and after the rows of a statement.
func (m *Many) Ends() (head, tail string) { return m.head, m.tail }

// Arrays reports whether the rows come as arrays.
func (m *Many) Arrays() bool { return m.arrays }
