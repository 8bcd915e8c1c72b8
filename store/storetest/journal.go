package storetest

import (
	"context"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/chain"
	"github.com/bursar-ledger/bursar/internal/journal"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

var journalCases = []testCase{
	{"positions and times only rise", risingTimes},
	{"a hash can be recomputed", hashRecomputed},
	{"the request's hash can be recomputed", requestHashRecomputed},
	{"versions and back pointers lead to the first entry", backPointers},
	{"entries are never changed", neverChanged},
	{"the journal is read in pages", journalPages},
}

// risingTimes posts with a clock that moves, stands still and steps back.
func risingTimes(f *fixture) {
	f.funded("users:1", "users:2")
	for i, step := range []time.Duration{0, time.Second, 0, -time.Hour, 0, -365 * 24 * time.Hour, 2 * time.Hour, 1, 0} {
		f.clock.Advance(step)
		posted := f.pay("users:1", "users:2", "1.00 USD")
		if i%2 == 0 {
			f.ledger = f.startOver(f.Reopen(f.T), &ledger.Options{})
		}
		if posted.Decided < instant(f.clock.Now()) {
			f.Errorf("it was decided at %v, before the clock's %v", posted.Decided, f.clock.Now())
		}
	}
	f.wantChain(f.ledger)
	entries := f.journal(f.ledger)
	if last := entries[len(entries)-1]; last.At <= instant(clockStart.Add(time.Second)) {
		f.Errorf("the last entry is at %v", last.At)
	}
}

// wantChain checks the whole journal: positions, times, hashes, and the head.
func (f *fixture) wantChain(l *ledger.Ledger) {
	f.Helper()
	f.seal(l)
	head, err := l.Head(f.Context())
	f.must(err)
	book := l.Book()
	prev := bursar.Entry{Hash: journal.Genesis(book.UUID)}
	for _, e := range f.journal(l) {
		if e.Seq != prev.Seq+1 || e.At <= prev.At || e.At < e.Decided || e.Backdated && e.Effective > e.Decided {
			f.Errorf("entry %d at %v, decided %v, effective %v follows %d at %v",
				e.Seq, e.At, e.Decided, e.Effective, prev.Seq, prev.At)
		}
		if got := chained(&book, prev.Hash, &e); e.Hash != got {
			f.Errorf("entry %d has the hash %v, its facts give %x", e.Seq, e.Hash, got)
		}
		prev = e
	}
	f.wantSame("the head", bursar.Head{Seq: prev.Seq, At: prev.At, Hash: prev.Hash, Book: book.UUID}, head)
}

// chained is the hash of an entry, from its exported fields alone.
func chained(book *bursar.Book, prev [32]byte, e *bursar.Entry) [32]byte {
	unit := e.Amount.Currency()
	facts := journal.Entry{
		Kind: journal.EntryKind(e.Kind), Book: book.UUID, Request: e.Transfer, Leg: uint16(e.Leg),
		RequestHash: e.RequestHash, From: e.From, To: e.To,
		Currency: unit.Code(), Scale: uint8(unit.Scale()), Amount: pairOf(e.Amount), ToAfter: afterOf(&e.ToAfter),
		Decided: int64(e.Decided), Seq: uint64(e.Seq), At: int64(e.At),
	}
	if e.From != "" {
		facts.FromAfter = afterOf(&e.FromAfter)
	}
	if e.Backdated {
		facts.Effective, facts.Backdated = int64(e.Effective), true
	}
	return journal.Hash(journal.AppendEntry(prev[:], &facts))
}

func afterOf(a *bursar.After) journal.After {
	return journal.After{Version: uint64(a.Version), Balance: pairOf(a.Balance), Held: pairOf(a.Held)}
}

func pairOf(a money.Amount) journal.Pair {
	hi, lo := a.Parts()
	return journal.Pair{Hi: hi, Lo: lo}
}

func hashRecomputed(f *fixture) {
	f.funded("users:1", "users:2")
	f.account("users:3")
	f.post(full())
	f.opening(bursar.Opening{Path: "a", Currency: currency("ETH/18"), NoMin: true})
	f.opening(bursar.Opening{Path: "b", Currency: currency("ETH/18")})
	f.pay("a", "b", "123456789.123456789012345678 ETH/18")
	f.wantChain(f.ledger)
	book := f.ledger.Book()
	entries, prev := f.journal(f.ledger), book.Genesis
	var buf []byte
	for i := range entries {
		var hash [32]byte
		if hash, buf = chain.Link(&entries[i], book.UUID, prev, buf); hash != entries[i].Hash {
			f.Errorf("Link of entry %d is %x, its hash is %v", i+1, hash, entries[i].Hash)
		}
		prev = hash
	}
}

func requestHashRecomputed(f *fixture) {
	f.funded("users:1", "users:2")
	f.account("users:3")
	f.post(full())
	usd := func(units int64) journal.Pair { return journal.Pair{Lo: units} }
	opening := journal.Request{
		Kind: journal.RequestOpen, Account: "users:1", Currency: "USD", Scale: 2, Min: journal.Bound{Set: true},
	}
	transfer := journal.Request{
		Kind: journal.RequestTransfer, Reference: "order 7",
		Legs: []journal.Leg{
			{From: "users:1", To: "users:2", Currency: "USD", Scale: 2, Amount: usd(1000)},
			{From: "users:1", To: "users:3", Currency: "USD", Scale: 2, Amount: usd(100)},
		},
		Conditions: []journal.Condition{
			{Kind: journal.ConditionAtLeast, Account: "users:1", Currency: "USD", Scale: 2, Amount: usd(1100)},
			{Kind: journal.ConditionVersion, Account: "users:1", Version: 2},
		},
		NotAfter: clockStart.Add(time.Hour).UnixNano(), HasNotAfter: true,
		Effective: clockStart.Add(-time.Hour).UnixNano(), HasEffective: true,
		Metadata: []journal.Tag{{Key: "a", Value: "1"}, {Key: "b", Value: ""}},
	}
	entries := f.journal(f.ledger)
	requests := map[int]*journal.Request{1: &opening, len(entries) - 2: &transfer, len(entries) - 1: &transfer}
	for i, request := range requests {
		if want := journal.Hash(journal.AppendRequest(nil, request)); entries[i].RequestHash != want {
			f.Errorf("%s has the request hash %v, the content gives %x", short(&entries[i]), entries[i].RequestHash, want)
		}
	}
}

func backPointers(f *fixture) {
	f.funded("users:1", "users:2")
	for range 70 { // past a checkpoint
		f.post(bursar.Transfer{Legs: []bursar.Leg{
			leg("users:1", "users:2", "1.00 USD"), leg("users:2", "users:1", "1.00 USD"),
		}})
	}
	f.must(f.Store.Read(f.Context(), func(ctx context.Context, r driver.Reader) error {
		book := f.ledger.Book().Number
		rows, err := r.Journal(ctx, book, 0, 1000)
		f.must(err)
		last := map[int64]int64{}     // account number: key of its entry before
		versions := map[int64]int64{} // account number: version so far
		follow := func(account, prev int64, after bursar.After, key int64) {
			if prev != last[account] || after.Version != versions[account]+1 {
				f.Errorf("entry %d of account %d points back to %d with version %d, want %d and %d",
					key, account, prev, after.Version, last[account], versions[account]+1)
			}
			last[account], versions[account] = key, after.Version
		}
		for _, row := range rows {
			if row.FromAccount != 0 {
				follow(row.FromAccount, row.FromPrev, row.FromAfter, row.Key)
			}
			follow(row.ToAccount, row.ToPrev, row.ToAfter, row.Key)
		}
		accounts, err := r.Accounts(ctx, book, "", "", 10)
		for _, a := range accounts {
			if a.LastEntry != last[a.Number] || a.Version != versions[a.Number] {
				f.Errorf("%s ends with entry %d, version %d; want %d and %d",
					a.Path, a.LastEntry, a.Version, last[a.Number], versions[a.Number])
			}
		}
		return err
	}))
}

// tampering are statements that the database itself must refuse on every engine.
var tampering = []string{
	"UPDATE bursar_entry SET amount = amount + 1",
	"UPDATE bursar_entry SET amount = amount + 1 WHERE seq = 3",
	"UPDATE bursar_entry SET seq = seq + 1000",
	"UPDATE bursar_entry SET seq = NULL, at = NULL, hash = NULL WHERE seq = 3",
	"UPDATE bursar_entry SET entry = entry + 1000 WHERE seq = 3",
	"UPDATE bursar_entry SET hash = (SELECT genesis FROM bursar_book) WHERE seq = 3",
	"UPDATE bursar_entry SET to_balance = 0",
	"UPDATE bursar_entry SET decided = 0",
	"UPDATE bursar_entry SET effective = 5 WHERE seq = 2",
	"UPDATE bursar_entry SET request_id = (SELECT uuid FROM bursar_book) WHERE seq = 3",
	"UPDATE bursar_entry SET kind = 0 WHERE seq = 3",
	"DELETE FROM bursar_entry",
	"DELETE FROM bursar_entry WHERE seq = 3",
	"UPDATE bursar_request SET content = id",
	"UPDATE bursar_request SET reference = NULL",
	"UPDATE bursar_request SET refusal = 'x', last_entry = NULL",
	"DELETE FROM bursar_request",
	"DELETE FROM bursar_account",
	"UPDATE bursar_account SET path = 'users:9' WHERE path = 'users:1'",
	"UPDATE bursar_account SET currency = 'EUR'",
	"DELETE FROM bursar_balance",
	"DELETE FROM bursar_book",
	"DELETE FROM bursar_head",
}

func neverChanged(f *fixture) {
	if f.NoTriggers {
		f.Skip("the engine has no triggers")
	}
	f.funded("users:1", "users:2")
	t := move("users:1", "users:2", "1.00 USD")
	t.Reference = "order 7"
	f.post(t)
	before, accounts := f.journal(f.ledger), f.everything()
	for _, statement := range tampering {
		if _, err := f.DB.ExecContext(f.Context(), statement); err == nil {
			f.Errorf("the database took %s", statement)
		}
	}
	f.wantSame("the journal", before, f.journal(f.ledger))
	f.wantSame("the accounts", accounts, f.everything())
	f.wantChain(f.ledger)
}

func journalPages(f *fixture) {
	f.funded("users:1", "users:2", "users:3")
	all := f.journal(f.ledger)
	for after := range all {
		for _, limit := range []int{1, 2, 100} {
			page, err := f.ledger.Journal(f.Context(), int64(after), limit)
			f.must(err)
			f.wantSame("a page of the journal", all[after:min(after+limit, len(all))], page)
		}
	}
	page, err := f.ledger.Journal(f.Context(), int64(len(all)), 5)
	if err != nil || len(page) != 0 {
		f.Errorf("past the head: %v, %v", page, err)
	}
}
