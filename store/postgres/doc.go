// Package postgres keeps a ledger in PostgreSQL 15 or later, through the driver pgx.
//
// The names to know: [New] over a pgxpool.Pool and [NewSQL] over a database/sql handle that the application already
// has, [Open] for a URL, and [Tx] and [PgxTx], which let ledger.In take part in a database transaction of the
// application's.
//
// For ledger.Do, [On] over your pool gives the function a pgx.Tx, [OnSQL] over your database/sql handle a *sql.Tx, and
// [Store.On] an *atomic.Tx over the store's connections.
//
// # How it works
//
// The ledger's own database transactions are READ COMMITTED, whatever the default of the session. What is decided on is
// locked, or guarded by its version, and each statement sees what others have committed before it. Reading is
// REPEATABLE READ and read-only. Only ledger.Serializable uses SERIALIZABLE.
//
// A database transaction of the application's is checked when it enters. It must be open, able to write and READ
// COMMITTED or SERIALIZABLE, and nothing may have been turned off that money depends on: fsync, full_page_writes,
// synchronous_commit, triggers (session_replication_role). The refusal says what to do, and leaves the database
// transaction as it was. REPEATABLE READ is refused: its statements would not see what others have committed since its
// first one, such as the same transfer from another process.
//
// PgBouncer may stand before the server, in session or transaction mode. What it cannot do is refused with
// bursar.CodeUnsupported and the remedy: see docs/engines.md.
//
// A deadlock between two callers who post to the same accounts in opposite order ends one of them with
// bursar.CodeConflict: roll back and begin again, which atomic.Do does by itself.
//
// # What it does not do
//
// Triggers refuse changes of the journal and its truncation. The owner of the tables can drop the triggers. Verify
// looks for them, and for the constraints and indexes, by name. It does not check tables and indexes page by page:
// initialise the cluster with data checksums, and run pg_amcheck.
//
// [NewCockroach], [NewCockroachSQL] and cockroach:// URLs are CockroachDB. That variant is written after its
// documentation. Bursar's own tests try it only where BURSAR_TEST_COCKROACH names a server.
package postgres
