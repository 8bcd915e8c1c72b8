package journal_test

import (
	"encoding/hex"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar/internal/journal"
)

var block = regexp.MustCompile("(?ms)^```hex ([^\n]+)\n(.*?)^```$")

// document reads the worked example: the bytes of each block by its name. A line is bytes, two blanks or more, and a
// remark.
func document(t *testing.T) (blocks map[string][]byte, hashes map[string][32]byte) {
	t.Helper()
	text, err := os.ReadFile("../../docs/journal.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks, hashes = map[string][]byte{}, map[string][32]byte{}
	for _, match := range block.FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(match[2]) {
			digits, remark, _ := strings.Cut(strings.TrimSpace(line), "  ")
			b, err := hex.DecodeString(digits)
			if err != nil {
				t.Fatalf("block %s, line %q: %v", match[1], line, err)
			}
			if match[1] == "hashes" {
				hashes[strings.TrimSpace(remark)] = [32]byte(b)
				continue
			}
			blocks[match[1]] = append(blocks[match[1]], b...)
		}
	}
	return blocks, hashes
}

// exampleBook and the times are what the example's prose says.
var exampleBook = [16]byte{0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x46, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}

func exampleRequests() map[string]journal.Request {
	usd := func(cents int64) journal.Pair { return journal.Pair{Lo: cents} }
	return map[string]journal.Request{
		"request world": {Kind: journal.RequestOpen, Account: "world", Currency: "USD", Scale: 2},
		"request users:1": {Kind: journal.RequestOpen, Account: "users:1", Currency: "USD", Scale: 2,
			Min: journal.Bound{Set: true}, Max: journal.Bound{Set: true, Amount: usd(100_000)}},
		"request transfer": {
			Kind: journal.RequestTransfer, Reference: "order 7",
			Legs: []journal.Leg{{From: "world", To: "users:1", Currency: "USD", Scale: 2, Amount: usd(2_500)}},
			Conditions: []journal.Condition{{Kind: journal.ConditionAtLeast, Account: "users:1", Currency: "USD", Scale: 2},
				{Kind: journal.ConditionVersion, Account: "users:1", Version: 1}},
			Effective: time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC).UnixNano(), HasEffective: true,
			Metadata: []journal.Tag{{Key: "note", Value: "paid late"}},
		},
	}
}

func exampleEntries(hashes map[string][32]byte) map[string]journal.Entry {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixNano()
	usd := func(cents int64) journal.Pair { return journal.Pair{Lo: cents} }
	id := func(last byte) [16]byte {
		return [16]byte{0x01, 0x9b, 0x7c, 0xd1, 0xd5, 0x88, 0x70, 0, 0x80, 15: last}
	}
	return map[string]journal.Entry{
		"entry 1": {
			Kind: journal.EntryOpen, Book: exampleBook, Request: id(1), RequestHash: hashes["request world"],
			To: "world", Currency: "USD", Scale: 2, ToAfter: journal.After{Version: 1},
			Decided: at, Seq: 1, At: at,
		},
		"entry 2": {
			Kind: journal.EntryOpen, Book: exampleBook, Request: id(2), RequestHash: hashes["request users:1"],
			To: "users:1", Currency: "USD", Scale: 2, ToAfter: journal.After{Version: 1},
			Decided: at, Seq: 2, At: at + 1,
		},
		"entry 3": {
			Kind: journal.EntryLeg, Book: exampleBook, Request: id(3), RequestHash: hashes["request transfer"],
			From: "world", To: "users:1", Currency: "USD", Scale: 2, Amount: usd(2_500),
			FromAfter: journal.After{Version: 2, Balance: usd(-2_500)},
			ToAfter:   journal.After{Version: 2, Balance: usd(2_500)},
			Effective: time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC).UnixNano(), Backdated: true,
			Decided: at + 1, Seq: 3, At: at + 2,
		},
	}
}

// TestTheDocumentsExample recomputes docs/journal.md: its bytes are those of the facts that it tells, and its hashes
// those of its bytes.
func TestTheDocumentsExample(t *testing.T) {
	t.Parallel()
	blocks, hashes := document(t)
	if len(blocks) != 7 || len(hashes) != 7 {
		t.Fatalf("the document has %d blocks and %d hashes, want 7 each", len(blocks), len(hashes))
	}
	wantHash := func(name string, got [32]byte) {
		t.Helper()
		if want, ok := hashes[name]; !ok || got != want {
			t.Errorf("the hash of %s is %x, the document says %x", name, got, want)
		}
	}
	wantHash("genesis", journal.Hash(blocks["genesis bytes"]))
	wantHash("genesis", journal.Genesis(exampleBook))
	for name, want := range exampleRequests() {
		got, err := journal.ParseRequest(blocks[name])
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-facts +document):\n%s", name, err, diff)
		}
		wantHash(name, journal.Hash(journal.AppendRequest(nil, &want)))
	}
	entries, prev := exampleEntries(hashes), hashes["genesis"]
	for _, name := range []string{"entry 1", "entry 2", "entry 3"} {
		want := entries[name]
		got, err := journal.ParseEntry(blocks[name])
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-facts +document):\n%s", name, err, diff)
		}
		wantHash(name, journal.Hash(append(prev[:], blocks[name]...)))
		prev, _ = journal.Link(prev, &want, nil)
		wantHash(name, prev)
	}
}
