package server_test

import (
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqltest/server"
)

func TestAnEngineStandsInThePlaceOfAnother(t *testing.T) {
	tests := []struct {
		listed            string
		postgres, mariaDB server.Engine // empty for an error
	}{
		{"", server.Postgres, server.MariaDB},
		{"mysql9", server.Postgres, server.MySQL9},
		{"postgres18, mariadb11.8", server.Postgres18, server.MariaDB11},
		{"mariadb10.11,mysql9", server.Postgres, ""},
		{"oracle", "", ""},
	}
	for _, test := range tests {
		t.Setenv(server.Variable, test.listed)
		for e, want := range map[server.Engine]server.Engine{
			server.Postgres: test.postgres, server.MariaDB: test.mariaDB,
		} {
			if got, err := server.InPlaceOf(e); got != want || (err != nil) != (want == "") {
				t.Errorf("%s=%q in the place of %s: %q, %v; want %q", server.Variable, test.listed, e, got, err, want)
			}
		}
	}
}
