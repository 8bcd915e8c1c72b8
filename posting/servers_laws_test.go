//go:build servers

package posting_test

// onServers are the engines that run as servers.
func onServers() []engine {
	return []engine{
		{name: "postgres", on: onPostgres},
		{name: "mariadb", on: onMariaDB},
		{name: "postgres-sql", on: onPostgresSQL, only: []string{"none", "queue", "in"}},
	}
}
