package lawtest

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/bursar-ledger/bursar"
)

// judging is how long one history may take. As a rule it is milliseconds.
const judging = time.Minute

// move is one leg between accounts by their index.
type move struct {
	from, to int
	cents    int64
}

// asked is what a client wanted: to post the transfer with a number, or to look at all accounts at once.
type asked struct {
	look     bool
	transfer int
	moves    []move
	remember bool // a refusal is remembered
	journal  *fact
}

// fact is what the journal says of a transfer in the end: it never was posted, or its accounts had these versions then. With it
// a history has to agree, and few orders are left to try. There is none where only answers are judged.
type fact struct {
	posted   bool
	versions [islandMax]int64
}

// told is what it learned. Of a call whose answer was lost nothing is known.
type told struct {
	lost     bool
	code     bursar.Code // empty when posted
	replayed bool
	accounts shore
}

// shore is what can be seen of an island's accounts at one moment.
type shore struct {
	cents, versions [islandMax]int64
}

// tide is a state of the model: the accounts, and what became of the transfers that it knows.
type tide struct {
	shore
	accounts int
	outcomes map[int]bursar.Code
}

// step is the ledger as it should be, one call at a time.
func (s tide) step(in asked, out told) (bool, tide) {
	if in.look {
		return s.shore == out.accounts, s
	}
	code, known := s.outcomes[in.transfer]
	if known {
		return out.lost || out.code == code && out.replayed == (code == ""), s
	}
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
	if fact := in.journal; fact != nil {
		switch {
		case code == "" && !fact.posted:
			return out.lost, s // then it never happened
		case code == "" && !fact.agrees(in.moves, &next.versions), code != "" && fact.posted && in.remember:
			return false, s
		}
	}
	if code == "" || in.remember {
		next.outcomes = maps.Clone(s.outcomes)
		next.outcomes[in.transfer] = code
	}
	return out.lost || out.code == code && !out.replayed, next
}

// agrees reports whether the accounts of a transfer had these versions after it.
func (f *fact) agrees(moves []move, versions *[islandMax]int64) bool {
	for _, m := range moves {
		if f.versions[m.from] != versions[m.from] || f.versions[m.to] != versions[m.to] {
			return false
		}
	}
	return true
}

// linearizable says if no order of the calls explains what was told.
func linearizable(history []porcupine.Operation, start tide) error {
	model := porcupine.Model{
		Init: func() any { return start },
		Step: func(state, in, out any) (bool, any) { return state.(tide).step(in.(asked), out.(told)) },
		Equal: func(a, b any) bool {
			s, t := a.(tide), b.(tide)
			return s.shore == t.shore && maps.Equal(s.outcomes, t.outcomes)
		},
		DescribeOperation: func(in, out any) string { return describe(in.(asked), out.(told), start.accounts) },
	}
	result, info := porcupine.CheckOperationsVerbose(model, history, judging)
	switch result {
	case porcupine.Ok:
		return nil
	case porcupine.Unknown:
		return fmt.Errorf("a history of %d calls was not judged within %v", len(history), judging)
	}
	explained := 0
	for _, partial := range info.PartialLinearizations()[0] {
		explained = max(explained, len(partial))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "no order explains more than %d of these %d calls:", explained, len(history))
	for _, op := range history {
		fmt.Fprintf(&b, "\nclient %d, %d to %d ns: %s", op.ClientId, op.Call, op.Return, model.DescribeOperation(op.Input, op.Output))
	}
	return fmt.Errorf("%s", b.String())
}

func describe(in asked, out told, accounts int) string {
	switch {
	case in.look:
		return fmt.Sprintf("sees %v at versions %v", out.accounts.cents[:accounts], out.accounts.versions[:accounts])
	case out.lost:
		return fmt.Sprintf("posts %d %v, the answer was lost", in.transfer, in.moves)
	case out.code != "":
		return fmt.Sprintf("posts %d %v: %s", in.transfer, in.moves, out.code)
	case out.replayed:
		return fmt.Sprintf("posts %d %v: replayed", in.transfer, in.moves)
	default:
		return fmt.Sprintf("posts %d %v: posted", in.transfer, in.moves)
	}
}
