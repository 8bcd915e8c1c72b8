package verify_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

func openStore(t testing.TB) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "ledger.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func TestSoundLedger(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	book := build(t, store)
	var progress [][2]int64
	report, err := verify.Run(t.Context(), store, book, &verify.Options{
		Progress: func(done, total int64) { progress = append(progress, [2]int64{done, total}) }})
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() || report.Err() != nil || len(report.Warnings) > 0 {
		t.Fatalf("a sound ledger: %v, warnings %v", summary(&report), report.Warnings)
	}
	// 6 openings and 74 transfers, one with three legs and one with two. There are 2 refusals besides.
	got := []int64{report.Entries, report.Accounts, report.Requests, report.Refusals, report.Head.Seq}
	if diff := cmp.Diff([]int64{83, 6, 82, 2, 83}, got); diff != "" {
		t.Errorf("entries, accounts, requests, refusals, head (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([][2]int64{{83, 83}}, progress); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
	l, err := ledger.New(t.Context(), store, nil)
	if err != nil {
		t.Fatal(err)
	}
	head, err := l.Head(t.Context())
	if err != nil || head != report.Head {
		t.Errorf("head %v, the ledger says %v, %v", report.Head, head, err)
	}
}

func TestEmptyBook(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	book := newWriter(t, store, "main").ledger.Book()
	report, err := verify.Run(t.Context(), store, book, nil)
	if err != nil || !report.OK() {
		t.Fatalf("%v, %v", err, summary(&report))
	}
	if report.Head.Hash != book.Genesis {
		t.Errorf("the head of an empty journal is %x, not its genesis", report.Head.Hash)
	}
}

func TestBookByName(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	if _, err := verify.Book(t.Context(), store, "main"); !errors.Is(err, bursar.ErrSchemaBehind) {
		t.Errorf("in an empty database: %v", err)
	}
	want := build(t, store)
	got, err := verify.Book(t.Context(), store, "main")
	if err != nil || got != want {
		t.Errorf("Book = %v, %v; want %v", got, err, want)
	}
	other, err := verify.Book(t.Context(), store, "other")
	if err != nil {
		t.Fatal(err)
	}
	report, err := verify.Run(t.Context(), store, other, nil)
	if err != nil || !report.OK() || report.Entries != 3 {
		t.Errorf("the other book: %d entries, %v, %v", report.Entries, err, summary(&report))
	}
	if _, err := verify.Book(t.Context(), store, "none"); bursar.CodeOf(err) != bursar.CodeBookNotFound {
		t.Errorf("a book that does not exist: %v", err)
	}
}

// TestBookThatIsNotTheLedgers has the caller give a book that differs from its row.
func TestBookThatIsNotTheLedgers(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	book := build(t, store)
	book.Genesis[0] ^= 1
	report, err := verify.Run(t.Context(), store, book, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []verify.Finding{
		{Check: verify.Genesis, Detail: "the genesis hash of book main does not come from its UUID"},
		{Check: verify.Genesis, Detail: "the row of the book has another name, UUID or genesis hash than the ledger's"},
	}
	if diff := cmp.Diff(want, report.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// TestLostBook wants the head of a lost book to give no finding of its own.
func TestLostBook(t *testing.T) {
	t.Parallel()
	m := newTemplate(t)
	raw, path := m.scratch(t)
	run(t, raw, "DELETE FROM bursar_book WHERE book = 1")
	report, err := m.verifyFile(t, raw, path)
	if err != nil || !names(&report, verify.Genesis, verify.Strays) || names(&report, verify.Heads) {
		t.Errorf("%v%s", err, summary(&report))
	}
	raw = m.copyTo(t, path)
	run(t, raw, "UPDATE bursar_book SET uuid = substr(uuid, 1, 15) WHERE book = 1")
	if _, err := verify.Book(t.Context(), sqlite.New(raw), "main"); bursar.CodeOf(err) != bursar.CodeCorrupt {
		t.Errorf("a book whose row cannot be read: %v", err)
	}
	if _, err := verify.Book(t.Context(), sqlite.New(raw), "other"); err != nil {
		t.Errorf("the book beside it: %v", err)
	}
}

// unaudited is a store whose reader is no auditor.
type unaudited struct{ driver.Store }

func (u unaudited) Read(ctx context.Context, fn func(context.Context, driver.Reader) error) error {
	return u.Store.Read(ctx, func(ctx context.Context, r driver.Reader) error {
		return fn(ctx, struct{ driver.Reader }{r})
	})
}

func TestWhatCannotBeVerified(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	if _, err := verify.Run(t.Context(), store, bursar.Book{}, nil); !errors.Is(err, bursar.ErrSchemaBehind) {
		t.Errorf("without a schema: %v", err)
	}
	book := build(t, store)
	if _, err := verify.Run(t.Context(), unaudited{store}, book, nil); bursar.CodeOf(err) != bursar.CodeUnsupported {
		t.Errorf("a store without an auditor: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := verify.Run(ctx, store, book, nil); bursar.CodeOf(err) != bursar.CodeCanceled {
		t.Errorf("a cancelled context: %v", err)
	}
}

// TestPages has more than one page of everything, with transfers that lie across the borders.
func TestPages(t *testing.T) {
	t.Parallel()
	store := openStore(t)
	w := newWriter(t, store, "main")
	w.postThreeLegs(1_100)
	var pages int
	options := &verify.Options{Progress: func(int64, int64) { pages++ }}
	report, err := verify.Run(t.Context(), store, w.ledger.Book(), options)
	if err != nil || !report.OK() {
		t.Fatalf("%v, %v", err, summary(&report))
	}
	if report.Entries != 3_302 || report.Requests != 1_102 || pages != 4 {
		t.Errorf("%d entries, %d requests in %d pages", report.Entries, report.Requests, pages)
	}
}

func TestReportNamesTheFirst(t *testing.T) {
	t.Parallel()
	r := verify.Report{}
	if r.Err() != nil {
		t.Errorf("nothing found: %v", r.Err())
	}
	r = verify.Report{
		Book: bursar.Book{Name: "main"}, Found: 3,
		Findings: []verify.Finding{{Seq: 7, Check: verify.Chain, Detail: "broken"}},
	}
	want := "verification_failed: book main: position 7: chain: broken (findings: 3)"
	if got := r.Err(); !errors.Is(got, &bursar.Error{Code: bursar.CodeVerificationFailed}) || got.Error() != want {
		t.Errorf("Err = %v, want %s", got, want)
	}
}
