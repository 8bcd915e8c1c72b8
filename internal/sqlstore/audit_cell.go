package sqlstore

import (
	"database/sql"
	"fmt"
	"math"
	"strconv"

	"github.com/bursar-ledger/bursar"
)

// auditCell is the place of one column of an entry, into which row after row is read without an allocation. It refuses
// what database/sql would refuse to put into that place.
type auditCell struct {
	place any   // of auditedFields, or a number
	zero  *bool // is set where a zero stands for NULL
}

// Scan implements sql.Scanner.
func (c *auditCell) Scan(value any) error {
	switch v := value.(type) {
	case int64:
		return c.setInt(v)
	case []byte:
		return c.setBytes(v)
	case nil:
		return c.setNull()
	default:
		return bursar.Errorf(bursar.CodeCorrupt, "a %T stands in an entry", value)
	}
}

func (c *auditCell) setInt(v int64) error {
	switch p := c.place.(type) {
	case *int64:
		*p = v
	case *sql.NullInt64:
		p.Int64, p.Valid = v, true
	case *orZero:
		*p = orZero(v)
		if v == 0 {
			*c.zero = true
		}
	case *int:
		*p = int(v)
	case *uint8:
		if v < 0 || v > math.MaxUint8 {
			return bursar.Errorf(bursar.CodeCorrupt, "%d stands where less than 256 is stored", v)
		}
		*p = uint8(v)
	default:
		return bursar.Errorf(bursar.CodeCorrupt, "a number stands where a blob is stored")
	}
	return nil
}

// setBytes sets a blob, or a number that the driver hands out as text.
func (c *auditCell) setBytes(v []byte) error {
	if p, ok := c.place.(*fixedBytes); ok {
		if len(v) != len(p.target) {
			return bursar.Errorf(bursar.CodeCorrupt, "a blob of %d bytes stands where %d are stored", len(v), len(p.target))
		}
		copy(p.target, v)
		return nil
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil {
		return fmt.Errorf("a number of an entry: %w", err)
	}
	return c.setInt(n)
}

// setNull leaves what may be absent as it is.
func (c *auditCell) setNull() error {
	switch c.place.(type) {
	case *sql.NullInt64, *orZero, *fixedBytes:
		return nil
	default:
		return bursar.Errorf(bursar.CodeCorrupt, "NULL stands where a number is stored")
	}
}
