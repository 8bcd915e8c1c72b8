package tidy_test

import (
	"os"
	"path"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// root is the top of the tree, seen from this package.
const root = "../.."

// rule is one law of the house.
type rule struct {
	name string
	// check returns one finding per breach, each beginning with its place.
	check func(*tree) []string
	// examples are small trees, some of which break the rule.
	examples []example
}

type example struct {
	name  string
	files map[string]string
	want  []string
}

func rules() []rule {
	return []rule{
		{"arrows", checkArrows, arrowExamples},
		{"sizes", checkSizes, sizeExamples},
		{"package comments", checkPackageComments, packageCommentExamples},
		{"documented names", checkDocumented, documentedExamples},
		{"banned names", checkBanned, bannedExamples},
		{"test manners", checkTestManners, testMannerExamples},
		{"exact numbers", checkExact, exactExamples},
		{"global state", checkState, stateExamples},
		{"markers", checkMarkers, markerExamples},
		{"documents", checkDocuments, documentExamples},
		{"width", checkWidth, widthExamples},
		{"naming", checkNaming, namingExamples},
	}
}

func TestHouse(t *testing.T) {
	house, err := loadTree(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	if len(house.rooms) == 0 {
		t.Fatalf("no package below %s: the rules would check nothing", root)
	}
	for _, b := range house.broken {
		t.Errorf("%s: does not parse", b)
	}
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			for _, finding := range r.check(house) {
				t.Error(finding)
			}
		})
	}
}

// annexes are the modules of their own. They import what they like; the rules that ask for no plan hold in them too,
// but for rooms that a program wrote.
var annexes = []string{"atomic/postgres/libpq", "examples/orms"}

func TestAnnexes(t *testing.T) {
	for _, dir := range annexes {
		annex, err := loadTree(os.DirFS(path.Join(root, dir)))
		if err != nil {
			t.Fatal(err)
		}
		annex.rooms = slices.DeleteFunc(annex.rooms, func(r *room) bool {
			return !slices.ContainsFunc(r.files, func(f *source) bool { return !f.generated })
		})
		if len(annex.rooms) == 0 || len(annex.broken) != 0 {
			t.Errorf("%s: %d packages, and these do not parse: %q", dir, len(annex.rooms), annex.broken)
		}
		for _, r := range rules() {
			switch r.name {
			case "sizes", "package comments", "documented names", "test manners", "global state", "markers", "width":
			default:
				continue
			}
			t.Run(dir+"/"+r.name, func(t *testing.T) {
				for _, finding := range r.check(annex) {
					t.Error(finding)
				}
			})
		}
	}
}

// TestRules shows that each rule finds what it is meant to find, and leaves
// alone what it should.
func TestRules(t *testing.T) {
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			var clean, breaking bool
			for _, e := range r.examples {
				t.Run(e.name, func(t *testing.T) {
					got := r.check(small(t, e.files))
					slices.Sort(got)
					if diff := cmp.Diff(e.want, got); diff != "" {
						t.Errorf("findings (-want +got):\n%s", diff)
					}
				})
				clean = clean || e.want == nil
				breaking = breaking || e.want != nil
			}
			if !clean || !breaking {
				t.Error("a rule needs an example that keeps it and one that breaks it")
			}
		})
	}
}

func TestBrokenFileIsReported(t *testing.T) {
	got, err := loadTree(fstest.MapFS{"money/a.go": {Data: []byte("package money\nfunc {")}})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.broken) != 1 {
		t.Errorf("broken = %q, want one entry", got.broken)
	}
}

func TestTreeLeavesOutWhatIsNotTheHouse(t *testing.T) {
	got := small(t, map[string]string{
		"money/a.go":          "package money",
		"money/testdata/b.go": "not Go at all",
		"money/gen/gen.go":    "//go:build ignore\n\npackage main",
		"rivals/go.mod":       "module rivals",
		"rivals/r.go":         "package rivals",
		"bin/c.go":            "package bin",
		".cache/d.go":         "package cache",
	})
	var dirs []string
	for _, r := range got.rooms {
		dirs = append(dirs, r.dir)
	}
	if diff := cmp.Diff([]string{"money"}, dirs); diff != "" {
		t.Errorf("rooms (-want +got):\n%s", diff)
	}
	if len(got.broken) != 0 {
		t.Errorf("broken = %q, want none", got.broken)
	}
}

// small makes a tree in memory.
func small(t *testing.T, files map[string]string) *tree {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, content := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	got, err := loadTree(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return got
}
