// Package server starts PostgreSQL, MariaDB and MySQL servers that live no longer than the program that started them,
// and kills and restarts them.
//
// [Start] makes an [Instance] in a new folder on disk, with a free port of 127.0.0.1. It shares nothing with
// servers that the machine may run already. It is a real server: it syncs every commit to disk, so a commit that it
// has answered is there after [Instance.Kill9] and [Instance.Restart]. It has little memory, so it starts within
// about a second. If the program is root, the server runs as an unprivileged user, because no engine starts as
// root.
//
// The programs must be installed, or fetched by package bundle; [Engine.Find] says what is missing. [Bounce] starts
// PgBouncer, and [StartCluster] a Galera cluster. Servers are started on Linux only. There the kernel ends them with
// the program that started them, however that program ends.
//
// The package knows no driver and no test. Package sqltest gives databases to tests.
package server
