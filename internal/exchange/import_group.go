package exchange

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/bursar-ledger/bursar"
)

// item is one transfer of a file with its rows.
type item struct {
	transfer bursar.Transfer
	rows     []Row
	content  digest
}

// digest stands for the content of a transfer: what the ledger compares when an id comes again.
type digest [16]byte

// groups joins the rows of a file to transfers and gives an id to those without.
//
// Rows that follow each other with the same id are the legs of one transfer, in order. A row without an id is a
// transfer of its own. Its id comes from its content and from how many equal rows stand before it, so equal rows all
// post, and the same file read again gives the same ids. They stand for things, so what was refused is asked for again.
// The count takes about 40 bytes for each such row.
type groups struct {
	rows    *Rows
	waiting *Row // read but not part of the item before
	times   map[digest]uint32
}

func newGroups(rows *Rows) *groups { return &groups{rows: rows, times: make(map[digest]uint32)} }

// next is the next transfer, or io.EOF.
func (g *groups) next() (*item, error) {
	first, err := g.row()
	if err != nil {
		return nil, err
	}
	if first.Leg > 0 {
		return nil, g.legs(first, columnLeg, "leg %d does not follow leg %d of the same id", first.Leg, first.Leg-1)
	}
	it := &item{rows: []Row{*first}}
	for !first.ID.IsZero() {
		row, err := g.row()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if row.ID != first.ID || row.Leg == 0 {
			g.waiting = row
			break
		}
		if err := g.join(it, row); err != nil {
			return nil, err
		}
	}
	it.assemble(g)
	return it, nil
}

func (g *groups) row() (*Row, error) {
	if row := g.waiting; row != nil {
		g.waiting = nil
		return row, nil
	}
	row, err := g.rows.Next()
	return &row, err
}

// join adds a row to the transfer of the rows before it.
func (g *groups) join(it *item, row *Row) error {
	first, last := &it.rows[0], &it.rows[len(it.rows)-1]
	switch {
	case len(it.rows) == bursar.LegsMax:
		return g.legs(row, columnID, "a transfer has at most %d legs", bursar.LegsMax)
	case row.Leg >= 0 && row.Leg != len(it.rows):
		return g.legs(row, columnLeg, "leg %d follows %d legs of the same id", row.Leg, len(it.rows))
	case row.Leg < 0 && same(row, last):
		return g.legs(row, columnID, "the row repeats the row before it: take it out, or number the legs in the column "+
			"leg if both are meant")
	case !row.Effective.IsZero() && !row.Effective.Equal(first.Effective):
		return g.differs(row, columnEffective)
	case row.Reference != "" && row.Reference != first.Reference:
		return g.differs(row, columnReference)
	case len(row.Metadata) > 0 && !maps.Equal(row.Metadata, first.Metadata):
		return g.differs(row, columnMetadata)
	}
	it.rows = append(it.rows, *row)
	return nil
}

// same reports whether two rows are equal in all that a leg consists of.
func same(a, b *Row) bool {
	return a.From == b.From && a.To == b.To && a.Amount == b.Amount &&
		equal(a.FromBalance, b.FromBalance) && equal(a.ToBalance, b.ToBalance)
}

func equal[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

func (g *groups) differs(row *Row, c column) error {
	return g.legs(row, c, "it is not that of the transfer's first row: repeat it or leave it out")
}

// legs is the error of a row that does not fit as a leg.
func (g *groups) legs(row *Row, c column, format string, args ...any) error {
	return g.fault(row, c, bursar.Errorf(bursar.CodeLegsInvalid, format, args...))
}

func (g *groups) fault(row *Row, c column, err error) error {
	return g.rows.place(&fault{line: row.Line, column: columnNames[c], err: err})
}

// assemble makes the transfer of the rows.
func (it *item) assemble(g *groups) {
	first := &it.rows[0]
	t := &it.transfer
	t.ID, t.Effective, t.Reference, t.Metadata = first.ID, first.Effective, first.Reference, first.Metadata
	t.Legs = make([]bursar.Leg, len(it.rows))
	for i := range it.rows {
		t.Legs[i] = bursar.Leg{From: it.rows[i].From, To: it.rows[i].To, Amount: it.rows[i].Amount}
	}
	it.content = digestOf(t)
	if t.ID.IsZero() {
		n := g.times[it.content]
		g.times[it.content] = n + 1
		t.ID = bursar.IDOf("import", fmt.Sprintf("%s/%d", hex.EncodeToString(it.content[:]), n))
	}
}

// digestOf hashes all that makes the transfer what it is but its id. Every text has its length before it, so that no
// two transfers give the same bytes. The balances that a file expects are not part of it.
func digestOf(t *bursar.Transfer) digest {
	var b []byte
	text := func(s string) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	effective := ""
	if !t.Effective.IsZero() {
		effective = fmt.Sprint(t.Effective.UnixNano())
	}
	text("bursar import v1")
	text(effective)
	text(t.Reference)
	text(strconv.Itoa(len(t.Metadata)))
	for _, key := range slices.Sorted(maps.Keys(t.Metadata)) {
		text(key)
		text(t.Metadata[key])
	}
	for i := range t.Legs {
		leg := &t.Legs[i]
		text(leg.From)
		text(leg.To)
		text(leg.Amount.String())
	}
	sum := sha256.Sum256(b)
	return digest(sum[:16])
}
