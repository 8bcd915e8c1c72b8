package verify_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/money"
)

// sealedTo is a store whose journal ends with position cut. The entries after it are committed and not sealed. rekey
// gives entries other row keys, because every program draws its keys from a block of its own.
type sealedTo struct {
	driver.Store
	cut    int64
	rekey  func(int64) int64
	tamper func([]driver.AuditedEntry) []driver.AuditedEntry // changes what is not sealed
}

func (s sealedTo) Read(ctx context.Context, fn func(context.Context, driver.Reader) error) error {
	return s.Store.Read(ctx, func(ctx context.Context, r driver.Reader) error {
		return fn(ctx, partAuditor{r, r.(driver.Auditor), s})
	})
}

type partAuditor struct {
	driver.Reader
	driver.Auditor
	store sealedTo
}

func (r partAuditor) AuditBooks(ctx context.Context) ([]driver.AuditedBook, error) {
	books, err := r.Auditor.AuditBooks(ctx)
	for i := range books {
		if h := books[i].Head; books[i].Name == "main" && h.Seq > r.store.cut {
			*h = bursar.Head{Book: h.Book, Hash: books[i].Genesis}
			if r.store.cut > 0 {
				last, err := r.Auditor.AuditEntries(ctx, books[i].Number, r.store.cut-1, 1<<62, 1)
				if err != nil {
					return nil, err
				}
				h.Seq, h.At, h.Hash = r.store.cut, last[0].At, last[0].Hash
			}
		}
	}
	return books, err
}

func (r partAuditor) key(key int64) int64 {
	if key == 0 {
		return 0
	}
	return r.store.rekey(key)
}

// rekeyed gives an entry its other keys.
func (r partAuditor) rekeyed(e driver.AuditedEntry) driver.AuditedEntry {
	e.Key, e.FromPrev, e.ToPrev = r.key(e.Key), r.key(e.FromPrev), r.key(e.ToPrev)
	return e
}

func (r partAuditor) AuditEntries(ctx context.Context, book, seq, _ int64, limit int) ([]driver.AuditedEntry, error) {
	entries, err := r.Auditor.AuditEntries(ctx, book, seq, 1<<62, limit)
	entries = slices.DeleteFunc(entries, func(e driver.AuditedEntry) bool { return e.Seq > r.store.cut })
	for i := range entries {
		entries[i] = r.rekeyed(entries[i])
	}
	return entries, err
}

func (r partAuditor) AuditUnsealed(ctx context.Context, book, key int64, limit int) ([]driver.AuditedEntry, error) {
	entries, err := r.Auditor.AuditEntries(ctx, book, r.store.cut, 1<<62, 1<<30)
	for i := range entries {
		e := r.rekeyed(entries[i])
		e.Seq, e.At, e.Hash, e.Checkpoints = 0, 0, [32]byte{}, 0
		entries[i] = e
	}
	byKey := func(a, b driver.AuditedEntry) int { return cmp.Compare(a.Key, b.Key) }
	slices.SortFunc(entries, byKey)
	if r.store.tamper != nil {
		entries = r.store.tamper(entries)
		slices.SortFunc(entries, byKey)
	}
	entries = slices.DeleteFunc(entries, func(e driver.AuditedEntry) bool { return e.Key <= key })
	return entries[:min(len(entries), limit)], err
}

func (r partAuditor) AuditRequests(ctx context.Context, book, row int64, limit int) ([]driver.AuditedRequest, error) {
	requests, err := r.Auditor.AuditRequests(ctx, book, row, limit)
	return r.lastEntries(requests), err
}

func (r partAuditor) AuditRequestsOf(ctx context.Context, book int64, ids []bursar.ID) (
	[]driver.AuditedRequest, error) {
	requests, err := r.Auditor.AuditRequestsOf(ctx, book, ids)
	return r.lastEntries(requests), err
}

func (r partAuditor) lastEntries(requests []driver.AuditedRequest) []driver.AuditedRequest {
	for i := range requests {
		requests[i].LastEntry = r.key(requests[i].LastEntry)
	}
	return requests
}

func (r partAuditor) AuditAccounts(ctx context.Context, book, number int64, limit int) (
	[]driver.AuditedAccount, error) {
	accounts, err := r.Auditor.AuditAccounts(ctx, book, number, limit)
	for i := range accounts {
		accounts[i].LastEntry = r.key(accounts[i].LastEntry)
	}
	return accounts, err
}

// rekeyings are functions that give other row keys. The keys of a request still follow one another, as with every
// program.
func rekeyings(t *testing.T, store driver.Store, book bursar.Book) map[string]func(int64) int64 {
	t.Helper()
	first := make(map[int64]int64) // key of the request's first entry, by key
	err := store.Read(t.Context(), func(ctx context.Context, r driver.Reader) error {
		entries, err := r.Journal(ctx, book.Number, 0, 1<<30)
		for i := range entries {
			first[entries[i].Key] = entries[i].Key - int64(entries[i].Leg)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	const block = 1 << 24
	moved := func(to func(int64) int64) func(int64) int64 {
		return func(key int64) int64 { return to(first[key]) + key - first[key] }
	}
	return map[string]func(int64) int64{
		"as they were":      func(key int64) int64 { return key },
		"backwards":         moved(func(first int64) int64 { return block - 10*first }),
		"from four blocks":  moved(func(first int64) int64 { return (4-first%4)*block + first }),
		"in no order known": moved(func(first int64) int64 { return 1 + first*7919%10_007*300 }),
	}
}

func TestUnsealedEntries(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	book := build(t, store)
	want, err := verify.Run(t.Context(), store, book, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, rekey := range rekeyings(t, store, book) {
		for _, cut := range []int64{0, 3, 7, 28, 60, 82, 83} {
			report, err := verify.Run(t.Context(), sealedTo{store, cut, rekey, nil}, book, nil)
			if err != nil || !report.OK() {
				t.Errorf("keys %s, unsealed after %d: %v%s", name, cut, err, summary(&report))
			}
			if report.Unsealed != 83-cut || report.Head.Seq != cut {
				t.Errorf("keys %s, unsealed after %d: %d are unsealed, and the head is %d",
					name, cut, report.Unsealed, report.Head.Seq)
			}
			report.Head, report.Unsealed = want.Head, 0
			if diff := gocmp.Diff(want, report); diff != "" {
				t.Errorf("keys %s, unsealed after %d (-sealed +unsealed):\n%s", name, cut, diff)
			}
		}
	}
}

// unsealedChanges are changes of an entry that is not sealed, with the check that must fail. The entry is the second
// leg of its request. Entries of other requests build on it on both of its accounts.
var unsealedChanges = []struct {
	what   string
	change func(e *driver.AuditedEntry)
	want   verify.Check
}{
	{"built on nothing that exists", func(e *driver.AuditedEntry) { e.FromPrev = 1 << 40 }, verify.Pointers},
	{"built on nothing", func(e *driver.AuditedEntry) { e.ToPrev = 0 }, verify.Pointers},
	{"built on an entry after it", func(e *driver.AuditedEntry) { e.FromPrev = e.Key + 1 }, verify.Pointers},
	{"another version", func(e *driver.AuditedEntry) { e.FromAfter.Version++ }, verify.Versions},
	{"another balance", func(e *driver.AuditedEntry) { e.ToAfter.Balance = e.ToAfter.Balance.Neg() }, verify.Balances},
	{"another amount", func(e *driver.AuditedEntry) { e.Amount = e.Amount.Neg() }, verify.Balances},
	{"below the limit", func(e *driver.AuditedEntry) {
		e.FromAfter.Balance = money.FromUnits(-1_000_000, e.Amount.Currency())
	}, verify.Limits},
	{"decided before the one before it", func(e *driver.AuditedEntry) { e.Decided -= 1e10 }, verify.Time},
	{"decided before it is effective", func(e *driver.AuditedEntry) {
		e.Backdated, e.Effective = true, e.Decided+1
	}, verify.Time},
	{"another leg", func(e *driver.AuditedEntry) { e.Leg = 0 }, verify.Requests},
	{"another request", func(e *driver.AuditedEntry) { e.Transfer[0] ^= 1 }, verify.Requests},
	{"another account", func(e *driver.AuditedEntry) { e.ToAccount, e.To = 77, "users:nobody" }, verify.Accounts},
	{"a checkpoint already", func(e *driver.AuditedEntry) { e.Checkpoints = 1 }, verify.Checkpoints},
	{"an index that misses it", func(e *driver.AuditedEntry) { e.Backdatings = 1 }, verify.Backdated},
	{"part of a place", func(e *driver.AuditedEntry) { e.At = 1 }, verify.Gapless},
	{"unreadable", func(e *driver.AuditedEntry) {
		*e = driver.AuditedEntry{EntryRow: driver.EntryRow{Key: e.Key}, Fault: bursar.Errorf(bursar.CodeCorrupt, "torn")}
	}, verify.Readable},
}

func TestUnsealedEntriesMatter(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	book := build(t, store)
	for name, rekey := range rekeyings(t, store, book) {
		for _, c := range unsealedChanges {
			var key int64
			tamper := func(entries []driver.AuditedEntry) []driver.AuditedEntry {
				for i := range entries {
					if e := &entries[i]; e.Leg == 1 && e.To == "users:carol" {
						key = e.Key
						c.change(e)
						break
					}
				}
				return entries
			}
			report, err := verify.Run(t.Context(), sealedTo{store, 20, rekey, tamper}, book, nil)
			found := slices.ContainsFunc(report.Findings, func(f verify.Finding) bool {
				return f.Check == c.want && f.Seq == 0 && strings.HasPrefix(f.Detail, fmt.Sprintf("entry %d: ", key))
			})
			if err != nil || !found {
				t.Errorf("%s, keys %s: want %s at entry %d, got %v%s", c.what, name, c.want, key, err, summary(&report))
			}
			if report.Findings[0].Seq != 0 {
				t.Errorf("%s, keys %s: a finding in the journal, which is sound:%s", c.what, name, summary(&report))
			}
		}
	}
}

func TestUnsealedRowsMatter(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	book := build(t, store)
	is := func(e *driver.AuditedEntry, leg int) bool { return e.Leg == leg && e.From == "users:bob" }
	for _, c := range []struct {
		what   string
		tamper func([]driver.AuditedEntry) []driver.AuditedEntry
		want   []verify.Check
	}{
		{"all missing", func([]driver.AuditedEntry) []driver.AuditedEntry { return nil }, checks{verify.BalanceRows}},
		{"the last missing", func(entries []driver.AuditedEntry) []driver.AuditedEntry {
			return entries[:len(entries)-1]
		}, checks{verify.BalanceRows}},
		{"the first missing", func(entries []driver.AuditedEntry) []driver.AuditedEntry {
			return entries[1:]
		}, checks{verify.Versions, verify.Pointers}},
		{"a leg missing", func(entries []driver.AuditedEntry) []driver.AuditedEntry {
			return slices.DeleteFunc(entries, func(e driver.AuditedEntry) bool { return is(&e, 1) })
		}, checks{verify.Requests, verify.Versions, verify.Pointers}},
		{"an entry of two", func(entries []driver.AuditedEntry) []driver.AuditedEntry {
			again := entries[9]
			again.Key = 1 << 50
			return append(entries, again)
		}, checks{verify.Versions, verify.Pointers, verify.Requests}},
		{"a circle", func(entries []driver.AuditedEntry) []driver.AuditedEntry {
			entries[3].FromPrev = entries[7].Key
			return entries
		}, checks{verify.Pointers}},
	} {
		part := sealedTo{store, 20, func(key int64) int64 { return key }, c.tamper}
		report, err := verify.Run(t.Context(), part, book, &verify.Options{Findings: 100})
		for _, check := range c.want {
			if err != nil || !names(&report, check) {
				t.Errorf("%s: want %s, got %v%s", c.what, check, err, summary(&report))
			}
		}
	}
}

// TestUnsealedPages has more than a page of them.
func TestUnsealedPages(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	w := newWriter(t, store, "main")
	w.postThreeLegs(900)
	var done, total int64
	for name, rekey := range rekeyings(t, store, w.ledger.Book()) {
		report, err := verify.Run(t.Context(), sealedTo{store, 1_001, rekey, nil}, w.ledger.Book(), &verify.Options{
			Progress: func(d, of int64) { done, total = d, of }})
		got := []int64{report.Entries, report.Unsealed, done, total}
		if err != nil || !report.OK() || !slices.Equal(got, []int64{2_702, 1_701, 2_702, 2_702}) {
			t.Errorf("keys %s: entries, unsealed, done, total are %v: %v%s", name, got, err, summary(&report))
		}
		report, err = verify.Run(t.Context(), sealedTo{store, 1_000, rekey, nil}, w.ledger.Book(), nil)
		if err != nil || report.Found != 2 ||
			report.Findings[0].Seq != 1_001 || report.Findings[0].Check != verify.Requests ||
			report.Findings[1].Seq != 0 || report.Findings[1].Check != verify.Requests {
			t.Errorf("keys %s, a request that is sealed in part: %v%s", name, err, summary(&report))
		}
	}
}
