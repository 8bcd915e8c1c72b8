package bench

import (
	"bufio"
	"context"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cpuModel is what the kernel calls the processor; empty when it does not say.
func cpuModel() string { return valueIn("/proc/cpuinfo", "model name") }

// memoryTotal is the machine's memory in bytes.
func memoryTotal() int64 {
	kib, _ := strconv.ParseInt(strings.TrimSuffix(valueIn("/proc/meminfo", "MemTotal"), " kB"), 10, 64)
	return kib << 10
}

// valueIn is the value of the first line "name: value" of a file.
func valueIn(file, name string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if key, value, found := strings.Cut(lines.Text(), ":"); found && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// inMemory reports whether a folder is on a file system that is kept in memory.
func inMemory(folder string) bool {
	const tmpfs = 0x01021994
	var s syscall.Statfs_t
	return syscall.Statfs(folder, &s) == nil && s.Type == tmpfs
}

// serverProcesses are those of a database server on this machine.
type serverProcesses struct {
	root   int
	family bool // one process for each connection
}

// tick is the unit of processor time in /proc.
const tick = time.Second / 100

// findServer finds the processes of the server at a place. It is nil where they are on another machine, in another
// container or another user's secret.
func findServer(ctx context.Context, p *place) *serverProcesses {
	u, err := url.Parse(p.url)
	if err != nil {
		return nil
	}
	if host := u.Hostname(); host != "" && host != "localhost" && !net.ParseIP(host).IsLoopback() {
		return nil
	}
	var said string
	if p.admin.QueryRowContext(ctx, p.pid).Scan(&said) != nil {
		return nil
	}
	if filepath.IsAbs(said) {
		content, err := os.ReadFile(said)
		if err != nil {
			return nil
		}
		said = strings.TrimSpace(string(content))
	}
	pid, err := strconv.Atoi(said)
	if err != nil {
		return nil
	}
	switch found, ok := statOf(pid); {
	case !ok:
		return nil
	case found.name == "postgres":
		if parent, ok := statOf(found.parent); ok && parent.name == "postgres" {
			return &serverProcesses{found.parent, true}
		}
	case found.name == "mariadbd" || found.name == "mysqld":
		return &serverProcesses{pid, false}
	}
	return nil
}

// used is the processor time of all of them, and of those that have ended.
func (s *serverProcesses) used() time.Duration {
	root, _ := statOf(s.root)
	ticks := root.own + root.ended
	if !s.family {
		return time.Duration(root.own) * tick
	}
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return 0
	}
	for _, folder := range folders {
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			continue
		}
		if found, ok := statOf(pid); ok && found.parent == s.root {
			ticks += found.own
		}
	}
	return time.Duration(ticks) * tick
}

// stat is a process as /proc shows it.
type stat struct {
	name       string
	parent     int
	own, ended int64 // ticks of itself, and of its children that have ended
}

func statOf(pid int) (s stat, ok bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return s, false
	}
	open, end := strings.IndexByte(string(text), '('), strings.LastIndexByte(string(text), ')')
	if open < 0 || end < open {
		return s, false
	}
	s.name = string(text[open+1 : end])
	fields := strings.Fields(string(text[end+1:]))
	if len(fields) < 15 {
		return s, false
	}
	number := func(i int) int64 {
		n, _ := strconv.ParseInt(fields[i], 10, 64)
		return n
	}
	s.parent, s.own, s.ended = int(number(1)), number(11)+number(12), number(13)+number(14)
	return s, true
}
