package store_test

import (
	"path/filepath"
	"testing"

	"github.com/bursar-ledger/bursar"
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
		if _, err := bursar.New(s, &bursar.Options{Migrate: true}); err != nil {
			t.Errorf("%s: %v", url, err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bursar.Code{
		"":                   bursar.Malformed,
		"bursar.db":          bursar.Malformed,
		"sqlite:":            bursar.Malformed,
		"sqlite::memory:":    bursar.Unsupported,
		"oracle://localhost": bursar.Unsupported,
	} {
		if _, err := store.Open(url); bursar.CodeOf(err) != want {
			t.Errorf("%q: %v, want %s", url, err, want)
		}
	}
}
