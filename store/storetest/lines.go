package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
)

// The cases seal nothing by themselves, so that what is not sealed yet can be read.
var lineCases = []testCase{
	{"lines of every size add up to the balance", linesOfEverySize},
	{"lines that are not sealed add up too", linesUnsealed},
	{"a line has what was asked for and who is on its other side", linesTell},
	{"a line has the engine's own timestamps", linesTimed},
}

// unsealing makes a ledger that seals when it is told to.
func (f *fixture) unsealing() {
	f.Helper()
	f.ledger = f.start(&ledger.Options{Migrate: true, SealEvery: -1})
}

// lineRow is a row of bursar_lines. Its texts are what an application reads.
type lineRow struct {
	Path, Amount, Balance, Held        string
	Version, Kind, Leg, UnitsHi, Units int64
	Seq, At                            *int64
	Other, Reference                   *string
}

// lines reads the view in the order of each account's history.
func (f *fixture) lines() (lines []lineRow) {
	f.Helper()
	rows, err := f.DB.QueryContext(f.Context(), `SELECT path, amount, balance, held, version, kind, leg,
		units_hi, units, seq, at, other_path, reference FROM bursar_lines ORDER BY path, version`)
	f.must(err)
	defer rows.Close()
	for rows.Next() {
		var l lineRow
		f.must(rows.Scan(&l.Path, &l.Amount, &l.Balance, &l.Held, &l.Version, &l.Kind, &l.Leg,
			&l.UnitsHi, &l.Units, &l.Seq, &l.At, &l.Other, &l.Reference))
		lines = append(lines, l)
	}
	f.must(rows.Err())
	return lines
}

// decimal reads a decimal of the view, which has all digits of its currency.
func (f *fixture) decimal(s string, unit money.Currency) money.Amount {
	f.Helper()
	a, err := money.ParseDecimal(s, unit)
	f.must(err)
	f.wantSame("the digits of a decimal", a.Decimal(), s)
	return a
}

// wantLines checks that each line's balance is the sum of the lines up to it, that the last one is the account's, and
// that no line is missing. It returns how many lines have no place.
func (f *fixture) wantLines() (unsealed int) {
	f.Helper()
	last, units := map[string]*lineRow{}, map[string]money.Currency{}
	accounts := f.everything()
	for _, a := range accounts {
		units[a.Path] = a.Balance.Currency()
	}
	for _, l := range f.lines() {
		sum := f.decimal(l.Amount, units[l.Path])
		if before := last[l.Path]; before != nil {
			var err error
			sum, err = f.decimal(before.Balance, units[l.Path]).Add(sum)
			f.must(err)
			f.wantSame("the version of a line of "+l.Path, before.Version+1, l.Version)
		}
		f.wantSame(fmt.Sprintf("balance %d of %s", l.Version, l.Path), sum.Decimal(), l.Balance)
		if (l.Seq == nil) != (l.At == nil) {
			f.Errorf("line %d of %s has a place without a time, or the reverse", l.Version, l.Path)
		}
		if l.Seq == nil {
			unsealed++
		}
		last[l.Path] = &l
	}
	for _, a := range accounts {
		l := last[a.Path]
		if l == nil {
			f.Fatalf("%s has no lines", a.Path)
		}
		f.wantSame("the last line of "+a.Path, []any{a.Version, a.Balance.Decimal(), a.Held.Decimal()},
			[]any{l.Version, l.Balance, l.Held})
		f.wantUnits(&a)
	}
	return unsealed
}

// wantUnits checks the sum that SQL makes of the integers.
func (f *fixture) wantUnits(a *bursar.Account) {
	f.Helper()
	var hi, lo int64
	f.must(f.DB.QueryRowContext(f.Context(), `SELECT CAST(SUM(units_hi) AS DECIMAL(38, 0)),
		CAST(SUM(units) AS DECIMAL(38, 0)) FROM bursar_lines WHERE path = '`+a.Path+"'").Scan(&hi, &lo))
	unit := a.Balance.Currency()
	high, err := money.FromParts(hi, 0, unit)
	f.must(err)
	sum, err := high.Add(money.FromUnits(lo, unit))
	f.must(err)
	f.wantSame("the sum of the units of "+a.Path, a.Balance.String(), sum.String())
}

func linesOfEverySize(f *fixture) {
	f.unsealing()
	for i, amount := range everyAmount {
		name := strings.Repeat("x", i+1)
		unit := limit(amount).Currency()
		f.opening(bursar.Opening{Path: "out:" + name, Currency: unit, NoMin: true})
		f.opening(bursar.Opening{Path: "in:" + name, Currency: unit, NoMin: true})
		f.pay("out:"+name, "in:"+name, amount)
		f.pay("in:"+name, "out:"+name, amount)
		f.pay("in:"+name, "out:"+name, amount)
	}
	if unsealed := f.wantLines(); unsealed != 0 {
		f.Errorf("%d lines have no place after sealing", unsealed)
	}
	f.wantVerified()
}

func linesUnsealed(f *fixture) {
	f.unsealing()
	f.funded("users:1", "users:2")
	for range 3 {
		_, err := f.ledger.Post(f.Context(), bursar.Transfer{Legs: []bursar.Leg{
			leg("users:1", "users:2", "1.25 USD"), leg("users:2", "world", "0.50 USD"),
		}})
		f.must(err)
	}
	want := 0
	if f.Store.SealsLater() {
		want = 12 // three transfers of two legs with two sides each
	}
	f.wantSame("the lines without a place", want, f.wantLines())
	f.sealPosted()
	f.wantSame("the lines without a place after sealing", 0, f.wantLines())
	f.wantVerified()
}

func linesTell(f *fixture) {
	f.unsealing()
	f.funded("users:1")
	order := move("users:1", "world", "12.34 USD")
	order.ID, order.Reference = id(1), "order 1"
	f.post(order)
	var got []string
	for _, l := range f.lines() {
		got = append(got, fmt.Sprintf("%s %d seq %d kind %d leg %d: %s = %s, with %s, for %s",
			l.Path, l.Version, *l.Seq, l.Kind, l.Leg, l.Amount, l.Balance, orNone(l.Other), orNone(l.Reference)))
	}
	f.wantSame("the lines", []string{
		"users:1 1 seq 2 kind 2 leg 0: 0.00 = 0.00, with none, for none",
		"users:1 2 seq 3 kind 1 leg 0: 100.00 = 100.00, with world, for none",
		"users:1 3 seq 4 kind 1 leg 0: -12.34 = 87.66, with world, for order 1",
		"world 1 seq 1 kind 2 leg 0: 0.00 = 0.00, with none, for none",
		"world 2 seq 3 kind 1 leg 0: -100.00 = -100.00, with users:1, for none",
		"world 3 seq 4 kind 1 leg 0: 12.34 = -87.66, with users:1, for order 1",
	}, got)
	f.wantVerified()
}

func orNone(s *string) string {
	if s == nil {
		return "none"
	}
	return *s
}

// linesTimed compares timestamps with nanoseconds, also before 1970, where rounding goes wrong most easily.
func linesTimed(f *fixture) {
	f.unsealing()
	f.funded("users:1")
	for _, effective := range []time.Time{
		clockStart.Add(-time.Hour), time.Unix(0, 999), time.Unix(0, -1), time.Unix(-1, -1_000_001),
		time.Date(1678, time.March, 4, 5, 6, 7, 8, time.UTC),
	} {
		t := move("users:1", "world", "0.01 USD")
		t.Effective = effective
		f.post(t)
	}
	rows, err := f.DB.QueryContext(f.Context(), "SELECT at, posted_at, effective, effective_at FROM bursar_lines")
	f.must(err)
	defer rows.Close()
	seen := 0
	for ; rows.Next(); seen++ {
		var at, effective bursar.Instant
		var postedAt, effectiveAt any
		f.must(rows.Scan(&at, &postedAt, &effective, &effectiveAt))
		f.wantSame("posted_at", micros(at.Time()), f.timestamp(postedAt))
		f.wantSame("effective_at", micros(effective.Time()), f.timestamp(effectiveAt))
	}
	f.must(rows.Err())
	f.wantSame("the number of lines", 14, seen) // two openings, six transfers with two sides
	_, err = f.ledger.Post(f.Context(), move("users:1", "world", "0.01 USD"))
	f.must(err)
	var none sql.NullString
	if f.Store.SealsLater() {
		f.must(f.DB.QueryRowContext(context.Background(),
			"SELECT CAST(posted_at AS char(40)) FROM bursar_lines WHERE seq IS NULL AND path = 'world'").Scan(&none))
	}
	if none.Valid {
		f.Errorf("what is not sealed was posted at %s", none.String)
	}
	f.wantVerified()
}

// micros is a time to the microsecond, rounded down.
func micros(t time.Time) string { return t.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano) }

// timestamp reads what a driver makes of a timestamp.
func (f *fixture) timestamp(v any) string {
	f.Helper()
	switch v := v.(type) {
	case time.Time:
		return micros(v)
	case []byte:
		return f.timestamp(string(v))
	case string:
		for _, form := range []string{time.RFC3339Nano, "2006-01-02 15:04:05.000000"} {
			if t, err := time.Parse(form, v); err == nil {
				return micros(t)
			}
		}
	}
	f.Fatalf("%v of type %T is no timestamp", v, v)
	return ""
}
