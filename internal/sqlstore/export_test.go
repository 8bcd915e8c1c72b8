package sqlstore

import "github.com/bursar-ledger/bursar/driver"

// StatementsOf is the SQL that a store of New speaks.
func StatementsOf(s driver.Store) Statements { return s.(*Store).dialect.Statements }

// Ends are what stands before and after the rows of a statement.
func (m *Many) Ends() (head, tail string) { return m.head, m.tail }

// Arrays reports whether the rows come as arrays.
func (m *Many) Arrays() bool { return m.arrays }
