// Package posting has the strategies: how concurrent posts are kept apart and when they are written.
//
// [Queue] is the one to use: one writer takes what has gathered and writes it in one database transaction, so that
// many callers share the cost of one commit and one sync to disk.
//
//	ledger, err := bursar.New(sqlite.New(db), &bursar.Options{Strategy: posting.Queue{}})
//
// docs/strategies.md says which strategy to choose, and what each does to each database: statements, round trips, locks.
//
// The package decides nothing about money and knows no database: it meets stores only through bursar.Writer.
package posting
