package sqlstore

// StatementsOf is the SQL that a store speaks.
func StatementsOf(s *Store) Statements { return s.dialect.Statements }
