package atomic

import (
	"fmt"
	"slices"
	"strings"
)

// control is what every statement of a block is held to: see [DB.control]. Where the engine would not refuse the
// writes of a read-only block, it refuses what does not read.
func (s *session) control(query string) error {
	if err := s.db.control(query); err != nil {
		return err
	}
	if !s.mode.ReadOnly || !s.db.traits.WritesReadOnly {
		return nil
	}
	if word := s.db.writes(query); word != "" {
		return fmt.Errorf("%w: %s in a read-only block on %s: begin the block without Options.ReadOnly",
			ErrReadOnly, word, s.db.traits.Name)
	}
	return nil
}

// reading are the words that begin a statement which writes nothing. What follows the names of a WITH is a statement
// of its own.
var reading = []string{
	"DESC", "DESCRIBE", "DO", "EXPLAIN", "HELP", "SELECT", "SET", "SHOW", "TABLE", "USE", "VALUES", "WITH",
}

// writes returns the word by which a query is known to write, or "". It reads as carefully as [DB.control], and goes
// by the words outside parentheses. What a function writes that the query calls stays unseen.
func (db *DB) writes(query string) string {
	scan := scanner{query: query, escapes: db.traits.BackslashEscapes}
	first, with, depth := true, false, 0
	for {
		token, word := scan.next()
		switch {
		case token == "":
			return ""
		case token == ";":
			first, with, depth = true, false, 0
		case token == "(":
			depth++
		case token == ")":
			depth = max(depth-1, 0)
		case !word:
		case first:
			token = strings.ToUpper(token)
			if !slices.Contains(reading, token) {
				return token
			}
			first, with = false, token == "WITH" || token == "EXPLAIN" || strings.HasPrefix(token, "DESC")
		case with && depth == 0:
			switch token = strings.ToUpper(token); token {
			case "DELETE", "INSERT", "REPLACE", "UPDATE":
				return token
			case "SELECT", "TABLE", "VALUES":
				with = false // FOR UPDATE may follow
			}
		}
	}
}
