package lawtest

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// The tests here show every law a history that keeps it and ones that break it.

// book writes entries as a ledger would.
type book struct {
	entries []bursar.Entry
	after   map[string]bursar.After
}

func dollars(cents int64) money.Amount {
	return money.FromUnits(cents, money.MustParse("0 USD").Currency())
}

// transfer adds a transfer with a leg for each {from, to}, of one cent.
func (b *book) transfer(n int, legs ...[2]string) {
	if b.after == nil {
		b.after = make(map[string]bursar.After)
	}
	for i, leg := range legs {
		seq := int64(len(b.entries) + 1)
		b.entries = append(b.entries, bursar.Entry{Seq: seq, At: bursar.Instant(100 * seq), Decided: bursar.Instant(100*seq - 50),
			Transfer: bursar.IDOf("test", n), Leg: i, From: leg[0], To: leg[1], Amount: dollars(1),
			FromAfter: b.move(leg[0], -1), ToAfter: b.move(leg[1], 1), Hash: [32]byte{byte(seq)}})
	}
}

func (b *book) move(path string, cents int64) bursar.After {
	after := b.after[path]
	had, _ := after.Balance.Units()
	after = bursar.After{Version: after.Version + 1, Balance: dollars(had + cents)}
	b.after[path] = after
	return after
}

func sound() []bursar.Entry {
	var b book
	b.transfer(1, [2]string{"world", "a"}, [2]string{"world", "a"})
	b.transfer(2, [2]string{"world", "b"})
	b.transfer(3, [2]string{"a", "b"}, [2]string{"b", "a"}, [2]string{"a", "b"})
	b.transfer(4, [2]string{"b", "a"})
	return b.entries
}

func bounds() map[string]limit {
	zero, two := int64(0), int64(2)
	return map[string]limit{"world": {}, "a": {min: &zero, max: &two}, "b": {min: &zero, max: &two}}
}

func check(entries []bursar.Entry) map[string]error {
	return map[string]error{
		"conserved": conserved(entries),
		"limits":    withinLimits(entries, bounds()),
		"versions":  versionsRise(entries),
		"placed":    placed(entries),
	}
}

func TestASoundJournalKeepsTheLaws(t *testing.T) {
	for law, err := range check(sound()) {
		if err != nil {
			t.Errorf("%s: %v", law, err)
		}
	}
}

func TestBrokenJournalsAreFound(t *testing.T) {
	for _, c := range []struct {
		name   string
		breaks func([]bursar.Entry) []bursar.Entry
		found  map[string]string // law to a part of what it says
	}{
		{"a balance that was lost", func(e []bursar.Entry) []bursar.Entry {
			e[3].ToAfter.Balance = dollars(1) // b had one before
			return e
		}, map[string]string{"conserved": "after entry 4", "versions": "entry 4 takes b"}},
		{"money out of nothing and back", func(e []bursar.Entry) []bursar.Entry {
			e[2].ToAfter.Balance = dollars(2)
			return e
		}, map[string]string{"conserved": "after entry 3 the balances sum to 1", "versions": "entry 3 takes b"}},
		{"an overdraft", func([]bursar.Entry) []bursar.Entry {
			var b book
			b.transfer(1, [2]string{"a", "b"})
			b.transfer(2, [2]string{"world", "a"})
			return b.entries
		}, map[string]string{"limits": "after entry 1 a has -1"}},
		{"more than the maximum for one moment", func([]bursar.Entry) []bursar.Entry {
			var b book
			b.transfer(1, [2]string{"world", "a"}, [2]string{"world", "a"}, [2]string{"world", "a"}, [2]string{"a", "world"})
			return b.entries
		}, map[string]string{"limits": "after entry 3 a has 3"}},
		{"two entries of an account sealed the wrong way round", func(e []bursar.Entry) []bursar.Entry {
			e[2], e[6] = e[6], e[2]
			e[2].Seq, e[6].Seq, e[2].At, e[6].At = e[6].Seq, e[2].Seq, e[6].At, e[2].At
			e[2].Decided, e[6].Decided = e[6].Decided, e[2].Decided
			return e
		}, map[string]string{"versions": "entry 3 takes b from version 0", "conserved": "", "limits": ""}},
		{"a lost update: two entries on one version", func(e []bursar.Entry) []bursar.Entry {
			e[6].FromAfter.Version--
			return e
		}, map[string]string{"versions": "entry 7 takes b from version 4"}},
		{"a gap", func(e []bursar.Entry) []bursar.Entry {
			for i := range e[2:] {
				e[i+2].Seq++
			}
			return e
		}, map[string]string{"placed": "position 4 follows 2"}},
		{"time that stands still", func(e []bursar.Entry) []bursar.Entry {
			e[4].At = e[3].At
			return e
		}, map[string]string{"placed": "entry 5 is at"}},
		{"a time before the decision", func(e []bursar.Entry) []bursar.Entry {
			e[4].Decided = e[4].At + 1
			return e
		}, map[string]string{"placed": "was decided at"}},
		{"a transfer torn apart", func(e []bursar.Entry) []bursar.Entry {
			e[5].Transfer, e[5].Leg, e[6].Transfer, e[6].Leg = e[6].Transfer, 0, e[5].Transfer, 2
			return e
		}, map[string]string{"placed": "is leg 2 of"}},
		{"a transfer posted twice", func(e []bursar.Entry) []bursar.Entry {
			e[6].Transfer = e[2].Transfer
			return e
		}, map[string]string{"placed": "entry 7 is leg 0"}},
	} {
		for law, err := range check(c.breaks(sound())) {
			want, broken := c.found[law]
			switch {
			case broken && (err == nil && want != "" || err != nil && !strings.Contains(err.Error(), want)):
				t.Errorf("%s: %s says %v, want %q", c.name, law, err, want)
			case !broken && err != nil:
				t.Errorf("%s: %s says %v", c.name, law, err)
			}
		}
	}
}

func TestAFeedThatIsNotTheJournalIsFound(t *testing.T) {
	all := sound()
	other := sound()
	other[3].Hash[0]++
	for _, c := range []struct {
		name string
		read []bursar.Entry
		want string
	}{
		{"the journal", all, ""},
		{"one skipped because it was committed late", append(sound()[:2], all[3:]...), "it got 4 after 2"},
		{"one repeated", append(sound()[:3], all[2:]...), "it got 3 after 3"},
		{"out of order", []bursar.Entry{all[1], all[0]}, "it got 2 after 0"},
		{"the end is missing", all[:5], "it got 5 entries of 7"},
		{"more than there is", append(sound(), bursar.Entry{Seq: 8}), "it got 8 entries of 7"},
		{"a place that changed its entry", other, "at 4 it got leg 0"},
	} {
		if got := said(sameFeed(c.read, all)); got != c.want && (c.want == "" || !strings.Contains(got, c.want)) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestTransfersThatAreMissingOrDoubleAreFound(t *testing.T) {
	id := func(n int) bursar.ID { return bursar.IDOf("test", n) }
	double := append(sound(), sound()[2])
	for _, c := range []struct {
		name    string
		entries []bursar.Entry
		posted  map[bursar.ID]bool
		want    string
	}{
		{"all there", sound(), map[bursar.ID]bool{id(1): true, id(3): true, id(9): false}, ""},
		{"lost", sound(), map[bursar.ID]bool{id(9): true}, "0 times, not 1"},
		{"twice", double, map[bursar.ID]bool{id(2): true}, "2 times, not 1"},
		{"refused and yet there", sound(), map[bursar.ID]bool{id(4): false}, "1 times, not 0"},
	} {
		if got := said(once(c.entries, c.posted)); got != c.want && (c.want == "" || !strings.Contains(got, c.want)) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestAnswersThatDifferAreFound(t *testing.T) {
	id := bursar.IDOf("test", 1)
	last := bursar.Posted{ID: id, Seq: 7, At: 70, Decided: 60, Replayed: true}
	first := answer{posted: bursar.Posted{ID: id, Decided: 60}} // not sealed yet
	again := answer{posted: last}
	for _, c := range []struct {
		name    string
		answers []answer
		want    string
	}{
		{"one posting", []answer{again, first, again}, ""},
		{"nobody was first", []answer{again, again}, "0 of 2"},
		{"two were first", []answer{first, first}, "2 of 2"},
		{"an error", []answer{first, {err: errors.New("oops")}}, "caller 1: oops"},
		{"another place", []answer{first, {posted: bursar.Posted{ID: id, Seq: 6, At: 70, Decided: 60, Replayed: true}}}, "caller 1 was answered"},
		{"another time", []answer{first, {posted: bursar.Posted{ID: id, Seq: 7, At: 71, Decided: 60, Replayed: true}}}, "caller 1 was answered"},
		{"another decision", []answer{{posted: bursar.Posted{ID: id, Decided: 61}}}, "caller 0 was answered"},
	} {
		if got := said(equalAnswers(c.answers, last)); got != c.want && (c.want == "" || !strings.Contains(got, c.want)) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// script is a history in the making: each call ends before the next begins, unless it is told to overlap.
type script struct {
	history []porcupine.Operation
	now     int64
}

func (s *script) add(in asked, out told) *porcupine.Operation {
	s.history = append(s.history, porcupine.Operation{ClientId: len(s.history), Input: in, Output: out, Call: s.now, Return: s.now + 5})
	s.now += 10
	return &s.history[len(s.history)-1]
}

// pays posts transfer n, which takes cents from account 0 to account 1.
func (s *script) pays(n int, cents int64, out told) *porcupine.Operation {
	return s.add(asked{transfer: n, moves: []move{{0, 1, cents}}, remember: true}, out)
}

// lost is a call without an answer: it may take effect at any time from its beginning.
func (s *script) lost(n int, cents int64) { s.pays(n, cents, told{lost: true}).Return = math.MaxInt64 }

// inJournal gives the transfers that were posted: number and versions of the two accounts afterwards, one after the other.
func (s *script) inJournal(posted ...int64) {
	facts := make(map[int]*fact)
	for p := range slices.Chunk(posted, 3) {
		facts[int(p[0])] = &fact{posted: true, versions: [islandMax]int64{p[1], p[2]}}
	}
	for i := range s.history {
		in := s.history[i].Input.(asked)
		if in.journal = cmp.Or(facts[in.transfer], &fact{}); !in.look {
			s.history[i].Input = in
		}
	}
}

func (s *script) sees(a, b, versionA, versionB int64) *porcupine.Operation {
	return s.add(asked{look: true}, told{accounts: shore{cents: [islandMax]int64{a, b}, versions: [islandMax]int64{versionA, versionB}}})
}

func TestHistoriesAreJudged(t *testing.T) {
	posted, again, short := told{}, told{replayed: true}, told{code: bursar.CodeInsufficientFunds}
	for _, c := range []struct {
		name  string
		write func(*script)
		ok    bool
	}{
		{"one after the other", func(s *script) { s.pays(1, 4, posted); s.sees(6, 14, 3, 3); s.pays(1, 4, again) }, true},
		{"a stale look", func(s *script) { s.pays(1, 4, posted); s.sees(10, 10, 2, 2) }, false},
		{"a look at half of a transfer", func(s *script) { s.sees(6, 10, 3, 2); s.pays(1, 4, posted).Call = 0 }, false},
		{"a look beside a transfer may see it", func(s *script) { s.sees(6, 14, 3, 3); s.pays(1, 4, posted).Call = 0 }, true},
		{"a look beside a transfer may not see it", func(s *script) { s.sees(10, 10, 2, 2); s.pays(1, 4, posted).Call = 0 }, true},
		{"two looks that disagree about the order", func(s *script) {
			s.sees(6, 14, 3, 3)
			s.sees(10, 10, 2, 2)
			s.pays(1, 4, posted).Call = 0
		}, false},
		{"the same money spent twice", func(s *script) { s.pays(1, 8, posted); s.pays(2, 8, posted).Call = 0 }, false},
		{"a refusal although there is enough", func(s *script) { s.pays(1, 8, short) }, false},
		{"a refusal that is remembered", func(s *script) {
			s.pays(1, 11, short)
			s.add(asked{transfer: 2, moves: []move{{1, 0, 5}}, remember: true}, posted)
			s.pays(1, 11, short)
		}, true},
		{"a refusal that is forgotten", func(s *script) {
			s.pays(1, 11, short)
			s.add(asked{transfer: 2, moves: []move{{1, 0, 5}}, remember: true}, posted)
			s.pays(1, 11, posted)
		}, false},
		{"a transfer that happened twice", func(s *script) { s.pays(1, 4, posted); s.pays(1, 4, posted) }, false},
		{"a replay of nothing", func(s *script) { s.pays(1, 4, again) }, false},
		{"an update that was lost", func(s *script) { s.pays(1, 4, posted); s.pays(2, 4, posted).Call = 0; s.sees(6, 14, 3, 3) }, false},
		{"a lost answer to what happened", func(s *script) { s.lost(1, 4); s.sees(6, 14, 3, 3) }, true},
		{"a lost answer to what did not happen", func(s *script) { s.lost(1, 4); s.sees(10, 10, 2, 2) }, true},
		{"a lost answer to what happens later", func(s *script) { s.lost(1, 4); s.sees(10, 10, 2, 2); s.sees(6, 14, 3, 3) }, true},
		{"a lost answer to what happened and was undone", func(s *script) { s.lost(1, 4); s.sees(6, 14, 3, 3); s.sees(10, 10, 2, 2) }, false},
		{"a lost answer, sent again", func(s *script) { s.lost(1, 4); s.pays(1, 4, again); s.sees(6, 14, 3, 3) }, true},
		{"a lost answer, sent again and posted twice", func(s *script) { s.lost(1, 4); s.pays(1, 4, posted); s.sees(2, 18, 4, 4) }, false},
		{"what was said not to have happened, and did", func(s *script) { s.sees(6, 14, 3, 3) }, false},
		{"posted, as in the journal", func(s *script) { s.pays(1, 4, posted); s.inJournal(1, 3, 3) }, true},
		{"posted, and not in the journal", func(s *script) { s.pays(1, 4, posted); s.inJournal(2, 3, 3) }, false},
		{"posted, and in another place of the journal", func(s *script) { s.pays(1, 4, posted); s.inJournal(1, 4, 3) }, false},
		{"refused for good, and in the journal", func(s *script) { s.pays(1, 11, short); s.inJournal(1, 3, 3) }, false},
		{"a lost answer to what is not in the journal", func(s *script) { s.lost(1, 4); s.sees(10, 10, 2, 2); s.inJournal(2, 3, 3) }, true},
		{"a lost answer to what was seen, and is not in the journal", func(s *script) { s.lost(1, 4); s.sees(6, 14, 3, 3); s.inJournal(2, 3, 3) }, false},
		{"a journal in the order of the answers", func(s *script) {
			s.pays(1, 4, posted)
			s.pays(2, 4, posted)
			s.inJournal(1, 3, 3, 2, 4, 4)
		}, true},
		{"a journal in another order", func(s *script) { s.pays(1, 4, posted); s.pays(2, 4, posted); s.inJournal(1, 4, 4, 2, 3, 3) }, false},
	} {
		var s script
		c.write(&s)
		start := tide{accounts: 2, outcomes: map[int]bursar.Code{},
			shore: shore{cents: [islandMax]int64{10, 10}, versions: [islandMax]int64{2, 2}}}
		if err := linearizable(s.history, start); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestAStallIsFoundUnlessTheMachineStoodStill(t *testing.T) {
	for _, c := range []struct {
		longest, machine time.Duration
		stalled          bool
	}{{900 * time.Millisecond, 0, false}, {time.Second, 0, true}, {1500 * time.Millisecond, 600 * time.Millisecond, false}} {
		if got := (&stopwatch{calls: 1, longest: c.longest}).stalled(c.machine); got != c.stalled {
			t.Errorf("%v while the machine stood still for %v: %v", c.longest, c.machine, got)
		}
	}
}

func TestTheMatrixShowsWhatHappened(t *testing.T) {
	laws := Laws()
	var m Matrix
	m.Add("one", "none", []Result{{laws[0], Passed, ""}, {laws[1], Failed, ""}, {laws[2], Inapplicable, "it cannot"}})
	m.Same("one", "swap", "none")
	m.Add("two", "none", []Result{{laws[0], Failed, ""}, {laws[1], Passed, ""}})
	lines := strings.Split(m.String(), "\n")
	for i, want := range []string{"✓ = ✗", "✗ ✗ ✓", "- -", ""} {
		marks, ok := strings.CutPrefix(lines[i+2], laws[i])
		if got := strings.Join(strings.Fields(marks), " "); !ok || got != want {
			t.Errorf("the row of %q is %q, want %q, in\n%s", laws[i], got, want, m.String())
		}
	}
	if !strings.Contains(m.String(), "- one, "+laws[2]+": it cannot") {
		t.Errorf("no reason in\n%s", m.String())
	}
}
