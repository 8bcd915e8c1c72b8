package main

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// onReplicas runs a test on each engine that has replicas.
func onReplicas(t *testing.T, test func(t *testing.T, server *sqltest.Server, replica *sqltest.Replica)) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB) (*sqltest.Server, *sqltest.Replica){
		"postgres": sqltest.ReplicatedPostgres, "mariadb": sqltest.ReplicatedMariaDB,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, replica := start(t)
			test(t, server, replica)
		})
	}
}

// bursarOn runs a command line on a database, and ends the test if it has another exit code.
func bursarOn(t *testing.T, url string, exit int, args ...string) (stdout, stderr string) {
	t.Helper()
	code, stdout, stderr := line(t, t.Context(), append(args, "--db", url)...)
	if code != exit {
		t.Fatalf("bursar %q: exit code %d, want %d: %s", args, code, exit, stderr)
	}
	return stdout, stderr
}

// stocked makes a ledger with two accounts and two transfers. It returns the id of the last one.
func stocked(t *testing.T, url string) (id string) {
	t.Helper()
	bursarOn(t, url, 0, "migrate")
	bursarOn(t, url, 0, "account", "open", "outside:bank", "--currency", "USD", "--min", "none")
	bursarOn(t, url, 0, "account", "open", "users:alice", "--currency", "USD")
	bursarOn(t, url, 0, "transfer", "outside:bank", "users:alice", "25.00 USD")
	posted, _ := bursarOn(t, url, 0, "transfer", "outside:bank", "users:alice", "1.00 USD", "--reference", "order 7",
		"-o", "json")
	var last bursar.Posted
	if err := json.Unmarshal([]byte(posted), &last); err != nil {
		t.Fatal(err)
	}
	return last.ID.String()
}

// inform is what a command says of a replica that follows.
var inform = regexp.MustCompile(`(?m)^bursar: replica: head [0-9]+ at \S+Z; \S+Z by its clock; it follows` +
	`(; it has all that was committed before \S+Z: at most [0-9]+ s behind|, [0-9]+ s behind what has arrived)$`)

// Each command that only reads prints the same on the replica as on the server that it follows, and says besides how
// old that is.
func TestCommandsReadOnAReplica(t *testing.T) {
	onReplicas(t, func(t *testing.T, server *sqltest.Server, replica *sqltest.Replica) {
		id := stocked(t, server.URL())
		head, _ := bursarOn(t, server.URL(), 0, "balance", "users:alice", "--at", "2026-01-01")
		replica.CatchUp(t)
		for _, args := range [][]string{
			{"balance"}, {"balance", "users:alice"}, {"balance", "--prefix", "users:"},
			{"balance", "users:alice", "--seq", "3"}, {"balance", "users:alice", "--at", "2026-01-01"},
			{"statement", "users:alice"}, {"journal"}, {"journal", "-o", "csv"},
			{"transfer", "show", id}, {"transfer", "show", "--reference", "order 7"},
			{"account", "list"}, {"account", "show", "users:alice"},
			{"export"}, {"export", "--format", "hledger"}, {"verify"}, {"balance", "-o", "json"},
		} {
			want, _ := bursarOn(t, server.URL(), 0, args...)
			got, said := bursarOn(t, replica.URL(), 0, args...)
			if got != want || got == "" {
				t.Errorf("bursar %q prints\n%son the server and\n%son the replica", args, want, got)
			}
			if len(inform.FindAllString(said, -1)) != 1 {
				t.Errorf("bursar %q on the replica says\n%s", args, said)
			}
			t.Logf("$ bursar %s\n%s%s", strings.Join(args, " "), got, said)
		}
		if head == "" {
			t.Error("the server has no past")
		}
		report, _ := bursarOn(t, replica.URL(), 0, "verify", "-o", "json")
		if !strings.Contains(report, `"replica":{"state":"following"`) {
			t.Errorf("verify in JSON prints %s", report)
		}
		bursarOn(t, replica.URL(), 0, "migrate") // there is nothing to do
	})
}

// What writes is refused at once, and a time that the replica has not come to is ahead.
func TestCommandsOnAReplicaRefuseToWrite(t *testing.T) {
	onReplicas(t, func(t *testing.T, server *sqltest.Server, replica *sqltest.Replica) {
		const unavailable = 8
		_, said := bursarOn(t, replica.URL(), unavailable, "migrate")
		if !strings.Contains(said, "unavailable: do this on the server that it follows") {
			t.Errorf("migrate says %s", said)
		}
		stocked(t, server.URL())
		replica.CatchUp(t)
		replica.Hold(t)
		for _, args := range [][]string{
			{"transfer", "outside:bank", "users:alice", "1.00 USD"},
			{"account", "open", "users:bob", "--currency", "USD"},
			{"account", "open", "users:bob", "--currency", "USD", "--book", "another"},
			{"migrate", "--book", "another"},
			{"migrate", "--reports"},
		} {
			_, said := bursarOn(t, replica.URL(), unavailable, args...)
			if !strings.HasPrefix(said, "bursar: error: unavailable: ") || !strings.Contains(said, "connect to the ") &&
				!strings.Contains(said, "do this on the server that it follows") {
				t.Errorf("bursar %q says %s", args, said)
			}
			t.Logf("$ bursar %s\n%s", strings.Join(args, " "), said)
		}
		before, _ := bursarOn(t, replica.URL(), 0, "balance", "users:alice", "-o", "json")
		bursarOn(t, server.URL(), 0, "transfer", "outside:bank", "users:alice", "1.00 USD")
		out, _ := bursarOn(t, server.URL(), 0, "journal", "--after", "4", "-o", "json")
		var entry bursar.Entry
		if err := json.Unmarshal([]byte(out), &entry); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{
			{"balance", "users:alice", "--at", entry.At.String()},
			{"balance", "users:alice", "--effective", entry.At.String()},
			{"balance", "users:alice", "--seq", "5"},
			{"statement", "users:alice", "--to", entry.At.String()},
		} {
			_, said := bursarOn(t, replica.URL(), 4, args...)
			if !strings.Contains(said, "bursar: error: as_of_ahead: ") || !strings.Contains(said, "whose head is 4") &&
				!strings.Contains(said, "and a replica when it has come there") {
				t.Errorf("bursar %q says %s", args, said)
			}
			t.Logf("$ bursar %s\n%s", strings.Join(args, " "), said)
		}
		after, said := bursarOn(t, replica.URL(), 0, "balance", "users:alice", "-o", "json")
		if before != after || !strings.Contains(said, "it is stopped and applies nothing") {
			t.Errorf("a replica that is held printed %s and then %s, and says %s", before, after, said)
		}
		t.Logf("$ bursar balance users:alice -o json\n%s%s", after, said)
	})
}

// A server over a replica serves what reads, says how old it is, and takes posts when the replica is promoted.
func TestServeOnAReplica(t *testing.T) {
	onReplicas(t, func(t *testing.T, server *sqltest.Server, replica *sqltest.Replica) {
		stocked(t, server.URL())
		replica.CatchUp(t)
		s := startServing(t, noVariables, "--listen", "127.0.0.1:0", "--db", replica.URL())
		defer s.ended()
		defer s.stop()
		t.Log(s.line("bursar: replica: head 4 at "))
		t.Log(s.line("bursar: requests that post are answered with 503"))
		head := func() (body string) {
			response, err := http.Get(s.url + "/v1/head")
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			text, err := io.ReadAll(response.Body)
			if err != nil || response.StatusCode != http.StatusOK {
				t.Fatal(response.StatusCode, err)
			}
			t.Logf("GET /v1/head\n%s", text)
			return string(text)
		}
		if got := head(); !strings.Contains(got, `"replica":{"state":"following"`) {
			t.Errorf("the head is %s", got)
		}
		const transfer = `{"from":"outside:bank","to":"users:alice","amount":"1.00 USD"}`
		refused := s.post("/v1/transfers", transfer)
		if refused.StatusCode != http.StatusServiceUnavailable || refused.Header.Get("Retry-After") == "" {
			t.Errorf("a post on a replica is answered with %d", refused.StatusCode)
		}
		logged := s.line("time=")
		for !strings.Contains(logged, "level=ERROR") {
			logged = s.line("time=")
		}
		t.Log(logged)
		for _, want := range []string{"code=unavailable", "its server takes no writes", "send such requests to the server"} {
			if !strings.Contains(logged, want) {
				t.Errorf("the log lacks %q: %s", want, logged)
			}
		}
		replica.Promote(t)
		if got := s.post("/v1/transfers", transfer).StatusCode; got != http.StatusCreated {
			t.Errorf("a post on a promoted server is answered with %d", got)
		}
		if got := head(); strings.Contains(got, "replica") {
			t.Errorf("the head of a promoted server is %s", got)
		}
	})
}
