package main

import (
	"errors"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/coded"
)

// parseStart reads a time from which on something counts. A date is the first moment of its day in UTC, as in a file
// for import.
func parseStart(flag, s string) (time.Time, error) { return parseTime(flag, s, 0) }

// parseEnd reads a time up to which something counts. A date is the last moment of its day in UTC, so that the day
// counts.
func parseEnd(flag, s string) (time.Time, error) {
	return parseTime(flag, s, day-time.Nanosecond)
}

const day = 24 * time.Hour

// parseTime reads a time of RFC 3339, or a date, for which it is into that day. An empty text is the zero time.
func parseTime(flag, s string, into time.Duration) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		at, err := bursar.InstantOf(day.Add(into))
		return at.Time(), coded.At(err, flag)
	}
	var instant bursar.Instant
	if err := instant.UnmarshalText([]byte(s)); err != nil {
		return time.Time{}, hintf(coded.At(err, flag),
			"write it as a date, such as 2026-01-31, or as RFC 3339, such as 2026-01-31T12:00:00Z")
	}
	return instant.Time(), nil
}

// ahead says plainly that a time was not reached. Where one may only read, that can be said of a time that is past,
// too.
func ahead(err error, flag string) error {
	var e *bursar.Error
	if flag == "" || !errors.Is(err, bursar.ErrAsOfAhead) || !errors.As(err, &e) {
		return err
	}
	said := &bursar.Error{Code: e.Code, Field: flag, Message: e.Message}
	if e.Err != nil && e.Err.Error() != "" {
		said.Message = e.Err.Error()
		return hintf(said, "who may write to the ledger is answered up to now; without %s it is the balance of now", flag)
	}
	return hintf(said,
		"ask for a time that is past, of which a date is the end in UTC; without %s it is the balance of now", flag)
}
