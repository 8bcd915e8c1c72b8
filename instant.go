package bursar

import (
	"time"

	"github.com/bursar-ledger/bursar/internal/brief"
)

// Instant is a time as the ledger stores it: nanoseconds since 1970-01-01 UTC. It covers the years 1678 to 2261,
// compares with the usual operators and has no zone and no monotonic part. 0 means that there is none, as for what is
// not sealed yet; ask [Instant.IsZero] before you show one.
type Instant int64

// InstantOf converts t; times outside the range are [ErrTimeInvalid].
func InstantOf(t time.Time) (Instant, error) {
	if err := checkTime(t); err != nil {
		return 0, err
	}
	return Instant(t.UnixNano()), nil
}

func checkTime(t time.Time) *Error {
	if year := t.UTC().Year(); year < 1678 || year > 2261 {
		return Errorf(CodeTimeInvalid, "year %d is outside 1678 to 2261", year)
	}
	return nil
}

// IsZero reports whether there is no time.
func (i Instant) IsZero() bool { return i == 0 }

// Time is the instant in UTC.
func (i Instant) Time() time.Time { return time.Unix(0, int64(i)).UTC() }

// instantForm is RFC 3339 with all nine digits, so that texts sort like the times they stand for.
const instantForm = "2006-01-02T15:04:05.000000000Z07:00"

// String is RFC 3339 in UTC with nanoseconds.
func (i Instant) String() string { return i.Time().Format(instantForm) }

// MarshalText is String.
func (i Instant) MarshalText() ([]byte, error) { return i.Time().AppendFormat(nil, instantForm), nil }

// UnmarshalText reads RFC 3339.
func (i *Instant) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.RFC3339Nano, string(text))
	if err != nil {
		return Errorf(CodeTimeInvalid, "%q is not a time in RFC 3339, such as 2026-01-31T12:00:00Z", brief.Text(string(text)))
	}
	*i, err = InstantOf(t)
	return err
}
