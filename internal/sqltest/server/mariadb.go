package server

import (
	"fmt"
	"path/filepath"
	"strconv"
	"syscall"
)

// mariaDBKind is MariaDB of a version, or of any if that is empty.
func mariaDBKind(version string) kind {
	if version != "" {
		version = " " + version + "."
	}
	return kind{
		version:  version,
		user:     "mysql",
		debian:   "mariadb-server",
		server:   "mariadbd",
		setup:    "mariadb-install-db",
		folders:  []string{"/usr/sbin", "/usr/libexec", "/usr/local/mysql/bin", "/usr/local/mysql/scripts"},
		files:    mariaDBFiles,
		install:  mariaDBInstall,
		args:     mariaDBArgs,
		ready:    "ready for connections",
		quit:     syscall.SIGTERM,
		orphaned: syscall.SIGKILL,
		sweep:    func(*Instance) {},
		scheme:   "mysql",
		database: "mysql",
	}
}

// mariaDBFiles holds the statements that the server runs at each start. They make the superuser that connects over
// TCP. The root that the engine makes has no password, but only the owner of the folder can reach its socket.
func mariaDBFiles(in *Instance) map[string]string {
	return map[string]string{"start.sql": fmt.Sprintf(
		"CREATE USER IF NOT EXISTS %[1]s@'127.0.0.1' IDENTIFIED BY '%[2]s';\n"+
			"GRANT ALL ON *.* TO %[1]s@'127.0.0.1' WITH GRANT OPTION;\n",
		admin, in.password)}
}

func mariaDBInstall(in *Instance) []string {
	return append([]string{
		"--no-defaults", "--datadir=" + in.folder.join("data"),
		"--skip-test-db", "--skip-name-resolve", "--auth-root-authentication-method=normal",
	}, in.programs.base()...)
}

// mariaDBArgs leaves the engine's defaults as they are, as postgresArgs does. It names the socket relative to the data,
// because the whole path may be longer than a socket's may.
func mariaDBArgs(in *Instance) []string {
	return append([]string{
		"--no-defaults", "--datadir=" + in.folder.join("data"), "--tmpdir=" + in.folder.join("tmp"),
		"--bind-address=127.0.0.1", "--port=" + strconv.Itoa(in.port), "--skip-name-resolve",
		"--socket=socket", "--pid-file=" + in.folder.join("pid"), "--init-file=" + in.folder.join("start.sql"),
		"--innodb-flush-log-at-trx-commit=1", "--innodb-doublewrite=ON",
		// The test binaries of a whole run share one server, and the default is 151.
		"--max-connections=500",
		// Debian's defaults, under which capitals and trailing blanks do not count unless a column says so.
		"--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci",
	}, in.programs.base()...)
}

// base says where MariaDB and MySQL find their own files, if that is not where they were built for.
func (p programs) base() []string {
	if p.root == "" {
		return nil
	}
	return []string{"--basedir=" + filepath.Join(p.root, "usr")}
}
