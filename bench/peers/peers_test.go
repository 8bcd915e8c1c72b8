package main

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/bench"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// tiny are the flags of a run that takes no time.
func tiny(more ...string) []string {
	return append([]string{
		"--accounts", "250", "--seconds", "0.02", "--rounds", "2", "--clients", "1,3", "--json",
	}, more...)
}

// measure runs the program, and gives its report.
func measure(t *testing.T, args ...string) (*bench.Report, error) {
	t.Helper()
	var out strings.Builder
	err := run(t.Context(), args, &out, io.Discard)
	var report bench.Report
	if bad := json.Unmarshal([]byte(out.String()), &report); err == nil && bad != nil {
		t.Fatalf("%v in %s", bad, &out)
	}
	return &report, err
}

// checkPosted wants two rows of a peer, and what they say posted to be what the peer has.
func checkPosted(t *testing.T, r *bench.Report, name string, posted int64) {
	t.Helper()
	var answered int64
	rows := 0
	for i := range r.Rows {
		row := &r.Rows[i]
		if row.Subject != name {
			continue
		}
		rows++
		answered += row.Posted
		if row.Rate.Median <= 0 || row.Open == nil || row.Open.Calls <= 0 || row.ToTextbook != 0 {
			t.Errorf("%+v", row)
		}
	}
	if rows != 2 || answered == 0 || answered != posted {
		t.Errorf("%s: %d rows with %d transfers; it has %d", name, rows, answered, posted)
	}
}

// TestPeersOverHTTP posts single transfers and bulks, and wants the peers to have what the report says, and no money
// made or lost.
func TestPeersOverHTTP(t *testing.T) {
	for _, batch := range []string{"1", "7"} {
		formance, formanceServer := fakeFormance(t)
		blnk, blnkServer := fakeBlnk(t, "secret")
		r, err := measure(t, tiny("--batch", batch, "--hot", "50", "--formance", formanceServer.URL,
			"--blnk", blnkServer.URL, "--blnk-key", "secret")...)
		if err != nil {
			t.Fatal(err)
		}
		checkPosted(t, r, "formance", formance.posted-250)
		checkPosted(t, r, "blnk", blnk.posted)
		if len(blnk.balances) != 250 || len(formance.balances) != 251 {
			t.Errorf("%d and %d accounts", len(blnk.balances), len(formance.balances))
		}
		for _, b := range []*books{formance, blnk} {
			var sum int64
			for _, balance := range b.balances {
				sum += balance
			}
			if sum != 0 {
				t.Errorf("the balances sum to %d", sum)
			}
		}
	}
}

// TestARefusalEndsTheRun has peers that refuse transfers, alone and in a bulk that as a whole is answered well.
func TestARefusalEndsTheRun(t *testing.T) {
	formance, formanceServer := fakeFormance(t)
	blnk, blnkServer := fakeBlnk(t, "")
	for flag, url := range map[string]string{"--formance": formanceServer.URL, "--blnk": blnkServer.URL} {
		for _, batch := range []string{"1", "7"} {
			formance.refuse, blnk.refuse = false, false
			args := tiny("--batch", batch, flag, url)
			peer, err := parse(args, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			names, peers, err := peer.peers(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			refuse := func() { formance.refuse, blnk.refuse = true, true }
			refusing := map[string]bench.Peer{names[0]: opened{peers[names[0]], refuse}}
			if _, err := bench.RunPeers(t.Context(), &peer.config, names, refusing); err == nil ||
				!strings.Contains(err.Error(), "refused") {
				t.Errorf("%s in batches of %s: %v", flag, batch, err)
			}
		}
	}
}

// opened is a peer of which something changes when its accounts are open.
type opened struct {
	bench.Peer
	then func()
}

func (o opened) Caller(ctx context.Context) (func(context.Context, []bursar.ID, []bench.Move) error, error) {
	o.then()
	return o.Peer.Caller(ctx)
}

// TestPgledger posts to functions with the names, parameters and results of pgledger's, on a PostgreSQL of the test.
func TestPgledger(t *testing.T) {
	for _, batch := range []string{"1", "7"} {
		server := sqltest.Postgres(t)
		db := server.Open(t)
		if _, err := db.ExecContext(t.Context(), pgledgerFunctions); err != nil {
			t.Fatal(err)
		}
		r, err := measure(t, tiny("--batch", batch, "--pgledger", server.URL())...)
		if err != nil {
			t.Fatal(err)
		}
		var posted, sum, accounts int64
		if err := db.QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM pgledger_transfers_view),
			sum(100 * balance)::bigint, count(*) FROM fake_account`).Scan(&posted, &sum, &accounts); err != nil {
			t.Fatal(err)
		}
		checkPosted(t, r, "pgledger", posted)
		if sum != 0 || accounts != 250 {
			t.Errorf("%d accounts, whose balances sum to %d cents", accounts, sum)
		}
	}
}

// pgledgerFunctions have the interface of pgledger and nothing of what is behind it.
const pgledgerFunctions = `
CREATE TABLE fake_account (id text PRIMARY KEY, name text, currency text, balance numeric NOT NULL DEFAULT 0);
CREATE TABLE fake_transfer (id bigint GENERATED ALWAYS AS IDENTITY, f text NOT NULL, t text NOT NULL, amount numeric);
CREATE VIEW pgledger_transfers_view AS
	SELECT id::text AS id, f AS from_account_id, t AS to_account_id FROM fake_transfer;
CREATE FUNCTION pgledger_create_account(name text, currency text, allow_negative_balance boolean DEFAULT true)
RETURNS SETOF fake_account LANGUAGE sql AS $$
	INSERT INTO fake_account VALUES ('pgla_' || name, name, currency) RETURNING *
$$;
CREATE FUNCTION pgledger_create_transfer(
	from_account_id text, to_account_id text, amount numeric, event_at timestamptz DEFAULT NULL)
RETURNS SETOF pgledger_transfers_view LANGUAGE sql AS $$
	SELECT 1 FROM fake_account WHERE id IN ($1, $2) ORDER BY id FOR UPDATE;
	UPDATE fake_account SET balance = balance - $3 WHERE id = $1;
	UPDATE fake_account SET balance = balance + $3 WHERE id = $2;
	INSERT INTO fake_transfer (f, t, amount) VALUES ($1, $2, $3) RETURNING id::text, f, t
$$;`

// TestFlags refuses what cannot work before a peer is asked anything.
func TestFlags(t *testing.T) {
	for want, args := range map[string][]string{
		"name a peer":         {"--clients", "1"},
		"whole numbers":       {"--clients", "1,many", "--blnk", "http://127.0.0.1:1"},
		"unexpected argument": {"now"},
		"malformed":           {"--accounts", "1", "--blnk", "http://127.0.0.1:1"},
		"not defined":         {"--tigerbeetle", "3000"},
		"connection refused":  {"--blnk", "http://127.0.0.1:1"},
		"percent":             {"--hot", "101", "--formance", "http://127.0.0.1:1"},
	} {
		if _, err := measure(t, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
}
