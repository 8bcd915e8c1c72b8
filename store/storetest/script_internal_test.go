package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
)

func TestParseScript(t *testing.T) {
	t.Parallel()
	lines, err := parseScript("# a remark\n\n  clock 2026-01-02T00:00:00Z\naccount users:1 USD min=-50.00 = ok\n" +
		"transfer a > b 1.00 USD, b > c 2.50 USD id=pay if=a>=3.00 version=b:c:2 note=x = account_not_found legs[0].from\n")
	if err != nil || len(lines) != 3 {
		t.Fatalf("%d lines, %v", len(lines), err)
	}
	opening, err := lines[1].opening()
	if err != nil {
		t.Fatal(err)
	}
	wantOpening := bursar.Opening{Path: "users:1", Currency: currency("USD"), Min: limit("-50.00 USD")}
	if diff := cmp.Diff(wantOpening, opening); diff != "" {
		t.Errorf("the opening (-want +got):\n%s", diff)
	}
	transfer, err := lines[2].transfer()
	if err != nil {
		t.Fatal(err)
	}
	version := int64(2)
	want := bursar.Transfer{
		ID: bursar.IDOf("script", "pay"), Metadata: bursar.Metadata{"note": "x"},
		Legs:       []bursar.Leg{leg("a", "b", "1.00 USD"), leg("b", "c", "2.50 USD")},
		Conditions: []bursar.Condition{{Path: "a", AtLeast: limit("3.00 USD")}, {Path: "b:c", Version: &version}},
	}
	if diff := cmp.Diff(want, transfer); diff != "" {
		t.Errorf("the transfer (-want +got):\n%s", diff)
	}
	lines[2].option = map[string]string{"attempt": "pay"}
	if try, err := lines[2].transfer(); err != nil || try.ID.Thing() || try.ID != attemptOf("script", "pay") {
		t.Errorf("an attempt has the id %v, %v", try.ID, err)
	}
	if lines[2].number != 5 || lines[2].want != "account_not_found legs[0].from" {
		t.Errorf("line %d wants %q", lines[2].number, lines[2].want)
	}
}

func TestParseScriptRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ script, want string }{
		{"jump a = ok", `line 1: there is no verb "jump"`},
		{"\ntransfer a > b 1.00 USD", "line 2: transfer comes to a result: true"},
		{"balance a = ", "line 1: balance comes to a result: true"},
		{"clock 2026-01-02T00:00:00Z = ok", "line 1: clock comes to a result: false"},
		{"balance a id=7 = 1.00 USD", `line 1: balance takes no option "id" here`},
		{"balance a seq=7 seq=8 = 1.00 USD", `line 1: balance takes no option "seq" here`},
	} {
		if _, err := parseScript(test.script); err == nil || err.Error() != test.want {
			t.Errorf("%q: %v, want %s", test.script, err, test.want)
		}
	}
	for _, bad := range []string{
		"transfer a b 1.00 USD = ok", "transfer a > b 1.00 = ok", "transfer a > b 1.001 USD = ok",
		"transfer a > b 1.00 USD notafter=noon = ok", "transfer a > b 1.00 USD if=a>=x = ok",
		"transfer a > b 1.00 USD version=2 = ok", "transfer a > b 1.00 USD version=a:x = ok",
		"transfer a > b 1.00 USD effective=2026 = ok", "transfer = ok", "transfer a > b 1.00 USD id=x attempt=x = ok",
	} {
		lines, err := parseScript(bad)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := lines[0].transfer(); err == nil {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
	for _, bad := range []string{
		"account a = ok", "account a XXQ = ok", "account a USD min=x = ok", "account a USD max=1.001 = ok",
	} {
		lines, err := parseScript(bad)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := lines[0].opening(); err == nil {
			t.Errorf("%q is read as %+v", bad, got)
		}
	}
}

func TestAsOfOfAScript(t *testing.T) {
	t.Parallel()
	lines, err := parseScript("balance a at=2026-01-02T00:00:00Z = x\nbalance a seq=x = x\nbalance a seq=4 = x")
	if err != nil {
		t.Fatal(err)
	}
	asOf, err := lines[0].asOf()
	if want := (bursar.AsOf{At: time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)}); err != nil || asOf != want {
		t.Errorf("%+v, %v", asOf, err)
	}
	if _, err := lines[1].asOf(); err == nil || !strings.Contains(err.Error(), "integer") {
		t.Errorf("%q was read: %v", lines[1].option["seq"], err)
	}
	if asOf, err := lines[2].asOf(); err != nil || asOf.Seq != 4 {
		t.Errorf("%+v, %v", asOf, err)
	}
}
