// Package mysql keeps a ledger in MariaDB (10.6 and later) or MySQL (8.0.19 and later), through the driver
// github.com/go-sql-driver/mysql. TiDB is a variant of it, see [NewTiDB]. Bursar's own tests run on MariaDB 10.11
// and 11.8 and on MySQL 9.7, and by hand on TiDB; MySQL 8 is used as its manual says.
//
// The names to know: [New] over a database handle that the application already has, [Open] for a pool of the ledger's
// own, and [Tx], which lets ledger.In take part in a database transaction of the application's. [DSN] makes the data
// source name that such a handle is best opened with.
//
// For ledger.Do, [On] over your handle gives the function a *sql.Tx, and [Store.On] an *atomic.Tx over the store's
// connections.
//
// # What it asks of the application's database transactions
//
// They should be READ COMMITTED. A handle opened with [DSN] begins them so. On any other handle the default of MySQL is
// REPEATABLE READ, so say
//
//	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
//
// The level of a database transaction cannot be read while it is open: the variable shows the level of the session,
// whatever was asked for when it began. So a post locks its accounts and then compares them with what a plain read
// sees. The read may show an account as it was before somebody else's post. Then the snapshot is old, and the post is
// refused with bursar.CodeUnsafeTransaction. A snapshot as new as the accounts is as good as READ COMMITTED. This is so
// with MariaDB's innodb_snapshot_isolation too, which is on since 11.6: a post switches it off for the one statement
// that locks accounts, because there it would undo, at READ COMMITTED too, whoever had to wait.
//
// SERIALIZABLE is refused where it shows. There each plain read locks what it reads until the commit: the journal's
// head, and the place of every new id. Nobody else could post.
//
// A deadlock rolls back the whole database transaction, and the server then commits every further statement by itself.
// A program may ignore that error and post again; this post is refused. Two posts in one database transaction may meet
// two others in opposite order. That is the error bursar.CodeConflict: do the whole again, as atomic.Do does by itself.
//
// Posting changes what LAST_INSERT_ID() says.
//
// # What it asks of the server
//
// The tables are InnoDB's. innodb_flush_log_at_trx_commit must be 1, and sync_binlog where there is a binary log,
// sql_mode strict, the connection's character set utf8mb4. The triggers run in the name of the user who migrates, so
// migrate as a user who stays. Where the server writes a binary log, making triggers takes the privilege SUPER or the
// setting log_bin_trust_function_creators. No trigger runs for TRUNCATE and DROP TABLE: do not grant the application
// DROP on these tables.
//
// Verify reads every row of every table, and InnoDB checks the pages that it reads. Verify does not compare secondary
// indexes with their tables. CHECK TABLE does, but it commits, and so it is left to the operator.
package mysql
