package journal_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/bursar-ledger/bursar/internal/journal"
)

// unhex reads hexadecimal digits with whatever white space makes them readable.
func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sixteen(first byte) (b [16]byte) {
	for i := range b {
		b[i] = first + byte(i)
	}
	return b
}

func sampleEntry() journal.Entry {
	e := journal.Entry{
		Kind: journal.EntryLeg, Book: sixteen(0x10), Request: sixteen(0x20), Leg: 0x0102,
		From: "a", To: "bc", Currency: "ETH", Scale: 18, Amount: journal.Pair{Hi: 1, Lo: 2},
		FromAfter: journal.After{Version: 3, Balance: journal.Pair{Hi: -1, Lo: -2}, Held: journal.Pair{Lo: 4}},
		ToAfter:   journal.After{Version: 5, Balance: journal.Pair{Lo: 6}, Held: journal.Pair{Hi: 7}},
		Effective: -1, Backdated: true, Decided: 8, Seq: 9, At: 10,
	}
	for i := range e.RequestHash {
		e.RequestHash[i] = 0x30 + byte(i)
	}
	return e
}

// goldenEntry is sampleEntry written by hand from docs/journal.md.
const goldenEntry = `
	01 01
	101112131415161718191a1b1c1d1e1f
	202122232425262728292a2b2c2d2e2f
	0102
	303132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f
	0001 61   0002 6263
	0003 455448 12   0000000000000001 0000000000000002
	0000000000000003   ffffffffffffffff fffffffffffffffe   0000000000000000 0000000000000004
	0000000000000005   0000000000000000 0000000000000006   0000000000000007 0000000000000000
	01 ffffffffffffffff
	0000000000000008 0000000000000009 000000000000000a`

func sampleTransfer() journal.Request {
	return journal.Request{
		Kind: journal.RequestTransfer,
		Legs: []journal.Leg{
			{From: "a", To: "b", Currency: "USD", Scale: 2, Amount: journal.Pair{Lo: 1}},
			{From: "b", To: "c", Currency: "JPY", Amount: journal.Pair{Hi: 2, Lo: 3}},
		},
		Conditions: []journal.Condition{
			{Kind: journal.ConditionAtLeast, Account: "a", Currency: "USD", Scale: 2, Amount: journal.Pair{Lo: -1}},
			{Kind: journal.ConditionVersion, Account: "b", Version: 4},
		},
		NotAfter: 5, HasNotAfter: true, Reference: "é",
		Metadata: []journal.Tag{{Key: "A", Value: ""}, {Key: "a", Value: "x"}},
	}
}

const goldenTransfer = `
	01 01
	0002
	0001 61 0001 62 0003 555344 02 0000000000000000 0000000000000001
	0001 62 0001 63 0003 4a5059 00 0000000000000002 0000000000000003
	0002
	01 0001 61 0003 555344 02 0000000000000000 ffffffffffffffff
	02 0001 62 0000000000000004
	01 0000000000000005
	00
	0002 c3a9
	0002   0001 41 0000   0001 61 0001 78`

func sampleOpening() journal.Request {
	return journal.Request{Kind: journal.RequestOpen, Account: "a:b", Currency: "CHIP",
		Min: journal.Bound{Set: true, Amount: journal.Pair{Lo: -5}}}
}

const goldenOpening = `
	01 02
	0003 613a62 0004 43484950 00
	01 0000000000000000 fffffffffffffffb
	00
	0000`

func TestGoldenBytes(t *testing.T) {
	t.Parallel()
	entry, transfer, opening := sampleEntry(), sampleTransfer(), sampleOpening()
	for name, test := range map[string]struct {
		want string
		got  []byte
	}{
		"entry":    {goldenEntry, journal.AppendEntry(nil, &entry)},
		"transfer": {goldenTransfer, journal.AppendRequest(nil, &transfer)},
		"opening":  {goldenOpening, journal.AppendRequest(nil, &opening)},
	} {
		if want := unhex(t, test.want); !bytes.Equal(want, test.got) {
			t.Errorf("%s is\n%x, want\n%x", name, test.got, want)
		}
	}
	prefix := []byte("kept")
	got, length := journal.AppendEntry(prefix, &entry), len(prefix)+len(unhex(t, goldenEntry))
	if !bytes.HasPrefix(got, prefix) || len(got) != length {
		t.Errorf("appending to %q gives %x", prefix, got)
	}
}

func TestGenesisAndLink(t *testing.T) {
	t.Parallel()
	book := sixteen(0x10)
	if got, want := journal.Genesis(book), journal.Hash(append([]byte("bursar journal v1\n"), book[:]...)); got != want {
		t.Errorf("genesis is %x, want %x", got, want)
	}
	e := sampleEntry()
	prev := journal.Genesis(book)
	want := journal.Hash(append(prev[:], unhex(t, goldenEntry)...))
	var buf []byte
	for range 2 { // the second time with the buffer of the first
		var got [32]byte
		if got, buf = journal.Link(prev, &e, buf); got != want {
			t.Errorf("the link is %x, want %x", got, want)
		}
	}
	other := prev
	other[0]++
	if got, _ := journal.Link(other, &e, nil); got == want {
		t.Error("the link does not depend on the hash before it")
	}
}

// TestEveryFactIsHashed changes one field after the other.
func TestEveryFactIsHashed(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	note := func(i int, e journal.Entry) {
		text := string(journal.AppendEntry(nil, &e))
		if first, ok := seen[text]; ok {
			t.Errorf("changes %d and %d make the same bytes", first, i)
		}
		seen[text] = i
	}
	note(-1, sampleEntry())
	for i, change := range []func(*journal.Entry){
		func(e *journal.Entry) { e.Kind = journal.EntryOpen }, func(e *journal.Entry) { e.Book[15]++ },
		func(e *journal.Entry) { e.Request[15]++ }, func(e *journal.Entry) { e.Leg++ },
		func(e *journal.Entry) { e.RequestHash[31]++ }, func(e *journal.Entry) { e.From = "" },
		func(e *journal.Entry) { e.From, e.To = "ab", "c" }, func(e *journal.Entry) { e.To = "bd" },
		func(e *journal.Entry) { e.Currency = "ETI" }, func(e *journal.Entry) { e.Scale = 17 },
		func(e *journal.Entry) { e.Amount.Hi++ }, func(e *journal.Entry) { e.Amount.Lo++ },
		func(e *journal.Entry) { e.FromAfter.Version++ }, func(e *journal.Entry) { e.FromAfter.Balance.Hi++ },
		func(e *journal.Entry) { e.FromAfter.Balance.Lo++ }, func(e *journal.Entry) { e.FromAfter.Held.Hi++ },
		func(e *journal.Entry) { e.FromAfter.Held.Lo++ }, func(e *journal.Entry) { e.ToAfter.Version++ },
		func(e *journal.Entry) { e.ToAfter.Balance.Hi++ }, func(e *journal.Entry) { e.ToAfter.Balance.Lo++ },
		func(e *journal.Entry) { e.ToAfter.Held.Hi++ }, func(e *journal.Entry) { e.ToAfter.Held.Lo++ },
		func(e *journal.Entry) { e.Effective++ }, func(e *journal.Entry) { e.Backdated = false },
		func(e *journal.Entry) { e.Decided++ }, func(e *journal.Entry) { e.Seq++ }, func(e *journal.Entry) { e.At++ },
	} {
		e := sampleEntry()
		change(&e)
		note(i, e)
	}
}

func TestEntriesRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := entries().Draw(t, "entry")
		got, err := journal.ParseEntry(journal.AppendEntry(nil, &want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

func TestRequestsRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := requests().Draw(t, "request")
		got, err := journal.ParseRequest(journal.AppendRequest(nil, &want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	})
}

// TestBytesThatEndEarly cuts canonical bytes everywhere and adds to them.
func TestBytesThatEndEarly(t *testing.T) {
	t.Parallel()
	parseEntry := func(b []byte) error { _, err := journal.ParseEntry(b); return err }
	parseRequest := func(b []byte) error { _, err := journal.ParseRequest(b); return err }
	for _, test := range []struct {
		golden string
		parse  func([]byte) error
	}{{goldenEntry, parseEntry}, {goldenTransfer, parseRequest}, {goldenOpening, parseRequest}} {
		whole := unhex(t, test.golden)
		if err := test.parse(whole); err != nil {
			t.Fatal(err)
		}
		for n := range whole {
			if err := test.parse(whole[:n]); !errors.Is(err, journal.ErrMalformed) {
				t.Errorf("%d bytes of %d: %v", n, len(whole), err)
			}
		}
		if err := test.parse(append(whole, 0)); !errors.Is(err, journal.ErrMalformed) {
			t.Errorf("one byte more: %v", err)
		}
	}
}

func TestOtherEncodingsAreMalformed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ golden, from, to string }{
		"another version":         {goldenOpening, "01 02", "02 02"},
		"an unknown kind":         {goldenOpening, "01 02", "01 0f"},
		"kind 0":                  {goldenOpening, "01 02", "01 00"},
		"a flag of 2":             {goldenOpening, "01 0000000000000000 ff", "02 0000000000000000 ff"},
		"mixed signs":             {goldenOpening, "01 0000000000000000 ff", "01 0000000000000001 ff"},
		"a part of 10^18":         {goldenOpening, "0000000000000000 fffffffffffffffb", "0000000000000000 0de0b6b3a7640000"},
		"a part of -10^18":        {goldenOpening, "0000000000000000 fffffffffffffffb", "f21f494c589c0000 0000000000000000"},
		"an unknown condition":    {goldenTransfer, "02 0001 62 0000000000000004", "03 0001 62 0000000000000004"},
		"metadata out of order":   {goldenTransfer, "0001 41 0000   0001 61", "0001 62 0000   0001 61"},
		"a key of metadata twice": {goldenTransfer, "0001 41 0000   0001 61", "0001 61 0000   0001 61"},
		"more legs than there are": {goldenTransfer, `
	0002
	0001 61 0001 62`, `
	ffff
	0001 61 0001 62`},
	} {
		if strings.Count(test.golden, test.from) != 1 {
			t.Fatalf("%s: %q is not there once", name, test.from)
		}
		got, err := journal.ParseRequest(unhex(t, strings.Replace(test.golden, test.from, test.to, 1)))
		if !errors.Is(err, journal.ErrMalformed) {
			t.Errorf("%s is read as %+v, %v", name, got, err)
		}
	}
	for name, test := range map[string]struct{ from, to string }{
		"another version": {"01 01\n", "00 01\n"},
		"a flag of 255":   {"01 ffffffffffffffff\n", "ff ffffffffffffffff\n"},
		"mixed signs":     {"ffffffffffffffff fffffffffffffffe", "0000000000000001 fffffffffffffffe"},
	} {
		if strings.Count(goldenEntry, test.from) != 1 {
			t.Fatalf("%s: %q is not there once", name, test.from)
		}
		malformed := unhex(t, strings.Replace(goldenEntry, test.from, test.to, 1))
		if got, err := journal.ParseEntry(malformed); !errors.Is(err, journal.ErrMalformed) {
			t.Errorf("%s is read as %+v, %v", name, got, err)
		}
	}
}

func FuzzParseEntry(f *testing.F) {
	f.Add(unhex(f, goldenEntry))
	f.Add([]byte{journal.Version, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := journal.ParseEntry(b)
		if err != nil {
			if !errors.Is(err, journal.ErrMalformed) {
				t.Errorf("%x: %v", b, err)
			}
			return
		}
		if got := journal.AppendEntry(nil, &e); !bytes.Equal(b, got) {
			t.Errorf("%x is read as %+v, which is %x", b, e, got)
		}
	})
}

func FuzzParseRequest(f *testing.F) {
	f.Add(unhex(f, goldenTransfer))
	f.Add(unhex(f, goldenOpening))
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := journal.ParseRequest(b)
		if err != nil {
			if !errors.Is(err, journal.ErrMalformed) {
				t.Errorf("%x: %v", b, err)
			}
			return
		}
		if got := journal.AppendRequest(nil, &q); !bytes.Equal(b, got) {
			t.Errorf("%x is read as %+v, which is %x", b, q, got)
		}
	})
}
