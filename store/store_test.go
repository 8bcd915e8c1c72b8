package store_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "bursar.db")
	for _, url := range []string{"sqlite:" + file, "sqlite://" + file} {
		s, err := store.Open(url)
		if err != nil {
			t.Fatalf("%s: %v", url, err)
		}
		if _, err := ledger.New(t.Context(), s, &ledger.Options{Migrate: true}); err != nil {
			t.Errorf("%s: %v", url, err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestOpenServers(t *testing.T) {
	t.Parallel()
	usd, err := money.Lookup("USD")
	if err != nil {
		t.Fatal(err)
	}
	for name, url := range map[string]string{"postgres": sqltest.Postgres(t).URL(), "mariadb": sqltest.MariaDB(t).URL()} {
		s, err := store.Open(url)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		l, err := ledger.New(t.Context(), s, &ledger.Options{Migrate: true})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := l.OpenAccount(t.Context(), bursar.Opening{Path: "users:ann", Currency: usd}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := errors.Join(l.Close(t.Context()), s.Close()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMigrationsAreNumberedAlike has every engine show the same version for the same schema.
func TestMigrationsAreNumberedAlike(t *testing.T) {
	t.Parallel()
	names := func(url string) []string {
		files, err := store.Migrations(url)
		if err != nil {
			t.Fatal(err)
		}
		names, err := fs.Glob(files, "*.up.sql")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if text, err := fs.ReadFile(files, name); err != nil || !strings.Contains(
				string(text), "CREATE TABLE",
			) && name == names[0] {
				t.Errorf("%s, %s: %.40q, %v", url, name, text, err)
			}
		}
		return names
	}
	want := names("sqlite:bursar.db")
	for _, url := range []string{
		"postgres://u@h/d", "postgresql://u@h/d", "cockroach://u@h/d", "mysql://u@h/d", "mariadb://u@h/d", "tidb://u@h/d",
	} {
		if diff := cmp.Diff(want, names(url)); diff != "" {
			t.Errorf("%s (-sqlite +its):\n%s", url, diff)
		}
		s, err := store.Open(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bursar.Code{
		"":                               bursar.CodeMalformed,
		"bursar.db":                      bursar.CodeMalformed,
		"sqlite:":                        bursar.CodeMalformed,
		"sqlite::memory:":                bursar.CodeUnsupported,
		"oracle://localhost":             bursar.CodeUnsupported,
		"postgres://h:port/d":            bursar.CodeMalformed,
		"postgres://h/d?sslmode=perhaps": bursar.CodeMalformed,
		"mysql://h/d":                    bursar.CodeMalformed, // as whom?
		"mysql://u@h":                    bursar.CodeMalformed,
		"tidb://u:p w@h/d":               bursar.CodeMalformed,
	} {
		s, err := store.Open(url)
		if s != nil || bursar.CodeOf(err) != want {
			t.Errorf("%q: %v, %v, want %s", url, s, err, want)
		}
	}
}
