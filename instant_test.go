package bursar_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bursar-ledger/bursar"
)

// instants draws from the range that an Instant covers.
func instants() *rapid.Generator[bursar.Instant] {
	first := time.Date(1678, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()
	last := time.Date(2261, 12, 31, 23, 59, 59, 999_999_999, time.UTC).UnixNano()
	return rapid.Custom(
		func(t *rapid.T) bursar.Instant { return bursar.Instant(rapid.Int64Range(first, last).Draw(t, "ns")) })
}

func TestInstantRoundTrips(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		i := instants().Draw(t, "instant")
		zone := time.FixedZone("", rapid.IntRange(-14*3600, 14*3600).Draw(t, "zone"))
		if got, err := bursar.InstantOf(i.Time().In(zone)); err != nil || got != i {
			t.Fatalf("%v in another zone is %v, %v", i, got, err)
		}
		text, err := json.Marshal(i)
		if err != nil {
			t.Fatal(err)
		}
		var got bursar.Instant
		if err := json.Unmarshal(text, &got); err != nil || got != i {
			t.Fatalf("%s is read as %v, %v", text, got, err)
		}
	})
}

func TestInstantTextsSortLikeTimes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(instants(), 2, 20).Draw(t, "instants")
		slices.Sort(list)
		texts := make([]string, len(list))
		for i := range list {
			texts[i] = list[i].String()
		}
		if !slices.IsSorted(texts) {
			t.Fatalf("the texts are out of order: %v", texts)
		}
	})
}

func TestInstantRange(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		year int
		code bursar.Code
	}{
		{-5000, bursar.CodeTimeInvalid}, {1, bursar.CodeTimeInvalid}, {1677, bursar.CodeTimeInvalid},
		{1678, ""}, {1969, ""}, {1970, ""}, {2261, ""},
		{2262, bursar.CodeTimeInvalid}, {9999, bursar.CodeTimeInvalid}, {1_000_000, bursar.CodeTimeInvalid},
	} {
		for _, at := range []time.Time{
			time.Date(test.year, 1, 1, 0, 0, 0, 0, time.UTC),
			time.Date(test.year, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		} {
			i, err := bursar.InstantOf(at)
			if bursar.CodeOf(err) != test.code || err == nil && !i.Time().Equal(at) {
				t.Errorf("%v is %v, %v", at, i, err)
			}
		}
	}
	west := time.FixedZone("", -3600) // the year counts in UTC
	if _, err := bursar.InstantOf(time.Date(2261, 12, 31, 23, 30, 0, 0, west)); bursar.CodeOf(
		err) != bursar.CodeTimeInvalid {
		t.Errorf("2262 in UTC: %v", err)
	}
	for _, i := range []bursar.Instant{math.MinInt64, math.MaxInt64} { // what a broken row may hold still prints
		if i.String() == "" {
			t.Errorf("%d has no text", int64(i))
		}
	}
}

func TestInstantRefusesOtherTexts(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "now", "2026", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31 12:00:00Z", "2026-02-30T00:00:00Z",
		"2026-01-31T24:00:00Z", "2026-01-31T12:00:60Z", "1767225600", "3026-01-31T12:00:00Z", "2026-01-31T12:00:00z!",
		strings.Repeat("x", 5_000),
	} {
		i := bursar.Instant(7)
		if err := i.UnmarshalText([]byte(text)); bursar.CodeOf(err) != bursar.CodeTimeInvalid || len(err.Error()) > 300 {
			t.Errorf("%.40q is read as %v, %v", text, i, err)
		}
	}
	var i bursar.Instant
	if err := i.UnmarshalText([]byte("2026-01-31T12:00:00.123456789+01:00")); err != nil ||
		i.String() != "2026-01-31T11:00:00.123456789Z" {
		t.Errorf("got %v, %v", i, err)
	}
}
