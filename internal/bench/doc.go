// Package bench measures what a ledger does in a second, next to what applications do without one.
//
// [Run] is the one function to know. It takes a [Config] and returns a [Report], which [WritePage] turns into a page
// with plots. docs/performance.md says how each number is made.
//
//	who loads          loop.go        callers in a closed loop; arrivals at a rate in an open one
//	with what          workload.go    which accounts, which amounts; zipf.go draws the accounts
//	what               subject.go     the ledger by a strategy, In, HTTP, and the textbook baseline
//	what it took       histogram.go, statistics.go, usage.go, size.go
//	what comes of it   report.go, page.go
//
// The ledger is used through its public packages only. Whatever is drawn at random comes of the seed, so that two runs
// ask for the same transfers.
package bench
