package sqltest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/internal/sqltest/server"
)

// Galera gives the test an empty database on a cluster of three MariaDB nodes that all tests share, and returns one
// Server for each node, in the order that they have in the cluster. What one of them has committed may be seen on
// another a little later. A test that asks for it is skipped unless BURSAR_TEST_GALERA is set.
func Galera(t testing.TB) []*Server {
	t.Helper()
	wantGalera(t)
	c, err := sharedGalera()
	if err != nil {
		refuse(t, GaleraEngine, err)
	}
	return c.give(t, false)
}

// wantGalera skips what takes minutes unless somebody asks for it.
func wantGalera(t testing.TB) {
	t.Helper()
	if os.Getenv("BURSAR_TEST_GALERA") == "" {
		t.Skip("a cluster takes minutes: BURSAR_TEST_GALERA=1 asks for it")
	}
}

// PrivateGalera starts a cluster for this test alone. Its nodes may be killed, frozen, cut off and wiped. It ends with
// the test, which is skipped unless BURSAR_TEST_GALERA is set.
func PrivateGalera(t testing.TB) []*Server {
	t.Helper()
	wantGalera(t)
	c, err := startCluster(t.Context())
	if err != nil {
		refuse(t, GaleraEngine, err)
	}
	t.Cleanup(func() {
		for n, in := range c.nodes {
			if t.Failed() {
				t.Logf("what node %d said:\n%s", n+1, in.Log())
			}
			if err := in.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return c.give(t, true)
}

var sharedGalera = sync.OnceValues(func() (*cluster, error) { return startCluster(context.Background()) })

// cluster is a cluster, and a pool of connections to each node for what tests do not see.
type cluster struct {
	nodes []*server.Instance
	at    []Endpoint
	admin []*sql.DB
}

// startCluster starts a cluster of the MariaDB that BURSAR_ENGINES names, or of the newest.
func startCluster(ctx context.Context) (*cluster, error) {
	chosen, err := server.InPlaceOf(server.MariaDB)
	if err != nil {
		return nil, err
	}
	if chosen == server.MariaDB {
		chosen = server.MariaDB11
	}
	c := &cluster{}
	if c.nodes, err = server.StartCluster(ctx, chosen); err != nil {
		return nil, err
	}
	for _, in := range c.nodes {
		at := Endpoint{GaleraEngine, galeraURL(in.URL())}
		admin, err := at.With("mysql").open("wsrep_sync_wait=1")
		if err != nil {
			return nil, err
		}
		c.at, c.admin = append(c.at, at), append(c.admin, admin)
	}
	if err := c.await(ctx); err != nil {
		return nil, err
	}
	return c, c.sort(ctx)
}

// sort puts the nodes in the order that they have among themselves.
func (c *cluster) sort(ctx context.Context) error {
	size := len(c.nodes)
	sorted := &cluster{make([]*server.Instance, size), make([]Endpoint, size), make([]*sql.DB, size)}
	for n, admin := range c.admin {
		var name string
		var place int
		if err := admin.QueryRowContext(ctx, "SHOW STATUS LIKE 'wsrep_local_index'").Scan(&name, &place); err != nil {
			return err
		}
		sorted.nodes[place], sorted.at[place], sorted.admin[place] = c.nodes[n], c.at[n], admin
	}
	*c = *sorted
	return nil
}

// galeraURL is the URL of a node as a ledger wants it.
func galeraURL(u *url.URL) *url.URL {
	u.Scheme = string(GaleraEngine)
	return u
}

// await returns when every node belongs to the whole cluster, and sees all that was committed.
func (c *cluster) await(ctx context.Context) error {
	for n := range c.nodes {
		if err := awaitNode(ctx, c.admin[n], server.ClusterSize); err != nil {
			return fmt.Errorf("node %d: %w", n+1, err)
		}
	}
	return nil
}

// nodeMax is how long a node may take to come back.
const nodeMax = 2 * time.Minute

// awaitNode polls until a node answers as one of so many.
func awaitNode(ctx context.Context, admin *sql.DB, size int) error {
	return poll(ctx, func(ctx context.Context) error {
		var name, members string
		err := admin.QueryRowContext(ctx, "SHOW STATUS LIKE 'wsrep_cluster_size'").Scan(&name, &members)
		if err != nil {
			return err
		}
		if members != strconv.Itoa(size) {
			return fmt.Errorf("the node is one of %s", members)
		}
		return admin.QueryRowContext(ctx, "SELECT 1").Scan(new(int))
	})
}

// poll asks until there is no error. Nothing tells a client of what happens among the nodes.
func poll(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, nodeMax)
	defer cancel()
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		}
	}
}

// give makes a database for a test, which is dropped with it, and waits until every node has it.
func (c *cluster) give(t testing.TB, own bool) []*Server {
	t.Helper()
	name, err := newDatabase(t.Context(), GaleraEngine, c.admin[0])
	if err != nil {
		t.Fatal(err)
	}
	servers := make([]*Server, len(c.nodes))
	for n := range c.nodes {
		if err := c.admin[n].QueryRowContext(t.Context(), "SELECT 1").Scan(new(int)); err != nil {
			t.Fatal(err)
		}
		servers[n] = &Server{Endpoint: c.at[n].With(name)}
		if own {
			servers[n].own, servers[n].admin = c.nodes[n], c.admin[n]
		}
	}
	if !own {
		t.Cleanup(func() { c.drop(t, name) })
	}
	return servers
}

// drop drops a test's database and ends the connections to it, on every node.
func (c *cluster) drop(t testing.TB, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), dropTimeout)
	defer cancel()
	for _, admin := range c.admin {
		if err := endSessions(ctx, GaleraEngine, admin, name); err != nil {
			t.Error(err)
		}
	}
	if err := dropDatabase(GaleraEngine, c.admin[0], name); err != nil {
		t.Error(err)
	}
}

var errNoNode = errors.New("only a node of a cluster of the test's own can do this; take PrivateGalera")

// Freeze stops the node's processor, with SIGSTOP, until Thaw. After some seconds the others go on without it.
func (s *Server) Freeze() error {
	if s.admin == nil {
		return errNoNode
	}
	return s.own.Freeze()
}

// Thaw lets a frozen node go on.
func (s *Server) Thaw() error {
	if s.admin == nil {
		return errNoNode
	}
	return s.own.Thaw()
}

// Cut keeps the group's messages from the node and those of the node from the group, until Heal. It goes on to talk to
// its clients.
func (s *Server) Cut(ctx context.Context) error { return s.isolate(ctx, "1") }

// Heal ends what Cut began.
func (s *Server) Heal(ctx context.Context) error { return s.isolate(ctx, "0") }

func (s *Server) isolate(ctx context.Context, value string) error {
	if s.admin == nil {
		return errNoNode
	}
	_, err := s.admin.ExecContext(ctx, "SET GLOBAL wsrep_provider_options = 'gmcast.isolate="+value+"'")
	return err
}

// Wipe removes the data of a node that is down. Restart then gives it a copy of another node's.
func (s *Server) Wipe() error {
	if s.admin == nil {
		return errNoNode
	}
	return s.own.Wipe()
}

// AwaitMember returns when the node belongs to the whole cluster again and sees all that was committed.
func (s *Server) AwaitMember(ctx context.Context) error {
	if s.admin == nil {
		return errNoNode
	}
	return awaitNode(ctx, s.admin, server.ClusterSize)
}

// AwaitAlone returns when a node that was cut off has seen that it has no majority.
func (s *Server) AwaitAlone(ctx context.Context) error {
	if s.admin == nil {
		return errNoNode
	}
	return poll(ctx, func(ctx context.Context) error {
		var name, status string
		err := s.admin.QueryRowContext(ctx, "SHOW STATUS LIKE 'wsrep_cluster_status'").Scan(&name, &status)
		if err == nil && status == "Primary" {
			err = errors.New("the node is of the majority")
		}
		return err
	})
}
