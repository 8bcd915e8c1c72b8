package sqlstore

// Private is a connection of the store's own, which only Store.Write uses. It is used by one goroutine at a time.
type Private interface {
	// Feed makes rows the content of the table Dialect.Feeds of this connection, until it is called again. Its columns are
	// called column1, column2 and so on, as those of VALUES. Nil makes the table empty.
	Feed(rows Fed)
	// Blocks counts the database transactions that were begun on the connection, and says which of them was the last that
	// is known to be committed; 0 for none. A commit whose answer was an error is not known.
	Blocks() (begun, committed int64)
}

// Fed are rows that a database transaction reads from the program, in order and perhaps more than once.
type Fed interface {
	// Len is how many rows there are.
	Len() int
	// Value is what stands in a column of a row, as drivers take it: nil, int64, string or []byte. It is valid until the
	// next call. Columns that the rows do not have are nil.
	Value(row, column int) any
}
