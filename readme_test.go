package bursar_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// programLinesMax is the most lines that the README's program may have: more are not read.
const programLinesMax = 40

// program begins the README's whole program, which TestReadmeProgram runs; the other Go blocks are fragments.
const program = "package main\n"

// TestReadmeProgram pastes the README's program into an empty module beside this one, runs it twice, and wants what the
// README shows right after it.
func TestReadmeProgram(t *testing.T) {
	var programs int
	for _, block := range readmeBlocks(t, "go") {
		if !strings.HasPrefix(block, program) {
			continue
		}
		programs++
		if lines := strings.Count(block, "\n"); lines > programLinesMax {
			t.Errorf("the program has %d lines, at most %d", lines, programLinesMax)
		}
		dir := emptyModule(t, block)
		want := readmeBlocks(t, "text")[0]
		for range 2 {
			run := exec.Command("go", "run", ".")
			run.Dir = dir
			run.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
			if got, err := run.CombinedOutput(); err != nil || string(got) != want {
				t.Errorf("the program prints\n%s%v\nand the README shows\n%s", got, err, want)
			}
		}
	}
	if programs != 1 {
		t.Errorf("the README shows %d whole programs", programs)
	}
}

// emptyModule is a module that has only this program and finds the packages of this module in this folder.
func emptyModule(t *testing.T, program string) (dir string) {
	t.Helper()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	own := readFile(t, "go.mod")
	version := regexp.MustCompile(`(?m)^go .*$`).FindString(own)
	const module = "github.com/bursar-ledger/bursar"
	dir = t.TempDir()
	for name, text := range map[string]string{
		"main.go": program,
		"go.mod": "module hello\n\n" + version + "\n\nrequire " + module + " v0.0.0\n\n" +
			"replace " + module + " => " + here + "\n",
		"go.sum": readFile(t, "go.sum"),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestReadmeCodeIsExampleCode wants every fragment of Go in the README to stand, line for line, in an example that
// compiles and runs.
func TestReadmeCodeIsExampleCode(t *testing.T) {
	var examples string
	for _, file := range []string{
		"ledger/example_in_test.go", "ledger/example_statement_test.go", "store/postgres/example_test.go",
	} {
		examples += trimmed(readFile(t, file))
	}
	blocks := readmeBlocks(t, "go")
	if len(blocks) == 0 {
		t.Fatal("the README shows no Go")
	}
	for _, block := range blocks {
		if code := trimmed(block); !strings.HasPrefix(block, program) && !strings.Contains(examples, "\n"+code) {
			t.Errorf("no example has the lines\n%s", code)
		}
	}
}

// TestReadmeRooms wants every folder that the README's last table names to be there, and every example to be named.
func TestReadmeRooms(t *testing.T) {
	_, section, _ := strings.Cut(readFile(t, "README.md"), "\n## Where things are\n")
	named := map[string]bool{}
	for line := range strings.Lines(section) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cell, _, _ := strings.Cut(line[2:], " |")
		for room := range strings.SplitSeq(cell, ", ") {
			room = strings.Trim(room, "`")
			named[room] = true
			if info, err := os.Stat(room); err != nil || !info.IsDir() {
				t.Errorf("there is no folder %s", room)
			}
		}
	}
	examples, err := filepath.Glob("examples/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range append(examples, ".", "ledger", "driver", "money", "atomic", "bursartest", "cmd/bursar") {
		if !named[filepath.ToSlash(room)] {
			t.Errorf("the table does not name %s", room)
		}
	}
}

// readmeBlocks are the code blocks of the README that are marked with a language, each with its last newline.
func readmeBlocks(t *testing.T, language string) (blocks []string) {
	t.Helper()
	for _, after := range strings.Split(readFile(t, "README.md"), "\n```"+language+"\n")[1:] {
		block, _, _ := strings.Cut(after, "```")
		blocks = append(blocks, block)
	}
	return blocks
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// trimmed is a text without indentation.
func trimmed(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strings.TrimSpace(line) + "\n")
	}
	return b.String()
}
