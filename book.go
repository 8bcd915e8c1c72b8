package bursar

// Book is one ledger among several in a database.
type Book struct {
	Number  int64  `json:"number"` // inside the database; given by the store
	Name    string `json:"name"`
	UUID    ID     `json:"uuid"`
	Genesis Hash   `json:"genesis"` // the hash that the first entry builds on
}

// Head is the journal's last position, with its time and hash.
type Head struct {
	Seq  int64   `json:"seq"`
	At   Instant `json:"at,omitempty"`
	Hash Hash    `json:"hash"`
	Book ID      `json:"-"` // UUID of the book that the database has under this number
}
