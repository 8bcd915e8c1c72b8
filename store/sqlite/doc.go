// Package sqlite keeps a ledger in a SQLite file, through the pure Go driver modernc.org/sqlite.
//
// The names to know: [New] over a database handle that the application already has, [Open] for a file of the ledger's
// own, and [Tx], which lets ledger.In take part in a database transaction of the application's. [DSN] is a data source
// name with the settings that keep money safe.
//
// For ledger.Do, [On] over your handle gives the function a *sql.Tx, and [Store.On] an *atomic.Tx over the store's
// connections.
//
// SQLite has one writer at a time for the whole file, so there are no row locks: every database transaction that writes
// begins with BEGIN IMMEDIATE, and every post seals its entries as it writes them.
//
// # Other drivers
//
// New takes a handle of mattn/go-sqlite3, which needs cgo. These are the settings of DSN in its words:
//
//	file:app.db?_txlock=immediate&_journal_mode=WAL&_synchronous=FULL&_busy_timeout=5000&_foreign_keys=on
//
// glebarez/go-sqlite, which GORM's dialect glebarez/sqlite imports, registers the name "sqlite" too, and a program with
// both ends before main: "sql: Register called twice for driver sqlite". Use GORM's own dialect, gorm.io/driver/sqlite,
// over a handle of modernc's, or build with -tags bursar_no_modernc. Then this package imports no driver, and both New
// and Open work over the one that the program brings. A driver whose errors say nothing of SQLite's result codes is
// refused by ledger.New with bursar.CodeUnsupported.
package sqlite
