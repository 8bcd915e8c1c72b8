// Package ledger keeps a book of accounts in a database: it decides what may happen to money, and writes what did.
//
// The names to know: [New] makes a [Ledger] over a store (package store/sqlite, store/postgres or store/mysql),
// [Ledger.OpenAccount] opens accounts, [Ledger.Post] moves money, and [Ledger.In] does both inside a database
// transaction of yours, so that your row and the money commit together. What is asked for and answered is made of the
// words of package bursar.
//
//	l, err := ledger.New(ctx, sqlite.New(db), nil)
//	posted, err := l.Post(ctx, bursar.Transfer{
//		ID:   bursar.IDOf("order.pay", order.ID), // a retry posts once
//		Legs: []bursar.Leg{{From: "users:1", To: "shops:7", Amount: money.MustParse("25.00 USD")}},
//	})
//
// # Your own database transaction
//
// [Do] begins one, runs a function with it and the ledger inside, commits, and begins again after a conflict. What
// type of transaction the function gets is chosen by the value that is passed to Do:
//
//	sqlite.On(db), postgres.OnSQL(db), mysql.On(db)   *sql.Tx     over your *sql.DB
//	postgres.On(pool)                                 pgx.Tx      over your *pgxpool.Pool, for sqlc's pgx code and others
//	s.On() of any store                               *atomic.Tx  over the store's connections, with savepoints and hooks
//
// A database transaction that you begin yourself goes into [Ledger.In]: as sqlite.Tx(tx), postgres.Tx(tx) or
// mysql.Tx(tx) what has the methods of a *sql.Tx, as postgres.PgxTx(tx) a pgx.Tx, and as it is an *atomic.Tx.
//
// # How it works
//
// What may happen to money is decided by one pure function, in apply.go. When it is decided, and how concurrent posts
// are kept apart, is a [Strategy]; [Queue] is the fast one. docs/strategies.md says which to choose, and what each
// does to each database: statements, round trips, locks.
//
// Every balance change is an entry in the book's journal: gapless positions, strictly increasing times, each entry
// chained to the one before by SHA-256. The balances of all accounts of a book sum to zero in every currency, always.
//
// The package does not talk to databases, serve HTTP, read the wall clock by itself, draw random numbers in the path
// of money, or convert between currencies. It meets stores only through package driver.
package ledger
