package bench

import (
	"os"
	"strings"
	"testing"
)

// TestStatIsThisProcess reads what /proc says of this process and of its parent.
func TestStatIsThisProcess(t *testing.T) {
	t.Parallel()
	s, ok := statOf(os.Getpid())
	if !ok || s.parent != os.Getppid() || s.name == "" || s.own < 0 {
		t.Errorf("%+v, %v", s, ok)
	}
	if _, ok := statOf(-1); ok {
		t.Error("there is a process -1")
	}
}

func TestMachine(t *testing.T) {
	t.Parallel()
	if m := machine(); m.Cores < 1 || m.Memory < 1<<20 || !strings.HasPrefix(m.Go, "go") || m.Platform == "" {
		t.Errorf("%+v", m)
	}
	if cpu, peak := processUsage(); cpu <= 0 || peak < 1<<20 {
		t.Errorf("%v, %d bytes", cpu, peak)
	}
}
