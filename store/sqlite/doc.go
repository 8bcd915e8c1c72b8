// Package sqlite keeps a ledger in a SQLite file, through the pure Go driver modernc.org/sqlite.
//
// The names to know: [New] over a database handle that the application already has, [Open] for a file of the
// ledger's own, and [Tx], which lets ledger.In take part in a database transaction of the application's.
// [DSN] is a data source name with the settings that keep money safe.
//
// For ledger.Do, [On] over your handle gives the function a *sql.Tx, and [Store.On] an *atomic.Tx over the store's
// connections.
//
// SQLite has one writer at a time for the whole file, so there are no row locks: every database transaction that
// writes begins with BEGIN IMMEDIATE, and every post seals its entries as it writes them.
package sqlite
