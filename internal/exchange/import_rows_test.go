package exchange_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/exchange"
	"github.com/bursar-ledger/bursar/money"
)

// readAll reads a file to its end or its first error.
func readAll(format, text string) (rows []exchange.Row, err error) {
	file, err := exchange.NewRows(format, "in", strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	for {
		row, err := file.Next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
}

// The same row in every spelling that is allowed.
func TestRowsAreRead(t *testing.T) {
	id, err := bursar.ParseID("0192f0c1-2345-7abc-8def-0123456789ab")
	if err != nil {
		t.Fatal(err)
	}
	balance := money.MustParse("-1.50 USD")
	want := exchange.Row{
		ID: id, Leg: 0, Effective: time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC),
		From: "a", To: "b:c", Amount: money.MustParse("25.00 USD"), FromBalance: &balance,
		Reference: "r 1", Metadata: bursar.Metadata{"memo": "so, \"it\" is", "k": "v"},
	}
	for _, test := range []struct {
		name, format, text string
		line               int
	}{
		{"amount with currency", "csv", "id,leg,effective,from,to,amount,reference,memo,metadata,from_balance\n" +
			`0192f0c1-2345-7abc-8def-0123456789ab,0,2026-01-31,a,b:c,25.00 USD,r 1,` +
			`"so, ""it"" is","{""k"":""v""}",-1.50 USD` + "\n", 2},
		{"currency apart, other order, byte order mark, CRLF", "csv", "\ufefffrom_balance,to_balance,currency,seq,at," +
			"id,leg,effective,from,to,amount,reference,memo,metadata\r\n" +
			`-1.5,,USD,99,whatever,0192F0C123457ABC8DEF0123456789AB,0,2026-01-31T01:00:00+01:00,a,b:c,25,r 1,` +
			`"so, ""it"" is","{""k"": ""v""}"` + "\r\n", 2},
		{"JSON", "jsonl", "\n" + `{"id":"0192f0c1-2345-7abc-8def-0123456789ab","leg":0,"effective":"2026-01-31",` +
			`"from":"a","to":"b:c","amount":"25.00 USD","reference":"r 1","memo":"so, \"it\" is",` +
			`"metadata":{"k":"v"},"from_balance":"-1.50","to_balance":null,"seq":7,"at":""}`, 2},
		{"JSON with the memo among the metadata", "jsonl", `{"amount":"25","currency":"USD",` +
			`"id":"0192f0c1-2345-7abc-8def-0123456789ab","leg":"0","effective":"2026-01-31T00:00:00Z",` +
			`"from":"a","to":"b:c","reference":"r 1","metadata":{"k":"v","memo":"so, \"it\" is"},` +
			`"from_balance":"-1.50"}`, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := readAll(test.format, test.text)
			if err != nil {
				t.Fatal(err)
			}
			want := want
			want.Line = test.line
			if diff := cmp.Diff([]exchange.Row{want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The bound on a row is not one on a file.
func TestLongFilesAreRead(t *testing.T) {
	for format, text := range map[string]string{
		"csv":   "from,to,amount\n" + strings.Repeat("a,b,1 USD\n", 300_000),
		"jsonl": strings.Repeat(`{"from":"a","to":"b","amount":"1 USD"}`+"\n", 60_000),
	} {
		rows, err := readAll(format, text)
		if want := strings.Count(text, "b"); err != nil || len(rows) != want {
			t.Errorf("%s: got %d rows and %v, want %d", format, len(rows), err, want)
		}
	}
}

const columns = "id,leg,effective,from,to,amount,currency,reference,memo,metadata,from_balance,to_balance\n"

// malformed is rows under all columns. Each is wrong in one column.
var malformed = []struct {
	name, row, column string
	code              bursar.Code
}{
	{"id", "7,,,a,b,1,USD,,,,,", "id", bursar.CodeIDInvalid},
	{"zero id", "00000000-0000-0000-0000-000000000000,,,a,b,1,USD,,,,,", "id", bursar.CodeIDInvalid},
	{"leg that is no number", ",x,,a,b,1,USD,,,,,", "leg", bursar.CodeLegsInvalid},
	{"leg without an id", ",1,,a,b,1,USD,,,,,", "leg", bursar.CodeLegsInvalid},
	{"leg out of nothing", "0192f0c1-2345-7abc-8def-0123456789ab,1,,a,b,1,USD,,,,,", "leg", bursar.CodeLegsInvalid},
	{"time", ",,yesterday,a,b,1,USD,,,,,", "effective", bursar.CodeTimeInvalid},
	{"time without a zone", ",,2026-01-31T12:00:00,a,b,1,USD,,,,,", "effective", bursar.CodeTimeInvalid},
	{"day that is none", ",,2026-02-30,a,b,1,USD,,,,,", "effective", bursar.CodeTimeInvalid},
	{"year out of range", ",,1600-01-01,a,b,1,USD,,,,,", "effective", bursar.CodeTimeInvalid},
	{"no from", ",,,,b,1,USD,,,,,", "from", bursar.CodeAccountInvalid},
	{"bad path", ",,,a,b c,1,USD,,,,,", "to", bursar.CodeAccountInvalid},
	{"same account", ",,,a,a,1,USD,,,,,", "to", bursar.CodeSameAccount},
	{"no amount", ",,,a,b,,USD,,,,,", "amount", bursar.CodeAmountInvalid},
	{"no currency", ",,,a,b,1,,,,,,", "amount", bursar.CodeAmountInvalid},
	{"NaN", ",,,a,b,NaN,USD,,,,,", "amount", bursar.CodeAmountInvalid},
	{"Infinity", ",,,a,b,Infinity USD,,,,,,", "amount", bursar.CodeAmountInvalid},
	{"exponent", ",,,a,b,1e2,USD,,,,,", "amount", bursar.CodeAmountInvalid},
	{"too many decimals", ",,,a,b,10.999 USD,,,,,,", "amount", bursar.CodeAmountInvalid},
	{"negative zero", ",,,a,b,-0,USD,,,,,", "amount", bursar.CodeAmountInvalid},
	{"zero", ",,,a,b,0.00,USD,,,,,", "amount", bursar.CodeAmountNotPositive},
	{"negative", ",,,a,b,-5.00,USD,,,,,", "amount", bursar.CodeAmountNotPositive},
	{"out of range", ",,,a,b,1" + strings.Repeat("0", 36) + ",X/0,,,,,", "amount", bursar.CodeAmountOutOfRange},
	{"two currencies", ",,,a,b,1.00 EUR,USD,,,,,", "amount", bursar.CodeAmountInvalid},
	{"unknown currency", ",,,a,b,1.00,USX,,,,,", "currency", bursar.CodeCurrencyInvalid},
	{"long reference", ",,,a,b,1,USD," + strings.Repeat("r", 256) + ",,,,", "reference", bursar.CodeReferenceInvalid},
	{"control character", ",,,a,b,1,USD,a\tb,,,,", "reference", bursar.CodeReferenceInvalid},
	{"long memo", ",,,a,b,1,USD,," + strings.Repeat("m", 513) + ",,,", "memo", bursar.CodeMetadataInvalid},
	{"memo that is not text", ",,,a,b,1,USD,,\xff,,,", "memo", bursar.CodeMetadataInvalid},
	{"metadata that is no object", ",,,a,b,1,USD,,,[],,", "metadata", bursar.CodeMetadataInvalid},
	{"metadata with a number", `,,,a,b,1,USD,,,"{""k"":1}",,`, "metadata", bursar.CodeMetadataInvalid},
	{"metadata with a key twice", `,,,a,b,1,USD,,,"{""k"":""1"",""k"":""2""}",,`, "metadata", bursar.CodeMetadataInvalid},
	{"metadata with an empty key", `,,,a,b,1,USD,,,"{"""":""1""}",,`, "metadata", bursar.CodeMetadataInvalid},
	{"metadata cut short", `,,,a,b,1,USD,,,"{""k"":""1""",,`, "metadata", bursar.CodeMetadataInvalid},
	{"memo twice", `,,,a,b,1,USD,,m,"{""memo"":""1""}",,`, "metadata", bursar.CodeMetadataInvalid},
	{"balance", ",,,a,b,1,USD,,,,1e2,", "from_balance", bursar.CodeAmountInvalid},
	{"balance in another currency", ",,,a,b,1,USD,,,,,1.00 EUR", "to_balance", bursar.CodeAmountInvalid},
}

func TestMalformedRows(t *testing.T) {
	for _, test := range malformed {
		t.Run(test.name, func(t *testing.T) {
			f := setup(t)
			text := columns + ",,,a,b,1,USD,,,,,\n" + test.row + "\n"
			_, _, err := f.load(t, "csv", text, exchange.ImportOptions{Open: everything(t)})
			wantAt(t, err, "in.csv:3: column "+test.column+": ", test.code)
			f.head(t, 0) // neither row was posted, nor an account opened
		})
	}
}

func TestMalformedFiles(t *testing.T) {
	for _, test := range []struct {
		name, format, text, place string
		code                      bursar.Code
	}{
		{"empty", "csv", "", "in:1: ", bursar.CodeMalformed},
		{"unknown column", "csv", "from,to,amount,colour\n", "in:1: column colour: ", bursar.CodeMalformed},
		{"column twice", "csv", "from,to,amount,to\n", "in:1: column to: ", bursar.CodeMalformed},
		{"column missing", "csv", "from,to,currency\n", "in:1: column amount: ", bursar.CodeMalformed},
		{"too few fields", "csv", "from,to,amount\na,b\n", "in:2: ", bursar.CodeMalformed},
		{"quote left open", "csv", "from,to,amount\n\na,b,\"1 USD\n", "in:3: ", bursar.CodeMalformed},
		{"row without an end", "csv", "from,to,amount\na,b,\"" + strings.Repeat("x", 3<<20), "in:2: ", bursar.CodeTooLarge},
		{"line without an end", "jsonl", `{"from":"a","to":"b","amount":"1 USD"}` + "\n" + strings.Repeat("x", 3<<20),
			"in:2: ", bursar.CodeTooLarge},
		{"no object", "jsonl", "\n[]\n", "in:2: ", bursar.CodeMalformed},
		{"no JSON", "jsonl", "from,to,amount\n", "in:1: ", bursar.CodeMalformed},
		{"cut short", "jsonl", `{"from":"a"`, "in:1: ", bursar.CodeMalformed},
		{"two objects", "jsonl", `{"from":"a","to":"b","amount":"1 USD"} {}`, "in:1: ", bursar.CodeMalformed},
		{"unknown key", "jsonl", `{"From":"a"}`, "in:1: column From: ", bursar.CodeMalformed},
		{"key twice", "jsonl", `{"from":"a","from":"b"}`, "in:1: column from: ", bursar.CodeMalformed},
		{"number for an amount", "jsonl", `{"amount":25.00}`, "in:1: column amount: ", bursar.CodeAmountInvalid},
		{"object for a path", "jsonl", `{"from":{}}`, "in:1: column from: ", bursar.CodeMalformed},
		{"not UTF-8", "jsonl", "{\"from\":\"\xff\"}", "in:1: ", bursar.CodeMalformed},
		{"no such format", "xml", "", "", bursar.CodeUnsupported},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := readAll(test.format, test.text)
			wantAt(t, err, test.place, test.code)
		})
	}
}

// What a file is refused for, the ledger would refuse too, and for the same reason.
func TestRefusesWhatTheLedgerRefuses(t *testing.T) {
	f := setup(t)
	leg := bursar.Leg{From: "a", To: "b", Amount: money.MustParse("1.00 USD")}
	legs := []bursar.Leg{leg}
	long := strings.Repeat("m", 513)
	for _, test := range []struct {
		row      string
		transfer bursar.Transfer
	}{
		{",,,a,a,1,USD,,,,,", bursar.Transfer{Legs: []bursar.Leg{{From: "a", To: "a", Amount: leg.Amount}}}},
		{",,,a,b,-1,USD,,,,,", bursar.Transfer{Legs: []bursar.Leg{{From: "a", To: "b", Amount: leg.Amount.Neg()}}}},
		{",,,a:,b,1,USD,,,,,", bursar.Transfer{Legs: []bursar.Leg{{From: "a:", To: "b", Amount: leg.Amount}}}},
		{",,1600-01-01,a,b,1,USD,,,,,", bursar.Transfer{Legs: legs, Effective: time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC)}},
		{",,,a,b,1,USD,a\tb,,,,", bursar.Transfer{Legs: legs, Reference: "a\tb"}},
		{",,,a,b,1,USD," + long[:256] + ",,,,", bursar.Transfer{Legs: legs, Reference: long[:256]}},
		{",,,a,b,1,USD,," + long + ",,,", bursar.Transfer{Legs: legs, Metadata: bursar.Metadata{"memo": long}}},
		{`,,,a,b,1,USD,,,"{""` + long[:65] + `"":""""}",,`,
			bursar.Transfer{Legs: legs, Metadata: bursar.Metadata{long[:65]: ""}}},
	} {
		_, want := f.Post(t.Context(), test.transfer)
		_, got := readAll("csv", columns+test.row+"\n")
		if got == nil || bursar.CodeOf(got) != bursar.CodeOf(want) {
			t.Errorf("%s: the file says %v and the ledger %v", test.row, got, want)
		}
	}
	// And the longest that fits passes both.
	ok := ",,,a,b,1,USD," + long[:255] + "," + long[:512] + `,"{""` + long[:64] + `"":""""}",,`
	if _, err := readAll("csv", columns+ok+"\n"); err != nil {
		t.Error(err)
	}
	longest := bursar.Metadata{"memo": long[:512], long[:64]: ""}
	_, err := f.Post(t.Context(), bursar.Transfer{Legs: legs, Reference: long[:255], Metadata: longest})
	if bursar.CodeOf(err) != bursar.CodeAccountNotFound {
		t.Errorf("got %v, want account_not_found", err)
	}
}

func FuzzRows(f *testing.F) {
	f.Add(columns+",,,a,b,1,USD,,,,,\n", false)
	for _, test := range malformed {
		f.Add(columns+test.row+"\n", false)
	}
	f.Add(`{"from":"a","to":"b","amount":"1 USD","metadata":{"k":"v"}}`, true)
	f.Fuzz(func(t *testing.T, text string, lines bool) {
		format := exchange.FormatCSV
		if lines {
			format = exchange.FormatJSONL
		}
		rows, err := readAll(format, text)
		if bursar.CodeOf(err) == bursar.CodeInternal {
			t.Errorf("%v has no code", err)
		}
		for _, row := range rows {
			if row.Amount.Sign() <= 0 || bursar.CheckPath(row.From) != nil || bursar.CheckPath(row.To) != nil {
				t.Errorf("%+v was let through", row)
			}
		}
	})
}
