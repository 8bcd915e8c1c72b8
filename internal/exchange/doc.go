// Package exchange brings transfers into a ledger from files and writes a ledger out to files.
//
// [NewRows] reads CSV or JSON lines. [Import] posts the rows batch by batch: it opens accounts by [Opener] rules and
// remembers in an [Ack] file how far it came. [Export] writes the journal as CSV or JSON lines that Import reads back
// to the same transfers, or as a journal for hledger. docs/import.md describes the formats.
//
// A file is named after what it is for and then after its format: import_csv.go, export_hledger.go.
//
// The package decides nothing about money: what may happen is up to the ledger. It does not talk to terminals.
package exchange
