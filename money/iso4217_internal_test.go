package money

import (
	"encoding/csv"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// readList reads a list as the tables hold it, independently of the generator.
func readList(t *testing.T, path string, fields ...string) []isoRow {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fields, lines[0]); diff != "" {
		t.Fatal(path, diff)
	}
	var rows []isoRow
	for _, line := range lines[1:] {
		row := isoRow{code: line[0], name: line[len(line)-1], scale: -1}
		numeric, err := strconv.ParseUint(line[1], 10, 16)
		if err != nil || len(line[1]) != 3 {
			t.Fatalf("%s: numeric code of %v: %v", path, line, err)
		}
		row.numeric = uint16(numeric)
		if line[2] != "N.A." {
			scale, err := strconv.ParseInt(line[2], 10, 8)
			if err != nil || scale < 0 {
				t.Fatalf("%s: units of %v: %v", path, line, err)
			}
			row.scale = int8(scale)
		}
		if len(line) == 5 {
			row.withdrawn = line[3]
		}
		rows = append(rows, row)
	}
	return rows
}

func TestTablesAreTheLists(t *testing.T) {
	t.Parallel()
	one := readList(t, "iso4217/list_one.csv", "code", "numeric", "units", "name")
	three := readList(t, "iso4217/list_three.csv", "code", "numeric", "units", "withdrawn", "name")
	if diff := cmp.Diff(one, isoActive[:], cmp.AllowUnexported(isoRow{})); diff != "" {
		t.Errorf("run go generate: list one differs from isoActive:\n%s", diff)
	}
	if diff := cmp.Diff(three, isoWithdrawn[:], cmp.AllowUnexported(isoRow{})); diff != "" {
		t.Errorf("run go generate: list three differs from isoWithdrawn:\n%s", diff)
	}
}

func TestTablesHold(t *testing.T) {
	t.Parallel()
	byCode := func(a, b isoRow) int { return strings.Compare(a.code, b.code) }
	seen := make(map[string]bool)
	for name, table := range map[string][]isoRow{"isoActive": isoActive[:], "isoWithdrawn": isoWithdrawn[:]} {
		if !slices.IsSortedFunc(table, byCode) {
			t.Errorf("%s is not sorted by code, which findISO needs", name)
		}
		for i := range table {
			row := &table[i]
			if len(row.code) != 3 || codeReason(row.code) != "" || row.name == "" || row.numeric == 0 {
				t.Errorf("%s: %+v is not a currency", name, *row)
			}
			if seen[row.code] {
				t.Errorf("%s: %s is there twice", name, row.code)
			}
			seen[row.code] = true
			if findISO(table, row.code) != row {
				t.Errorf("%s: %s is not found", name, row.code)
			}
			if withdrawn := row.withdrawn != ""; withdrawn != (name == "isoWithdrawn") {
				t.Errorf("%s: %s is withdrawn %q", name, row.code, row.withdrawn)
			}
		}
	}
	numbers := make(map[uint16]string)
	for _, row := range isoActive {
		if other := numbers[row.numeric]; other != "" {
			t.Errorf("%s and %s share the number %d", row.code, other, row.numeric)
		}
		numbers[row.numeric] = row.code
	}
}

// TestEveryISOCurrency reads and prints one unit of each currency. The counts
// of decimals are stated apart from the lists: what is not named here has two.
func TestEveryISOCurrency(t *testing.T) {
	t.Parallel()
	texts := map[int8]string{0: "1", 2: "0.01", 3: "0.001", 4: "0.0001"}
	special := make(map[string]int8)
	for scale, codes := range map[int8]string{
		-1: "XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX",
		0:  "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
		3:  "BHD IQD JOD KWD LYD OMR TND",
		4:  "CLF UYW",
	} {
		for code := range strings.FieldsSeq(codes) {
			special[code] = scale
		}
	}
	for _, row := range isoActive {
		scale, isSpecial := special[row.code]
		if !isSpecial {
			scale = 2
		}
		delete(special, row.code)
		if row.scale != scale {
			t.Errorf("%s has %d decimals, want %d", row.code, row.scale, scale)
			continue
		}
		c, err := Lookup(row.code)
		if scale < 0 {
			if err == nil {
				t.Errorf("%s, which has no units, is found", row.code)
			}
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		text := texts[scale] + " " + row.code
		if a, err := Parse(text); err != nil || a != FromUnits(1, c) || a.String() != text {
			t.Errorf("Parse(%q) = %v, %v", text, a, err)
		}
		tooFine := "0." + strings.Repeat("0", int(scale)) + "1 " + row.code
		if a, err := Parse(tooFine); err == nil {
			t.Errorf("Parse(%q) = %v", tooFine, a)
		}
	}
	for code := range special {
		t.Errorf("%s is not in the list", code)
	}
	if len(isoActive) != 178 {
		t.Errorf("list one has %d codes, want 178", len(isoActive))
	}
}
