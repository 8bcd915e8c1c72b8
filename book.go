package bursar

// Book is one ledger among several in a database.
type Book struct {
	Number  int64  // inside the database; given by the store
	Name    string // what Options.Book says
	UUID    [16]byte
	Genesis [32]byte // the hash that the first entry builds on
}

// Head is the journal's last position, with its time and hash.
type Head struct {
	Seq  int64    `json:"seq"`
	At   Instant  `json:"at"`
	Hash [32]byte `json:"-"`
	Book [16]byte `json:"-"` // UUID of the book that the database has under this number
}
