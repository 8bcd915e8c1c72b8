package server

import (
	"os"
	"path/filepath"
	"testing"
)

// Of several versions outside PATH the newest counts, by number and not by letters.
func TestLookTakesTheNewest(t *testing.T) {
	root := t.TempDir()
	for _, version := range []string{"9", "15", "13"} {
		dir := filepath.Join(root, version, "bin")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "bursar-engine"), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	folders := []string{"/nowhere/bin", filepath.Join(root, "*/bin")}
	if got, want := look("bursar-engine", folders), filepath.Join(root, "15/bin/bursar-engine"); got != want {
		t.Errorf("look = %q, want %q", got, want)
	}
	if got := look("bursar-engine", nil); got != "" {
		t.Errorf("look = %q for a program that is not there", got)
	}
	t.Setenv("PATH", filepath.Join(root, "9/bin"))
	if got, want := look("bursar-engine", folders), filepath.Join(root, "9/bin/bursar-engine"); got != want {
		t.Errorf("look = %q, want that of PATH, %q", got, want)
	}
}

// The text may come in any pieces, and what comes before it does not add up.
func TestOutputFindsItsText(t *testing.T) {
	for size := 1; size < 12; size++ {
		file, err := os.Create(filepath.Join(t.TempDir(), "log"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		o := newOutput(file, "ready")
		const said = "starting, rearead, ready for you"
		for rest := said; rest != ""; {
			n := min(size, len(rest))
			if _, err := o.Write([]byte(rest[:n])); err != nil {
				t.Fatal(err)
			}
			if rest = rest[n:]; len(o.last) > len("ready") {
				t.Fatalf("keeps %q", o.last)
			}
		}
		select {
		case <-o.found:
		default:
			t.Errorf("in pieces of %d: not found", size)
		}
		if text := tail(file.Name()); text != said {
			t.Errorf("the file holds %q", text)
		}
	}
}
