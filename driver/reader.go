package driver

import (
	"context"

	"github.com/bursar-ledger/bursar"
)

// Reader is the reading side of a store over one snapshot. It is not safe for concurrent use.
type Reader interface {
	// Head is the journal's last position, with the UUID of the book that it belongs to.
	Head(ctx context.Context, book int64) (bursar.Head, error)
	// Now is the time by the database's own clock; 0 where it has none that serves.
	Now(ctx context.Context, book int64) (bursar.Instant, error)
	// Account is one account; nil when there is none.
	Account(ctx context.Context, book int64, path string) (*AccountRecord, error)
	// Accounts are those whose path begins with prefix and sorts after the path given, in order of path.
	Accounts(ctx context.Context, book int64, prefix, after string, limit int) ([]AccountRecord, error)
	// AccountsOf are those of the paths that exist, in any order. No path is named twice.
	AccountsOf(ctx context.Context, book int64, paths []string) ([]AccountRecord, error)
	// Request is what is remembered of an id with its entries in order; nil when there is nothing.
	Request(ctx context.Context, book int64, id bursar.ID) (*RequestRecord, []EntryRow, error)
	// Referenced is the id of the posted transfer with a reference; zero when there is none.
	Referenced(ctx context.Context, book int64, reference string) (bursar.ID, error)
	// Journal are the sealed entries after a position, in order. Of their Notes, Seq and At are missing.
	Journal(ctx context.Context, book, after int64, limit int) ([]EntryRow, error)
	// Back walks an account's entries backwards from the entry with this key, at most limit of them. They have no
	// RequestHash.
	Back(ctx context.Context, account, key int64, limit int) ([]EntryRow, error)
	// History is Back with the Notes of the entries.
	History(ctx context.Context, account, key int64, limit int) ([]EntryRow, error)
	// Mark is the key of an entry of the account from which walking back soon comes to the place asked for: that of the
	// first checkpoint whose position or version is at least n. 0 when there is none; then the account's last entry
	// is such a place.
	Mark(ctx context.Context, account int64, by MarkBy, n int64) (key int64, err error)
	// Backdated are the account's backdated entries with an effective time of at most effective and a position
	// after seq. They have no RequestHash.
	Backdated(ctx context.Context, account int64, effective bursar.Instant, seq int64) ([]EntryRow, error)
}

// MarkBy says what Reader.Mark compares.
type MarkBy uint8

// What Reader.Mark compares.
const (
	MarkSeq MarkBy = iota
	MarkVersion
)
