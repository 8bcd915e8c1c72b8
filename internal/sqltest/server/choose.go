package server

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// Variable lists the engines that tests run on instead of [Postgres] and [MariaDB], with commas between them, at most
// one in the place of each. MySQL stands in the place of MariaDB, whose protocol it speaks.
const Variable = "BURSAR_ENGINES"

// InPlaceOf returns the engine that [Variable] names in the place of Postgres or MariaDB, or that itself. A name that
// is none of [All] is an error.
func InPlaceOf(e Engine) (Engine, error) {
	k, err := e.kind()
	if err != nil {
		return "", err
	}
	chosen := e
	for _, name := range strings.FieldsFunc(os.Getenv(Variable), func(r rune) bool { return r == ',' || r == ' ' }) {
		other := Engine(name)
		if !slices.Contains(All(), other) {
			return "", fmt.Errorf("%s names %q: want some of %q", Variable, name, All())
		}
		of, err := other.kind()
		switch {
		case err != nil:
			return "", err
		case of.scheme != k.scheme:
		case chosen != e:
			return "", fmt.Errorf("%s names both %s and %s in the place of %s", Variable, chosen, other, e)
		default:
			chosen = other
		}
	}
	return chosen, nil
}
