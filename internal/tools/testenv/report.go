package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// report prints what matters of a test run: a line per package, the whole output
// of what failed, every skip with its reason, and the counts. Several runs may
// tell it their events at once.
type report struct {
	out      io.Writer
	mu       sync.Mutex // guards all of it
	buffered map[key]*strings.Builder
	skips    []string
	tests    map[string]int // by action: pass, fail, skip
	packages map[string]int
}

// key names a test, or a package when test is empty.
type key struct{ pkg, test string }

func newReport(out io.Writer) *report {
	return &report{
		out:      out,
		buffered: map[key]*strings.Builder{},
		tests:    map[string]int{},
		packages: map[string]int{},
	}
}

func (r *report) event(e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := key{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		r.output(k, e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.packages[e.Action]++
		} else {
			r.tests[e.Action]++
		}
		r.finish(k, e.Action)
	}
}

// note says why the tests of a module did not run.
func (r *report) note(module string, why error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err := fmt.Fprintf(r.out, "module %s: not run: %v\n", module, why)
	return err
}

func (r *report) output(k key, text string) {
	switch {
	case strings.HasPrefix(text, "=== "):
		return
	case k.test == "" && strings.HasPrefix(text, "ok  "):
		fmt.Fprint(r.out, text)
		return
	}
	if r.buffered[k] == nil {
		r.buffered[k] = &strings.Builder{}
	}
	r.buffered[k].WriteString(text)
}

// finish prints or drops the output of a test. When a package fails, the tests
// in it that have not ended have failed too, and their output is printed.
func (r *report) finish(k key, action string) {
	switch {
	case action == "fail" && k.test == "":
		for _, open := range slices.SortedFunc(maps.Keys(r.buffered), byTest) {
			if open.pkg == k.pkg {
				fmt.Fprint(r.out, r.take(open))
			}
		}
	case action == "fail":
		fmt.Fprint(r.out, r.take(k))
	case action == "skip" && k.test != "":
		r.skips = append(r.skips, fmt.Sprintf("%s %s: %s", k.pkg, k.test, reason(r.take(k))))
	default:
		r.take(k)
	}
}

// byTest orders the output of tests before that of their package.
func byTest(a, b key) int {
	return cmp.Or(cmp.Compare(a.pkg, b.pkg), cmp.Compare(b.test, a.test))
}

func (r *report) take(k key) string {
	text := r.buffered[k]
	delete(r.buffered, k)
	if text == nil {
		return ""
	}
	return text.String()
}

var place = regexp.MustCompile(`^\s*[^\s:]+\.go:[0-9]+: `)

// reason finds what a skipped test said in its output.
func reason(output string) string {
	var said []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(place.ReplaceAllString(line, ""))
		if line != "" && !strings.HasPrefix(line, "--- ") {
			said = append(said, line)
		}
	}
	return cmp.Or(strings.Join(said, " "), "no reason given")
}

func (r *report) summary() {
	for _, s := range r.skips {
		fmt.Fprintln(r.out, "skipped:", s)
	}
	fmt.Fprintf(r.out, "packages: %d ok, %d failed, %d without tests; tests: %d passed, %d failed, %d skipped\n",
		r.packages["pass"], r.packages["fail"], r.packages["skip"], r.tests["pass"], r.tests["fail"], r.tests["skip"])
}
