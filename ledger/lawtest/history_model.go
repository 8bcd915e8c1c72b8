package lawtest

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/bursar-ledger/bursar"
)

// checkMax is how long the check of one history may take. As a rule it takes milliseconds.
const checkMax = time.Minute

// move is one leg between accounts by their index.
type move struct {
	from, to int
	cents    int64
}

// request is what a client asks for: to read all accounts at once, or to post the transfer with a number.
type request struct {
	read     bool
	transfer int
	moves    []move
	remember bool     // a refusal is remembered: the id is that of an attempt, and it is not inside
	outcome  *outcome // nil when only answers are judged
}

// outcome is what the journal says of a transfer in the end: it was never posted, or it left its accounts at these
// versions. The history has to agree with it, so few orders are left to try.
type outcome struct {
	posted   bool
	versions [historyAccountsMax]int64
}

// answer is what the client was told. Nothing else is set when it is unknown.
type answer struct {
	unknown  bool
	code     bursar.Code // empty when posted
	replayed bool
	final    bool // a refusal for ever
	accounts snapshot
}

// snapshot is what the accounts of a history show at one moment.
type snapshot struct {
	cents, versions [historyAccountsMax]int64
}

// state is a state of the model: the accounts, and the answers to the transfers that it knows.
type state struct {
	snapshot
	accounts int
	known    map[int]bursar.Code
}

// step is a correct ledger that takes one call at a time. It reports whether the answer is right, and the next state.
func (s state) step(in request, out answer) (bool, state) {
	if in.read {
		return s.snapshot == out.accounts, s
	}
	if code, known := s.known[in.transfer]; known {
		return out.unknown || out.code == code && out.replayed && out.final == (code != ""), s
	}
	var code bursar.Code
	next := s
	for _, m := range in.moves {
		if next.cents[m.from] < m.cents {
			code, next = bursar.CodeInsufficientFunds, s
			break
		}
		next.cents[m.from] -= m.cents
		next.cents[m.to] += m.cents
		next.versions[m.from]++
		next.versions[m.to]++
	}
	if o := in.outcome; o != nil {
		switch {
		case code == "" && !o.posted:
			return out.unknown, s // then it never happened
		case code == "" && !o.agrees(in.moves, &next.versions),
			code != "" && o.posted && in.remember:
			return false, s
		}
	}
	if code == "" || in.remember {
		next.known = maps.Clone(s.known)
		next.known[in.transfer] = code
	}
	final := code != "" && in.remember
	return out.unknown || out.code == code && !out.replayed && out.final == final, next
}

// agrees reports whether the accounts of a transfer had these versions after it.
func (o *outcome) agrees(moves []move, versions *[historyAccountsMax]int64) bool {
	for _, m := range moves {
		if o.versions[m.from] != versions[m.from] || o.versions[m.to] != versions[m.to] {
			return false
		}
	}
	return true
}

// linearizable returns a violation if no order of the calls explains their answers.
func linearizable(history []porcupine.Operation, start state) error {
	model := porcupine.Model{
		Init: func() any { return start },
		Step: func(before, in, out any) (bool, any) { return before.(state).step(in.(request), out.(answer)) },
		Equal: func(a, b any) bool {
			s, t := a.(state), b.(state)
			return s.snapshot == t.snapshot && maps.Equal(s.known, t.known)
		},
		DescribeOperation: func(in, out any) string { return describe(in.(request), out.(answer), start.accounts) },
	}
	result, info := porcupine.CheckOperationsVerbose(model, history, checkMax)
	switch result {
	case porcupine.Ok:
		return nil
	case porcupine.Unknown:
		return fmt.Errorf("a history of %d calls was not judged within %v", len(history), checkMax)
	}
	explained := 0
	for _, partial := range info.PartialLinearizations()[0] {
		explained = max(explained, len(partial))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "no order explains more than %d of these %d calls:", explained, len(history))
	for _, op := range history {
		fmt.Fprintf(&b, "\nclient %d, %d to %d ns: %s",
			op.ClientId, op.Call, op.Return, model.DescribeOperation(op.Input, op.Output))
	}
	return fmt.Errorf("%s", b.String())
}

func describe(in request, out answer, accounts int) string {
	switch {
	case in.read:
		return fmt.Sprintf("sees %v at versions %v", out.accounts.cents[:accounts], out.accounts.versions[:accounts])
	case out.unknown:
		return fmt.Sprintf("posts %d %v, the answer is unknown", in.transfer, in.moves)
	case out.code != "":
		return fmt.Sprintf("posts %d %v: %s, final %v, replayed %v",
			in.transfer, in.moves, out.code, out.final, out.replayed)
	case out.replayed:
		return fmt.Sprintf("posts %d %v: replayed", in.transfer, in.moves)
	default:
		return fmt.Sprintf("posts %d %v: posted", in.transfer, in.moves)
	}
}
