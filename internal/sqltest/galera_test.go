package sqltest_test

import (
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// A node that was killed fetches what it has missed, one that was wiped everything, one that was frozen or cut off goes
// on. Each of them then sees what was written meanwhile.
func TestANodeComesBack(t *testing.T) {
	nodes := sqltest.PrivateGalera(t)
	pool := nodes[0].Open(t)
	if _, err := pool.ExecContext(t.Context(), "CREATE TABLE n (n bigint PRIMARY KEY)"); err != nil {
		t.Fatal(err)
	}
	last := nodes[2]
	written := 0
	write := func() {
		t.Helper()
		written++
		if _, err := pool.ExecContext(t.Context(), "INSERT INTO n VALUES (?)", written); err != nil {
			t.Fatal(err)
		}
	}
	for _, fault := range []struct {
		name         string
		begin, after func() error
	}{
		{"killed", last.Kill9, func() error { return last.Restart(t.Context()) }},
		{"stopped", last.Stop, func() error { return last.Restart(t.Context()) }},
		{"wiped", func() error {
			if err := last.Kill9(); err != nil {
				return err
			}
			return last.Wipe()
		}, func() error { return last.Restart(t.Context()) }},
		{"frozen", last.Freeze, last.Thaw},
		{"cut off", func() error { return last.Cut(t.Context()) }, func() error { return last.Heal(t.Context()) }},
	} {
		if err := fault.begin(); err != nil {
			t.Fatalf("%s: %v", fault.name, err)
		}
		write()
		if err := fault.after(); err != nil {
			t.Fatalf("%s: %v", fault.name, err)
		}
		if err := last.AwaitMember(t.Context()); err != nil {
			t.Fatalf("%s: %v", fault.name, err)
		}
		var seen int
		db := last.Open(t, "wsrep_sync_wait=1")
		if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM n").Scan(&seen); err != nil {
			t.Fatalf("%s: %v", fault.name, err)
		}
		if seen != written {
			t.Errorf("%s: it sees %d rows of %d", fault.name, seen, written)
		}
		t.Logf("%s: it is back", fault.name)
	}
}
