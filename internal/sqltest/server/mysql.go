package server

import (
	"strconv"
	"syscall"
)

// mySQLKind is MySQL, which no stable release of Debian has: it is taken from its bundle always, or from a machine
// that has just this version.
func mySQLKind() kind {
	return kind{
		version:  "Ver 9.",
		user:     "mysql",
		server:   "mysqld",
		setup:    "mysqld",
		folders:  []string{"/usr/sbin", "/usr/libexec", "/usr/local/mysql/bin"},
		files:    mariaDBFiles,
		install:  mySQLInstall,
		args:     mySQLArgs,
		ready:    "ready for connections",
		quit:     syscall.SIGTERM,
		orphaned: syscall.SIGKILL,
		sweep:    func(*Instance) {},
		scheme:   "mysql",
		database: "mysql",
	}
}

func mySQLInstall(in *Instance) []string {
	return append([]string{
		"--no-defaults", "--initialize-insecure", "--datadir=" + in.folder.join("data"), "--tmpdir=" + in.folder.join("tmp"),
	}, in.programs.base()...)
}

// mySQLArgs leaves to the engine all that it may do its own way, its binary log included. What is set is where it
// works, how many clients it takes and how much memory.
func mySQLArgs(in *Instance) []string {
	return append([]string{
		"--no-defaults", "--datadir=" + in.folder.join("data"), "--tmpdir=" + in.folder.join("tmp"),
		"--bind-address=127.0.0.1", "--port=" + strconv.Itoa(in.port), "--mysqlx=OFF", "--secure-file-priv=NULL",
		"--socket=socket", "--pid-file=" + in.folder.join("pid"), "--init-file=" + in.folder.join("start.sql"),
		"--max-connections=500", "--innodb-buffer-pool-size=64M",
	}, in.programs.base()...)
}
