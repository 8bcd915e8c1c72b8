package bursar

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/bursar-ledger/bursar/internal/brief"
	"github.com/bursar-ledger/bursar/money"
)

// Bounds on what one request may hold. Error messages and documents name the same numbers.
const (
	// LegsMax is the most legs that a transfer has.
	LegsMax = 256
	// BatchMax is the most transfers that one call takes.
	BatchMax = 10_000

	conditionsMax    = 64
	pathBytesMax     = 255
	referenceMax     = 255
	metadataPairsMax = 32
	metadataKeyMax   = 64
	metadataValueMax = 512
)

// Validate checks all that can be known of a transfer without a ledger: its accounts' paths, amounts, times and
// bounds. Posting checks the same first. The error is an [*Error] of the first group of [Catalogue] that names the
// field at fault, such as "legs[1].amount".
func (t *Transfer) Validate() error {
	if err := checkLegs(t.Legs); err != nil {
		return err
	}
	if err := checkConditions(t.Conditions); err != nil {
		return err
	}
	if t.Reference != "" {
		if err := checkReference(t.Reference); err != nil {
			return at(err, "reference")
		}
	}
	for _, bound := range [2]struct {
		field string
		time  time.Time
	}{{"effective", t.Effective}, {"not_after", t.NotAfter}} {
		if bound.time.IsZero() {
			continue
		}
		if err := checkTime(bound.time); err != nil {
			return at(err, "%s", bound.field)
		}
	}
	return checkMetadata(t.Metadata)
}

// Validate checks all that can be known of an opening without a ledger: the path, the currency, the limits and the
// metadata. Opening an account checks the same first. The error is like that of [Transfer.Validate].
func (o *Opening) Validate() error {
	if err := checkPath(o.Path); err != nil {
		return at(err, "path")
	}
	if o.Currency.IsZero() {
		return at(Errorf(CodeCurrencyInvalid, "an account needs a currency"), "currency")
	}
	if o.NoMin && o.Min != nil {
		return at(Errorf(CodeLimitsInvalid, "min and no minimum exclude each other"), "min")
	}
	if err := checkLimit(o.Min, o.Currency, 1); err != nil {
		return at(err, "min")
	}
	if err := checkLimit(o.Max, o.Currency, -1); err != nil {
		return at(err, "max")
	}
	return checkMetadata(o.Metadata)
}

// at names the field that an error is about.
func at(err *Error, format string, args ...any) error {
	err.Field = fmt.Sprintf(format, args...)
	return err
}

func checkLegs(legs []Leg) error {
	if len(legs) == 0 || len(legs) > LegsMax {
		return at(Errorf(CodeLegsInvalid, "a transfer has 1 to %d legs, not %d", LegsMax, len(legs)), "legs")
	}
	for i := range legs {
		if field, err := checkLeg(&legs[i]); err != nil {
			return at(err, "legs[%d].%s", i, field)
		}
	}
	return nil
}

func checkLeg(leg *Leg) (field string, err *Error) {
	if err := checkPath(leg.From); err != nil {
		return "from", err
	}
	if err := checkPath(leg.To); err != nil {
		return "to", err
	}
	if leg.Amount.Currency().IsZero() {
		return "amount", Errorf(CodeAmountInvalid, "the amount has no currency")
	}
	if leg.Amount.Sign() <= 0 {
		return "amount", Errorf(CodeAmountNotPositive, "%v is not more than zero", leg.Amount)
	}
	if leg.From == leg.To {
		return "to", Errorf(CodeSameAccount, "from and to are both %s", leg.From)
	}
	return "", nil
}

func checkConditions(conditions []Condition) error {
	if len(conditions) > conditionsMax {
		return at(Errorf(CodeLegsInvalid, "a transfer has at most %d conditions, not %d", conditionsMax, len(conditions)),
			"conditions")
	}
	for i := range conditions {
		c := &conditions[i]
		if err := checkPath(c.Path); err != nil {
			return at(err, "conditions[%d].path", i)
		}
		byAmount := c.AtLeast != nil && c.Version == nil && !c.AtLeast.Currency().IsZero()
		byVersion := c.Version != nil && c.AtLeast == nil && *c.Version >= 0
		if !byAmount && !byVersion {
			return at(Errorf(CodeMalformed, "a condition has either at_least with a currency or a version from 0 on"),
				"conditions[%d]", i)
		}
	}
	return nil
}

// checkLimit checks a minimum or maximum. odd is the sign of one that would leave no room for a balance of zero.
func checkLimit(limit *money.Amount, currency money.Currency, odd int) *Error {
	switch {
	case limit == nil:
		return nil
	case limit.Currency() != currency:
		return Errorf(CodeLimitsInvalid, "%v is not in %v", *limit, currency)
	case limit.Sign() == odd:
		return Errorf(CodeLimitsInvalid, "%v leaves no room for the balance of zero that an account opens with", *limit)
	default:
		return nil
	}
}

// CheckPath reports whether path is well formed as the path of an account, and as [ErrAccountInvalid] why not. The
// name of a book follows the same rules.
func CheckPath(path string) error {
	if err := checkPath(path); err != nil {
		return err
	}
	return nil
}

func checkPath(path string) *Error {
	if path == "" {
		return Errorf(CodeAccountInvalid, "an account path is missing")
	}
	if len(path) > pathBytesMax {
		return Errorf(CodeAccountInvalid, "%q has %d bytes; a path has at most %d", brief.Text(path), len(path), pathBytesMax)
	}
	boundary := true // at the start of a segment
	for i := range len(path) {
		switch c := path[i]; {
		case c == ':' && boundary:
			return Errorf(CodeAccountInvalid, "%q has an empty segment", brief.Text(path))
		case c == ':':
			boundary = true
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '.', c == '_', c == '-', c == '@', c == '+':
			boundary = false
		default:
			return Errorf(CodeAccountInvalid,
				"%q has a character at byte %d that is not a letter, a digit or one of . _ - @ +", brief.Text(path), i)
		}
	}
	if boundary {
		return Errorf(CodeAccountInvalid, "%q has an empty segment", brief.Text(path))
	}
	return nil
}

// CheckReference reports whether reference can be that of a transfer: 1 to 255 bytes of UTF-8 without control
// characters. Otherwise the error is [ErrReferenceInvalid].
func CheckReference(reference string) error {
	err := checkReference(reference)
	if reference == "" {
		err = Errorf(CodeReferenceInvalid, "a reference is missing")
	}
	if err != nil {
		return err
	}
	return nil
}

func checkReference(s string) *Error {
	control := strings.ContainsFunc(s, unicode.IsControl)
	if len(s) > referenceMax || !utf8.ValidString(s) || control {
		return Errorf(CodeReferenceInvalid,
			"%q is not 1 to %d bytes of UTF-8 without control characters", brief.Text(s), referenceMax)
	}
	return nil
}

func checkMetadata(m Metadata) error {
	if len(m) > metadataPairsMax {
		return at(Errorf(CodeMetadataInvalid, "%d pairs are more than %d", len(m), metadataPairsMax), "metadata")
	}
	for key, value := range m {
		switch {
		case key == "" || len(key) > metadataKeyMax || !validText(key):
			return at(Errorf(CodeMetadataInvalid, "the key %q is not 1 to %d bytes of UTF-8 without NUL",
				brief.Text(key), metadataKeyMax), "metadata")
		case len(value) > metadataValueMax || !validText(value):
			return at(Errorf(CodeMetadataInvalid, "the value of %q is not at most %d bytes of UTF-8 without NUL",
				brief.Text(key), metadataValueMax), "metadata")
		}
	}
	return nil
}

func validText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }
