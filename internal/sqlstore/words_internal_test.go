package sqlstore

import "testing"

func TestWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"SELECT 1", " SELECT\n\t1 ; ", true},
		{"CHECK (a>0)", "CHECK ( a > 0 )", true},
		{"a -- why\n, b", "a, /* why */ b", true},
		{"a, b --", "a, b", true},
		{"SELECT 'a  b'", "SELECT 'a b'", false},
		{"SELECT 'it''s'", "SELECT 'it' 's'", true}, // no engine takes the second for the text of one column
		{`SELECT "a"`, "SELECT a", false},
		{"SELECT '-- a'", "SELECT ''", false},
		{"a --1", "a", false}, // MySQL subtracts
		{"a /*!80000 b */", "a", false},
		{"a /*M! b */", "a", false},
		{`'\' -- '`, `'\'`, false},
		{"a /* b", "a", true},
		{"ab", "a b", false},
		{"SELECT 1", "select 1", false},
		{"'open'", "'open '", false},
		{"", " ", true},
	} {
		if got := words(c.a) == words(c.b); got != c.same {
			t.Errorf("%q and %q: %q and %q", c.a, c.b, words(c.a), words(c.b))
		}
	}
}

func TestVersionsBetweenAreCovered(t *testing.T) {
	t.Parallel()
	maria := Form{Versions: []string{"10.11", "11.8"}}
	for version, want := range map[string]bool{
		"10.6.1-MariaDB": false, "10.11.6-MariaDB-1": true, "11.4.2-MariaDB": true, "11.8.6-MariaDB": true,
		"11.9.1-MariaDB": false, "12.0.2-MariaDB": false, "": false,
	} {
		if got := maria.covers(Major("mariadb", version)); got != want {
			t.Errorf("MariaDB %s: %v", version, got)
		}
	}
	for version, want := range map[string]string{"150004": "15", "180006": "18", "4": "", "": ""} {
		if got := Major("postgres", version); got != want {
			t.Errorf("PostgreSQL %s is %q", version, got)
		}
	}
}
