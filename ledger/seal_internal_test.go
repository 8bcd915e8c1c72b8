package ledger

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/journal"
	"github.com/bursar-ledger/bursar/money"
)

var dollars = must(money.ParseCurrency("USD"))

func open(path string) *request {
	return must(requestOpen(&bursar.Opening{Path: path, Currency: dollars, NoMin: path == "w"}))
}

// pay is a transfer with this id through the accounts of a path such as "abc".
func pay(id byte, through string) *request {
	transfer := bursar.Transfer{ID: bursar.ID{15: id}}
	for i := range len(through) - 1 {
		transfer.Legs = append(transfer.Legs,
			bursar.Leg{From: through[i : i+1], To: through[i+1 : i+2], Amount: money.FromUnits(int64(id), dollars)})
	}
	return must(requestOf(&transfer))
}

// newWorld has accounts w, a, b and c of which a and b have money, all of it sealed, and those who take part.
func newWorld(seed maphash.Seed, mutate func(*session) driver.Tx, runs []func(*client)) *world {
	w := &world{
		book:     bursar.Book{Number: 1, Name: "main", UUID: [16]byte{15: 7}},
		rows:     newRows(),
		locks:    make(map[string]*session),
		mutate:   mutate,
		seed:     seed,
		versions: make(map[string]int64),
	}
	w.book.Genesis = journal.Genesis(w.book.UUID)
	w.head = bursar.Head{Hash: w.book.Genesis, Book: w.book.UUID}
	first := w.join("first", func(*client) {})
	first.must(
		first.writer.post(context.Background(), driver.ModeQueue,
			"", jobsOf([]*request{open("w"), open("a"), open("b"), open("c"), pay(200, "wa"), pay(199, "wb")})),
	)
	for i, run := range runs {
		w.join(fmt.Sprint("client ", i), run)
	}
	return w
}

// explore runs a history in every order that leads to another state, until a law is broken.
func explore(mutate func(*session) driver.Tx, runs ...func(*client)) (states int, err error) {
	seed, seen := maphash.MakeSeed(), make(map[uint64]bool)
	for todo := [][]byte{nil}; len(todo) > 0 && err == nil; {
		var order []byte
		before := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		w := newWorld(seed, mutate, runs)
		err = w.run(func(ready int) int {
			next := byte(0)
			if len(order) < len(before) {
				next = before[len(order)]
			} else {
				state := w.state()
				if seen[state] {
					return -1
				}
				seen[state] = true
				for i := 1; i < ready; i++ {
					todo = append(todo, append(slices.Clone(order), byte(i)))
				}
			}
			order = append(order, next)
			return int(next)
		})
	}
	return len(seen), err
}

func TestSealingInEveryOrder(t *testing.T) {
	t.Parallel()
	for name, runs := range map[string][]func(*client){
		"a chain, a sealer and a reader": {posts(true, pay(1, "ab")), posts(true, pay(2, "bc")), seals, reads},
		"a queue beside one who posts":   {queues(pay(1, "ab"), pay(2, "cw")), posts(true, pay(3, "bc")), seals},
		"a queue beside one who does not": {
			queues(pay(1, "ab"), pay(2, "cw")), posts(true, pay(3, "bc")), posts(false, pay(4, "ac"))},
		"one transfer asked for by three": {
			queues(pay(1, "ab")), queues(pay(1, "ab"), pay(2, "bc")), posts(true, pay(1, "ab"))},
		"one account opened by two": {
			queues(open("n"), pay(1, "an")), posts(true, open("n")), posts(true, pay(2, "bn"))},
		"legs, of which somebody else has locked one": {posts(true, pay(1, "abc")), queues(pay(2, "bw")), keeps, seals},
	} {
		if states, err := explore(nil, runs...); err != nil || states < 1_000 {
			t.Errorf("%s: after %d states: %v", name, states, err)
		}
	}
}

// TestSealingInAnyOrder draws who takes part and who goes on: two queues, four who post, a sealer, two who
// lock rows, and three readers.
func TestSealingInAnyOrder(t *testing.T) {
	t.Parallel()
	requests := []*request{
		open("n"),
		pay(1, "ab"),
		pay(2, "ba"),
		pay(3, "bc"),
		pay(4, "cw"),
		pay(5, "abc"),
		pay(6, "wbacb"),
		pay(7, "an"),
		pay(8, "nc"),
	}
	seed := maphash.MakeSeed()
	rapid.Check(t, func(t *rapid.T) {
		queued := rapid.SliceOfNDistinct(rapid.SampledFrom(requests), 1, 3, rapid.ID[*request])
		posted := rapid.OneOf(rapid.SliceOfNDistinct(rapid.SampledFrom(requests[1:]), 1, 3, rapid.ID[*request]),
			rapid.Just(requests[:1]))
		for range 15 {
			runs := []func(*client){
				seals,
				keeps,
				keeps,
				reads,
				reads,
				reads,
				queues(queued.Draw(t, "queued")...),
				queues(queued.Draw(t, "queued")...),
			}
			for range 4 {
				runs = append(runs, posts(rapid.IntRange(0, 5).Draw(t, "commit") > 0, posted.Draw(t, "posted")...))
			}
			w := newWorld(seed, nil, rapid.Permutation(runs).Draw(t, "clients"))
			if err := w.run(func(ready int) int { return rapid.IntRange(0, ready-1).Draw(t, "next") }); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// broken is a session that gets something wrong.
type broken struct {
	*session
	unsealed func(keys, began []int64) []int64
	entries  func(entries []driver.EntryRow, locked map[int64]bool)
}

func (b broken) Claim(ctx context.Context, batch *driver.Batch) (driver.Taken, error) {
	taken, err := b.session.Claim(ctx, batch)
	if b.unsealed != nil {
		taken.Unsealed = b.unsealed(taken.Unsealed, b.began)
	}
	return taken, err
}

func (b broken) TakeHead(ctx context.Context, book int64, wait bool) (*driver.Taken, error) {
	taken, err := b.session.TakeHead(ctx, book, wait)
	if b.unsealed != nil && taken != nil {
		taken.Unsealed = b.unsealed(taken.Unsealed, b.began)
	}
	return taken, err
}

func (b broken) Unsealed(ctx context.Context, book int64) ([]int64, error) {
	keys, err := b.session.Unsealed(ctx, book)
	if b.unsealed != nil {
		keys = b.unsealed(keys, b.began)
	}
	return keys, err
}

func (b broken) LockEntries(ctx context.Context, book int64, keys []int64) ([]driver.EntryRow, map[int64]bool, error) {
	entries, locked, err := b.session.LockEntries(ctx, book, keys)
	if b.entries != nil {
		b.entries(entries, locked)
	}
	return entries, locked, err
}

// TestTheLawsOfSealingCanBeBroken shows that the histories reach what the laws forbid.
func TestTheLawsOfSealingCanBeBroken(t *testing.T) {
	t.Parallel()
	first := func(keys, _ []int64) []int64 { return keys[:min(len(keys), 1)] }
	old := func(_, began []int64) []int64 { return began }
	two := []func(*client){posts(true, pay(1, "ab")), posts(true, pay(2, "bc")), seals}
	for _, c := range []struct {
		what, law string
		wrong     broken
		runs      []func(*client)
	}{
		{"an entry is overlooked", "versions", broken{unsealed: first}, two},
		{"row keys are an order", "versions", broken{entries: func(entries []driver.EntryRow, _ map[int64]bool) {
			for i := range entries {
				entries[i].FromPrev, entries[i].ToPrev = 0, 0
			}
		}}, two},
		{"the snapshot is older than the locks", "versions", broken{unsealed: old},
			[]func(*client){queues(pay(1, "ab")), posts(true, pay(2, "bc"))}},
		{"legs are sealed one by one", "legs", broken{unsealed: first},
			[]func(*client){posts(true, pay(1, "abc")), seals}},
		{"a row that somebody else has locked is sealed", "head", broken{entries: func(
			entries []driver.EntryRow, locked map[int64]bool,
		) {
			for i := range entries {
				locked[entries[i].Key] = true
			}
		}}, []func(*client){posts(true, pay(1, "ab")), keeps, seals}},
	} {
		_, err := explore(func(s *session) driver.Tx { c.wrong.session = s; return c.wrong }, c.runs...)
		if err == nil || !strings.HasPrefix(err.Error(), c.law+": ") {
			t.Errorf("%s: %v, want a breach of %s", c.what, err, c.law)
		}
	}
}

// pile has requests of so many legs that wait to be sealed, each of which builds on the one with the index given.
func pile(requests ...[2]int) *world {
	w := newWorld(maphash.MakeSeed(), nil, nil)
	for i, r := range requests {
		for _, e := range w.request(i, r[0], r[1]) {
			w.entries[e.Key] = e
		}
	}
	return w
}

func pileKey(request, leg int) int64 { return int64(request+1)*10_000 + int64(leg) }

func (w *world) request(n, legs, on int) (entries []driver.EntryRow) {
	id := bursar.ID{1, 14: byte(n >> 8), 15: byte(n)}
	for leg := range legs {
		e := driver.EntryRow{
			Key:      pileKey(n, leg),
			FromPrev: pileKey(n, leg-1),
			Entry:    bursar.Entry{Kind: bursar.EntryLeg, Transfer: id, Leg: leg, Amount: money.Zero(dollars)},
		}
		if leg == 0 {
			e.FromPrev = pileKey(on, 0)
		}
		entries = append(entries, e)
	}
	w.requests[id] = driver.RequestRecord{ID: id, LastEntry: pileKey(n, legs-1)}
	return entries
}

// seal seals what others left and then requests of its own, and returns the numbers of requests as they were sealed.
func (w *world) seal(t *testing.T, limit int, own ...[]driver.EntryRow) (order []int, more bool) {
	t.Helper()
	s, batch, before := w.clients[0].begin(driver.ModeSealing), &driver.Batch{
		Entries: slices.Concat(own...),
	}, len(w.journal)
	for _, entries := range own {
		id := entries[0].Transfer
		batch.Requests = append(batch.Requests, w.requests[id])
		delete(w.requests, id) // until it is written
	}
	sealing := newSealing(&w.book, 1, batch, w.head)
	more, err := sealing.others(t.Context(), s, s.unsealed(), limit)
	sealing.own()
	if err := errors.Join(err, s.Insert(t.Context(), batch)); err != nil {
		t.Fatal(err)
	}
	if s.commit(); w.broken != nil {
		t.Fatal(w.broken)
	}
	for _, e := range w.journal[before:] {
		if e.Leg == 0 {
			order = append(order, int(e.Key/10_000)-1)
		}
	}
	return order, more
}

func TestSealingSkipsWhatIsLocked(t *testing.T) {
	t.Parallel()
	w := pile([2]int{1, 2}, [2]int{1, 0}, [2]int{3, -1}, [2]int{1, -1})
	other := w.clients[0].begin(driver.ModeLocks)
	other.try(entryLock(pileKey(2, 1)))
	got, _ := w.seal(t, 0, w.request(10, 2, 3), w.request(11, 1, 1), w.request(12, 2, 11), w.request(13, 1, 10))
	if want := []int{3, 10, 13}; !slices.Equal(got, want) {
		t.Errorf("while a leg of 2 is locked: %v are sealed, want %v", got, want)
	}
	other.release(0)
	if got, _ := w.seal(t, 0); !slices.Equal(got, []int{2, 0, 1, 11, 12}) {
		t.Errorf("afterwards: %v are sealed", got)
	}
}

func TestSealingReadsInChunks(t *testing.T) {
	t.Parallel()
	w := pile([2]int{sealChunk - 100, 3}, [2]int{300, -1}, [2]int{5*sealChunk/2 + 1, -1}, [2]int{1, 2})
	if got, more := w.seal(t, 0); more || !slices.Equal(got, []int{1, 2, 3, 0}) {
		t.Errorf("%v are sealed, more: %v", got, more)
	}
}

func TestSealingStops(t *testing.T) {
	t.Parallel()
	w := pile(slices.Repeat([][2]int{{1, -1}}, sealMax+5*sealChunk/2)...)
	other := w.clients[0].begin(driver.ModeSealing)
	other.try("head")
	if more, err := w.clients[0].writer.sealOnce(t.Context(), false); more || err != nil || w.head.Seq != 6 {
		t.Errorf("while somebody else has locked the head: more %v, %v, head %d", more, err, w.head.Seq)
	}
	other.release(0)
	if got, more := w.seal(t, sealMax); !more || len(got) < sealMax || len(got) > sealMax+sealChunk {
		t.Errorf("%d are sealed, more: %v", len(got), more)
	}
	if _, more := w.seal(t, sealMax); more || len(w.unsealed()) > 0 {
		t.Errorf("then more: %v, and %d are left", more, len(w.unsealed()))
	}
}
