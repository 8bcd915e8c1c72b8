package lawtest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// The tests here show every check a journal that keeps its law and journals that break it.

// journalWriter writes entries as a ledger would.
type journalWriter struct {
	entries []bursar.Entry
	after   map[string]bursar.After
}

func dollars(cents int64) money.Amount {
	return money.FromUnits(cents, money.MustParse("0 USD").Currency())
}

// transfer adds a transfer with a leg for each {from, to}, of one cent.
func (b *journalWriter) transfer(n int, legs ...[2]string) {
	if b.after == nil {
		b.after = make(map[string]bursar.After)
	}
	for i, leg := range legs {
		seq := int64(len(b.entries) + 1)
		b.entries = append(b.entries, bursar.Entry{
			Seq: seq, At: bursar.Instant(100 * seq), Decided: bursar.Instant(100*seq - 50), Hash: [32]byte{byte(seq)},
			Transfer: bursar.IDOf("test", n), Leg: i, From: leg[0], To: leg[1], Amount: dollars(1),
			FromAfter: b.move(leg[0], -1), ToAfter: b.move(leg[1], 1),
		})
	}
}

func (b *journalWriter) move(path string, cents int64) bursar.After {
	after := b.after[path]
	had, _ := after.Balance.Units()
	after = bursar.After{Version: after.Version + 1, Balance: dollars(had + cents)}
	b.after[path] = after
	return after
}

func sound() []bursar.Entry {
	var b journalWriter
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
			var b journalWriter
			b.transfer(1, [2]string{"a", "b"})
			b.transfer(2, [2]string{"world", "a"})
			return b.entries
		}, map[string]string{"limits": "after entry 1 a has -1"}},
		{"more than the maximum for one moment", func([]bursar.Entry) []bursar.Entry {
			var b journalWriter
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
		wantViolation(t, c.name, sameFeed(c.read, all), c.want)
	}
}

// wantViolation wants a violation with this text in it, or none if the text is empty.
func wantViolation(t *testing.T, name string, violation error, want string) {
	t.Helper()
	switch {
	case violation == nil && want == "":
	case violation == nil, want == "", !strings.Contains(violation.Error(), want):
		t.Errorf("%s: %v, want %q", name, violation, want)
	}
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
		wantViolation(t, c.name, once(c.entries, c.posted), c.want)
	}
}

func TestAnswersThatDifferAreFound(t *testing.T) {
	id := bursar.IDOf("test", 1)
	last := bursar.Posted{ID: id, Seq: 7, At: 70, Decided: 60, Replayed: true}
	first := postAnswer{posted: bursar.Posted{ID: id, Decided: 60}} // not sealed yet
	again := postAnswer{posted: last}
	at := func(seq, at int64) postAnswer {
		return postAnswer{posted: bursar.Posted{
			ID: id, Seq: seq, At: bursar.Instant(at), Decided: 60, Replayed: true,
		}}
	}
	for _, c := range []struct {
		name    string
		answers []postAnswer
		want    string
	}{
		{"one posting", []postAnswer{again, first, again}, ""},
		{"nobody was first", []postAnswer{again, again}, "0 of 2"},
		{"two were first", []postAnswer{first, first}, "2 of 2"},
		{"an error", []postAnswer{first, {err: errors.New("oops")}}, "client 1: oops"},
		{"another place", []postAnswer{first, at(6, 70)}, "client 1 was answered"},
		{"another time", []postAnswer{first, at(7, 71)}, "client 1 was answered"},
		{"another decision", []postAnswer{{posted: bursar.Posted{ID: id, Decided: 61}}}, "client 0 was answered"},
	} {
		wantViolation(t, c.name, equalAnswers(c.answers, last), c.want)
	}
}

func TestAnswersToAnAttemptThatDisagreeAreFound(t *testing.T) {
	told := func(final, replayed bool, decided bursar.Instant) postAnswer {
		return postAnswer{err: &bursar.Error{
			Code: bursar.CodeInsufficientFunds, Final: final, Replayed: replayed, Decided: decided,
		}}
	}
	first, again, open := told(true, false, 7), told(true, true, 7), told(false, false, 6)
	inside := open
	inside.inside = true
	posted := postAnswer{posted: bursar.Posted{Decided: 7}}
	replay := postAnswer{posted: bursar.Posted{Decided: 7, Replayed: true}}
	for _, c := range []struct {
		name    string
		answers []postAnswer
		want    string
	}{
		{"refused for ever", []postAnswer{again, first, again}, ""},
		{"posted", []postAnswer{replay, posted, replay}, ""},
		{"refused inside, then for ever", []postAnswer{inside, first, inside, again}, ""},
		{"refused inside, then posted", []postAnswer{inside, posted, replay}, ""},
		{"posted after it was refused for ever", []postAnswer{first, posted}, "1 answers say that it was posted, and 1"},
		{"replayed after it was refused for ever", []postAnswer{first, replay}, "1 answers say that it was posted, and 1"},
		{"refused, but not for ever", []postAnswer{posted, open}, "client 1: "},
		{"replayed, but not for ever", []postAnswer{first, told(false, true, 7)}, "client 1: "},
		{"another error", []postAnswer{first, {err: errors.New("oops")}}, "client 1: oops"},
		{"decided twice", []postAnswer{first, told(true, true, 8)}, "client 1 was told of a decision at"},
		{"two were first", []postAnswer{first, first}, "2 of 2"},
		{"nobody was first", []postAnswer{again, again}, "0 of 2"},
		{"nothing was decided", []postAnswer{inside}, "0 of 1"},
	} {
		wantViolation(t, c.name, oneDecision(c.answers), c.want)
	}
	for _, c := range []struct {
		name    string
		answers []postAnswer
		want    string
	}{
		{"refused and then funded", []postAnswer{open, posted, open, replay}, ""},
		{"funded first", []postAnswer{posted, replay, replay, replay}, ""},
		{"posted at last", []postAnswer{open, open, open, posted}, ""},
		{"posted twice", []postAnswer{posted, open, posted, replay}, "2 of 4"},
		{"never posted", []postAnswer{open, open, open}, "0 of 3"},
		{"refused although there is money", []postAnswer{open, open, posted, open}, "client 3: "},
		{"refused for ever", []postAnswer{open, first, posted}, "client 1 was told for ever"},
		{"a refusal that was remembered", []postAnswer{open, told(false, true, 6), posted}, "client 1 was told for ever"},
		{"another error", []postAnswer{{err: errors.New("oops")}, posted}, "client 0: oops"},
	} {
		wantViolation(t, c.name, onceFunded(c.answers, 3), c.want)
	}
}

func TestAStallIsFoundUnlessTheMachineStoodStill(t *testing.T) {
	for _, c := range []struct {
		longest, machine time.Duration
		stalled          bool
	}{
		{900 * time.Millisecond, 0, false},
		{time.Second, 0, true},
		{1500 * time.Millisecond, 600 * time.Millisecond, false},
	} {
		if got := (&stopwatch{stall: stall, calls: 1, longest: c.longest}).stalled(c.machine); got != c.stalled {
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
