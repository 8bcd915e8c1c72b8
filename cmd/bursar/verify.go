package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/verify"
)

func newVerifyCommand(e *env) *cobra.Command {
	var anchors []string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check everything that is stored against a replay of the journal",
		Long: `Replay the journal of a book from its first entry, and compare every stored row with the replay. Nothing is
changed.

A sound ledger gives one line with what was checked and the head. Otherwise the findings are printed in order of
position. The first bad position and the check that failed there go to stderr, and the exit code is that of
verification_failed.

These are checked: hashes, positions and times of the journal; versions, balances and limits of every account at every
position; entries against what was asked for; balances, the head, checkpoints and the index of backdated entries
against the replay; that balances sum to zero in every currency; that no row is left over; that tables, checks,
triggers, indexes and views are as the migrations make them; and what the database engine finds in its own tables and
indexes. Entries that are not sealed yet are checked last and stay as they are; a
finding there names the entry by its row key.

One thing cannot be seen from inside: a journal whose tail was cut off, or written anew from some position on, with
everything else made to fit. Both change hashes. So keep the head that verify prints outside of the database, and give
it back with --anchor.

In JSON it prints one object with the counts, the head and the findings; in CSV the findings.`,
		Example: `  bursar verify
  bursar verify -o json >> /mnt/elsewhere/heads.jsonl
  bursar verify --anchor 3:2b1c…`,
		RunE: func(cmd *cobra.Command, _ []string) error { return e.verify(cmd.Context(), anchors) },
	}
	cmd.Flags().StringArrayVar(&anchors, "anchor", nil,
		"position and hash that an earlier verify printed, as `SEQ:HASH`; may be repeated")
	return cmd
}

// parseAnchors reads SEQ:HASH texts.
func parseAnchors(texts []string) (map[int64][32]byte, error) {
	anchors := make(map[int64][32]byte, len(texts))
	for _, text := range texts {
		position, digits, _ := strings.Cut(text, ":")
		seq, err := strconv.ParseInt(position, 10, 64)
		hash, errHash := hex.DecodeString(digits)
		if err != nil || errHash != nil || seq < 1 || len(hash) != 32 {
			return nil, usagef("--anchor %q is not a position and 64 hexadecimal digits, such as 3:2b1c…", text)
		}
		if other, twice := anchors[seq]; twice && other != [32]byte(hash) {
			return nil, usagef("--anchor gives position %d two hashes", seq)
		}
		anchors[seq] = [32]byte(hash)
	}
	return anchors, nil
}

func (e *env) verify(ctx context.Context, texts []string) error {
	anchors, err := parseAnchors(texts)
	if err != nil {
		return err
	}
	report, err := e.audit(ctx, anchors)
	if err != nil {
		return err
	}
	for _, warning := range report.Warnings {
		e.say("warning", warning)
	}
	e.sayFresh(&bursar.Freshness{Head: report.Head, Now: report.Now, Replica: report.Replica})
	if err := e.showReport(&report); err != nil {
		return err
	}
	return report.Err()
}

// audited is a report, and what the database's server said of itself before.
type audited struct {
	verify.Report
	driver.Standing
}

// audit runs the checks, with a progress bar.
func (e *env) audit(ctx context.Context, anchors map[int64][32]byte) (report audited, err error) {
	s, err := e.openStore(ctx, reads)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	book, err := verify.Book(ctx, s, e.book)
	if err != nil {
		return report, inWords(err, words{"book": "--book"})
	}
	if report.Standing, err = s.Standing(ctx); err != nil {
		return report, err
	}
	var bar *progressbar.ProgressBar
	report.Report, err = verify.Run(ctx, s, book, &verify.Options{Anchors: anchors, Progress: func(done, total int64) {
		if bar == nil {
			bar = e.bar("verify", total)
		}
		_ = bar.Set64(done) // a bar that cannot be drawn is no reason to fail
	}})
	if bar != nil {
		_ = bar.Clear()
	}
	return report, err
}

// reportView is a report in JSON.
type reportView struct {
	OK       bool             `json:"ok"`
	Book     string           `json:"book"`
	UUID     bursar.ID        `json:"uuid"`
	Entries  int64            `json:"entries"`
	Unsealed int64            `json:"unsealed,omitempty"` // of the entries
	Accounts int64            `json:"accounts"`
	Requests int64            `json:"requests"`
	Refused  int64            `json:"refused"`
	Head     bursar.Head      `json:"head"`
	Replica  *bursar.Replica  `json:"replica,omitempty"` // where that was read from one
	Found    int64            `json:"found"`
	Findings []verify.Finding `json:"findings"`
	Warnings []string         `json:"warnings"`
}

func (e *env) showReport(r *audited) error {
	switch {
	case e.output == formatJSON:
		out := e.list()
		if err := out.add(reportOf(r)); err != nil {
			return err
		}
		return out.flush()
	case e.output == formatTable && r.OK():
		unsealed := ""
		if r.Unsealed > 0 {
			unsealed = fmt.Sprintf(" of which %d %s not sealed", r.Unsealed, are(r.Unsealed))
		}
		_, err := fmt.Fprintf(e.stdout, "ok: book %s: %s%s, %s, %s of which %d %s refused; head %d at %v, hash %v\n",
			r.Book.Name, count(r.Entries, "entry", "entries"), unsealed, count(r.Accounts, "account", "accounts"),
			count(r.Requests, "request", "requests"), r.Refusals, was(r.Refusals), r.Head.Seq, r.Head.At, r.Head.Hash)
		return err
	}
	out := e.list(right("seq"), left("check"), left("detail"))
	for _, f := range r.Findings {
		seq := ""
		if f.Seq > 0 {
			seq = strconv.FormatInt(f.Seq, 10)
		}
		if err := out.add(f, seq, string(f.Check), f.Detail); err != nil {
			return err
		}
	}
	return out.flush()
}

func reportOf(r *audited) reportView {
	v := reportView{
		OK: r.OK(), Book: r.Book.Name, UUID: r.Book.UUID, Entries: r.Entries, Unsealed: r.Unsealed, Accounts: r.Accounts,
		Requests: r.Requests, Refused: r.Refusals, Head: r.Head, Replica: r.Replica, Found: r.Found,
		Findings: r.Findings, Warnings: r.Warnings,
	}
	if v.Findings == nil {
		v.Findings = []verify.Finding{}
	}
	if v.Warnings == nil {
		v.Warnings = []string{}
	}
	return v
}
