package bursar

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"reflect"
	"strconv"

	"github.com/bursar-ledger/bursar/internal/brief"
)

// ID names a transfer or an act on an account, 128 bits chosen by the caller. It is the idempotency key: the
// same id with the same content gives the first result again, and other content is [ErrIDReused]. Transfers and
// acts share one id space per book. The zero ID means "make one for me".
type ID [16]byte

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

// Key is what [IDOf] can make an id of.
type Key interface {
	~string | ~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~[16]byte
}

// IDOf makes the id of a thing that the application has already named: the same kind and key give the same id on
// every machine, so that a retried request posts once. The kind keeps the orders of "order.pay" apart from those
// of "order.refund". An integer and its decimal digits as a string are the same key, and so are 16 bytes and their UUID
// form; a String method of the key's type does not matter. The id is a UUID of version 8 over SHA-256; ids of this
// form come in random order, which large databases index more slowly than ids of version 7.
func IDOf[K Key](kind string, key K) ID {
	h := sha256.New()
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], uint64(len(kind)))
	h.Write([]byte("bursar id v1\n"))
	h.Write(size[:])
	io.WriteString(h, kind)
	io.WriteString(h, keyText(reflect.ValueOf(key)))
	id := ID(h.Sum(nil)[:16])
	return id.stamp(8)
}

// keyText is the text of a key's value. A String method of its type has no say: adding one later must not change ids.
func keyText(key reflect.Value) string {
	switch {
	case key.CanInt():
		return strconv.FormatInt(key.Int(), 10)
	case key.CanUint():
		return strconv.FormatUint(key.Uint(), 10)
	case key.Kind() == reflect.String:
		return key.String()
	default:
		return key.Convert(reflect.TypeFor[ID]()).Interface().(ID).String()
	}
}

func (id ID) stamp(version byte) ID {
	id[6] = id[6]&0x0f | version<<4
	id[8] = id[8]&0x3f | 0x80
	return id
}
