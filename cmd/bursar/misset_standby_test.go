package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

func onStandby(t *testing.T) {
	t.Parallel()
	server, standby := sqltest.ReplicatedPostgres(t)
	p := &place{engine: "PostgreSQL", in: inPostgres}
	p.follower(t, server, standby, "hot standby", "connect to the primary")
}

func onReadOnlyReplica(t *testing.T) {
	t.Parallel()
	server, replica := sqltest.ReplicatedMariaDB(t)
	p := &place{engine: "MariaDB", in: inMySQL}
	if server.Engine() != sqltest.MariaDBEngine {
		p.engine = "MySQL"
	}
	p.follower(t, server, replica, "replica, read_only = ON", "connect to the server that takes writes")
}

// follower tries a server that follows another one and takes no writes.
func (p *place) follower(t *testing.T, server *sqltest.Server, replica *sqltest.Replica, name, remedy string) {
	t.Helper()
	empty(t, server)
	p.stock(t, server.URL())
	replica.CatchUp(t)
	p.ledger, p.none = replica.URL(), replica.With(server.Database()+"_none").URL()
	p.one(t, openedOn(t, p.ledger), &misset{name: name, code: bursar.CodeUnavailable, remedy: remedy,
		migrate: "do this on the server that it follows", serve: "on the server that takes writes", reads: true})
}

// onNodeAlone tries a node of a Galera cluster that has lost the others.
func onNodeAlone(t *testing.T) {
	t.Parallel()
	nodes := sqltest.PrivateGalera(t)
	node := nodes[2]
	p := &place{engine: "Galera", ledger: node.URL(), none: empty(t, node), in: inMySQL}
	p.stock(t, nodes[0].URL())
	l := openedOn(t, p.ledger)
	if err := node.Cut(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := node.AwaitAlone(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.one(t, l, &misset{name: "a node without a majority", code: bursar.CodeUnavailable, remedy: "use another node",
		in: "1047"}) // the application's own BEGIN
	if err := node.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := node.AwaitMember(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// answer starts serve, which must take requests, and returns what it says to one that posts.
func (p *place) answer(t *testing.T, url string) string {
	t.Helper()
	s := startServing(t, noVariables, "--listen", "127.0.0.1:0", "--db", url)
	defer s.ended()
	defer s.stop()
	const transfer = `{"from":"world","to":"users:1","amount":"1.00 USD"}`
	response, err := http.Post(s.url+"/v1/transfers", "application/json", strings.NewReader(transfer))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var told struct{ Code, Detail string }
	if err := json.NewDecoder(response.Body).Decode(&told); err != nil || response.StatusCode != 503 {
		t.Errorf("a request that posts is answered with %d, %v", response.StatusCode, err)
	}
	return told.Code + ": " + told.Detail
}
