package ledger

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/money"
)

func currencyOf(t interface{ Fatal(...any) }, s string) money.Currency {
	c, err := money.ParseCurrency(s)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// anyAccount draws an account of a book: any state, limits on either side of a balance within them, some of it held.
func anyAccount(t *rapid.T, number int64, unit money.Currency) *driver.AccountRow {
	amount := func(lo, hi int64, name string) money.Amount {
		return money.FromUnits(rapid.Int64Range(lo, hi).Draw(t, name), unit)
	}
	a := &driver.AccountRow{Number: number, Path: fmt.Sprintf("a:%d", number), Currency: unit,
		Version: rapid.Int64Range(1, 5).Draw(t, "version"), LastEntry: rapid.Int64Range(1, 99).Draw(t, "last entry"),
		Decided: bursar.Instant(
			rapid.Int64Range(0, 50).Draw(t, "decided")), Balance: amount(-20, 100, "balance"), Held: amount(0, 10, "held")}
	a.Locked = a.Version
	available, err := a.Available()
	if err != nil {
		t.Fatal(err)
	}
	if rapid.Bool().Draw(t, "has min") {
		room := amount(0, 100, "room below")
		if a.Min.Amount, err = available.Sub(room); err != nil {
			t.Fatal(err)
		}
		a.Min.Set = true
	}
	if rapid.Bool().Draw(t, "has max") {
		room := amount(0, 100, "room above")
		if a.Max.Amount, err = a.Balance.Add(room); err != nil {
			t.Fatal(err)
		}
		a.Max.Set = true
	}
	a.State = rapid.SampledFrom([]bursar.AccountState{0, 0, 0, 0, 0, bursar.AccountFrozen, bursar.AccountClosed}).
		Draw(t, "state")
	return a
}

func anyAccounts(t *rapid.T) map[string]*driver.AccountRow {
	usd, eur := currencyOf(t, "USD"), currencyOf(t, "EUR")
	accounts := map[string]*driver.AccountRow{}
	for i := range int64(4) {
		unit := usd
		if i == 3 && rapid.IntRange(0, 4).Draw(t, "in euros") == 0 {
			unit = eur
		}
		a := anyAccount(t, i+1, unit)
		accounts[a.Path] = a
	}
	return accounts
}

// anyTransfer draws a well-formed transfer between accounts of which one does not exist.
func anyTransfer(t *rapid.T) *request {
	usd := currencyOf(t, "USD")
	path := func(name string) int { return rapid.SampledFrom([]int{1, 1, 2, 2, 3, 3, 4, 4, 5}).Draw(t, name) }
	transfer := bursar.Transfer{ID: bursar.ID{15: 1}}
	for range rapid.SampledFrom([]int{1, 1, 2, 3, 6}).Draw(t, "legs") {
		from, to := path("from"), path("to")
		if from == to {
			to = from%4 + 1
		}
		transfer.Legs = append(transfer.Legs, bursar.Leg{From: fmt.Sprintf("a:%d", from), To: fmt.Sprintf("a:%d", to),
			Amount: money.FromUnits(rapid.Int64Range(1, 60).Draw(t, "amount"), usd)})
	}
	if rapid.IntRange(0, 3).Draw(t, "conditioned") == 0 {
		version := rapid.Int64Range(1, 5).Draw(t, "wanted version")
		least := money.FromUnits(rapid.Int64Range(-30, 50).Draw(t, "least"), usd)
		transfer.Conditions = []bursar.Condition{{Path: "a:1", Version: &version}, {Path: "a:2", AtLeast: &least}}
	}
	if rapid.IntRange(0, 5).Draw(t, "timed") == 0 {
		transfer.NotAfter = time.Unix(0, rapid.Int64Range(50, 100).Draw(t, "not after"))
		transfer.Effective = time.Unix(0, rapid.Int64Range(1, 100).Draw(t, "effective"))
	}
	r, err := requestOf(&transfer)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func snapshot(accounts map[string]*driver.AccountRow) map[string]driver.AccountRow {
	copies := make(map[string]driver.AccountRow, len(accounts))
	for path, a := range accounts {
		copies[path] = *a
	}
	return copies
}

// applied is what apply makes of the accounts: those that change, as they are after, and the entries. The draft may
// have been used before.
func applied(
	d *draft, accounts map[string]*driver.AccountRow, r *request, now bursar.Instant, key int64,
) (rows []driver.AccountRow, entries []driver.EntryRow, err error) {
	var named []*driver.AccountRow
	r.paths(func(path string) { named = append(named, accounts[path]) })
	before := slices.Clone(d.entries)
	err = apply(d, named, r, now, key)
	for _, c := range d.changes {
		row := *c.account
		c.account = &row
		c.keep()
		rows = append(rows, row)
	}
	if !cmp.Equal(before, d.entries[:len(before)], cmpopts.EquateEmpty()) {
		return nil, nil, errors.New("apply changed entries of other requests")
	}
	return rows, append(entries, d.entries[len(before):]...), err
}

// TestApplyKeepsTheLaws draws accounts and transfers and looks at what apply makes of them, posted or refused.
func TestApplyKeepsTheLaws(t *testing.T) {
	t.Parallel()
	posted, refused := 0, map[bursar.Code]int{}
	rapid.Check(t, func(t *rapid.T) {
		var used draft
		for range 30 {
			accounts, r, now := anyAccounts(t), anyTransfer(t), bursar.Instant(60)
			before, content := snapshot(accounts), string(r.bytes)
			rows, entries, err := applied(&used, accounts, r, now, 1000)
			if diff := cmp.Diff(before, snapshot(accounts)); diff != "" || string(r.bytes) != content {
				t.Fatalf("apply changed what it was given (-before +after):\n%s", diff)
			}
			again, entriesAgain, errAgain := applied(&draft{}, accounts, r, now, 1000)
			if !cmp.Equal(rows, again) || !cmp.Equal(entries, entriesAgain) || fmt.Sprint(err) != fmt.Sprint(errAgain) {
				t.Fatalf("apply gave two answers: %v and %v", err, errAgain)
			}
			if err != nil {
				if rows != nil || entries != nil || !bursar.Describe(bursar.CodeOf(err)).Remembered {
					t.Fatalf("%v came with %v and %v", err, rows, entries)
				}
				refused[bursar.CodeOf(err)]++
				continue
			}
			posted++
			checkEntries(t, before, r, now, entries)
			checkRows(t, before, rows, entries)
		}
	})
	for _, code := range []bursar.Code{
		bursar.CodeAccountNotFound, bursar.CodeAccountFrozen, bursar.CodeAccountClosed, bursar.CodeCurrencyMismatch,
		bursar.CodeEffectiveInFuture, bursar.CodeTooLate, bursar.CodeVersionChanged,
		bursar.CodeConditionFailed, bursar.CodeInsufficientFunds, bursar.CodeLimitExceeded} {
		if refused[code] == 0 {
			t.Errorf("no draw was refused with %s: the property was not looked at there", code)
		}
	}
	if posted == 0 {
		t.Error("no draw was posted")
	}
}

// checkEntries replays the entries one by one over the accounts as they were.
func checkEntries(
	t *rapid.T, before map[string]driver.AccountRow, r *request, now bursar.Instant, entries []driver.EntryRow,
) {
	if len(entries) != len(r.transfer.Legs) || len(entries) != r.entries() {
		t.Fatalf("%d entries for %d legs", len(entries), len(r.transfer.Legs))
	}
	state := maps.Clone(before)
	for i, e := range entries {
		leg := r.transfer.Legs[i]
		if e.From != leg.From || e.To != leg.To || e.Amount != leg.Amount || e.Leg != i ||
			e.Kind != bursar.EntryLeg || e.Key != 1000+int64(i) ||
			e.Transfer != r.id || e.RequestHash != r.hash ||
			e.Decided != now ||
			e.Backdated != !r.transfer.Effective.IsZero() {
			t.Fatalf("leg %d, %+v, is recorded as %+v", i, leg, e)
		}
		step(t, state, e.From, leg.Amount.Neg(), e.FromAfter, e.FromPrev, e.Key)
		step(t, state, e.To, leg.Amount, e.ToAfter, e.ToPrev, e.Key)
	}
}

// step adds to an account and compares with what the entry says came of it. No limit may be broken.
func step(
	t *rapid.T, state map[string]driver.AccountRow, path string, amount money.Amount, after bursar.After, prev, key int64,
) {
	a := state[path]
	if prev != a.LastEntry {
		t.Fatalf("entry %d points back from %s to %d, its last entry is %d", key, path, prev, a.LastEntry)
	}
	var err error
	if a.Balance, err = a.Balance.Add(amount); err != nil {
		t.Fatal(err)
	}
	a.Version, a.LastEntry = a.Version+1, key
	if want := (bursar.After{Version: a.Version, Balance: a.Balance, Held: a.Held}); after != want {
		t.Fatalf("entry %d says %+v of %s, want %+v", key, after, path, want)
	}
	available, err := a.Available()
	if err != nil {
		t.Fatal(err)
	}
	if order, err := available.Cmp(a.Min.Amount); a.Min.Set && amount.Sign() < 0 && (err != nil || order < 0) {
		t.Fatalf("%s has %v available, below its minimum %v", path, available, a.Min.Amount)
	}
	if order, err := a.Balance.Cmp(a.Max.Amount); a.Max.Set && amount.Sign() > 0 && (err != nil || order > 0) {
		t.Fatalf("%s has %v, above its maximum %v", path, a.Balance, a.Max.Amount)
	}
	state[path] = a
}

// checkRows compares the accounts that change with those before and with the entries: nothing but the balance, the
// version and the last entry moves, and what one loses others gain.
func checkRows(t *rapid.T, before map[string]driver.AccountRow, rows []driver.AccountRow, entries []driver.EntryRow) {
	touched := map[string]int64{}
	for _, e := range entries {
		touched[e.From]++
		touched[e.To]++
	}
	if len(rows) != len(touched) {
		t.Fatalf("%d accounts change, the legs touch %d", len(rows), len(touched))
	}
	sum := money.Zero(rows[0].Currency)
	for _, row := range rows {
		was := before[row.Path]
		change, err := row.Balance.Sub(was.Balance)
		if err != nil {
			t.Fatal(err)
		}
		if sum, err = sum.Add(change); err != nil {
			t.Fatal(err)
		}
		if row.Version != was.Version+touched[row.Path] || row.Decided < was.Decided {
			t.Fatalf("%s went from %+v to %+v", row.Path, was, row)
		}
		was.Version, was.Balance, was.LastEntry, was.Decided = row.Version, row.Balance, row.LastEntry, row.Decided
		if diff := cmp.Diff(was, row); diff != "" {
			t.Fatalf("more than the money of %s changed:\n%s", row.Path, diff)
		}
	}
	if !sum.IsZero() {
		t.Fatalf("the balances together changed by %v", sum)
	}
}

func TestApplyOpens(t *testing.T) {
	t.Parallel()
	usd := currencyOf(t, "USD")
	most := money.FromUnits(500, usd)
	r, err := requestOpen(&bursar.Opening{Path: "users:1", Currency: usd, Max: &most})
	if err != nil {
		t.Fatal(err)
	}
	zero := money.Zero(usd)
	rows, entries, err := applied(&draft{}, nil, r, 7, 30)
	if err != nil {
		t.Fatal(err)
	}
	wantRow := driver.AccountRow{
		Path:      "users:1",
		Currency:  usd,
		Version:   1,
		Balance:   zero,
		Held:      zero,
		Decided:   7,
		LastEntry: 30,
		Min:       driver.Limit{Set: true, Amount: zero},
		Max:       driver.Limit{Set: true, Amount: most},
	}
	wantEntry := driver.EntryRow{
		Key: 30,
		Entry: bursar.Entry{
			Kind:        bursar.EntryOpen,
			Transfer:    bursar.IDOf("account.open", "users:1"),
			RequestHash: r.hash,
			To:          "users:1",
			Amount:      zero,
			ToAfter:     bursar.After{Version: 1, Balance: zero, Held: zero},
			Decided:     7,
		},
	}
	if diff := cmp.Diff([]driver.AccountRow{wantRow}, rows); diff != "" {
		t.Errorf("the account (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]driver.EntryRow{wantEntry}, entries); diff != "" {
		t.Errorf("the entry (-want +got):\n%s", diff)
	}
	taken := map[string]*driver.AccountRow{"users:1": &rows[0]}
	if _, _, err := applied(&draft{}, taken, r, 8, 31); bursar.CodeOf(err) != bursar.CodeAccountExists {
		t.Errorf("opening it again: %v", err)
	}
}

// TestApplyHonoursHolds spends what is held, which a balance alone would allow.
func TestApplyHonoursHolds(t *testing.T) {
	t.Parallel()
	usd := currencyOf(t, "USD")
	zero := money.Zero(usd)
	from := &driver.AccountRow{
		Number:   1,
		Path:     "from",
		Currency: usd,
		Version:  1,
		Balance:  money.FromUnits(100, usd),
		Held:     money.FromUnits(30, usd),
		Min:      driver.Limit{Set: true, Amount: zero},
	}
	to := &driver.AccountRow{Number: 2, Path: "to", Currency: usd, Version: 1, Balance: zero, Held: zero}
	for units, want := range map[int64]bursar.Code{70: "", 71: bursar.CodeInsufficientFunds} {
		r, err := requestOf(
			&bursar.Transfer{
				ID:   bursar.ID{15: 1},
				Legs: []bursar.Leg{{From: "from", To: "to", Amount: money.FromUnits(units, usd)}},
			},
		)
		if err != nil {
			t.Fatal(err)
		}
		accounts := map[string]*driver.AccountRow{"from": from, "to": to}
		if _, _, err := applied(&draft{}, accounts, r, 1, 1); bursar.CodeOf(err) != want {
			t.Errorf("sending %d of 100 with 30 held: %v, want code %q", units, err, want)
		}
	}
}
