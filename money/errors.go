package money

import (
	"errors"
	"strconv"
)

// The kinds of error, for [errors.Is]. Every error of this package is an
// [*Error] of one of these kinds.
var (
	// ErrSyntax means that a text is not written as an amount or a rate is.
	ErrSyntax = errors.New("malformed text")
	// ErrPrecision means more decimals than the currency has.
	ErrPrecision = errors.New("too many decimals")
	// ErrRange means an amount outside of -10^36 < units < 10^36, a pair that
	// is not the canonical form of any amount, or a rate beyond [RateBits].
	ErrRange = errors.New("out of range")
	// ErrCurrency means a currency that is unknown, malformed or absent.
	ErrCurrency = errors.New("unknown currency")
	// ErrMismatch means two amounts that are not of one currency.
	ErrMismatch = errors.New("currencies differ")
	// ErrDivision means a fraction over zero.
	ErrDivision = errors.New("division by zero")
	// ErrRounding means that no rounding mode was named.
	ErrRounding = errors.New("no rounding mode")
	// ErrWeights means weights, or a number of parts, by which nothing can be
	// divided.
	ErrWeights = errors.New("bad weights")
)

// Error says what was refused, why, and what to write instead.
type Error struct {
	// Kind is one of the errors that this package declares, such as [ErrWeights].
	Kind error
	// Op is what was being read or done: "amount", "currency", "add".
	Op string
	// Input is what was given, cut to a length that fits on a line. It may be
	// empty, and it is not quoted: it can hold any bytes.
	Input string
	// Reason is a sentence without a full stop, with the remedy in it.
	Reason string
}

// Error returns op, quoted input and reason on one line of printable text.
func (e *Error) Error() string {
	if e.Input == "" {
		return e.Op + ": " + e.Reason
	}
	return e.Op + " " + strconv.Quote(e.Input) + ": " + e.Reason
}

// Unwrap returns the kind, so that errors.Is(err, money.ErrRange) holds.
func (e *Error) Unwrap() error { return e.Kind }

// inputMax is the longest part of a refused input that an error keeps.
const inputMax = 48

// refuse makes an error. It copies the input, which may be a slice of
// something large, and cuts it between characters.
func refuse(kind error, op, input, reason string) *Error {
	return &Error{Kind: kind, Op: op, Input: shorten(input), Reason: reason}
}

func shorten(s string) string {
	if len(s) <= inputMax {
		return string([]byte(s))
	}
	cut := inputMax
	// A UTF-8 character is at most four bytes, of which all but the first
	// have the form 10xxxxxx.
	for n := 0; n < 3 && s[cut]&0xC0 == 0x80; n++ {
		cut--
	}
	return s[:cut] + "..."
}
