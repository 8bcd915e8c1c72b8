package atomictest

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestGuide compares the guide with the suite: each number that the guide cites is a behaviour in the file that it
// links to, and every pitfall cites one.
func TestGuide(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/atomic.md")
	if err != nil {
		t.Fatal(err)
	}
	numbers := map[int]bool{}
	for _, s := range subjects() {
		for _, b := range s.behaviours {
			numbers[b.number] = true
		}
	}
	links := regexp.MustCompile(`\[(\d{3})\]\(\.\./atomic/atomictest/(\w+\.go)\)`).FindAllStringSubmatch(string(guide), -1)
	for _, link := range links {
		number, err := strconv.Atoi(link[1])
		if err != nil || !numbers[number] {
			t.Errorf("the guide cites behaviour %s, which is not there", link[1])
		}
		source, err := os.ReadFile(link[2])
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(fmt.Sprintf(`\n\t\{%d, "`, number)).Match(source) {
			t.Errorf("the guide looks for behaviour %s in %s", link[1], link[2])
		}
	}
	for _, pitfall := range strings.Split(string(guide), "\n### ")[1:] {
		title, text, _ := strings.Cut(pitfall, "\n")
		for _, part := range []string{"Pinned by [", "\n// wrong\n", "\n// right\n"} {
			if !strings.Contains(text, part) {
				t.Errorf("the pitfall %q lacks %q", title, part)
			}
		}
	}
	if len(links) < 50 {
		t.Errorf("only %d behaviours are cited", len(links))
	}
}

// TestNumbers holds the numbers of the suite together, without an engine.
func TestNumbers(t *testing.T) {
	t.Parallel()
	checkNumbers(t)
}
