package server

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// postgresKind is PostgreSQL of a major version, or of any if that is empty.
func postgresKind(major string) kind {
	folders := []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin"}
	version := ""
	if major != "" {
		folders, version = []string{"/usr/lib/postgresql/" + major + "/bin"}, "(PostgreSQL) "+major+"."
	}
	return kind{
		user:    "postgres",
		debian:  "postgresql",
		version: version,
		server:  "postgres",
		setup:   "initdb",
		folders: folders,
		files:   func(in *Instance) map[string]string { return map[string]string{"password": in.password + "\n"} },
		install: postgresInstall,
		args:    postgresArgs,
		ready:   "database system is ready to accept connections",
		quit:    syscall.SIGINT,
		// The main process then ends its children, which would survive it by a while, and gives back shared memory.
		orphaned: syscall.SIGQUIT,
		sweep:    sweepSharedMemory,
		scheme:   "postgres",
		database: "postgres",
		query:    "sslmode=disable",
	}
}

// postgresInstall asks for a collation that orders words as people do, so that a statement that needs the order of
// bytes and does not say so gives wrong answers here and not only at a user's.
func postgresInstall(in *Instance) []string {
	return []string{
		"--pgdata=" + in.folder.join("data"),
		"--username=" + admin, "--pwfile=" + in.folder.join("password"), "--auth=password",
		"--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US",
		"--no-sync", "--no-instructions",
	}
}

// postgresArgs leaves every setting at the engine's default that says how long something takes or when it happens, such
// as deadlock_timeout, so that tests meet what users meet. A test that needs another one sets it on its connections.
// Those that sync commits to disk are on by default; what stands here could not be changed by ALTER SYSTEM.
func postgresArgs(in *Instance) []string {
	args := []string{"-D", in.folder.join("data")}
	for _, setting := range []string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(in.port), "unix_socket_directories=",
		// The test binaries of a whole run share one server, and the default is 100.
		"max_connections=500",
		// Shared memory that is not in files would outlive a server that was killed.
		"dynamic_shared_memory_type=mmap",
		"logging_collector=off", "log_destination=stderr", "lc_messages=C",
	} {
		args = append(args, "-c", setting)
	}
	return args
}

// sweepSharedMemory removes the small segment that PostgreSQL marks its folder with, which stays until the machine
// restarts if the server was killed. Its number is the second word of line 7 of postmaster.pid. One segment too many
// does no harm, so errors are left out.
func sweepSharedMemory(in *Instance) {
	text, err := os.ReadFile(in.folder.join("data/postmaster.pid"))
	if err != nil {
		return
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) < 7 {
		return
	}
	if words := strings.Fields(lines[6]); len(words) == 2 {
		_ = exec.Command("ipcrm", "--shmem-id", words[1]).Run()
	}
}
