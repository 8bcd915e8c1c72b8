package ledger

import (
	"context"
	"encoding/binary"
	"strconv"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/money"
)

// memory is a store for measuring the ledger alone: it has accounts and a head, keeps no journal, and writes nothing
// anywhere. What it is given to write it takes for written.
type memory struct {
	driver.Store // what is not asked
	accounts     map[string]*driver.AccountRow
	tx           memoryTx
}

// memoryTx is the only database transaction of a memory: one queue has one writer.
type memoryTx struct {
	driver.Tx // what is not asked
	*memory
	head  bursar.Head
	key   int64
	found driver.Gathered
}

func newMemory(accounts int) *memory {
	m := &memory{accounts: make(map[string]*driver.AccountRow, accounts)}
	zero := money.Zero(dollars)
	for i := range accounts {
		m.accounts[accountPath(i)] = &driver.AccountRow{Number: int64(i*7919%accounts + 1), Path: accountPath(i),
			Currency: dollars, Version: 1, Balance: money.FromUnits(1_000_000_000_000, dollars), Held: zero,
			Min: driver.Limit{Set: true, Amount: zero}, LastEntry: 1}
	}
	m.tx.memory = m
	return m
}

func accountPath(i int) string { return "users:" + strconv.Itoa(i) }

func (m *memory) Schema(context.Context) (have, want int, err error) { return 1, 1, nil }

func (m *memory) SealsLater() bool { return false }

func (m *memory) InTransaction(context.Context) bool { return false }

func (m *memory) Book(_ context.Context, fresh bursar.Book, _ bool) (bursar.Book, error) {
	fresh.Number = 1
	m.tx.head = bursar.Head{Hash: fresh.Genesis, Book: fresh.UUID}
	return fresh, nil
}

func (m *memory) Read(ctx context.Context, fn func(context.Context, driver.Reader) error) error {
	return fn(ctx, &m.tx)
}

func (m *memory) Write(
	ctx context.Context, _ driver.Mode, _ func(string), fn func(context.Context, driver.Tx) error,
) error {
	return fn(ctx, &m.tx)
}

func (t *memoryTx) Head(context.Context, int64) (bursar.Head, error) { return t.head, nil }

func (t *memoryTx) Gather(_ context.Context, _ int64, w *driver.Wanted) (*driver.Gathered, error) {
	t.found = driver.Gathered{Head: t.head, Rows: t.found.Rows[:0]}
	for _, path := range w.Paths {
		row := t.accounts[path]
		if row != nil {
			row.Locked = row.Version
		}
		t.found.Rows = append(t.found.Rows, row)
	}
	return &t.found, nil
}

func (t *memoryTx) Keys(_ context.Context, _ int64, entries, _ int) (entry, account int64, err error) {
	t.key += int64(entries)
	return t.key - int64(entries) + 1, 1, nil
}

func (t *memoryTx) Insert(_ context.Context, b *driver.Batch) error {
	t.head = b.To
	return nil
}

// memoryLedger is a ledger over a memory with so many accounts.
func memoryLedger(tb testing.TB, accounts int) *Ledger {
	tb.Helper()
	l := must(New(tb.Context(), newMemory(accounts), &Options{Strategy: Queue{}}))
	tb.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			tb.Error(err)
		}
	})
	return l
}

// risingID is the id of the nth transfer. Later ids are larger, as those of NewID.
func risingID(n int) (id bursar.ID) {
	binary.BigEndian.PutUint64(id[:], uint64(n+1)<<16)
	id[6], id[8] = 7<<4, 2<<6
	return id
}

// transfersFrom makes transfers with ids from the nth on, each between the two accounts that sides gives.
func transfersFrom(n, count int, sides func(n int) (from, to int)) []bursar.Transfer {
	transfers, legs := make([]bursar.Transfer, count), make([]bursar.Leg, count)
	for i := range transfers {
		from, to := sides(n + i)
		legs[i] = bursar.Leg{From: accountPath(from), To: accountPath(to), Amount: money.FromUnits(i%100+1, dollars)}
		transfers[i] = bursar.Transfer{ID: risingID(n + i), Legs: legs[i : i+1]}
	}
	return transfers
}

// evenly spreads transfers over all accounts in no order.
func evenly(accounts int) func(int) (from, to int) {
	return func(n int) (from, to int) {
		mixed := uint64(n) * 0x9e3779b97f4a7c15
		from, to = int(mixed>>33)%accounts, int(mixed*0xbf58476d1ce4e5b9>>33)%accounts
		if from == to {
			to = (to + 1) % accounts
		}
		return from, to
	}
}

// onto takes all money to one account.
func onto(accounts int) func(int) (from, to int) {
	return func(n int) (from, to int) { return 1 + n%(accounts-1), 0 }
}

const (
	coreAccounts = 10_000
	coreBatch    = 8_190
)

// parts is what the parts of the ledger work on: a call of transfers between many accounts that are there.
func parts(tb testing.TB, transfers int) (*posting, []bursar.Transfer, *judgement, *writer) {
	asked := transfersFrom(0, transfers, evenly(coreAccounts))
	p, l := &posting{}, memoryLedger(tb, coreAccounts)
	if err := l.askAll(p, asked, func(_ int, err error) error { return err }); err != nil {
		tb.Fatal(err)
	}
	return p, asked, &judgement{}, l.writer
}

// named are the accounts of a request, found one by one.
func (m *memory) named(r *request) (accounts []*driver.AccountRow) {
	r.paths(func(path string) { accounts = append(accounts, m.accounts[path]) })
	return accounts
}
