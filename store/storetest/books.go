package storetest

import (
	"context"
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
)

var bookCases = []testCase{
	{"two books are apart", twoBooks},
	{"a book's name is a path", bookNames},
	{"a book keeps its identity", bookIdentity},
}

func twoBooks(f *fixture) {
	first := f.ledger
	second := f.start(&ledger.Options{Book: "tenants:2", Migrate: true})
	if a, b := first.Book(), second.Book(); a.Name != "main" || a.UUID == b.UUID || a.Number == b.Number {
		f.Errorf("the books are %+v and %+v", a, b)
	}
	t := move("users:1", "world", "1.00 USD")
	t.ID, t.Reference = id(1), "order 7"
	f.funded("users:1")
	f.post(t)
	head, accounts, entries := f.head(), f.everything(), f.journal(first)

	f.ledger = second
	f.wantSame("the accounts of a new book", []bursar.Account{}, f.everything())
	f.wantSame("the head of a new book", int64(0), f.head().Seq)
	_, err := second.Transfer(f.Context(), id(1))
	f.wantError(err, bursar.CodeTransferNotFound, "")
	f.refused(move("users:1", "world", "1.00 USD"), bursar.CodeAccountNotFound, "legs[0].from")
	f.funded("users:1")
	if posted := f.post(t); posted.Replayed { // the same id and reference are free here
		f.Error("another book's transfer was replayed")
	}
	f.pay("users:1", "world", "50.00 USD")
	f.wantBalance("users:1", "49.00 USD")
	f.wantChain(second)
	f.trialBalance()

	f.ledger = first
	f.wantSame("the head of the first book", head, f.head())
	f.wantSame("the accounts of the first book", accounts, f.everything())
	f.wantSame("the journal of the first book", entries, f.journal(first))
	f.wantChain(first)
	f.pay("users:1", "world", "1.00 USD")
	f.wantChain(first)
}

func bookNames(f *fixture) {
	for _, name := range []string{"a b", ":", "a\x00", strings.Repeat("x", 256)} {
		_, err := ledger.New(context.Background(), f.Store, &ledger.Options{Book: name})
		f.wantError(err, bursar.CodeAccountInvalid, "book")
	}
	a, b := f.start(&ledger.Options{Book: "Shop", Migrate: true}), f.start(&ledger.Options{Book: "shop", Migrate: true})
	if a.Book().UUID == b.Book().UUID {
		f.Error("two names that differ in case name one book")
	}
}

func bookIdentity(f *fixture) {
	again := f.startOver(f.Reopen(f.T), &ledger.Options{Book: "main"})
	f.wantSame("the book", f.ledger.Book(), again.Book())
	if uuid := bursar.ID(again.Book().UUID).String(); uuid[14] != '4' {
		f.Errorf("the book's UUID %s is not of version 4", uuid)
	}
}
