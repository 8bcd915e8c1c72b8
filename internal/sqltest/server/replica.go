package server

import (
	"context"
	"path/filepath"
	"strconv"
)

// StartSource starts a server that others can follow: [Follow] makes these. On PostgreSQL it is one like any other. On
// MariaDB and MySQL it has what is not the engine's default: a number of its own, and a binary log that is synced and
// names database transactions.
func StartSource(ctx context.Context, e Engine) (*Instance, error) {
	return start(ctx, e, func(in *Instance) error {
		in.extra = numbered(in.kind.server, "1")
		return nil
	})
}

// numbered are the arguments of a server that takes part in replication.
func numbered(program, id string) []string {
	switch program {
	case "mariadbd":
		return []string{"--server-id=" + id, "--log-bin=binlog", "--sync-binlog=1"}
	case "mysqld":
		return []string{"--server-id=" + id, "--gtid-mode=ON", "--enforce-gtid-consistency=ON"}
	default:
		return nil
	}
}

// Follow starts a server that has what the source has and takes no writes. A standby of PostgreSQL is a copy of the
// source's files and follows it from then on. A replica of MariaDB or MySQL is empty and follows nobody yet: it has to
// be told where the source is. Its user keeps the right to write in spite of read_only.
//
// The source must be one that [StartSource] has started. The caller must call Close.
func Follow(ctx context.Context, source *Instance) (*Instance, error) {
	return start(ctx, source.engine, func(in *Instance) error {
		if in.kind.server != "postgres" {
			in.extra = append(numbered(in.kind.server, "2"), "--read-only=ON")
			return nil
		}
		in.password = source.password // the users are those of the source
		initdb, err := filepath.EvalSymlinks(in.programs.install)
		if err != nil {
			return err
		}
		in.programs.install = filepath.Join(filepath.Dir(initdb), "pg_basebackup")
		in.kind.ready = "database system is ready to accept read-only connections"
		in.kind.install = func(in *Instance) []string {
			return []string{
				"--pgdata=" + in.folder.join("data"), "--checkpoint=fast", "--wal-method=stream", "--no-sync",
				"--write-recovery-conf", "--dbname=host=127.0.0.1 port=" + strconv.Itoa(source.port) +
					" user=" + admin + " password=" + source.password,
			}
		}
		return nil
	})
}
