package atomic

import (
	"errors"
	"testing"
)

// TestWritesAreKnownByTheirWords is for engines that would let a read-only block write.
func TestWritesAreKnownByTheirWords(t *testing.T) {
	t.Parallel()
	lax := &session{
		db:   &DB{dialect: committer{}, traits: Traits{WritesReadOnly: true, BackslashEscapes: true}},
		mode: Mode{ReadOnly: true},
	}
	strict := &session{db: &DB{dialect: committer{}}, mode: Mode{ReadOnly: true}}
	writer := &session{db: lax.db}
	for _, query := range []string{
		"INSERT INTO t VALUES (1)", "update t SET a = 1", " \n/* why */ DELETE FROM t", "REPLACE INTO t VALUES (1)",
		"LOAD DATA INFILE 'x' INTO TABLE t", "CALL p()", "EXECUTE p", "(DELETE FROM t)", "SELECT 1; DELETE FROM t",
		"WITH a AS (SELECT 1) UPDATE t SET a = 1", "WITH RECURSIVE a (n) AS (SELECT 1), b AS (SELECT 2) DELETE FROM t",
		"EXPLAIN ANALYZE DELETE FROM t", "DESC ANALYZE UPDATE t SET a = 1", "/*!50000 INSERT INTO t VALUES (1) */",
	} {
		if err := lax.control(query); !errors.Is(err, ErrReadOnly) {
			t.Errorf("%q: %v, want ErrReadOnly", query, err)
		}
		for _, s := range []*session{strict, writer} {
			if err := s.control(query); err != nil {
				t.Errorf("%q: %v, want it to be left to the engine", query, err)
			}
		}
	}
	for _, query := range []string{
		"", "SELECT 1", "select a from t for update", "(SELECT 1) UNION (SELECT 2)", "SHOW TABLES", "TABLE t", "DO 0",
		"SELECT 'DELETE'; SELECT replace('a', 'b', 'c')", "WITH a AS (SELECT 1) SELECT * FROM a FOR UPDATE",
		"WITH RECURSIVE a AS (SELECT 1 UNION ALL SELECT n FROM a) SELECT insert('a', 1, 1, 'b')", "SET @a = 1",
		"EXPLAIN SELECT * FROM t", "DESCRIBE t", "VALUES ROW (1)",
	} {
		if err := lax.control(query); err != nil {
			t.Errorf("%q: %v, want it to pass", query, err)
		}
	}
	if err := lax.control("COMMIT"); !errors.Is(err, ErrControl) {
		t.Errorf("COMMIT: %v, want ErrControl", err)
	}
}
