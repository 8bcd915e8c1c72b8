package sqlstore

import (
	"database/sql"
	"fmt"

	"github.com/bursar-ledger/bursar"
)

// stored is a place whose value looks different in the database.
type stored interface {
	sql.Scanner
	value() any
}

// valueOf is the value in a place, as drivers take it.
func valueOf(place any) any {
	switch p := place.(type) {
	case *int64:
		return *p
	case *int:
		return int64(*p)
	case *uint8:
		return int64(*p)
	case *string:
		return *p
	case *[]byte:
		return *p
	case *sql.NullInt64:
		if p.Valid {
			return p.Int64
		}
		return nil
	case *sql.NullString:
		return orNull(p.String)
	case stored:
		return p.value()
	default:
		panic(fmt.Sprintf("sqlstore: a %T holds no column", place))
	}
}

// orNull is NULL for the empty string.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// fixedBytes is a blob of exactly the length of its target.
type fixedBytes struct {
	target []byte
	absent bool // is written as NULL
}

func fixed(target []byte) *fixedBytes { return &fixedBytes{target: target} }

// Scan implements sql.Scanner. NULL leaves the target as it is.
func (f *fixedBytes) Scan(value any) error {
	switch v := value.(type) {
	case nil:
		return nil
	case []byte:
		if len(v) != len(f.target) {
			return bursar.Errorf(bursar.CodeCorrupt,
				"a blob of %d bytes stands where %d are stored", len(v), len(f.target))
		}
		copy(f.target, v)
		return nil
	default:
		return bursar.Errorf(bursar.CodeCorrupt, "a %T stands where a blob is stored", value)
	}
}

func (f *fixedBytes) value() any {
	if f.absent {
		return nil
	}
	return f.target
}

// orZero is a number that is NULL when it is zero.
type orZero int64

// Scan implements sql.Scanner.
func (z *orZero) Scan(value any) error {
	var n sql.NullInt64
	err := n.Scan(value)
	*z = orZero(n.Int64)
	return err
}

func (z *orZero) value() any {
	if *z == 0 {
		return nil
	}
	return int64(*z)
}

// optionalText is a text that is NULL when it is empty.
type optionalText struct {
	target *string
	blank  *bool // is set where an empty text was stored; nil where nobody asks
}

// Scan implements sql.Scanner.
func (o *optionalText) Scan(value any) error {
	var text sql.NullString
	if err := text.Scan(value); err != nil {
		return err
	}
	*o.target = text.String
	if o.blank != nil && text.Valid && text.String == "" {
		*o.blank = true
	}
	return nil
}

func (o *optionalText) value() any { return orNull(*o.target) }
