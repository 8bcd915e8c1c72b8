// Package sqltest gives tests real database servers, and faults of these servers and of their connections.
//
// [Postgres] and [MariaDB] give a test an empty database of its own on a server that all tests share.
// [PrivatePostgres] and [PrivateMariaDB] give it a server of its own, which may be killed ([Server.Kill9]), stopped
// and restarted. All of them sync every commit to disk. [Cockroach] and [TiDB] work on servers that are named, and
// start none.
//
// The shared servers are those that the environment names, as URLs:
//
//	BURSAR_TEST_POSTGRES   postgres://user:password@host:port/postgres?sslmode=disable
//	BURSAR_TEST_MYSQL      mysql://user:password@host:port/
//	BURSAR_TEST_COCKROACH  cockroach://root@host:port/defaultdb?sslmode=disable
//	BURSAR_TEST_TIDB       tidb://root@host:port/
//
// If the first or second is not set, the test binary starts a throwaway server when a test first asks for one. It
// ends with the test binary. The command testenv starts one of each for all packages of a run. A test whose server
// cannot be had is skipped and says what to install. It fails if BURSAR_REQUIRE lists the server: postgres,
// mariadb, cockroach, tidb, or a name of BURSAR_ENGINES.
//
// BURSAR_ENGINES puts other engines in the place of those that the machine has: a list of postgres15, postgres18,
// mariadb10.11, mariadb11.8 and mysql9. Then every test that asks for [Postgres] or [MariaDB] runs on these.
// [Endpoint.Engine] tells MySQL from MariaDB.
//
// [Bouncer] puts PgBouncer before a server. [BouncedSchemas] gives a test many empty schemas behind one.
// [ReplicatedPostgres] and [ReplicatedMariaDB] start a server and one that follows it, which can be held back and
// promoted. [Document] keeps what a run showed of an engine in docs/engines.md.
//
// [Galera] and [PrivateGalera] give a test a cluster of three MariaDB nodes, of the version that BURSAR_ENGINES names
// or else of the newest. The nodes of a private one may also be frozen, cut off and wiped ([Server.Freeze],
// [Server.Cut], [Server.Wipe]). BURSAR_REQUIRE knows it as galera.
// BURSAR_TEST_GALERA=1 asks for the whole suites on a cluster, which take minutes.
//
// [NewProxy] puts a proxy before a server. The proxy can hold a connection at a chosen point of a chosen statement
// and then cut it: see [Proxy.Trap].
package sqltest
