package sqltest_test

import (
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// A replica has what was committed before CatchUp, has nothing new while it is held, and takes writes when it is
// promoted.
func TestAReplicaFollowsUntilItIsPromoted(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB) (*sqltest.Server, *sqltest.Replica){
		"postgres": sqltest.ReplicatedPostgres, "mariadb": sqltest.ReplicatedMariaDB,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, replica := start(t)
			source, follower := server.Open(t), replica.Open(t)
			rows := func(want int) {
				t.Helper()
				if n := column[int](t, follower, "SELECT count(*) FROM kept"); n[0] != want {
					t.Errorf("the replica has %d rows, want %d", n[0], want)
				}
			}
			exec(t, source, "CREATE TABLE kept (id INTEGER PRIMARY KEY)")
			exec(t, source, "INSERT INTO kept VALUES (1)")
			replica.CatchUp(t)
			rows(1)
			replica.Hold(t)
			exec(t, source, "INSERT INTO kept VALUES (2)")
			rows(1)
			replica.Release(t)
			replica.CatchUp(t)
			rows(2)
			replica.Promote(t)
			exec(t, follower, "INSERT INTO kept VALUES (3)")
			rows(3)
		})
	}
}
