package store_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/verify"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store"
)

// TestReportIndexesAreNoPartOfTheSchema makes them, posts over them, takes them away and makes them again.
func TestReportIndexesAreNoPartOfTheSchema(t *testing.T) {
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
			if made, err := s.IndexReports(t.Context()); bursar.CodeOf(err) != bursar.CodeSchemaBehind || made != nil {
				t.Errorf("an empty database got %q, %v", made, err)
			}
			l, err := ledger.New(t.Context(), s, &ledger.Options{Migrate: true, SealEvery: -1})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close(t.Context()) })
			names := []string{"bursar_report_from", "bursar_report_to", "bursar_report_request", "bursar_report_at"}
			wantMade(t, s, names)
			wantMade(t, s, nil)
			openFor(t, l, "shops:0")
			wantVerified(t, s, l)
			have, want, err := s.Schema(t.Context())
			if err != nil || have != want {
				t.Errorf("schema %d of %d, %v", have, want, err)
			}
			for i, drop := range undone(t, p.url) {
				p.exec(t, drop)
				wantVerified(t, s, l)
				wantMade(t, s, names[i:i+1])
			}
		})
	}
}

func wantMade(t *testing.T, s store.Store, want []string) {
	t.Helper()
	made, err := s.IndexReports(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("the indexes that were made (-want +got):\n%s", diff)
	}
}

func wantVerified(t *testing.T, s store.Store, l *ledger.Ledger) {
	t.Helper()
	if _, err := l.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	report, err := verify.Run(t.Context(), s, l.Book(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Err(); err != nil {
		t.Error(err)
	}
}

// undone is how each file of the indexes says that it is undone, in order.
func undone(t testing.TB, url string) (drops []string) {
	t.Helper()
	folder, err := store.ReportIndexes(url)
	if err != nil {
		t.Fatal(err)
	}
	files, err := fs.Glob(folder, "*.up.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := fs.ReadFile(folder, file)
		if err != nil {
			t.Fatal(err)
		}
		_, drop, _ := strings.Cut(string(text), " Undone by: ")
		drop, _, found := strings.Cut(drop, "\n")
		if !found {
			t.Fatalf("%s does not say how it is undone", file)
		}
		drops = append(drops, drop)
	}
	return drops
}

// TestAnIndexThatIsNotWholeIsTold leaves on PostgreSQL what a build that is cut short leaves behind.
func TestAnIndexThatIsNotWholeIsTold(t *testing.T) {
	t.Parallel()
	p := planners()["postgres"](t)
	s, err := store.Open(p.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.IndexReports(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.exec(t, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'bursar_report_at'::regclass")
	_, err = s.IndexReports(t.Context())
	if bursar.CodeOf(err) != bursar.CodeConflict || !strings.Contains(err.Error(), "DROP INDEX bursar_report_at") {
		t.Errorf("an index that is not whole: %v", err)
	}
	p.exec(t, "DROP INDEX bursar_report_at")
	wantMade(t, s, []string{"bursar_report_at"})
}

// TestProgramsIndexAtOnce has two programs make the same indexes.
func TestProgramsIndexAtOnce(t *testing.T) {
	t.Parallel()
	for engine, begin := range planners() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			p := begin(t)
			done := make(chan error)
			for range 2 {
				s, err := store.Open(p.url)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { s.Close() })
				if err := s.Migrate(t.Context()); err != nil {
					t.Fatal(err)
				}
				go func() {
					_, err := s.IndexReports(t.Context())
					done <- err
				}()
			}
			failed := 0
			for range 2 {
				switch err := <-done; {
				case err == nil:
				case bursar.CodeOf(err) == bursar.CodeConflict:
					failed++
				default:
					t.Error(err)
				}
			}
			if failed == 2 {
				t.Error("both programs gave up")
			}
		})
	}
}
