package driver

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// Auditor is what verify reads: every row as it is stored, page by page, over one snapshot. The Reader of a store
// that can be verified is one. A row that cannot be understood comes with a Fault instead of ending the page; an
// error means that the page could not be read at all.
//
// Pages are in rising order of what they are asked to come after. The smallest int64 begins with the first row.
type Auditor interface {
	// AuditBooks are all books of the database with their heads.
	AuditBooks(ctx context.Context) ([]AuditedBook, error)
	// AuditEntries are the sealed entries after a position and a row key, in that order. The names of their accounts are
	// as they were when the Auditor was first asked for entries.
	AuditEntries(ctx context.Context, book, seq, key int64, limit int) ([]AuditedEntry, error)
	// AuditReuse gives the memory of entries that nobody reads any more to the pages of entries that come later. Unlike
	// the other methods, it may be called while one of them runs.
	AuditReuse(entries []AuditedEntry)
	// AuditUnsealed are the entries that are committed and not sealed after a row key, in that order.
	AuditUnsealed(ctx context.Context, book, key int64, limit int) ([]AuditedEntry, error)
	// AuditRequests are the requests after a row.
	AuditRequests(ctx context.Context, book, row int64, limit int) ([]AuditedRequest, error)
	// AuditRequestIDs gives the id of every request to a function, in any order. Those that cannot be read are left out.
	AuditRequestIDs(ctx context.Context, book int64, each func(bursar.ID)) error
	// AuditRequestsOf are the requests with these ids, in any order.
	AuditRequestsOf(ctx context.Context, book int64, ids []bursar.ID) ([]AuditedRequest, error)
	// AuditAccounts are the accounts after a number.
	AuditAccounts(ctx context.Context, book, number int64, limit int) ([]AuditedAccount, error)
	// AuditStrays are kinds of row, in any book, that no page reaches or that point nowhere: all are faults.
	AuditStrays(ctx context.Context) ([]Stray, error)
	// AuditStorage is what the engine itself finds wrong with the ledger's tables and indexes.
	AuditStorage(ctx context.Context) ([]string, error)
	// AuditSchema compares what the database has of the ledger's schema with what the migrations make.
	AuditSchema(ctx context.Context) (AuditedSchema, error)
}

// AuditedSchema is how a schema differs from what the migrations make: tables, columns, checks, keys, indexes,
// triggers, functions, rules and views. Indexes that somebody added are no difference.
type AuditedSchema struct {
	Faults []string // each names an object, how it differs, and what to do
	Notes  []string // what could not be compared, and why; or what differs without meaning anything else
}

// AuditedBook is a book with its head; Head is nil when there is none.
type AuditedBook struct {
	bursar.Book
	Head  *bursar.Head
	Fault error
}

// BookNotFound is the error for a name that no book of a database has. It names those that are there, so that a
// mistyped name is seen.
func BookNotFound(name string, books []AuditedBook) *bursar.Error {
	const most = 10
	var names []string
	for i := range books {
		if books[i].Fault == nil {
			names = append(names, strconv.Quote(books[i].Name))
		}
	}
	others := "none"
	switch n := len(names); {
	case n > most:
		others = fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), n-most)
	case n > 0:
		others = strings.Join(names, ", ")
	}
	missing := bursar.Errorf(bursar.CodeBookNotFound, "there is no book %q: the database has %s", name, others)
	missing.Field = "book"
	return missing
}

// AuditedEntry is an entry, without its RequestHash, with the number of rows that rightly point at it from beside the
// journal. With a Fault only Key and Seq are known.
type AuditedEntry struct {
	EntryRow
	Checkpoints int64
	Backdatings int64 // rows of the index of backdated entries
	Fault       error
}

// AuditedRequest is a request with its row key and the id that its last entry belongs to. With a Fault only Row is
// known.
type AuditedRequest struct {
	RequestRecord
	Row     int64
	EntryOf bursar.ID // zero when there is no such entry
	Fault   error
}

// AuditedAccount is an account with the available balance as it is stored. With a Fault only Number is known.
type AuditedAccount struct {
	AccountRecord
	Stored money.Amount // available
	Fault  error
}

// Stray is a kind of row that should not exist, and how many there are.
type Stray struct {
	What string
	Rows int64
}
