package server

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
)

// pgBouncer is PgBouncer, which is no engine: it stands before one.
const pgBouncer Engine = "pgbouncer"

// Bounce starts PgBouncer before a PostgreSQL server, in one of its modes (session, transaction, statement), and
// returns when it takes connections. Its URL is that of the server, with another port. Everything else is PgBouncer's
// default, but for settings as its configuration has them, such as "max_prepared_statements = 0". If PgBouncer is
// missing, the error is [ErrMissing] and says what to do. The caller must call Close, before the server's.
func Bounce(ctx context.Context, before *Instance, mode string, settings ...string) (*Instance, error) {
	if before.kind.scheme != postgresKind("").scheme {
		return nil, fmt.Errorf("PgBouncer does not stand before %s", before.engine)
	}
	k := kind{
		user: "postgres", server: "pgbouncer", setup: "pgbouncer", folders: []string{"/usr/sbin"},
		args:  func(in *Instance) []string { return []string{in.folder.join("pgbouncer.ini")} },
		ready: "process up", quit: syscall.SIGQUIT, orphaned: syscall.SIGKILL, sweep: func(*Instance) {},
		scheme: before.kind.scheme, database: before.kind.database, query: before.kind.query,
	}
	found := programs{server: look(k.server, k.folders)}
	if found.server == "" {
		var err error
		if found, err = pgBouncer.bundled(k); err != nil {
			return nil, err
		}
	}
	in := &Instance{engine: pgBouncer, kind: k, programs: found, password: before.password}
	var err error
	if in.folder, err = newFolder(k.user); err != nil {
		return nil, fmt.Errorf("make a folder for PgBouncer: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := in.bounce(ctx, before.port, append([]string{"pool_mode = " + mode}, settings...)); err != nil {
		return nil, errors.Join(fmt.Errorf("start PgBouncer: %w", err), in.Close())
	}
	return in, nil
}

// bounce writes the two files that PgBouncer reads and starts it.
func (in *Instance) bounce(ctx context.Context, port int, settings []string) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if err := in.folder.write("users", fmt.Sprintf("%q %q\n", admin, in.password)); err != nil {
		return err
	}
	return in.anyPort(ctx, func() error {
		return in.folder.write("pgbouncer.ini", "[databases]\n* = host=127.0.0.1 port="+strconv.Itoa(port)+
			"\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = "+strconv.Itoa(in.port)+
			"\nunix_socket_dir =\nauth_type = plain\nauth_file = "+in.folder.join("users")+
			"\n"+strings.Join(settings, "\n")+"\n")
	})
}
