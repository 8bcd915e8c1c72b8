// Package server starts PostgreSQL and MariaDB servers that live no longer than the program that started them, and
// lets them crash.
//
// [Start] makes an [Instance] in a new folder on disk, with a free port of 127.0.0.1 and nothing shared with the
// servers that the machine may run already. It is a real server: it syncs every commit to disk, so that what it has
// acknowledged must be there after [Instance.Kill9] and [Instance.Restart]. Memory is small, so that it starts within
// about a second. Where the program is root, the server runs as an unprivileged user, because neither would start
// otherwise.
//
// The programs must be installed; [Engine.Find] says what is missing. Servers are started on Linux only, where the
// kernel ends them with the program that started them, however that ends.
//
// The package knows no driver and no test. Package sqltest gives databases to tests.
package server
