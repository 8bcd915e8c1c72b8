package main

import (
	"context"
	"fmt"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
)

// sayReplica says on stderr how old what a replica has is. Of a server that takes writes it says nothing.
func (e *env) sayReplica(ctx context.Context, l *ledger.Ledger) (replica bool, err error) {
	f, err := l.Freshness(ctx)
	e.sayFresh(&f)
	return f.Replica != nil, err
}

func (e *env) sayFresh(f *bursar.Freshness) {
	if f.Replica == nil {
		return
	}
	at := "before any entry"
	if f.At != 0 {
		at = fmt.Sprintf("head %d at %v", f.Seq, f.At)
	}
	fmt.Fprintf(e.stderr, "bursar: replica: %s; %v by its clock; %s\n", at, f.Now, following(f.Replica))
}

// following is how a replica follows, in words.
func following(r *bursar.Replica) string {
	said := "it does not say whether it follows"
	switch r.State {
	case bursar.ReplicaFollowing:
		said = "it follows"
	case bursar.ReplicaStopped:
		said = "it is stopped and applies nothing"
	}
	switch {
	case r.Behind == nil:
		return said + "; how far it is behind is not known"
	case r.Applied != 0:
		return fmt.Sprintf("%s; it has all that was committed before %v: at most %d s behind", said, r.Applied, *r.Behind)
	default:
		return fmt.Sprintf("%s, %d s behind what has arrived", said, *r.Behind)
	}
}
