package sqlstore

import (
	"fmt"
	"math"
	"slices"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/money"
)

// account is an account on its way between Go and the database: a row of bursar_account with its row of
// bursar_balance. What both sides write alike stands in the rows of package driver; the rest is here as it is stored.
type account struct {
	*driver.AccountRow
	record *driver.AccountRecord // has the row; nil where only a decision wants the account

	book                     int64
	currency                 currency
	state                    int64
	balance, held, available pair
	min, max                 bound

	stored money.Amount // available, after decode
	blank  bool         // a text that should be NULL is empty, after a scan
}

// A new column of bursar_account or bursar_balance is one line in one of these lists. The texts of all engines follow.
var (
	accountKey = fields[account]{
		{Column{"a", "account", Bigint}, func(a *account) any { return &a.Number }},
	}
	accountBook = fields[account]{
		{Column{"a", "book", Bigint}, func(a *account) any { return &a.book }},
	}
	// Of bursar_account, what a decision reads.
	accountFacts = fields[account]{
		{Column{"a", "path", Text}, func(a *account) any { return &a.Path }},
		{Column{"a", "currency", Text}, func(a *account) any { return &a.currency.code }},
		{Column{"a", "scale", Integer}, func(a *account) any { return &a.currency.scale }},
	}
	// Of bursar_account, what only readers want.
	accountNotes = fields[account]{
		{Column{"a", "opened", Bigint}, func(a *account) any { return (*int64)(&a.record.Opened) }},
		{Column{"a", "metadata", Text}, func(a *account) any { return &optionalText{&a.record.Metadata, &a.blank} }},
	}
	// Of bursar_balance, what is written when the account is opened and not again.
	balanceTerms = fields[account]{
		{Column{"b", "state", Integer}, func(a *account) any { return &a.state }},
		{Column{"b", "available_min", Bigint}, func(a *account) any { return &a.min.lo }},
		{Column{"b", "available_min_hi", Bigint}, func(a *account) any { return &a.min.hi }},
		{Column{"b", "balance_max", Bigint}, func(a *account) any { return &a.max.lo }},
		{Column{"b", "balance_max_hi", Bigint}, func(a *account) any { return &a.max.hi }},
	}
	// Of bursar_balance, what every posting writes.
	balanceMoves = fields[account]{
		{Column{"b", "version", Bigint}, func(a *account) any { return &a.Version }},
		{Column{"b", "balance", Bigint}, func(a *account) any { return &a.balance.lo }},
		{Column{"b", "balance_hi", Bigint}, func(a *account) any { return &a.balance.hi }},
		{Column{"b", "held", Bigint}, func(a *account) any { return &a.held.lo }},
		{Column{"b", "held_hi", Bigint}, func(a *account) any { return &a.held.hi }},
		{Column{"b", "available", Bigint}, func(a *account) any { return &a.available.lo }},
		{Column{"b", "available_hi", Bigint}, func(a *account) any { return &a.available.hi }},
		{Column{"b", "decided", Bigint}, func(a *account) any { return (*int64)(&a.Decided) }},
		{Column{"b", "last_entry", Bigint}, func(a *account) any { return &a.LastEntry }},
	}
	// The row of bursar_balance that a posting changes, and the version that it must still have.
	balanceGuard = fields[account]{
		{Column{"b", "account", Bigint}, func(a *account) any { return &a.Number }},
		{Column{"b", "locked", Bigint}, func(a *account) any { return &a.Locked }},
	}

	accountFields    = slices.Concat(accountKey, accountFacts, balanceTerms, balanceMoves)
	pathFields       = slices.Concat(accountKey, accountFacts)
	recordFields     = slices.Concat(accountFields, accountNotes)
	newAccountFields = slices.Concat(accountKey, accountBook, accountFacts, accountNotes)
	newBalanceFields = slices.Concat(accountKey, balanceTerms, balanceMoves)
	changeFields     = slices.Concat(balanceGuard, balanceMoves)
)

// The columns of accounts, for the statements of the engines.
var (
	AccountColumns = accountFields.columns()    // of an account that is decided on
	PathColumns    = pathFields.columns()       // of an account whose name alone is read
	RecordColumns  = recordFields.columns()     // of an account that is only read
	NewAccount     = newAccountFields.columns() // InsertAccounts
	NewBalance     = newBalanceFields.columns() // InsertBalances
	BalanceGuard   = balanceGuard.columns()     // UpdateBalances: the account and the version that it must have
	BalanceMoves   = balanceMoves.columns()     // UpdateBalances: what is written
	BalanceChange  = changeFields.columns()     // UpdateBalances: both
)

// encode sets what is stored from a row that was decided.
func (a *account) encode() {
	available, err := a.Available()
	if err != nil {
		panic(fmt.Sprintf("sqlstore: account %s was decided with an impossible balance: %v", a.Path, err))
	}
	a.currency, a.state = currencyOf(a.Currency), int64(a.State)
	a.balance, a.held, a.available = pairOf(a.Balance), pairOf(a.Held), pairOf(available)
	a.min, a.max = boundOf(a.Min), boundOf(a.Max)
}

// decode sets a row from what is stored.
func (a *account) decode() (err error) {
	if a.Currency, err = a.currency.decoded(); err != nil {
		return err
	}
	if a.state < 0 || a.state > math.MaxUint8 {
		return bursar.Errorf(bursar.CodeCorrupt, "there is no state %d of an account", a.state)
	}
	a.State, a.Locked = bursar.AccountState(a.state), a.Version
	c := amounts{currency: a.Currency}
	a.Balance, a.Held, a.stored = c.of(a.balance), c.of(a.held), c.of(a.available)
	a.Min, a.Max = c.limit(a.min), c.limit(a.max)
	return c.err
}

// agrees refuses an account whose stored available balance is not what the balance and the held amount make.
func (a *account) agrees() error {
	if computed, err := a.Available(); err != nil || computed != a.stored {
		return bursar.Errorf(bursar.CodeCorrupt,
			"account %s stores %v as available, but its balance is %v with %v held",
			a.Path, a.stored, a.Balance, a.Held)
	}
	return nil
}

// scanAccount reads AccountColumns.
func scanAccount(scan scanner, row *driver.AccountRow) error {
	return (&account{AccountRow: row}).scan(scan, accountFields)
}

// scanRecord reads RecordColumns.
func scanRecord(scan scanner, record *driver.AccountRecord) error {
	return (&account{AccountRow: &record.AccountRow, record: record}).scan(scan, recordFields)
}

func (a *account) scan(scan scanner, f fields[account]) error {
	if err := scan(f.targets(a)...); err != nil {
		return err
	}
	if err := a.decode(); err != nil {
		return err
	}
	return a.agrees()
}
