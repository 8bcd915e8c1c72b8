package money_test

import (
	"bytes"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar/money"
)

var (
	_ driver.Valuer  = money.Amount{}
	_ sql.Scanner    = (*money.Amount)(nil)
	_ json.Marshaler = money.Amount{}
	_ fmt.Formatter  = money.Amount{}
	_ slog.LogValuer = money.Amount{}
)

func TestJSON(t *testing.T) {
	t.Parallel()
	type order struct {
		Net   money.Amount            `json:"net"`
		Tip   *money.Amount           `json:"tip"`
		Names map[money.Amount]string `json:"names"`
	}
	want := order{
		Net:   money.MustParse("-25.00 USD"),
		Names: map[money.Amount]string{money.MustParse("0.5 BTC/8"): "half"},
	}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != `{"net":"-25.00 USD","tip":null,"names":{"0.50000000 BTC/8":"half"}}` {
		t.Errorf("got %s", text)
	}
	var got order
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// Some encoders escape the slash, and all may escape anything.
	for _, in := range []string{`"3 CHIP\/0"`, `"3\u0020CHIP/0"`, `"\u0033\u0020\u0043HIP\u002f\u0030"`} {
		var a money.Amount
		if err := json.Unmarshal([]byte(in), &a); err != nil || a != money.MustParse("3 CHIP/0") {
			t.Errorf("%s is read as %v, %v", in, a, err)
		}
	}
}

func TestUnmarshalJSONRefuses(t *testing.T) {
	t.Parallel()
	before := money.MustParse("1.00 USD")
	tests := []struct {
		in     string
		kind   error
		reason string
	}{
		{`25`, money.ErrSyntax, `a JSON number is not read; write a string with the currency, such as "25.00 USD"`},
		{`25.00`, money.ErrSyntax, "a JSON number is not read"},
		{`-1e2`, money.ErrSyntax, "a JSON number is not read"},
		{`9007199254740993`, money.ErrSyntax, "a JSON number is not read"},
		{`null`, money.ErrSyntax, "null is no amount"},
		{`true`, money.ErrSyntax, "this JSON is not a string"},
		{`{"amount":1}`, money.ErrSyntax, "this JSON is not a string"},
		{`["25.00 USD"]`, money.ErrSyntax, "this JSON is not a string"},
		{`""`, money.ErrSyntax, "it is empty"},
		{`"25.00"`, money.ErrSyntax, "there is no currency"},
		{`"25.001 USD"`, money.ErrPrecision, "USD has 2 decimals"},
		{`"1e2 USD"`, money.ErrSyntax, "exponents are not read"},
		{`"25.00 USD\u0000"`, money.ErrCurrency, "a currency code is A-Z"},
		{`"` + strings.Repeat(" ", 1<<16) + `"`, money.ErrSyntax, "it is too long"},
		{`"` + strings.Repeat("1", 100) + `"`, money.ErrSyntax, "longer than 64 bytes"},
	}
	for _, tt := range tests {
		a := before
		err := json.Unmarshal([]byte(tt.in), &a)
		if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.reason) || a != before {
			t.Errorf("%.40s: %v, now %v, want %q with %q", tt.in, err, a, tt.kind, tt.reason)
		}
	}
	// Called without encoding/json, which would not let these through.
	for _, in := range []string{``, `"`, `"1 USD`, `"\x"`} {
		a := before
		if err := a.UnmarshalJSON([]byte(in)); !errors.Is(err, money.ErrSyntax) || a != before {
			t.Errorf("UnmarshalJSON(%s): %v, now %v", in, err, a)
		}
	}
}

func TestScan(t *testing.T) {
	t.Parallel()
	want := money.MustParse("25.00 USD")
	value, err := want.Value()
	if err != nil || value != "25.00 USD" {
		t.Fatalf("Value() = %v, %v", value, err)
	}
	for _, src := range []any{value, []byte("25 USD")} {
		var a money.Amount
		if err := a.Scan(src); err != nil || a != want {
			t.Errorf("Scan(%v) = %v, %v", src, a, err)
		}
	}
	tests := []struct {
		src    any
		kind   error
		reason string
	}{
		{float64(25), money.ErrSyntax, "the column is a float, which is not exact"},
		{float32(25), money.ErrSyntax, "the column is a float"},
		{int64(2500), money.ErrSyntax, "a number without a currency"},
		{nil, money.ErrSyntax, "the column is null"},
		{true, money.ErrSyntax, "the column is a bool"},
		{"", money.ErrSyntax, "it is empty"},
		{"25.00", money.ErrSyntax, "there is no currency"},
		{[]byte("25.001 USD"), money.ErrPrecision, "USD has 2 decimals"},
		{bytes.Repeat([]byte("1"), 1<<20), money.ErrSyntax, "longer than 64 bytes"},
	}
	for _, tt := range tests {
		a := want
		err := a.Scan(tt.src)
		if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.reason) || a != want {
			t.Errorf("Scan(%T): %v, now %v, want %q with %q", tt.src, err, a, tt.kind, tt.reason)
		}
	}
	var null sql.Null[money.Amount]
	if err := null.Scan(nil); err != nil || null.Valid {
		t.Errorf("a null column: %v, %v", null, err)
	}
	if err := null.Scan("25.00 USD"); err != nil || !null.Valid || null.V != want {
		t.Errorf("a column in sql.Null: %v, %v", null, err)
	}
}

func TestNoCurrencyIsNotWritten(t *testing.T) {
	t.Parallel()
	for _, none := range []money.Amount{{}, money.FromUnits(-5, money.Currency{})} {
		if got, err := none.MarshalText(); !errors.Is(err, money.ErrCurrency) {
			t.Errorf("MarshalText = %s, %v", got, err)
		}
		if got, err := json.Marshal(none); !errors.Is(err, money.ErrCurrency) {
			t.Errorf("json.Marshal = %s, %v", got, err)
		}
		if got, err := none.Value(); !errors.Is(err, money.ErrCurrency) {
			t.Errorf("Value = %v, %v", got, err)
		}
		if a, err := money.Parse(none.String()); !errors.Is(err, money.ErrSyntax) {
			t.Errorf("%q is read as %v, %v", none, a, err)
		}
	}
	if got := fmt.Sprint(money.FromUnits(-5, money.Currency{})); got != "-5 (no currency)" {
		t.Errorf("got %q", got)
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	plus, minus, zero := money.MustParse("25.00 USD"), money.MustParse("-3 CHIP/0"), money.MustParse("0 JPY")
	type line struct{ Amount money.Amount }
	tests := []struct {
		format string
		arg    any
		want   string
	}{
		{"%v", plus, "25.00 USD"},
		{"%s", plus, "25.00 USD"},
		{"%+s", plus, "+25.00 USD"},
		{"%+s", minus, "-3 CHIP/0"},
		{"%+s", zero, "0 JPY"},
		{"%+v", plus, "25.00 USD"},
		{"%+v", line{plus}, "{Amount:25.00 USD}"},
		{"%v", &line{minus}, "&{-3 CHIP/0}"},
		{"%q", plus, `"25.00 USD"`},
		{"%#v", plus, `money.MustParse("25.00 USD")`},
		{"%#v", money.Amount{}, `money.Amount{}`},
		{"%14v|", plus, "     25.00 USD|"},
		{"%-14v|", plus, "25.00 USD     |"},
		{"%3v|", plus, "25.00 USD|"},
		{"%.1v", plus, "25.00 USD"},
		{"%d", plus, "%!d(money.Amount=25.00 USD)"},
		{"%.2f", plus, "%!f(money.Amount=25.00 USD)"},
		{"%x", plus, "%!x(money.Amount=25.00 USD)"},
	}
	for _, tt := range tests {
		if got := fmt.Sprintf(tt.format, tt.arg); got != tt.want {
			t.Errorf("%s of %#v: got %s, want %s", tt.format, tt.arg, got, tt.want)
		}
	}
}

func TestLogValue(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&out, nil))
	logger.Info("paid", "amount", money.MustParse("25 USD"))
	if !strings.Contains(out.String(), `"amount":"25.00 USD"`) {
		t.Errorf("got %s", out.String())
	}
}
