package money_test

import (
	"math/big"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// vector is one line of a file, with the settings in force there.
type vector struct {
	id, op, result string
	operands       []string
	conditions     map[string]bool
	rounding       string
}

// token is a word, or text in quotes, where a doubled quote stands for one.
var token = regexp.MustCompile(`'(?:[^']|'')*'|"(?:[^"]|"")*"|\S+`)

func readVectors(t *testing.T, file string) []vector {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	rounding := ""
	for i, line := range strings.Split(string(data), "\n") {
		words := token.FindAllString(line, -1)
		if comment := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(w, "--") }); comment >= 0 {
			words = words[:comment]
		}
		if len(words) == 0 {
			continue
		}
		setting, value, ok := strings.Cut(strings.ToLower(strings.Join(words, "")), ":")
		if ok && !slices.Contains(words, "->") {
			if setting == "rounding" {
				rounding = value
			}
			continue
		}
		arrow := slices.Index(words, "->")
		if arrow < 3 || len(words) < arrow+2 {
			t.Fatalf("%s:%d: %q is neither a setting nor a case", file, i+1, line)
		}
		v := vector{
			id: words[0], op: strings.ToLower(words[1]), result: unquote(words[arrow+1]),
			conditions: map[string]bool{}, rounding: rounding,
		}
		for _, w := range words[2:arrow] {
			v.operands = append(v.operands, unquote(w))
		}
		for _, w := range words[arrow+2:] {
			v.conditions[strings.ToLower(w)] = true
		}
		vectors = append(vectors, v)
	}
	return vectors
}

func unquote(word string) string {
	if len(word) < 2 || (word[0] != '\'' && word[0] != '"') {
		return word
	}
	quote := word[:1]
	return strings.ReplaceAll(word[1:len(word)-1], quote+quote, quote)
}

// decimal is a finite number of the vectors: coefficient * 10^exponent.
type decimal struct {
	coefficient *big.Int
	exponent    int
	negative    bool
}

var finite = regexp.MustCompile(`^([+-]?)([0-9]*)\.?([0-9]*)(?:[eE]([+-]?[0-9]{1,12}))?$`)

// readDecimal returns false for NaN, infinities and what is no number.
func readDecimal(s string) (decimal, bool) {
	m := finite.FindStringSubmatch(s)
	if m == nil || m[2]+m[3] == "" {
		return decimal{}, false
	}
	d := decimal{negative: m[1] == "-"}
	d.coefficient, _ = new(big.Int).SetString(m[1]+m[2]+m[3], 10)
	if m[4] != "" {
		d.exponent, _ = strconv.Atoi(m[4])
	}
	d.exponent -= len(m[3])
	return d, true
}
