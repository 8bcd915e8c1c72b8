// Package mysql keeps a ledger in MariaDB (10.6 and later) or MySQL (8.0.19 and later), through the driver
// github.com/go-sql-driver/mysql. TiDB is a variant of it, see [NewTiDB]. Bursar's own tests run on MariaDB alone;
// MySQL and TiDB are used as their manuals say.
//
// The names to know: [New] over a database handle that the application already has, [Open] for a pool of the ledger's
// own, and [Tx], which lets ledger.In take part in a database transaction of the application's. [DSN] makes the data
// source name that such a handle is best opened with.
//
// # What it asks of the application's database transactions
//
// They should be READ COMMITTED. A handle opened with [DSN] begins them so; on any other, MySQL's default is REPEATABLE
// READ, and one says
//
//	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
//
// The level of one database transaction cannot be read while it is open: the variable shows the session's, whatever
// BeginTx asked for. So what matters is looked at instead: once its accounts are locked, a post compares them with what
// a plain read sees. A snapshot from before someone else's post on one of these accounts is refused with
// bursar.CodeUnsafeTransaction; one that is as new as the accounts is as good as READ COMMITTED. SERIALIZABLE, where it
// shows, is refused too: there each plain read locks what it reads until the commit, the journal's head and the place
// of every new id among it, so that nobody could post.
//
// A deadlock rolls back the whole database transaction, and the server then commits every further statement by itself.
// A post after such an error that was ignored is refused as well. Two posts in one database transaction may meet two
// others in opposite order: that is the error bursar.CodeConflict, and the whole is to be done again, as atomic.Do does
// by itself.
//
// Posting changes what LAST_INSERT_ID() says.
//
// # What it asks of the server
//
// The tables are InnoDB's; innodb_flush_log_at_trx_commit must be 1, sql_mode strict, the connection's character set
// utf8mb4. The triggers run in the name of the user who migrates, so let that be one that stays. Where the server
// writes a binary log, making triggers takes the privilege SUPER or the setting log_bin_trust_function_creators. No
// trigger runs for TRUNCATE and DROP TABLE: do not grant the application DROP on these tables.
//
// Verify reads every row of every table, and InnoDB checks the pages that it reads. It does not compare secondary
// indexes with their tables: CHECK TABLE does, which commits and is therefore left to the operator.
package mysql
