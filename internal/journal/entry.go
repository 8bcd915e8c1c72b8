package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
)

// Version is the format version that the bytes of entries and requests begin with.
const Version = 1

// EntryKind says what an entry records. The numbers are in every hash and never change meaning.
type EntryKind uint8

// The kinds of entry. Numbers up to 15 are assigned in docs/journal.md; those without a name here are
// reserved for verbs that do not exist yet.
const (
	// EntryLeg is one leg of a transfer: money moves from one account to another.
	EntryLeg EntryKind = 1
	// EntryOpen is the opening of an account, the first entry of that account.
	EntryOpen EntryKind = 2
)

// Pair is an amount as ledgers store it: value = Hi·10^18 + Lo, both of one sign, both smaller than 10^18 in
// size. It counts smallest units.
type Pair struct{ Hi, Lo int64 }

// After is the state of one account right after an entry.
type After struct {
	Version       uint64 // entries of the account so far, this one included
	Balance, Held Pair
}

// Entry is one journal entry, with the facts that its hash covers. Row keys, account numbers and back pointers are
// left out on purpose: so a copy in another database keeps every hash.
type Entry struct {
	Kind        EntryKind
	Book        [16]byte
	Request     [16]byte // id of the transfer or act
	Leg         uint16   // position of the leg in its transfer, from 0
	RequestHash [32]byte // [Hash] of the canonical request
	From, To    string   // account paths; From is empty for an act on one account
	Currency    string   // code
	Scale       uint8    // decimals
	Amount      Pair
	FromAfter   After // zero when From is empty
	ToAfter     After
	Effective   int64 // nanoseconds since 1970 UTC; meaningful when Backdated
	Backdated   bool  // the request named an effective time
	Decided     int64 // nanoseconds since 1970 UTC
	Seq         uint64
	At          int64 // nanoseconds since 1970 UTC
}

// AppendEntry appends the canonical bytes of e to dst. Strings longer than 65,535 bytes are a programmer
// error: callers bound paths and codes long before.
func AppendEntry(dst []byte, e *Entry) []byte {
	dst = append(dst, Version, byte(e.Kind))
	dst = append(dst, e.Book[:]...)
	dst = append(dst, e.Request[:]...)
	dst = binary.BigEndian.AppendUint16(dst, e.Leg)
	dst = append(dst, e.RequestHash[:]...)
	dst = appendString(dst, e.From)
	dst = appendString(dst, e.To)
	dst = appendMoney(dst, e.Currency, e.Scale, e.Amount)
	dst = appendAfter(dst, e.FromAfter)
	dst = appendAfter(dst, e.ToAfter)
	dst = appendOptionalTime(dst, e.Effective, e.Backdated)
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.Decided))
	dst = binary.BigEndian.AppendUint64(dst, e.Seq)
	return binary.BigEndian.AppendUint64(dst, uint64(e.At))
}

// ParseEntry reads canonical bytes back. It refuses trailing bytes, an unknown version and every encoding
// that AppendEntry would not have produced, so that one entry has exactly one form.
func ParseEntry(b []byte) (Entry, error) {
	r := reader{rest: b}
	r.version()
	e := Entry{Kind: EntryKind(r.u8())}
	copy(e.Book[:], r.take(16))
	copy(e.Request[:], r.take(16))
	e.Leg = r.u16()
	copy(e.RequestHash[:], r.take(32))
	e.From, e.To = r.text(), r.text()
	e.Currency, e.Scale, e.Amount = r.money()
	e.FromAfter, e.ToAfter = r.after(), r.after()
	e.Effective, e.Backdated = r.optionalTime()
	e.Decided, e.Seq, e.At = r.i64(), r.u64(), r.i64()
	return e, r.end()
}

// Hash is the SHA-256 of canonical bytes.
func Hash(canonical []byte) [32]byte { return sha256.Sum256(canonical) }

// genesisPrefix separates the first link from every other use of SHA-256 over a UUID.
const genesisPrefix = "bursar journal v1\n"

// Genesis is the hash that the first entry of a book builds on.
func Genesis(book [16]byte) [32]byte {
	return sha256.Sum256(append([]byte(genesisPrefix), book[:]...))
}

// Link is the hash of an entry: SHA-256 over the previous hash and the entry's canonical bytes. buf is scratch
// space that may be reused between calls; the grown buffer is returned.
func Link(prev [32]byte, e *Entry, buf []byte) (hash [32]byte, grown []byte) {
	buf = append(buf[:0], prev[:]...)
	buf = AppendEntry(buf, e)
	return sha256.Sum256(buf), buf
}

func appendString(dst []byte, s string) []byte {
	if len(s) > math.MaxUint16 {
		panic("journal: string longer than 65535 bytes")
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(s)))
	return append(dst, s...)
}

func appendPair(dst []byte, p Pair) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(p.Hi))
	return binary.BigEndian.AppendUint64(dst, uint64(p.Lo))
}

func appendMoney(dst []byte, code string, scale uint8, p Pair) []byte {
	dst = append(appendString(dst, code), scale)
	return appendPair(dst, p)
}

func appendAfter(dst []byte, a After) []byte {
	dst = binary.BigEndian.AppendUint64(dst, a.Version)
	return appendPair(appendPair(dst, a.Balance), a.Held)
}

func appendOptionalTime(dst []byte, t int64, present bool) []byte {
	if !present {
		return append(dst, 0)
	}
	return binary.BigEndian.AppendUint64(append(dst, 1), uint64(t))
}
