package store_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store"
)

// question is a query of docs/schema.md with what stands above it.
type question struct {
	title string
	keys  []string // the indexes that must be used; "key of T" is T's primary key
	query string
	extra bool // it needs the indexes for reports
	// merged says that PostgreSQL and SQLite read two indexes in order, so that a limit ends the reading.
	merged bool
}

var (
	sectionForm = regexp.MustCompile("(?s)## Questions and their indexes\n(.*?)\n## ")
	keyForm     = regexp.MustCompile("(key of )?`(bursar_[a-z_]+)`")
)

// questions reads the document.
func questions(t *testing.T) (all []question) {
	t.Helper()
	text, err := os.ReadFile("../docs/schema.md")
	if err != nil {
		t.Fatal(err)
	}
	section := sectionForm.FindStringSubmatch(string(text))
	if section == nil {
		t.Fatal("docs/schema.md has no section of questions")
	}
	own, reports, _ := strings.Cut(section[1], "### With the indexes for reports")
	return append(read(t, own, false), read(t, reports, true)...)
}

// read finds what stands in "title: indexes. More.", a paragraph, and then a query.
func read(t *testing.T, part string, extra bool) (all []question) {
	t.Helper()
	before := ""
	for paragraph := range strings.SplitSeq(part, "\n\n") {
		query, fenced := strings.CutPrefix(strings.TrimSpace(paragraph), "```sql\n")
		if !fenced {
			before = strings.ReplaceAll(paragraph, "\n", " ")
			continue
		}
		title, rest, _ := strings.Cut(before, ": ")
		keys, _, _ := strings.Cut(rest, ". ")
		q := question{title: title, query: strings.TrimSpace(strings.TrimSuffix(query, "```")), extra: extra}
		q.merged = strings.Contains(before, "merge the two")
		for _, k := range keyForm.FindAllStringSubmatch(keys, -1) {
			q.keys = append(q.keys, k[1]+k[2])
		}
		if len(q.keys) == 0 {
			t.Fatalf("no index stands above %s", query)
		}
		all = append(all, q)
	}
	if len(all) == 0 {
		t.Fatal("docs/schema.md has no questions")
	}
	return all
}

const (
	batches   = 20
	perBatch  = 1000
	customers = 400
	shops     = 16
)

// TestQuestionsHaveIndexes runs the queries of docs/schema.md and reads their plans.
func TestQuestionsHaveIndexes(t *testing.T) {
	t.Parallel()
	for engine, begin := range planners() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			p := begin(t)
			s, err := store.Open(p.url)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			values := p.fill(t, s)
			for _, q := range questions(t) {
				if q.extra {
					_, whole := p.plan(t, p.db, values.Replace(q.query))
					served := engine == "mariadb" && slices.Equal(q.keys, []string{"bursar_report_request"})
					if len(whole) == 0 && !served {
						t.Errorf("without the indexes for reports %q reads nothing whole: does it need them?", q.title)
					}
				}
			}
			if _, err := s.IndexReports(t.Context()); err != nil {
				t.Fatal(err)
			}
			p.exec(t, p.analyze)
			for _, q := range questions(t) {
				t.Run(q.title, func(t *testing.T) { p.check(t, q, values.Replace(q.query)) })
				if strings.HasPrefix(q.query, "WITH RECURSIVE") {
					p.wantLastLines(t, values.Replace(q.query), values.Replace(":path"))
				}
			}
		})
	}
}

func (p *planner) check(t *testing.T, q question, query string) {
	plan, whole := p.plan(t, p.db, query)
	t.Logf("%s\n\n%s", query, plan)
	if len(whole) > 0 {
		t.Errorf("it reads a table whole: %q", whole)
	}
	for _, key := range q.keys {
		if !strings.Contains(plan, p.key(key)) {
			t.Errorf("it does not use %s, which plans call %q", key, p.key(key))
		}
	}
	if q.merged && p.merge != "" && !strings.Contains(plan, p.merge) {
		t.Errorf("it has no %q", p.merge)
	}
	rows, err := p.db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	if !rows.Next() {
		t.Errorf("it finds nothing: %v", rows.Err())
	}
}

// wantLastLines compares the walk through an account's history with the view.
func (p *planner) wantLastLines(t *testing.T, walk, path string) {
	t.Helper()
	want := textsOf(t, p.db, "SELECT seq, at FROM bursar_lines WHERE path = "+path+" ORDER BY version DESC LIMIT 20")
	got := textsOf(t, p.db, walk)
	for i := range got {
		got[i] = got[i][:2]
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) != 20 {
		t.Errorf("the last lines (-view +walk):\n%s", diff)
	}
}

func (p *planner) exec(t testing.TB, statement string) {
	t.Helper()
	if _, err := p.db.ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// fill posts a journal and makes a table of the application's, and returns what stands for the parameters of the
// document.
func (p *planner) fill(t *testing.T, s store.Store) *strings.Replacer {
	t.Helper()
	l, err := ledger.New(t.Context(), s, &ledger.Options{Migrate: true, Strategy: ledger.Queue{}, SealEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	for n := range customers {
		openFor(t, l, customer(n))
	}
	for n := range shops {
		openFor(t, l, fmt.Sprintf("shops:%d", n))
	}
	for b := range batches {
		results, err := l.PostBatch(t.Context(), sales(b))
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if r.Err != nil {
				t.Fatal(r.Err)
			}
		}
	}
	if _, err := l.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := sales(batches - 1)[0].ID
	p.exec(t, "CREATE TABLE orders (id INTEGER PRIMARY KEY, transfer_id "+p.idType+", paid BIGINT)")
	p.exec(t, "INSERT INTO orders VALUES (1, "+p.binary(id)+", 10), (2, "+p.binary(bursar.IDOf("sale", "lost"))+", 10)")
	p.exec(t, p.analyze)
	head, err := l.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at := func(seq int64) (at string) {
		const query = "SELECT at FROM bursar_entry WHERE seq = "
		if err := p.db.QueryRowContext(t.Context(), fmt.Sprint(query, seq)).Scan(&at); err != nil {
			t.Fatal(err)
		}
		return at
	}
	var shop string
	if err := p.db.QueryRowContext(t.Context(),
		"SELECT account FROM bursar_account WHERE path = 'shops:1'").Scan(&shop); err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(
		"o.paid >= :since", "o.paid >= 10", ":book", "1", ":account", shop, ":path", "'"+customer(7)+"'",
		":id", p.binary(id), ":reference", "'order:7'", ":after", "19000",
		":since", at(head.Seq-60), ":until", at(head.Seq-10), ":first", at(1), ":last", at(head.Seq),
	)
}

func customer(n int) string { return fmt.Sprintf("users:%d", n%customers) }

func openFor(t *testing.T, l *ledger.Ledger, path string) {
	t.Helper()
	o := bursar.Opening{Path: path, Currency: money.USD{}.Currency(), NoMin: true}
	if _, err := l.OpenAccount(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

// sales is a batch of transfers with two legs. One in ten has a reference, one in a hundred an effective time.
func sales(batch int) []bursar.Transfer {
	all := make([]bursar.Transfer, perBatch)
	for i := range all {
		n := batch*perBatch + i
		all[i] = bursar.Transfer{ID: bursar.IDOf("sale", n), Legs: []bursar.Leg{
			{From: customer(n), To: customer(n*7 + 3), Amount: money.MustParse("1.25 USD")},
			{From: customer(n*7 + 3), To: fmt.Sprintf("shops:%d", n%shops), Amount: money.MustParse("0.25 USD")},
		}}
		if n%10 == 7 {
			all[i].Reference = fmt.Sprintf("order:%d", n)
		}
		if n%100 == 1 {
			all[i].Effective = time.Date(2026, time.January, 1, 0, 0, 0, n, time.UTC)
		}
	}
	return all
}
