package sqlstore

import (
	"context"
	"sync"

	"github.com/bursar-ledger/bursar"
)

// keyStock is row keys that the database gave to this store alone. Those of a block that is dropped, or left over when
// the program ends, are never used.
type keyStock struct {
	mu        sync.Mutex
	next, end int64
}

func (k *keyStock) take(n int64) (first int64, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.end-k.next < n {
		return 0, false
	}
	k.next += n
	return k.next - n, true
}

// give adds what is left of a new block, unless there is more of the one at hand.
func (k *keyStock) give(next, end int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if end-next > k.end-k.next {
		k.next, k.end = next, end
	}
}

func (k *keyStock) drop() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.next, k.end = 0, 0
}

// allocator is the part of a tx that reserves row keys.
type allocator struct {
	*session
	stock *keyStock
}

// Places is how many positions a book has where the row key of an entry is its place: book 1 has the keys up to it, and
// each further book as many.
const Places = 1 << 40

// booksMax is how many books there are then.
const booksMax = 1 << 23

// Place is the row key of the entry at a position of a book, where keys are places.
func Place(book, seq int64) int64 { return (book-1)*Places + seq }

// Keys reserves row keys. Where they come in blocks, entries and accounts share the store's own. Elsewhere they are the
// places after the head.
func (a allocator) Keys(ctx context.Context, book int64, entries, accounts int) (entry, account int64, err error) {
	if !a.dialect.Can.KeyBlocks {
		var seq int64
		err = a.query(ctx, a.sql.NextKeys, []any{book}, func(scan scanner) error { return scan(&seq, &account) })
		if err == nil && (book > booksMax || seq > Places-1-int64(entries)) {
			err = bursar.Errorf(bursar.CodeTooLarge, "book %d has %d entries: a file has %d books of less than %d entries",
				book, seq, booksMax, Places)
		}
		return Place(book, seq+1), account, a.fault("reserve keys", err)
	}
	entry, err = a.reserve(ctx, int64(entries+accounts))
	return entry, entry + int64(entries), a.fault("reserve keys", err)
}

// reserve takes n consecutive keys, of a new block if need be.
func (a allocator) reserve(ctx context.Context, n int64) (first int64, err error) {
	if first, ok := a.stock.take(n); ok {
		return first, nil
	}
	size := a.dialect.Limits.Keys
	if n > size {
		return 0, bursar.Errorf(bursar.CodeTooLarge, "%d entries in one database transaction are more than %d", n, size)
	}
	if a.dialect.Can.TakesKeys {
		if _, err := a.db.Exec(ctx, a.sql.TakeKeys); err != nil {
			return 0, err
		}
	}
	err = a.query(ctx, a.sql.NextKeys, nil, func(scan scanner) error { return scan(&first) })
	if err != nil {
		return 0, err
	}
	a.stock.give(first+n, first+size)
	return first, nil
}
