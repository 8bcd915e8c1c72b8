// Package exchange brings transfers into a ledger from files and writes a ledger out to files.
//
// [NewRows] reads CSV or JSON lines, [Import] posts them batch by batch, opening accounts by [Opener] rules and
// remembering in an [Ack] file how far it came. [Export] writes the journal as CSV or JSON lines that Import reads
// back to the same transfers, or as a journal for hledger. docs/import.md describes the formats.
//
// The package decides nothing about money: what may happen is up to the ledger. It does not talk to terminals.
package exchange
