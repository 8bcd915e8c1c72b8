package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/bursartest"
	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store"
)

// Three programs whose machines disagree by a day post to one database at once. On a server the ledger's time is the
// database's, whatever they think. In files of their own, where there is no other clock, each has its own time: so the
// clocks are wrong indeed.

func TestClocksADayApart(t *testing.T) { clocksADayApart(t, 40) }

func TestTortureClocksADayApart(t *testing.T) {
	if os.Getenv("BURSAR_TORTURE") == "" {
		t.Skip("it takes minutes: BURSAR_TORTURE=1 asks for it")
	}
	clocksADayApart(t, 2000)
}

// apart are the clocks of the three programs, compared with the machine's.
var apart = []time.Duration{-24 * time.Hour, 0, 24 * time.Hour}

func clocksADayApart(t *testing.T, rows int) {
	programs := map[time.Duration]string{-24 * time.Hour: "", 0: "bursar", 24 * time.Hour: ""}
	for shift := range programs {
		if shift != 0 {
			programs[shift] = linkShifted(t, shift)
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		for _, shift := range apart {
			url := "sqlite:" + filepath.Join(t.TempDir(), "bursar.db")
			importOn(t, programs[shift], url, shift, 1)
			for _, e := range sealed(t, url) {
				off := e.At.Time().Sub(clock.System().Now())
				t.Logf("the clock shifted by %v: entry %d at %v", shift, e.Seq, e.At)
				if (off - shift).Abs() > fleetMax {
					t.Errorf("entry %d is %v off, want %v", e.Seq, off, shift)
				}
			}
		}
	})
	for _, database := range []struct {
		name, now string
		server    func(testing.TB) *sqltest.Server
	}{
		{"postgres", "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint", sqltest.Postgres},
		{"mariadb", "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))", sqltest.MariaDB},
	} {
		t.Run(database.name, func(t *testing.T) {
			server := database.server(t)
			db := server.Open(t)
			now := func() (at time.Time) {
				var micros int64
				if err := db.QueryRowContext(t.Context(), database.now).Scan(&micros); err != nil {
					t.Fatal(err)
				}
				return time.UnixMicro(micros).UTC()
			}
			command(t, "migrate", "--db", server.URL())
			before := now()
			var all sync.WaitGroup
			for _, shift := range apart {
				all.Go(func() { importOn(t, programs[shift], server.URL(), shift, rows) })
			}
			all.Wait()
			follows(t, sealed(t, server.URL()), before, now(), rows)
			command(t, "verify", "--db", server.URL())
		})
	}
}

// command runs the program with the machine's own clock.
func command(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "bursar", args...).CombinedOutput(); err != nil {
		t.Fatalf("bursar %s: %v: %s", args[0], err, out)
	}
}

// linkShifted builds the program with a clock that is off by d, and returns where it is. All but the linking is in the
// cache of the build of the test.
func linkShifted(t *testing.T, d time.Duration) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "bursar")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program,
		"-ldflags", "-X github.com/bursar-ledger/bursar/internal/clock.shift="+d.String(), ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build a program whose clock is off by %v: %v\n%s", d, err, out)
	}
	return program
}

// payer is the account that a program with this clock pays from.
func payer(shift time.Duration) string { return fmt.Sprintf("programs:%d", shift/time.Hour+100) }

// importOn has a program import rows, one database transaction each.
func importOn(t *testing.T, program, url string, shift time.Duration, rows int) {
	file := bytes.NewBufferString("from,to,amount,memo\n")
	for n := range rows {
		fmt.Fprintf(file, "%s,shops:1,0.01 USD,%d\n", payer(shift), n)
	}
	cmd := exec.CommandContext(t.Context(), program, "import", "--db", url,
		"--open", "programs:*=min:none", "--open", "shops:*", "--batch", "1", "-")
	cmd.Stdin = file
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the program whose clock is off by %v: %v\n%s", shift, err, out)
	}
}

// sealed is the journal of a database.
func sealed(t *testing.T, url string) []bursar.Entry {
	t.Helper()
	s, err := store.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, err := ledger.New(t.Context(), s, &ledger.Options{SealEvery: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close(context.Background())
	if _, err := l.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	return bursartest.Journal(t, l)
}

// follows wants the times of the entries to rise, between what the database's clock said before and after, and the
// programs to have posted all their rows beside each other.
func follows(t *testing.T, entries []bursar.Entry, before, after time.Time, rows int) {
	t.Helper()
	const leeway = time.Second // the database's own clock may be set meanwhile
	posted, turns, wrong := map[string]int{}, 0, 0
	last := ""
	for i, e := range entries {
		at := e.At.Time()
		if at.Before(before.Add(-leeway)) || at.After(after.Add(leeway)) || i > 0 && e.At <= entries[i-1].At {
			if wrong++; wrong <= 3 {
				t.Errorf("entry %d is at %v, and the database's clock went from %v to %v", e.Seq, at, before, after)
			}
		}
		if e.Kind != bursar.EntryLeg {
			continue
		}
		if posted[e.From]++; e.From != last {
			turns++
		}
		last = e.From
	}
	if wrong > 0 {
		t.Errorf("%d of %d entries are not at the time of the database", wrong, len(entries))
	}
	for _, shift := range apart {
		if n := posted[payer(shift)]; n != rows {
			t.Errorf("the program whose clock is off by %v posted %d of %d rows", shift, n, rows)
		}
	}
	if turns <= len(apart) {
		t.Error("the programs posted one after the other")
	}
	t.Logf("%d entries of 3 programs, who took turns %d times: the database's clock went from %v to %v, the entries from "+
		"%v to %v", len(entries), turns, before, after, entries[0].At, entries[len(entries)-1].At)
}
