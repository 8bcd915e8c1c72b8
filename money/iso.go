package money

// isoRow is a line of the ISO 4217 tables in iso4217.go. They are sorted by
// code and never written to.
type isoRow struct {
	code      string
	name      string
	withdrawn string // year and month, empty in the table of active codes
	numeric   uint16
	scale     int8 // -1 where ISO says N.A.
}

func (r *isoRow) currency() Currency {
	return Currency{code: r.code, scale: uint8(r.scale), iso: true}
}

// findUnits returns the line, active or withdrawn, of a code that has a
// number of decimals, or nil. No code is in both tables.
func findUnits(code string) *isoRow {
	row := findISO(isoActive[:], code)
	if row == nil {
		row = findISO(isoWithdrawn[:], code)
	}
	if row == nil || row.scale < 0 {
		return nil
	}
	return row
}

// findISO returns the line of a code, or nil.
func findISO(table []isoRow, code string) *isoRow {
	if len(code) != 3 {
		return nil
	}
	want := isoKey(code)
	low, high := 0, len(table)
	for low < high {
		mid := (low + high) / 2
		switch got := isoKey(table[mid].code); {
		case got == want:
			return &table[mid]
		case got < want:
			low = mid + 1
		default:
			high = mid
		}
	}
	return nil
}

// isoKey packs three bytes into a number of the same order: comparing numbers
// is several times quicker than comparing strings.
func isoKey(code string) uint32 {
	return uint32(code[0])<<16 | uint32(code[1])<<8 | uint32(code[2])
}
