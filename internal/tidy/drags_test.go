package tidy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// node is a package as the go command lists it.
type node struct {
	ImportPath string
	Standard   bool
	Imports    []string
}

// graph holds every package that a room needs, directly or not.
type graph map[string]node

// TestDrags holds what each room drags into a program against the plan. It asks
// the go command, so it sees what the build tags of this machine let through.
func TestDrags(t *testing.T) {
	list := exec.CommandContext(t.Context(), "go", "list", "-e", "-deps", "-json=ImportPath,Standard,Imports", "./...")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	g, err := readGraph(strings.NewReader(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	if len(g) == 0 {
		t.Fatal("go list named no package: the rule would check nothing")
	}
	for _, finding := range checkDrags(g) {
		t.Error(finding)
	}
}

func readGraph(r io.Reader) (graph, error) {
	g := graph{}
	for dec := json.NewDecoder(r); ; {
		var n node
		err := dec.Decode(&n)
		if errors.Is(err, io.EOF) {
			return g, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the output of go list: %w", err)
		}
		g[n.ImportPath] = n
	}
}

// checkDrags reports every package that a room links in and should not. A room
// without a row is left to checkArrows.
func checkDrags(g graph) []string {
	var found []string
	for _, name := range slices.Sorted(maps.Keys(g)) {
		dir, own := roomOf(name)
		plan, planned := rowFor(dir)
		if !own || !planned || slices.Contains(plan.drags, anything) {
			continue
		}
		via := g.reach(name)
		allowed := g.trees(plan.drags)
		for _, dep := range slices.Sorted(maps.Keys(via)) {
			// What a refused package needs in turn goes with it and is not named.
			brought := refuseDrag(plan, g[via[dep]], allowed[via[dep]]) != ""
			if why := refuseDrag(plan, g[dep], allowed[dep]); why != "" && !brought {
				found = append(found, fmt.Sprintf("%s %s: %s", dir, why, via.chain(dep)))
			}
		}
	}
	return found
}

func refuseDrag(plan row, dep node, allowed bool) string {
	_, own := roomOf(dep.ImportPath)
	switch {
	case slices.Contains(plan.never, dep.ImportPath):
		return "must never drag in " + dep.ImportPath
	case own || dep.Standard || dep.ImportPath == "" || dep.ImportPath == "C":
		return ""
	case ofModule(dep.ImportPath, heavy) && !ofModule(dep.ImportPath, plan.drags):
		return "drags in " + dep.ImportPath + ", which only commands may"
	case !allowed:
		return "drags in " + dep.ImportPath
	}
	return ""
}

// parents maps each reached package to the one that imports it.
type parents map[string]string

// reach walks the imports breadth first, so that a chain is a shortest one.
func (g graph) reach(from string) parents {
	via := parents{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, next := range g[queue[0]].Imports {
			if _, seen := via[next]; !seen {
				via[next] = queue[0]
				queue = append(queue, next)
			}
		}
	}
	return via
}

// trees collects the packages of some modules and all that they need.
func (g graph) trees(modules []string) map[string]bool {
	all := map[string]bool{}
	for name := range g {
		if ofModule(name, modules) {
			for dep := range g.reach(name) {
				all[dep] = true
			}
		}
	}
	return all
}

func (p parents) chain(to string) string {
	var steps []string
	for at := to; at != ""; at = p[at] {
		steps = append(steps, at)
	}
	slices.Reverse(steps)
	return strings.Join(steps, " -> ")
}

func TestDragsFindsWhatIsDraggedIn(t *testing.T) {
	const (
		ledger = module
		money  = module + "/money"
		sqlite = module + "/store/sqlite"
	)
	std := []node{{ImportPath: "database/sql", Standard: true}, {ImportPath: "io", Standard: true}}
	driver := []node{
		{ImportPath: "modernc.org/sqlite", Imports: []string{"modernc.org/libc"}},
		{ImportPath: "modernc.org/libc"},
	}
	tests := []struct {
		name  string
		nodes []node
		want  []string
	}{
		{"as planned", []node{
			{ImportPath: money, Imports: []string{"io"}},
			{ImportPath: ledger, Imports: []string{money}},
			{ImportPath: sqlite, Imports: []string{ledger, "modernc.org/sqlite", "database/sql"}},
			{ImportPath: module + "/cmd/bursar", Imports: []string{"github.com/spf13/cobra"}},
			{ImportPath: "github.com/spf13/cobra"},
		}, nil},
		{"a leaf reaches outside through another room", []node{
			{ImportPath: money, Imports: []string{"example.org/decimal"}},
			{ImportPath: ledger, Imports: []string{money}},
			{ImportPath: "example.org/decimal", Imports: []string{"example.org/decimal/digits"}},
			{ImportPath: "example.org/decimal/digits"},
		}, []string{
			". drags in example.org/decimal: " + ledger + " -> " + money + " -> example.org/decimal",
			"money drags in example.org/decimal: " + money + " -> example.org/decimal",
		}},
		{"the root reaches the database package", []node{
			{ImportPath: ledger, Imports: []string{module + "/internal/sqlstore"}},
			{ImportPath: module + "/internal/sqlstore", Imports: []string{"database/sql"}},
		}, []string{
			". must never drag in database/sql: " + ledger + " -> " + module + "/internal/sqlstore -> database/sql",
		}},
		{"a heavy module hides behind the driver", []node{
			{ImportPath: sqlite, Imports: []string{"modernc.org/sqlite/vtab"}},
			{ImportPath: "modernc.org/sqlite/vtab", Imports: []string{"github.com/prometheus/client"}},
			{ImportPath: "github.com/prometheus/client"},
		}, []string{
			"store/sqlite drags in github.com/prometheus/client, which only commands may: " + sqlite +
				" -> modernc.org/sqlite/vtab -> github.com/prometheus/client",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := graph{}
			for _, n := range slices.Concat(std, driver, test.nodes) {
				g[n.ImportPath] = n
			}
			if diff := cmp.Diff(test.want, checkDrags(g)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}
