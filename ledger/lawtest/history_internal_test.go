package lawtest

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/bursar-ledger/bursar"
)

// script writes a history. Each call ends before the next begins, unless a test moves its times.
type script struct {
	calls []porcupine.Operation
	now   int64
}

func (s *script) add(in request, out answer) *porcupine.Operation {
	s.calls = append(s.calls, porcupine.Operation{
		ClientId: len(s.calls), Input: in, Output: out, Call: s.now, Return: s.now + 5,
	})
	s.now += 10
	return &s.calls[len(s.calls)-1]
}

// pays posts transfer n, which takes cents from account 0 to account 1.
func (s *script) pays(n int, cents int64, out answer) *porcupine.Operation {
	return s.add(request{transfer: n, moves: []move{{0, 1, cents}}, remember: true}, out)
}

// unknown is a call with an unknown answer. It may take effect at any time from its beginning.
func (s *script) unknown(n int, cents int64) {
	s.pays(n, cents, answer{unknown: true}).Return = math.MaxInt64
}

// inJournal sets the outcome. posted has three numbers for each transfer in the journal: its number and the versions
// of the two accounts after it.
func (s *script) inJournal(posted ...int64) {
	outcomes := make(map[int]*outcome)
	for p := range slices.Chunk(posted, 3) {
		outcomes[int(p[0])] = &outcome{posted: true, versions: [historyAccountsMax]int64{p[1], p[2]}}
	}
	for i := range s.calls {
		in := s.calls[i].Input.(request)
		if in.outcome = cmp.Or(outcomes[in.transfer], &outcome{}); !in.read {
			s.calls[i].Input = in
		}
	}
}

// sees reads the two accounts.
func (s *script) sees(a, b, versionA, versionB int64) *porcupine.Operation {
	return s.add(request{read: true}, answer{accounts: two(a, b, versionA, versionB)})
}

func two(a, b, versionA, versionB int64) snapshot {
	return snapshot{
		cents: [historyAccountsMax]int64{a, b}, versions: [historyAccountsMax]int64{versionA, versionB},
	}
}

func TestHistoriesAreJudged(t *testing.T) {
	posted, again := answer{}, answer{replayed: true}
	open := answer{code: bursar.CodeInsufficientFunds}
	short, shortAgain := open, open
	short.final, shortAgain.final, shortAgain.replayed = true, true, true
	thing := func(s *script, cents int64, out answer) {
		s.add(request{transfer: 9, moves: []move{{0, 1, cents}}}, out)
	}
	for _, c := range []struct {
		name  string
		write func(*script)
		ok    bool
	}{
		{"one after the other", func(s *script) { s.pays(1, 4, posted); s.sees(6, 14, 3, 3); s.pays(1, 4, again) }, true},
		{"a stale read", func(s *script) { s.pays(1, 4, posted); s.sees(10, 10, 2, 2) }, false},
		{"a read at half of a transfer", func(s *script) { s.sees(6, 10, 3, 2); s.pays(1, 4, posted).Call = 0 }, false},
		{"a read beside a transfer may see it", func(s *script) { s.sees(6, 14, 3, 3); s.pays(1, 4, posted).Call = 0 }, true},
		{"a read beside a transfer may not see it", func(s *script) {
			s.sees(10, 10, 2, 2)
			s.pays(1, 4, posted).Call = 0
		}, true},
		{"two reads that disagree about the order", func(s *script) {
			s.sees(6, 14, 3, 3)
			s.sees(10, 10, 2, 2)
			s.pays(1, 4, posted).Call = 0
		}, false},
		{"the same money spent twice", func(s *script) { s.pays(1, 8, posted); s.pays(2, 8, posted).Call = 0 }, false},
		{"a refusal although there is enough", func(s *script) { s.pays(1, 8, short) }, false},
		{"a refusal that is remembered", func(s *script) {
			s.pays(1, 11, short)
			s.add(request{transfer: 2, moves: []move{{1, 0, 5}}, remember: true}, posted)
			s.pays(1, 11, shortAgain)
		}, true},
		{"a refusal that is told as the first one twice", func(s *script) { s.pays(1, 11, short); s.pays(1, 11, short) },
			false},
		{"a refusal of an attempt that is not final", func(s *script) { s.pays(1, 11, open) }, false},
		{"a thing refused and posted later", func(s *script) {
			thing(s, 11, open)
			s.add(request{transfer: 2, moves: []move{{1, 0, 5}}, remember: true}, posted)
			thing(s, 11, posted)
			thing(s, 11, again)
		}, true},
		{"a thing refused for good", func(s *script) { thing(s, 11, short) }, false},
		{"a thing refused although there is enough now", func(s *script) {
			thing(s, 11, open)
			s.add(request{transfer: 2, moves: []move{{1, 0, 5}}, remember: true}, posted)
			thing(s, 11, open)
		}, false},
		{"a thing whose refusal is told again", func(s *script) { thing(s, 11, open); thing(s, 11, shortAgain) }, false},
		{"a refusal that is forgotten", func(s *script) {
			s.pays(1, 11, short)
			s.add(request{transfer: 2, moves: []move{{1, 0, 5}}, remember: true}, posted)
			s.pays(1, 11, posted)
		}, false},
		{"a transfer that happened twice", func(s *script) { s.pays(1, 4, posted); s.pays(1, 4, posted) }, false},
		{"a replay of nothing", func(s *script) { s.pays(1, 4, again) }, false},
		{"an update that was lost", func(s *script) {
			s.pays(1, 4, posted)
			s.pays(2, 4, posted).Call = 0
			s.sees(6, 14, 3, 3)
		}, false},
		{"an unknown answer to what happened", func(s *script) { s.unknown(1, 4); s.sees(6, 14, 3, 3) }, true},
		{"an unknown answer to what did not happen", func(s *script) { s.unknown(1, 4); s.sees(10, 10, 2, 2) }, true},
		{"an unknown answer to what happens later", func(s *script) {
			s.unknown(1, 4)
			s.sees(10, 10, 2, 2)
			s.sees(6, 14, 3, 3)
		}, true},
		{"an unknown answer to what happened and was undone", func(s *script) {
			s.unknown(1, 4)
			s.sees(6, 14, 3, 3)
			s.sees(10, 10, 2, 2)
		}, false},
		{"an unknown answer, sent again", func(s *script) {
			s.unknown(1, 4)
			s.pays(1, 4, again)
			s.sees(6, 14, 3, 3)
		}, true},
		{"an unknown answer, sent again and posted twice", func(s *script) {
			s.unknown(1, 4)
			s.pays(1, 4, posted)
			s.sees(2, 18, 4, 4)
		}, false},
		{"what was said not to have happened, and did", func(s *script) { s.sees(6, 14, 3, 3) }, false},
		{"posted, as in the journal", func(s *script) { s.pays(1, 4, posted); s.inJournal(1, 3, 3) }, true},
		{"posted, and not in the journal", func(s *script) { s.pays(1, 4, posted); s.inJournal(2, 3, 3) }, false},
		{"posted, and in another place of the journal", func(s *script) {
			s.pays(1, 4, posted)
			s.inJournal(1, 4, 3)
		}, false},
		{"refused for good, and in the journal", func(s *script) { s.pays(1, 11, short); s.inJournal(1, 3, 3) }, false},
		{"an unknown answer to what is not in the journal", func(s *script) {
			s.unknown(1, 4)
			s.sees(10, 10, 2, 2)
			s.inJournal(2, 3, 3)
		}, true},
		{"an unknown answer to what was seen, and is not in the journal", func(s *script) {
			s.unknown(1, 4)
			s.sees(6, 14, 3, 3)
			s.inJournal(2, 3, 3)
		}, false},
		{"a journal in the order of the answers", func(s *script) {
			s.pays(1, 4, posted)
			s.pays(2, 4, posted)
			s.inJournal(1, 3, 3, 2, 4, 4)
		}, true},
		{"a journal in another order", func(s *script) {
			s.pays(1, 4, posted)
			s.pays(2, 4, posted)
			s.inJournal(1, 4, 4, 2, 3, 3)
		}, false},
	} {
		var s script
		c.write(&s)
		start := state{accounts: 2, known: map[int]bursar.Code{}, snapshot: two(10, 10, 2, 2)}
		if err := linearizable(s.calls, start); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
