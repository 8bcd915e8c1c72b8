package bursar

import (
	"crypto/sha256"
	"database/sql/driver"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"reflect"
	"strconv"

	"github.com/bursar-ledger/bursar/internal/brief"
)

// ID names a transfer or an act on an account, 128 bits chosen by the caller. It is the idempotency key: the
// same id with the same content gives the first result again, and other content is [ErrIDReused]. Transfers and
// acts share one id space per book. The zero ID means "make one for me".
//
// An ID stands for a thing or for an attempt; see [ID.Thing].
type ID [16]byte

// Thing reports whether id stands for a thing that should happen once, such as the payment of an order. Such ids are
// made of a name: they are UUIDs of RFC 9562 with version 3, 5 or 8, as [IDOf] makes them. A refusal is not
// remembered under a thing's id, so that the same call may succeed later, when there is money.
//
// Any other id stands for an attempt. When a post under it is refused for a reason that depends on the ledger's state,
// that refusal is the answer for ever: the same call gets it again, marked with [Error.Replayed].
func (id ID) Thing() bool {
	version := id[6] >> 4
	return id[8]>>6 == 2 && (version == 3 || version == 5 || version == 8)
}

// IsZero reports whether id is the zero ID.
func (id ID) IsZero() bool { return id == ID{} }

// String is the UUID form, 36 lower-case characters.
func (id ID) String() string {
	var b [36]byte
	hex.Encode(b[0:8], id[0:4])
	hex.Encode(b[9:13], id[4:6])
	hex.Encode(b[14:18], id[6:8])
	hex.Encode(b[19:23], id[8:10])
	hex.Encode(b[24:], id[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}

// ParseID reads the UUID form, in either case, or 32 hexadecimal digits. Anything else, and the zero id, is
// [ErrIDInvalid].
func ParseID(s string) (ID, error) {
	digits := s
	if len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' {
		digits = s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	}
	var id ID
	if len(digits) != 32 {
		return ID{}, Errorf(CodeIDInvalid, "%q is not a UUID such as 0192f0c1-2345-7abc-8def-0123456789ab", brief.Text(s))
	}
	if _, err := hex.Decode(id[:], []byte(digits)); err != nil {
		return ID{}, Errorf(CodeIDInvalid, "%q is not a UUID: it has other characters than hexadecimal digits", brief.Text(s))
	}
	if id.IsZero() {
		return ID{}, Errorf(CodeIDInvalid, "the zero UUID names nothing; leave the id out to have one made")
	}
	return id, nil
}

// MarshalText is String.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText is ParseID.
func (id *ID) UnmarshalText(text []byte) (err error) {
	*id, err = ParseID(string(text))
	return err
}

// Value is the 16 bytes of the id, for a column of type BLOB on SQLite, uuid on PostgreSQL and BINARY(16) on MariaDB:
// what the ledger's own tables and views have. Write [ID.String] to a column of texts, and where a driver sends bytes
// in a form that the engine takes for no uuid; docs/schema.md lists columns, joins and drivers. The zero id is
// [ErrIDInvalid].
func (id ID) Value() (driver.Value, error) {
	if id.IsZero() {
		return nil, Errorf(CodeIDInvalid, "the zero id names nothing: set one before it is stored")
	}
	return id[:], nil
}

// Scan reads 16 bytes or what [ParseID] reads. NULL is [ErrIDInvalid]; scan a column that may be NULL into a
// sql.Null[bursar.ID].
func (id *ID) Scan(value any) (err error) {
	switch v := value.(type) {
	case []byte:
		if len(v) != len(id) {
			*id, err = ParseID(string(v))
			return err
		}
		if [16]byte(v) == ([16]byte{}) {
			return Errorf(CodeIDInvalid, "the zero id names nothing")
		}
		copy(id[:], v)
		return nil
	case string:
		*id, err = ParseID(v)
		return err
	case [16]byte:
		return id.Scan(v[:])
	default:
		return Errorf(CodeIDInvalid, "a %T is no id: it needs 16 bytes or a UUID as text", value)
	}
}

// IDOf makes the id of a thing that the application has already named: the same kind and parts give the same id on
// every machine, so that a retried request posts once. The kind keeps the orders of "order.pay" apart from those
// of "order.refund". Several parts name what one does not, such as IDOf("order.refund", order, 2).
//
// A part is a string, an integer or 16 bytes, or a type made of one. An integer and its decimal digits as a string are
// the same part, and so are 16 bytes and their UUID form; a String method of the part's type does not matter. IDOf
// panics on any other part, and without parts.
//
// The id is a UUID of version 8 over SHA-256; see [ID.Thing]. Ids of this form come in random order, which large
// databases index more slowly than ids of version 7.
func IDOf(kind string, parts ...any) ID {
	if len(parts) == 0 {
		panic("bursar: IDOf needs a part that names one thing of the kind " + kind)
	}
	h := sha256.New()
	write := func(text string) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(text)))
		h.Write(size[:])
		io.WriteString(h, text)
	}
	if len(parts) == 1 {
		io.WriteString(h, "bursar id v1\n")
		write(kind)
		io.WriteString(h, partText(parts[0]))
	} else {
		io.WriteString(h, "bursar id of parts v1\n")
		write(kind)
		for _, part := range parts {
			write(partText(part))
		}
	}
	return ID(h.Sum(nil)[:16]).stamp(8)
}

// partText is the text of a part's value. A String method of its type has no say: adding one later must not change ids.
func partText(part any) string {
	v := reflect.ValueOf(part)
	switch {
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10)
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10)
	case v.Kind() == reflect.String:
		return v.String()
	case v.Kind() == reflect.Array && v.CanConvert(reflect.TypeFor[ID]()):
		return v.Convert(reflect.TypeFor[ID]()).Interface().(ID).String()
	default:
		panic(fmt.Sprintf("bursar: a %T cannot be a part of an id: give IDOf strings, integers or 16 bytes", part))
	}
}

func (id ID) stamp(version byte) ID {
	id[6] = id[6]&0x0f | version<<4
	id[8] = id[8]&0x3f | 0x80
	return id
}
