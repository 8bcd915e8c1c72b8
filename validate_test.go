package bursar_test

import (
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
)

func TestCheckAccount(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"a", "users:1", "a.b_c-d@e+f", "Z:0", strings.Repeat("x", 255), strings.Repeat("a:", 127) + "b",
	} {
		if err := bursar.CheckPath(path); err != nil {
			t.Errorf("%.30q: %v", path, err)
		}
	}
	for _, path := range []string{
		"", ":", "a:", ":a", "a::b", "a b", "a/b", "ä", "a\x00", "a\n",
		strings.Repeat("x", 256), strings.Repeat("é", 9_999),
	} {
		err := bursar.CheckPath(path)
		if bursar.CodeOf(err) != bursar.CodeAccountInvalid || len(err.Error()) > 300 {
			t.Errorf("%.30q: %v", path, err)
		}
	}
}

func FuzzCheckAccount(f *testing.F) {
	for _, path := range []string{"users:1", "a::b", "", "é"} {
		f.Add(path)
	}
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-@+:"
	f.Fuzz(func(t *testing.T, path string) {
		want := len(path) <= 255
		for segment := range strings.SplitSeq(path, ":") {
			want = want && segment != "" && strings.Trim(segment, allowed) == ""
		}
		if err := bursar.CheckPath(path); (err == nil) != want {
			t.Errorf("%q: %v, want accepted %v", path, err, want)
		}
	})
}
