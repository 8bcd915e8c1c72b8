package sqltest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// document is the file, in the repository.
const document = "docs/engines.md"

// Document holds rows of the tables in docs/engines.md against a run. The first cells of a row, keys of them, say what
// it is of. With BURSAR_WRITE set the row is written, in order of its keys, in the place of the one that it finds.
// Without it a row that is there must be the same. One that is not there is of an engine that nobody has written down,
// which is no fault.
func Document(t testing.TB, table string, keys int, cells ...string) {
	t.Helper()
	row, key := "| "+strings.Join(cells, " | ")+" |", "| "+strings.Join(cells[:keys], " | ")+" |"
	rewrite := os.Getenv("BURSAR_WRITE") != ""
	found, err := inDocument(table, key, row, rewrite)
	switch {
	case err != nil:
		t.Fatal(err)
	case rewrite:
	case found == "":
		t.Logf("%s has no row %s in the table %s", document, key, table)
	case found != row:
		t.Errorf("%s is behind; run the test again with BURSAR_WRITE=1\n it says %s\nrun says %s", document, found, row)
	}
}

// inDocument returns the row that a table has for a key, and puts another one into its place if rewrite is true.
func inDocument(table, key, row string, rewrite bool) (found string, err error) {
	dir, err := root()
	if err != nil {
		return "", err
	}
	how := os.O_RDONLY
	if rewrite {
		how = os.O_RDWR
	}
	file, err := os.OpenFile(filepath.Join(dir, document), how, 0)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := alone(file); err != nil {
		return "", err
	}
	content, err := io.ReadAll(file)
	if err != nil {
		return "", err
	}
	changed, found, err := replaceRow(string(content), table, key, row)
	if err != nil || !rewrite {
		return found, err
	}
	if _, err := file.WriteAt([]byte(changed), 0); err != nil {
		return "", err
	}
	return found, file.Truncate(int64(len(changed)))
}

// replaceRow puts a row into a table, which stands between two marks. It returns the row that was there.
func replaceRow(text, table, key, row string) (changed, found string, err error) {
	begin, end := "<!-- "+table+": from a run -->\n", "<!-- "+table+": end -->"
	before, rest, begun := strings.Cut(text, begin)
	body, after, ended := strings.Cut(rest, end)
	lines := strings.Split(strings.TrimSuffix(body, "\n"), "\n")
	if !begun || !ended || len(lines) < 2 {
		return "", "", fmt.Errorf("%s has no place for the table %s: %q, a head of two lines, %q",
			document, table, begin, end)
	}
	head, rows := lines[:2], lines[2:]
	if i := slices.IndexFunc(rows, func(line string) bool { return strings.HasPrefix(line, key) }); i >= 0 {
		found = rows[i]
		rows = slices.Delete(rows, i, i+1)
	}
	rows = append(rows, row)
	slices.Sort(rows)
	return before + begin + strings.Join(slices.Concat(head, rows), "\n") + "\n" + end + after, found, nil
}

// root is the folder of the repository.
func root() (string, error) {
	dir, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(dir, document)); missing == nil {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", fmt.Errorf("%s is in no folder above this one", document)
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}

// DocumentSuite is [Document] for what an engine showed of the contract of package atomic, and the names of the
// behaviours that it lacks by their numbers.
func DocumentSuite(t testing.TB, engine string, shown int, lacks map[int]string) {
	t.Helper()
	var numbers []string
	for _, n := range slices.Sorted(maps.Keys(lacks)) {
		number := fmt.Sprintf("%03d", n)
		numbers = append(numbers, number)
		Document(t, "lacking", 1, number, lacks[n])
	}
	Document(t, "atomic", 1, engine, strconv.Itoa(shown), strconv.Itoa(len(lacks)), strings.Join(numbers, " "))
}

var numbers = regexp.MustCompile(`\d+(\.\d+)?`)

// Version is the engine and its version, as people call it: PostgreSQL 15, MariaDB 10.11, MySQL 9.7, TiDB 8.4.
func (e Endpoint) Version(t testing.TB) string {
	t.Helper()
	db := e.Open(t)
	ask := "SELECT version()"
	if e.engine == PostgresEngine {
		ask = "SHOW server_version"
	}
	var said string
	if err := db.QueryRowContext(context.WithoutCancel(t.Context()), ask).Scan(&said); err != nil {
		t.Fatal(err)
	}
	if _, own, ok := strings.Cut(said, "-TiDB-"); ok { // before it is the version of MySQL that it speaks like
		said = own
	}
	number := numbers.FindString(said)
	if e.engine == PostgresEngine {
		number, _, _ = strings.Cut(number, ".")
	}
	return map[Engine]string{
		PostgresEngine: "PostgreSQL", MariaDBEngine: "MariaDB", MySQLEngine: "MySQL", CockroachEngine: "CockroachDB",
		TiDBEngine: "TiDB",
	}[e.engine] + " " + number
}
