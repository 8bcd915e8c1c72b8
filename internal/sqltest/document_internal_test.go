package sqltest

import "testing"

func TestARowTakesItsPlaceInATable(t *testing.T) {
	t.Parallel()
	const head = "before\n<!-- t: from a run -->\n| engine | shown |\n|---|---|\n"
	const tail = "<!-- t: end -->\nafter\n"
	for _, test := range []struct{ name, rows, key, row, want, found string }{
		{"the first", "", "| b |", "| b | 1 |", "| b | 1 |\n", ""},
		{"another", "| b | 1 |\n", "| a |", "| a | 2 |", "| a | 2 |\n| b | 1 |\n", ""},
		{"the same", "| a | 2 |\n| b | 1 |\n", "| b |", "| b | 1 |", "| a | 2 |\n| b | 1 |\n", "| b | 1 |"},
		{"one that changed", "| a | 2 |\n| b | 1 |\n", "| a |", "| a | 3 |", "| a | 3 |\n| b | 1 |\n", "| a | 2 |"},
	} {
		changed, found, err := replaceRow(head+test.rows+tail, "t", test.key, test.row)
		if err != nil || changed != head+test.want+tail || found != test.found {
			t.Errorf("%s: found %q, %v, and made\n%s", test.name, found, err, changed)
		}
	}
	for _, text := range []string{"", head, tail, "<!-- t: from a run -->\n" + tail} {
		if _, _, err := replaceRow(text, "t", "| a |", "| a | 1 |"); err == nil {
			t.Errorf("there is a place for a row in %q", text)
		}
	}
}
