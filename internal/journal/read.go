package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrMalformed is what ParseEntry and ParseRequest return, wrapped with the offset, for bytes that are not
// canonical.
var ErrMalformed = errors.New("malformed canonical bytes")

// reader consumes canonical bytes. The first fault sticks: later calls return zero values, and end reports it.
type reader struct {
	rest []byte
	read int
	err  error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s at byte %d", ErrMalformed, what, r.read)
	}
	r.rest = nil
}

func (r *reader) take(n int) []byte {
	if r.err != nil || len(r.rest) < n {
		r.fail("bytes end early")
		return nil
	}
	b := r.rest[:n]
	r.rest, r.read = r.rest[n:], r.read+n
	return b
}

func (r *reader) u8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *reader) i64() int64 { return int64(r.u64()) }

func (r *reader) text() string { return string(r.take(int(r.u16()))) }

func (r *reader) version() {
	if v := r.u8(); v != Version {
		r.fail(fmt.Sprintf("format version %d is not %d", v, Version))
	}
}

func (r *reader) flag() bool {
	v := r.u8()
	if v > 1 {
		r.fail("flag is neither 0 nor 1")
	}
	return v == 1
}

const half = 1_000_000_000_000_000_000

func (r *reader) pair() Pair {
	p := Pair{Hi: r.i64(), Lo: r.i64()}
	inRange := p.Hi > -half && p.Hi < half && p.Lo > -half && p.Lo < half
	if !inRange || p.Hi > 0 && p.Lo < 0 || p.Hi < 0 && p.Lo > 0 {
		r.fail("amount is not canonical")
	}
	return p
}

func (r *reader) money() (code string, scale uint8, p Pair) { return r.text(), r.u8(), r.pair() }

func (r *reader) after() After {
	return After{Version: r.u64(), Balance: r.pair(), Held: r.pair()}
}

func (r *reader) optionalTime() (t int64, present bool) {
	if !r.flag() {
		return 0, false
	}
	return r.i64(), true
}

func (r *reader) end() error {
	if r.err == nil && len(r.rest) > 0 {
		r.fail("bytes after the end")
	}
	return r.err
}
