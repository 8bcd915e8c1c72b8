package atomic

import (
	"fmt"
	"slices"
	"strings"
)

// control refuses a query that would begin or end a database transaction without Do's knowledge. It is meant to
// catch the careless statement. A determined caller can hide one in code that the server runs.
//
// Nearly every query is one ordinary statement, and its first word shows that. Only a query that begins with
// another word, or has several statements, is read with care. Words in quotes, in comments and in the body of a
// trigger do not count.
func (db *DB) control(query string) error {
	if plain(query) {
		return nil
	}
	scan := scanner{query: query, escapes: db.traits.BackslashEscapes}
	for {
		parts, more := scan.statement()
		for _, words := range parts {
			if advice := advise(words); advice != "" {
				return fmt.Errorf("%w: %s: %s", ErrControl, strings.Join(words, " "), advice)
			}
			if len(words) > 0 && db.dialect.Commits(words) {
				return fmt.Errorf("%w: %s commits at once on %s: run it outside of Do",
					ErrControl, strings.Join(words, " "), db.traits.Name)
			}
		}
		if !more {
			return nil
		}
	}
}

// plain reports whether query is surely one statement that controls nothing.
func plain(query string) bool {
	query = strings.TrimLeft(query, " \t\r\n")
	if i := strings.IndexByte(query, ';'); i >= 0 && strings.TrimLeft(query[i+1:], " \t\r\n") != "" {
		return false
	}
	for _, word := range [...]string{"SELECT", "INSERT", "UPDATE", "DELETE", "WITH"} {
		if len(query) > len(word) && !isWord(query[len(word)]) && strings.EqualFold(query[:len(word)], word) {
			return true
		}
	}
	return false
}

// advise says what to use instead of a statement that controls a database transaction. It returns "" for any other.
func advise(words []string) string {
	if len(words) == 0 {
		return ""
	}
	second := ""
	if len(words) > 1 {
		second = words[1]
	}
	switch words[0] {
	case "BEGIN":
		return "Do begins, and begins a savepoint inside another Do"
	case "START":
		if second == "TRANSACTION" {
			return "Do begins, and begins a savepoint inside another Do"
		}
	case "COMMIT", "END":
		return "return nil from the function instead"
	case "ROLLBACK", "ABORT":
		return "return an error from the function instead"
	case "SAVEPOINT", "RELEASE":
		return "use Tx.Savepoint or a Do inside"
	case "PREPARE":
		if second == "TRANSACTION" {
			return "two-phase commit is not for a block of Do"
		}
		if slices.Contains(words[1:min(len(words), 3)], "FROM") {
			return "its text cannot be read here: use PrepareContext"
		}
	case "EXECUTE":
		if second == "IMMEDIATE" {
			return "its text cannot be read here: send that as a statement"
		}
	case "XA":
		return "two-phase commit is not for a block of Do"
	case "SET":
		return adviseSet(words[1:])
	}
	return ""
}

// adviseSet is advise for the words after SET.
func adviseSet(words []string) string {
	if len(words) > 1 && slices.Contains([]string{"SESSION", "LOCAL", "GLOBAL"}, words[0]) {
		words = words[1:]
	}
	if len(words) == 0 {
		return ""
	}
	switch words[0] {
	case "TRANSACTION", "CHARACTERISTICS",
		"TRANSACTION_ISOLATION", "TX_ISOLATION", "TRANSACTION_READ_ONLY", "TX_READ_ONLY":
		return "use Options.Isolation and Options.ReadOnly"
	case "AUTOCOMMIT":
		return "Do commits when the function has returned nil"
	}
	return ""
}

// A scanner reads SQL just well enough to tell statements apart.
type scanner struct {
	query   string
	at      int
	escapes bool
	// bare means that backquotes are left out and the name in them is read: SET knows its variables by such names.
	bare bool
}

// statement returns the first words of the next statement, in upper case, and whether another statement may follow.
// Each further assignment of a SET is a part of its own, as if it had a SET of its own, and so is the statement after
// SET STATEMENT ... FOR.
func (s *scanner) statement() (parts [][]string, more bool) {
	depth := 0 // how many BEGIN and CASE are open in the body of a CREATE
	var set assignments
	words := []string{}
	s.bare = false
	for {
		token, word := s.next()
		switch {
		case token == "":
			return append(parts, words), false
		case token == ";" && depth == 0:
			return append(parts, words), true
		case !word && set.open && set.separates(token):
			parts, words = append(parts, words), []string{"SET"}
			continue
		case !word:
			continue
		}
		upper := set.name(strings.ToUpper(token))
		switch {
		case len(words) == 0 && upper == "SET":
			set.open, s.bare = true, s.escapes
		case set.open && len(parts) == 0 && len(words) == 1 && upper == "STATEMENT":
			set.around = true
		case set.around && set.open && set.parens == 0 && upper == "FOR":
			parts, words = append(parts, words), []string{}
			set.open, s.bare = false, false
			continue
		case len(words) > 0 && words[0] == "CREATE":
			depth = max(depth+bodies[upper], 0)
		}
		if len(words) < 4 {
			words = append(words, upper)
		}
	}
}

// bodies are the words that begin and end a body of statements.
var bodies = map[string]int{"BEGIN": 1, "CASE": 1, "END": -1}

// assignments is what is known of a SET up to a token.
type assignments struct {
	open   bool
	around bool // it is a SET STATEMENT ... FOR
	parens int
	ats    int // how many @ stand before the next word
}

// separates reads a token that is no word, and reports whether another assignment begins after it.
func (a *assignments) separates(token string) bool {
	switch token {
	case "@":
		a.ats++
		return false
	case "(":
		a.parens++
	case ")":
		a.parens--
	}
	a.ats = 0
	return token == "," && a.parens == 0
}

// name is a word of the SET. A word after a single @ is the user's own variable, whatever its name.
func (a *assignments) name(word string) string {
	if a.ats == 1 {
		word = "@" + word
	}
	a.ats = 0
	return word
}

// next returns the next word, or the next other character, outside quotes and comments. It returns "" at the end.
func (s *scanner) next() (token string, word bool) {
	for s.at < len(s.query) {
		rest := s.query[s.at:]
		switch c := rest[0]; {
		case strings.HasPrefix(rest, "--"), c == '#' && s.escapes:
			s.skipPast(1, "\n")
		case strings.HasPrefix(rest, "/*!"), strings.HasPrefix(rest, "/*M!"):
			s.skipVersion()
		case strings.HasPrefix(rest, "/*"):
			s.skipComment()
		case c == '\'' || c == '"' || c == '`' && !s.bare:
			s.skipQuoted(c, c != '`' && (s.escapes || c == '\'' && s.afterE()))
		case c == '$' && !s.afterWord():
			s.skipDollars()
		case isWord(c):
			start := s.at
			for s.at < len(s.query) && isWord(s.query[s.at]) {
				s.at++
			}
			return s.query[start:s.at], true
		default:
			s.at++
			return rest[:1], false
		}
	}
	return "", false
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// afterE reports whether the quote that begins here is PostgreSQL's E'...', in which a backslash escapes.
func (s *scanner) afterE() bool {
	return s.at > 0 && s.query[s.at-1]|0x20 == 'e' && (s.at == 1 || !isWord(s.query[s.at-2]))
}

func (s *scanner) afterWord() bool { return s.at > 0 && isWord(s.query[s.at-1]) }

// skipPast skips n characters and then everything up to and including end. Without an end it skips the rest.
func (s *scanner) skipPast(n int, end string) {
	s.at = min(s.at+n, len(s.query))
	if i := strings.Index(s.query[s.at:], end); i >= 0 {
		s.at += i + len(end)
		return
	}
	s.at = len(s.query)
}

// skipVersion skips the head of a comment that MySQL and MariaDB run as SQL. The end of the comment is read later,
// as two characters that are no words.
func (s *scanner) skipVersion() {
	s.at += strings.IndexByte(s.query[s.at:], '!') + 1
	for s.at < len(s.query) && s.query[s.at] >= '0' && s.query[s.at] <= '9' {
		s.at++
	}
}

// skipComment skips a comment and the comments inside it. PostgreSQL nests comments. Other engines refuse a query
// that they would read differently.
func (s *scanner) skipComment() {
	s.at += 2
	for depth := 1; depth > 0 && s.at < len(s.query); {
		switch rest := s.query[s.at:]; {
		case strings.HasPrefix(rest, "*/"):
			depth--
			s.at += 2
		case strings.HasPrefix(rest, "/*") && !s.escapes:
			depth++
			s.at += 2
		default:
			s.at++
		}
	}
}

func (s *scanner) skipQuoted(quote byte, escapes bool) {
	for s.at++; s.at < len(s.query); s.at++ {
		switch c := s.query[s.at]; {
		case c == '\\' && escapes:
			s.at++
		case c == quote:
			s.at++ // A doubled quote is read as two strings. They end at the same place.
			return
		}
	}
	s.at = len(s.query)
}

// skipDollars skips a string such as $tag$...$tag$, which PostgreSQL has. A lone dollar is skipped by itself.
func (s *scanner) skipDollars() {
	end := s.at + 1
	for end < len(s.query) && isWord(s.query[end]) {
		end++
	}
	if end < len(s.query) && s.query[end] == '$' && (end == s.at+1 || s.query[s.at+1] < '0' || s.query[s.at+1] > '9') {
		tag := s.query[s.at : end+1]
		s.skipPast(len(tag), tag)
		return
	}
	s.at++
}
