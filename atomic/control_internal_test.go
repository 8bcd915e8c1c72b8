package atomic

import (
	"errors"
	"slices"
	"testing"
)

// committer is a Dialect of which the control of statements needs two answers.
type committer struct{ Dialect }

func (committer) Commits(words []string) bool { return words[0] == "TRUNCATE" }

func TestControlIsRefused(t *testing.T) {
	t.Parallel()
	refused := []string{
		"BEGIN", "begin", " \n\tBegin;", "BEGIN IMMEDIATE", "START TRANSACTION", "COMMIT", "COMMIT;", "END", "ROLLBACK",
		"ROLLBACK TO SAVEPOINT a", "ABORT", "SAVEPOINT a", "RELEASE a", "PREPARE TRANSACTION 'x'", "XA START 'x'",
		"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SET SESSION TRANSACTION READ ONLY",
		"SET LOCAL transaction_isolation = 'x'",
		"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "SET autocommit = 1", "SET @@session.autocommit=1",
		"-- why\nCOMMIT", "/* why */ COMMIT", "/* a /* nested */ comment */ COMMIT", "/**/COMMIT/**/",
		"SELECT 1; COMMIT", "UPDATE t SET a = ';'; COMMIT", "SELECT $$;$$; COMMIT", "SELECT $a$ $$ $a$; COMMIT",
		`SELECT E'\''; COMMIT`, `SELECT '\'; COMMIT`, "SELECT \"a;b\"; COMMIT",
		"SELECT `a;b`; COMMIT", "SELECT 'it''s'; COMMIT",
		"CREATE TRIGGER x BEFORE INSERT ON t BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; END; COMMIT", "/*!50000 COMMIT */",
		"SELECT 1;;\n;COMMIT", "TRUNCATE t", "INSERT INTO t VALUES (1); truncate t",
		"SET @a = 1, autocommit = 0", "SET @a = f(1, 2), @@session.autocommit = 0",
		"SET a = 1, b = 2, SESSION autocommit = 0",
		"SET @a = 1, @@autocommit = 0", "SET @a = (SELECT 1), tx_isolation = 'x'", "SET a = 'x, y', LOCAL autocommit = 0",
		"SET STATEMENT max_statement_time = 1 FOR COMMIT", "SET STATEMENT a = 1, b = (SELECT 1 FOR UPDATE) FOR TRUNCATE t",
		"SET STATEMENT a = 1 FOR SET @b = 1, autocommit = 0", "EXECUTE IMMEDIATE 'COMMIT'", "execute immediate @text",
		"PREPARE p FROM 'COMMIT'", "SELECT 1; SET a = 1, autocommit = 1",
	}
	allowed := []string{
		"", ";", "SELECT 1", "SELECT 1;", "SELECT 'COMMIT'", "SELECT 1 -- ; COMMIT", "SELECT '; COMMIT'",
		"SELECT $$; COMMIT$$", "SELECT $1; SELECT 2", "UPDATE t SET a = 1 /* ; COMMIT */", `SELECT "; COMMIT"`,
		`SELECT E'\'; COMMIT'`, "INSERT INTO begin VALUES (1)", "SET LOCAL lock_timeout = 1",
		"SET CONSTRAINTS ALL IMMEDIATE", "SET search_path TO transaction", "PREPARE p AS SELECT 1",
		"START REPLICA", "COMMITTED", "COMMENT ON TABLE t IS 'x'", "CREATE TABLE t (a int)",
		"CREATE TRIGGER x BEFORE INSERT ON t BEGIN SELECT 1; END",
		"CREATE TRIGGER x BEFORE INSERT ON t BEGIN SELECT CASE 1 WHEN 1 THEN 2 END; END; SELECT 1",
		"SET @autocommit = 1", "SET a = 1, @autocommit = 0", "SET a = (autocommit, autocommit)", "SET a = b, c = autocommit",
		"SET STATEMENT max_statement_time = 1 FOR SELECT 1", "SET a = 1, b = 'autocommit'", "EXECUTE p",
		"EXECUTE immediate_p",
		"PREPARE p AS DELETE FROM t", "SET search_path = a, b, c", "SET a = 1, FOR = 2",
		"WITH a AS (SELECT 1) SELECT * FROM a", "SELECT 'unfinished", "/* unfinished", "SELECT $a$ unfinished",
	}
	db := &DB{dialect: committer{}}
	for _, query := range refused {
		if err := db.control(query); !errors.Is(err, ErrControl) {
			t.Errorf("%q: %v, want ErrControl", query, err)
		}
	}
	for _, query := range allowed {
		if err := db.control(query); err != nil {
			t.Errorf("%q: %v, want it to pass", query, err)
		}
	}
}

func TestControlKnowsMySQLsQuotes(t *testing.T) {
	t.Parallel()
	db := &DB{dialect: committer{}, traits: Traits{BackslashEscapes: true}}
	for _, query := range []string{`SELECT '\'; COMMIT'`, `SELECT "\"; COMMIT"`, "SELECT 1 # ; COMMIT"} {
		if err := db.control(query); err != nil {
			t.Errorf("%q: %v, want it to pass", query, err)
		}
	}
	for _, query := range []string{
		`SELECT '\\'; COMMIT`, "# why\nCOMMIT", "/* a /* not nested */ COMMIT",
		"SET `autocommit` = 0", "SET @a = 1, `autocommit` = 0",
	} {
		if err := db.control(query); !errors.Is(err, ErrControl) {
			t.Errorf("%q: %v, want ErrControl", query, err)
		}
	}
}

func FuzzScanner(f *testing.F) {
	for _, seed := range []string{"SELECT 1; COMMIT", "'", "$a$", "/*!", "E'\\", "CREATE END; BEGIN", "#", "\xff"} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, query string, escapes bool) {
		scan := scanner{query: query, escapes: escapes}
		for {
			before := scan.at
			parts, more := scan.statement()
			for _, words := range parts {
				if len(words) > 4 || scan.at > len(query) {
					t.Fatalf("%q: words %q, at %d of %d", query, words, scan.at, len(query))
				}
			}
			if !more {
				return
			}
			if scan.at <= before {
				t.Fatalf("%q: no progress at %d", query, before)
			}
		}
	})
}

func TestNamesAreNumberedBySHA256(t *testing.T) {
	t.Parallel()
	// The first eight bytes of the digests that sha256sum prints.
	if got, want := lockID("plumless"), lockID("buckeroo"); got == want {
		t.Error("two names that share a CRC-32 share a lock")
	}
	empty := uint64(0xe3b0c44298fc1c14)
	if got, want := lockID(""), int64(empty); got != want {
		t.Errorf("lockID of nothing = %x, want %x", got, want)
	}
	if names := []int64{lockID("a"), lockID("b"), lockID("A")}; slices.Contains(names[1:], names[0]) {
		t.Error("different names share a lock")
	}
}
