package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/sqlite"
)

// TestListingsGoOnAfterAPage lists more than one page of everything that comes in pages.
func TestListingsGoOnAfterAPage(t *testing.T) {
	const accounts = 2*bursar.PageMax + 1
	db := "--db=sqlite:" + openMany(t, accounts)
	for _, tt := range []struct {
		args        []string
		want        int
		first, last string
	}{
		{[]string{"account", "list"}, accounts, "users:00000", "users:02000"},
		{[]string{"account", "list", "--limit", "1000"}, 1000, "users:00000", "users:00999"},
		{[]string{"account", "list", "--limit", "1500"}, 1500, "users:00000", "users:01499"},
		{[]string{"account", "list", "users:01", "--after", "users:01499"}, 500, "users:01500", "users:01999"},
		{[]string{"balance"}, accounts + 1, "users:00000", ""},
		{[]string{"journal"}, accounts, "1", strconv.Itoa(accounts)},
		{[]string{"journal", "--limit", "2000"}, 2000, "1", "2000"},
		{[]string{"journal", "--after", "1", "--limit", "1999"}, 1999, "2", "2000"},
		{[]string{"journal", "--follow", "--limit", strconv.Itoa(accounts)}, accounts, "1", strconv.Itoa(accounts)},
	} {
		code, stdout, stderr := line(t, t.Context(), append(tt.args, db, "-o", "csv")...)
		rows, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
		if code != 0 || err != nil {
			t.Fatalf("%q: exit code %d, %v, %s", tt.args, code, err, stderr)
		}
		rows = rows[1:]
		if len(rows) != tt.want || rows[0][0] != tt.first || rows[len(rows)-1][0] != tt.last {
			t.Errorf("%q: %d rows from %q to %q, want %d from %q to %q", tt.args,
				len(rows), rows[0][0], rows[len(rows)-1][0], tt.want, tt.first, tt.last)
		}
	}
}

// openMany makes a ledger with n accounts, in one database transaction for the sake of time, and returns its file.
func openMany(t *testing.T, n int) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bursar.db")
	store, err := sqlite.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	l, err := ledger.New(t.Context(), store, &ledger.Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	usd := money.MustParse("0 USD").Currency()
	err = atomic.Do(t.Context(), store.DB(), func(ctx context.Context, tx *atomic.Tx) error {
		joined := l.In(tx)
		for i := range n {
			if _, err := joined.OpenAccount(ctx, bursar.Opening{Path: fmt.Sprintf("users:%05d", i), Currency: usd}); err != nil {
				return err
			}
		}
		return nil
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return file
}
