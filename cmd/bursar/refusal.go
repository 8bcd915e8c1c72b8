package main

import (
	"errors"
	"fmt"

	"github.com/bursar-ledger/bursar"
)

// refusalView is a refusal in JSON. Its fields are those of a TransferRecord.
type refusalView struct {
	ID      bursar.ID     `json:"id,omitzero"`
	Refusal *bursar.Error `json:"refusal"`
}

// showRefusal prints a refusal in JSON on stdout: the ledger's answer is data, and says in fields what the message says
// in words. It returns err, which reaches stderr in any format.
func (e *env) showRefusal(id bursar.ID, err error) error {
	var refusal *bursar.Error
	if e.output != formatJSON || !errors.As(err, &refusal) || !bursar.Describe(refusal.Code).Remembered {
		return err
	}
	return errors.Join(err, e.show(refusalView{id, refusal}))
}

// note says on stderr whether an error is the answer to its id for ever.
func (e *env) note(err error) {
	var refusal *bursar.Error
	switch {
	case !errors.As(err, &refusal):
	case refusal.Replayed:
		e.say("note", fmt.Sprintf("replayed: this was decided at %v and is final; a new attempt needs a new id",
			refusal.Decided))
	case refusal.Final:
		e.say("note", "final: this id gets the same answer for ever; a new attempt needs a new id")
	}
}
