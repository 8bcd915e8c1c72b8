package sqlstore

import "strings"

// words is a text of SQL with single spaces between its words and signs, and without comments. Texts with equal words
// say the same to every engine. The other way round that need not be so: what might mean different things to two
// engines stays as it is.
func words(text string) string {
	if strings.Contains(text, `\`) {
		return text // which may or may not end a quoted text
	}
	var b strings.Builder
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimLeft(text, " \t\r\n\f") {
		n, comment := next(text)
		if !comment {
			if b.Len() > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(text[:n])
		}
		text = text[n:]
	}
	return strings.TrimSuffix(b.String(), " ;")
}

// next is the length of the word, sign, quoted text or comment that a text begins with.
func next(text string) (n int, comment bool) {
	until := func(end string, from int) int {
		if i := strings.Index(text[from:], end); i >= 0 {
			return from + i + len(end)
		}
		return len(text)
	}
	switch c := text[0]; {
	case strings.HasPrefix(text, "-- "), strings.HasPrefix(text, "--\n"), text == "--":
		return until("\n", 2), true
	case strings.HasPrefix(text, "/*!"), strings.HasPrefix(text, "/*M!"), strings.HasPrefix(text, "/*+"):
		return until("*/", 2), false // some engines run it
	case strings.HasPrefix(text, "/*"):
		return until("*/", 2), true
	case c == '\'', c == '"', c == '`':
		return until(string(c), 1), false // a doubled quote is two texts side by side
	case wordly(c):
		for n < len(text) && wordly(text[n]) {
			n++
		}
		return n, false
	default:
		return 1, false
	}
}

// wordly reports whether a byte may be part of a word or of a number.
func wordly(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c >= 0x80
}

// shown is how many bytes of a difference are shown.
const shown = 60

// differ cuts out where two texts begin to differ.
func differ(have, want string) (string, string) {
	have, want = words(have), words(want)
	start := 0
	for i := 0; i < min(len(have), len(want)) && have[i] == want[i]; i++ {
		if have[i] == ' ' {
			start = i + 1
		}
	}
	return excerpt(have, start), excerpt(want, start)
}

func excerpt(text string, start int) string {
	start = min(start, len(text))
	if len(text)-start <= shown {
		return strings.ToValidUTF8(text[start:], "?")
	}
	return strings.ToValidUTF8(text[start:start+shown], "?") + "…"
}
