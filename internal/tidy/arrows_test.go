package tidy_test

import (
	"fmt"
	"go/ast"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// checkArrows holds every import against the plan.
func checkArrows(t *tree) []string {
	var found []string
	for _, r := range t.rooms {
		plan, ok := rowFor(r.dir)
		if !ok {
			found = append(found, r.dir+": no row in the table of arrows; decide what this room may import and add one")
			continue
		}
		for _, f := range r.files {
			for _, spec := range f.ast.Imports {
				if why := refuse(plan, r.dir, f, spec); why != "" {
					found = append(found, t.at(spec.Pos())+": "+why)
				}
			}
		}
	}
	return found
}

// refuse returns why a file of a room may not have an import, or "".
func refuse(plan row, dir string, f *source, spec *ast.ImportSpec) string {
	name, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return "malformed import path"
	}
	if spec.Name != nil && spec.Name.Name == "." {
		return fmt.Sprintf("dot import of %s hides where a name comes from", name)
	}
	target, own := roomOf(name)
	switch {
	case own && isCommand(target) && target != dir:
		return fmt.Sprintf("%s imports the command %s; nothing may", dir, target)
	case f.test:
		return ""
	case own && isSuite(target) && !plan.suite:
		return fmt.Sprintf("%s imports the suite %s outside a test", dir, target)
	case own && !slices.Contains(plan.may, target) && !slices.Contains(plan.may, anything):
		return fmt.Sprintf("%s may not import %s", dir, target)
	case own:
		return ""
	case name == "testing" && !plan.suite:
		return fmt.Sprintf("%s imports testing outside a test", dir)
	case slices.Contains(plan.never, name):
		return fmt.Sprintf("%s must never import %s", dir, name)
	case strings.Contains(strings.Split(name, "/")[0], ".") && !ofModule(name, plan.outside):
		return fmt.Sprintf("%s may not import %s from outside", dir, name)
	}
	return ""
}

var arrowExamples = []example{
	{name: "as planned", files: map[string]string{
		"money/a.go":           `package money; import "database/sql/driver"`,
		"ledger.go":            `package bursar; import "github.com/bursar-ledger/bursar/money"`,
		"ledger_test.go":       `package bursar_test; import "github.com/bursar-ledger/bursar/store/sqlite"`,
		"store/sqlite/a.go":    `package sqlite; import _ "modernc.org/sqlite"`,
		"cmd/bursar/a.go":      `package main; import "github.com/spf13/cobra"`,
		"examples/x/x.go":      `package main; import "github.com/bursar-ledger/bursar/ledger"`,
		"bursartest/a.go":      `package bursartest; import ("testing"; "github.com/bursar-ledger/bursar/store/sqlite")`,
		"ledger/x_test.go":     `package posting_test; import "github.com/bursar-ledger/bursar/bursartest"`,
		"money/iso/gen.go":     "//go:build ignore\n\npackage main\nimport \"example.org/x\"",
		"internal/verify/v.go": `package verify; import "github.com/bursar-ledger/bursar"`,
	}},
	{
		name:  "a room without a row",
		files: map[string]string{"internal/util/a.go": "package util"},
		want:  []string{"internal/util: no row in the table of arrows; decide what this room may import and add one"},
	},
	{
		name: "arrows that point up",
		files: map[string]string{
			"money/a.go":  `package money; import "github.com/bursar-ledger/bursar"`,
			"atomic/a.go": `package atomic; import m "github.com/bursar-ledger/bursar/money"`,
			"ledger/a.go": `package ledger; import _ "github.com/bursar-ledger/bursar/store"`,
		},
		want: []string{
			"atomic/a.go:1: atomic may not import money",
			"ledger/a.go:1: ledger may not import store",
			"money/a.go:1: money may not import .",
		},
	},
	{
		name: "packages from outside",
		files: map[string]string{
			"ledger.go":          `package bursar; import "database/sql"`,
			"ledger/a.go":        `package ledger; import "modernc.org/sqlite"`,
			"store/sqlite/a.go":  `package sqlite; import "modernc.org/sqliteish"`,
			"atomic/sqlite/a.go": `package sqlite; import . "strings"`,
			"internal/tidy/a.go": `package tidy; import "github.com/google/go-cmp/cmp"`,
		},
		want: []string{
			"atomic/sqlite/a.go:1: dot import of strings hides where a name comes from",
			"internal/tidy/a.go:1: internal/tidy may not import github.com/google/go-cmp/cmp from outside",
			"ledger.go:1: . must never import database/sql",
			"ledger/a.go:1: ledger may not import modernc.org/sqlite from outside",
			"store/sqlite/a.go:1: store/sqlite may not import modernc.org/sqliteish from outside",
		},
	},
	{
		name: "commands and suites",
		files: map[string]string{
			"cmd/bursar/a.go": `package main; import "github.com/bursar-ledger/bursar/bursartest"`,
			"store/a_test.go": `package store_test; import "github.com/bursar-ledger/bursar/cmd/bursar"`,
			"examples/x/x.go": `package main; import "github.com/bursar-ledger/bursar/bursartest"`,
			"ledger/queue.go": `package ledger; import "testing"`,
		},
		want: []string{
			"cmd/bursar/a.go:1: cmd/bursar imports the suite bursartest outside a test",
			"examples/x/x.go:1: examples/x imports the suite bursartest outside a test",
			"ledger/queue.go:1: ledger imports testing outside a test",
			"store/a_test.go:1: store imports the command cmd/bursar; nothing may",
		},
	},
}

// TestPlanIsSound holds the table itself against the house: no cycle, no row
// twice, suites named as such, heavy modules only where they may be.
func TestPlanIsSound(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range arrows {
		if seen[r.room] {
			t.Errorf("%s has two rows", r.room)
		}
		seen[r.room] = true
		if first, _ := rowFor(strings.TrimSuffix(r.room, "/...")); first.room != r.room {
			t.Errorf("the row of %s is hidden by that of %s", r.room, first.room)
		}
		if strings.HasSuffix(r.room, "test") != r.suite {
			t.Errorf("%s: suites, and only suites, are named ...test", r.room)
		}
		mayBeHeavy := r.suite || isCommand(r.room) || r.room == "internal/httpapi"
		for _, m := range slices.Concat(r.outside, r.drags) {
			if !mayBeHeavy && (m == anything || ofModule(m, heavy)) {
				t.Errorf("%s may not use %s", r.room, m)
			}
		}
		if below(r.room, map[string]bool{})[r.room] {
			t.Errorf("%s may import itself in a circle", r.room)
		}
	}
}

// below collects every room that a room may reach.
func below(room string, reached map[string]bool) map[string]bool {
	plan, _ := rowFor(room)
	for _, next := range plan.may {
		if !reached[next] && next != anything {
			reached[next] = true
			below(next, reached)
		}
	}
	return reached
}
