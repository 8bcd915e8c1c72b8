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

// Freshness says how old what a ledger reads is.
type Freshness struct {
	Head
	// Now is the time by the database's clock, right before the head was read; 0 where the database has none.
	Now Instant `json:"now,omitempty"`
	// Replica is nil where the database takes writes: there the head is the journal's.
	Replica *Replica `json:"replica,omitempty"`
}

// Replica is what a server that takes no writes says of how it follows the one that does. All of it was true right
// before the head was read, so the head may be newer.
type Replica struct {
	State ReplicaState `json:"state"`
	// Applied is a time of the other server's clock: all that it has answered as committed before is here. 0 where the
	// engine does not say so.
	Applied Instant `json:"applied,omitempty"`
	// Behind is how many seconds the replica is behind, as far as it knows; nil if it does not. Where there is an Applied
	// it is the time since then, rounded up: a bound, which also grows while there is nothing to apply. Elsewhere it is
	// the age of the change that is being applied, and 0 when all that has arrived is applied, whatever is on its way.
	Behind *int64 `json:"behind,omitempty"`
}

// ReplicaState says whether a replica goes on applying.
type ReplicaState string

// The states of a replica.
const (
	ReplicaFollowing ReplicaState = "following"
	ReplicaStopped   ReplicaState = "stopped"
	ReplicaUnknown   ReplicaState = "unknown" // the engine does not tell, or not this user
)
