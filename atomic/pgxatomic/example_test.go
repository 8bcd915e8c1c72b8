package pgxatomic_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/atomic/pgxatomic"
	"github.com/bursar-ledger/bursar/atomic/postgres"
)

// A shop has words for sale. New and Queries are what sqlc generates for pgx/v5.
type shop struct {
	db     *atomic.DB
	jobs   *jobClient[pgx.Tx]
	placed int
}

// openShop makes a shop on the application's own pool.
func openShop(pool *pgxpool.Pool) *shop {
	return &shop{db: pgxatomic.Open(pool, nil), jobs: &jobClient[pgx.Tx]{driver: pgxDriver{}}}
}

// order stores words and a job. It may run more than once; what must happen once is a hook.
func (s *shop) order(ctx context.Context, words []string) error {
	return pgxatomic.Do(ctx, s.db, func(ctx context.Context, tx *pgxatomic.Tx) error {
		if _, err := New(tx).CopyWords(ctx, words); err != nil { // what sqlc has generated
			return err
		}
		if _, err := s.jobs.InsertTx(ctx, tx, "ship "+words[0]); err != nil { // a job queue that takes a pgx.Tx
			return err
		}
		tx.Atomic().OnCommit(func(context.Context) error {
			s.placed++
			return nil
		})
		return nil
	}, nil)
}

// offer adds those words that are new.
func (s *shop) offer(ctx context.Context, words []string) (added int, err error) {
	err = pgxatomic.Do(ctx, s.db, func(ctx context.Context, tx *pgxatomic.Tx) error {
		added = 0
		for _, word := range words {
			err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return New(tx).AddWord(ctx, word) }) // a savepoint
			if (postgres.Dialect{}).Classify(err).Kind == atomic.KindUnique {
				continue // Only the savepoint was undone.
			}
			if err != nil {
				return err
			}
			added++
		}
		return nil
	}, nil)
	return added, err
}

func ExampleOpen() {
	var pool *pgxpool.Pool // the application's
	db := pgxatomic.Open(pool, &atomic.OpenOptions{Observer: atomic.Observer{}})
	_ = db
}

func ExampleOpenCockroach() {
	var pool *pgxpool.Pool // the application's
	db := pgxatomic.OpenCockroach(pool, nil)
	_ = db
}

// The queries of sqlc, a job and a hook are one database transaction.
func ExampleDo() { _ = (*shop).order }

// A savepoint for each word: a duplicate undoes its own word alone.
func ExampleTx_Begin() { _ = (*shop).offer }

// Locks and the like are those of package atomic, in the same block.
func ExampleTx_Atomic() {
	work := func(ctx context.Context, tx *pgxatomic.Tx) error {
		if err := atomic.Advisory(ctx, tx.Atomic(), "invoice 7"); err != nil {
			return err
		}
		return New(tx).AddWord(ctx, "invoice 7")
	}
	_ = work
}

// DoKeyed begins the block, and its effects are those of pgx.
func ExampleOf() {
	once := func(ctx context.Context, db *atomic.DB, key string) error {
		_, _, err := atomic.DoKeyed(ctx, db, key, func(ctx context.Context, block *atomic.Tx) ([]byte, error) {
			tx, err := pgxatomic.Of(block)
			if err != nil {
				return nil, err
			}
			return nil, New(tx).AddWord(ctx, key)
		}, nil)
		return err
	}
	_ = once
}

// A function deep inside takes the open block from the context, or else the pool.
func ExampleFrom() {
	queries := func(ctx context.Context, db *atomic.DB, pool *pgxpool.Pool) *Queries {
		if tx, open := pgxatomic.From(ctx, db); open {
			return New(tx)
		}
		return New(pool)
	}
	_ = queries
}

// TestExamples runs them.
func TestExamples(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := openShop(f.pool)
	f.must(s.order(f.ctx(), []string{"one", "two"}))
	if err := s.order(f.ctx(), []string{"three", "two"}); (postgres.Dialect{}).Classify(err).Kind != atomic.KindUnique {
		t.Errorf("the second order = %v", err)
	}
	if s.placed != 1 {
		t.Errorf("%d orders were placed", s.placed)
	}
	added, err := s.offer(f.ctx(), []string{"two", "three", "one", "four"})
	if added != 2 || err != nil {
		t.Errorf("%d words were added, %v", added, err)
	}
	f.wantWords("one", "two", "three", "four", "ship one")
}

// TestTheGuideShowsTheExamples compares the guide with what is compiled here.
func TestTheGuideShowsTheExamples(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/atomic.md")
	source, sourceErr := os.ReadFile("example_test.go")
	if err := errors.Join(err, sourceErr); err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(guide), "\n## Over pgx\n")
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := strings.Split(section, "```")
	if len(blocks) < 3 {
		t.Fatal("the guide has no code over pgx")
	}
	for i := 1; i < len(blocks); i += 2 {
		if code := strings.TrimPrefix(blocks[i], "go\n"); !strings.Contains(string(source), code) {
			t.Errorf("no example is\n%s", code)
		}
	}
}
