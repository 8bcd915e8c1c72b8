package main

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sample is a module whose tests pass, fail, skip and do not compile.
var sample = map[string]string{
	"go.mod": "module sample\n\ngo 1.26\n",
	"good/a_test.go": "package good\nimport \"testing\"\n" +
		"func TestGood(t *testing.T) { t.Log(\"quiet\") }\n" +
		"func FuzzGood(f *testing.F) { f.Fuzz(func(*testing.T, int) {}) }\n",
	"bad/a_test.go": "package bad\nimport \"testing\"\n" +
		"func TestBad(t *testing.T) { t.Run(\"sub\", func(t *testing.T) { t.Error(\"loud\") }) }\n" +
		"func TestSkipped(t *testing.T) { t.Skip(\"no such tool\") }\n",
	"worse/a_test.go": "package worse\nvar x int = \"\"\n",
	"bare/a.go":       "package bare\n",
}

var durations = regexp.MustCompile(`\(?[0-9]+\.[0-9]+s\)?|\(cached\)`)

func TestReportOfRealRun(t *testing.T) {
	dir := t.TempDir()
	for name, content := range sample {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	r := newReport(&out)
	if err := goTest(t.Context(), dir, []string{"-vet=off", "-p=1", "./..."}, nil, r.event); err == nil {
		t.Error("a run with failures gave no error")
	}
	r.summary()
	got := durations.ReplaceAllString(out.String(), "TIME")
	for _, want := range []string{
		"ok  \tsample/good\tTIME\n",
		"a_test.go:3: loud\n",
		"--- FAIL: TestBad/sub TIME\n",
		"FAIL\tsample/worse [build failed]\n",
		"worse/a_test.go:2:13: cannot use \"\"",
		"skipped: sample/bad TestSkipped: no such tool\n",
		"packages: 1 ok, 2 failed, 1 without tests; tests: 2 passed, 2 failed, 1 skipped\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the report lacks %q:\n%s", want, got)
		}
	}
	for _, noise := range []string{"quiet", "=== RUN"} {
		if strings.Contains(got, noise) {
			t.Errorf("the report repeats %q:\n%s", noise, got)
		}
	}
}

// TestModulesBelowAreRun wants the tests of a module in a module to run with all packages, and only then. What cannot
// be downloaded is a note, or an error where tools are required.
func TestModulesBelowAreRun(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod":         "module outer\n\ngo 1.26\n",
		"a_test.go":      "package outer\nimport \"testing\"\nfunc TestOuter(*testing.T) {}\n",
		"in/side/go.mod": "module outer/in/side\n\ngo 1.26\n",
		"in/side/a_test.go": "package side\nimport \"testing\"\n" +
			"func TestInner(t *testing.T) { t.Error(\"loud\") }\n",
		"testdata/other/go.mod": "not even a module",
		"zz/go.mod":             "module outer/zz\n\ngo 1.26\n\nrequire bursar.invalid/nowhere v1.0.0\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("GOPROXY", "off")
	run := func(required []string, pattern string) (string, error) {
		var out strings.Builder
		r := newReport(&out)
		err := testAll(t.Context(), dir, []string{"-vet=off", pattern}, nil, required, r)
		r.summary()
		return out.String(), err
	}
	if out, err := run(nil, "."); err != nil || !strings.Contains(out, "1 passed, 0 failed") {
		t.Errorf("one package: %v\n%s", err, out)
	}
	out, err := run(nil, everything)
	if err == nil || strings.Contains(err.Error(), "zz") || !strings.Contains(out, "1 passed, 1 failed") ||
		!strings.Contains(out, "zz: not run: go mod download") {
		t.Errorf("all packages: %v\n%s", err, out)
	}
	if _, err := run([]string{"postgres"}, everything); err == nil || !strings.Contains(err.Error(), "zz") {
		t.Errorf("where tools are required: %v", err)
	}
}

// A test that never ends has no event of its own; its output must not be lost.
func TestReportShowsWhatNeverEnded(t *testing.T) {
	var out strings.Builder
	r := newReport(&out)
	err := readEvents(strings.NewReader(strings.Join([]string{
		`{"Action":"output","Package":"p","Test":"TestHangs","Output":"waiting for the head\n"}`,
		`{"Action":"output","Package":"q","Test":"TestOther","Output":"of another package\n"}`,
		`{"Action":"output","Package":"p","Output":"panic: test timed out\n"}`,
		`{"Action":"fail","Package":"p"}`,
		`not an event`,
	}, "\n")), r.event)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("waiting for the head\npanic: test timed out\nnot an event", out.String()); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

func TestTarget(t *testing.T) {
	tests := map[string]bool{
		"FuzzParse\n":            true,
		"ok  \tpkg\t0.01s\n":     false,
		"Fuzz targets listed:\n": false,
		"TestParse\n":            false,
	}
	for output, want := range tests {
		k, ok := target(event{Action: "output", Package: "p", Output: output})
		if ok != want {
			t.Errorf("target(%q) = %v, %t; want %t", output, k, ok, want)
		}
	}
	if k, _ := target(event{Action: "output", Package: "p", Output: "FuzzParse\n"}); k != (key{"p", "FuzzParse"}) {
		t.Errorf("target = %v, want p FuzzParse", k)
	}
}

func TestDispatchRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, args := range [][]string{nil, {"help"}, {"setup", "now"}, {"run"}, {"fuzz", "30s"}} {
		if err := dispatch(t.Context(), args, &strings.Builder{}); !errors.Is(err, errUsage) {
			t.Errorf("dispatch(%q) = %v, want the usage", args, err)
		}
	}
}
