package sqlstore

import (
	"bytes"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// How much a store remembers of each book. An account takes about 400 bytes, an id about 40.
const (
	accountRoom = 1_000_000
	idRoom      = 1 << 17
)

// memory is what a store remembers of a file that it writes over one connection, so that a batch need not read again
// what the one before has written. It is used by one database transaction at a time, between BEGIN IMMEDIATE and COMMIT
// on that connection.
//
// What it holds is believed only under the write lock, and only if three things are known. Nobody else has written to
// the file since: SQLite counts that for each connection. What the store has written itself was committed: the
// connection notes that. And it is still the same connection. In doubt everything is forgotten and read again.
type memory struct {
	conn    Private
	version int64 // of the file, as conn has counted
	// unsettled is the database transaction on conn that has changed the memory; 0 for none.
	unsettled int64
	books     map[int64]*bookMemory
}

// bookMemory is what is remembered of a book.
type bookMemory struct {
	accounts recent[string, *driver.AccountRow]
	ids      gap
}

func newMemory() *memory { return &memory{books: make(map[int64]*bookMemory)} }

func (m *memory) forget() {
	clear(m.books)
	m.unsettled = 0
}

// settle begins a database transaction on conn. What an earlier one has written counts only if that was committed.
func (m *memory) settle(conn Private) {
	_, committed := conn.Blocks()
	if m.conn != conn || m.unsettled != 0 && m.unsettled != committed {
		m.forget()
	}
	m.conn, m.unsettled = conn, 0
}

// believe is what is remembered of a book, if the file still has the version that it had. Else nothing is.
func (m *memory) believe(book, version int64) *bookMemory {
	if m.version != version {
		m.forget()
		m.version = version
	}
	return m.of(book)
}

func (m *memory) of(book int64) *bookMemory {
	b := m.books[book]
	if b == nil {
		b = &bookMemory{accounts: newRecent[string, *driver.AccountRow](accountRoom)}
		m.books[book] = b
	}
	return b
}

// learn takes over what a batch has written, until it is known whether that is committed.
func (m *memory) learn(batch *driver.Batch) {
	m.unsettled, _ = m.conn.Blocks()
	b := m.of(batch.Book)
	for _, row := range batch.Changed {
		b.keep(row)
	}
	for i := range batch.Opened {
		b.keep(&batch.Opened[i].AccountRow)
	}
	for i := range batch.Requests {
		b.ids.add(batch.Requests[i].ID)
	}
	for i := range batch.Entries {
		if e := &batch.Entries[i]; e.Leg == 0 {
			b.ids.add(e.Transfer)
		}
	}
}

// keep remembers a copy of a row as it is stored, which nobody has locked yet.
func (b *bookMemory) keep(row *driver.AccountRow) {
	kept, found := b.accounts.get(row.Path)
	if !found {
		kept = &driver.AccountRow{}
		b.accounts.put(row.Path, kept)
	}
	*kept = *row
	kept.Locked = kept.Version
}

// take copies the accounts that are remembered into rows, by path, and returns the paths of the others.
func (b *bookMemory) take(
	paths []string, into map[string]*driver.AccountRow, rows []driver.AccountRow,
) (others []string) {
	for _, path := range paths {
		kept, found := b.accounts.get(path)
		if !found {
			others = append(others, path)
			continue
		}
		row := &rows[len(into)]
		*row = *kept
		into[path] = row
	}
	return others
}

// recent keeps values until about room others were used since. It has two halves: what is used moves into the young
// one, and when that is full it takes the place of the old one.
type recent[K comparable, V any] struct {
	room       int
	young, old map[K]V
}

func newRecent[K comparable, V any](room int) recent[K, V] {
	return recent[K, V]{room: room, young: make(map[K]V)}
}

func (r *recent[K, V]) get(key K) (value V, found bool) {
	if value, found = r.young[key]; found {
		return value, true
	}
	if value, found = r.old[key]; found {
		r.put(key, value)
	}
	return value, found
}

// put adds a value, and returns those that had to go.
func (r *recent[K, V]) put(key K, value V) (gone map[K]V) {
	if len(r.young) >= r.room/2 {
		gone, r.old, r.young = r.old, r.young, make(map[K]V)
	}
	r.young[key] = value
	return gone
}

// gap is a range of ids of which it is known which are stored: those that the store itself has written since it looked.
// So an id in it that was not written is new, whoever chose it and whatever time it names. Ids that rise with time are
// nearly all in the gap after the greatest of them.
type gap struct {
	known     bool
	low, high bursar.ID // both are outside
	endless   bool      // there is no high
	written   recent[bursar.ID, struct{}]
}

// look sets the gap around an id of which it was read what is stored below it, itself included, and above.
func (g *gap) look(low, high *bursar.ID) {
	*g = gap{known: true, endless: high == nil, written: newRecent[bursar.ID, struct{}](idRoom)}
	if low != nil {
		g.low = *low
	}
	if high != nil {
		g.high = *high
	}
}

func (g *gap) has(id bursar.ID) bool {
	return g.known && bytes.Compare(g.low[:], id[:]) < 0 && (g.endless || bytes.Compare(id[:], g.high[:]) < 0)
}

// add notes that an id was written. When there are too many, the gap begins after those that are given up.
func (g *gap) add(id bursar.ID) {
	if !g.has(id) {
		return
	}
	for gone := range g.written.put(id, struct{}{}) {
		if bytes.Compare(g.low[:], gone[:]) < 0 {
			g.low = gone
		}
	}
}

// unproven are the ids that may be stored, and the least of those that an attempt has; zero if there is none.
func (g *gap) unproven(ids []bursar.ID) (unproven []bursar.ID, least bursar.ID) {
	for _, id := range ids {
		if g.has(id) {
			if _, written := g.written.get(id); !written {
				continue
			}
		}
		unproven = append(unproven, id)
		if !id.Thing() && (least.IsZero() || bytes.Compare(id[:], least[:]) < 0) {
			least = id
		}
	}
	return unproven, least
}
