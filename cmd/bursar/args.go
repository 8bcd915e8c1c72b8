package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/coded"
	"github.com/bursar-ledger/bursar/money"
)

// arguments checks that a command line has the first few of the named arguments, and no more than these names.
func arguments(needed int, names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < needed:
			return usagef("missing argument %s", names[len(args)])
		case len(args) > len(names):
			return usagef("unexpected argument %q", args[len(names)])
		default:
			return nil
		}
	}
}

// shield moves all arguments behind "--" when one of them looks like a negative amount. Otherwise "-5.00 USD" would be
// taken for flags named 5, dot and 0. Behind "--" it reaches the ledger, and the ledger says what is wrong with it.
func shield(root *cobra.Command, args []string) []string {
	completing := len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd)
	if completing || !slices.ContainsFunc(args, negative) {
		return args
	}
	cmd, rest, err := root.Find(args)
	if err != nil {
		return args
	}
	cmd.InheritedFlags() // makes those of the root known to cmd.Flags()
	var flags, words []string
	for i := 0; i < len(rest); i++ {
		switch arg := rest[i]; {
		case arg == "--":
			words = append(words, rest[i+1:]...)
			i = len(rest)
		case negative(arg), !strings.HasPrefix(arg, "-"), arg == "-":
			words = append(words, arg)
		default:
			flags = append(flags, arg)
			if takesNext(cmd, arg) && i+1 < len(rest) {
				i++
				flags = append(flags, rest[i])
			}
		}
	}
	path := strings.Fields(cmd.CommandPath())[1:]
	return slices.Concat(path, flags, []string{"--"}, words)
}

// negative reports whether an argument is meant as a number below zero, in whatever form. No flag begins like that.
func negative(arg string) bool {
	rest, found := strings.CutPrefix(arg, "-")
	if !found || rest == "" {
		return false
	}
	digit := '0' <= rest[0] && rest[0] <= '9'
	return digit || rest[0] == '.' || strings.HasPrefix(rest, "Inf") || strings.HasPrefix(rest, "NaN")
}

// takesNext reports whether the value of a flag, written as arg, is the argument after it.
func takesNext(cmd *cobra.Command, arg string) bool {
	if long, found := strings.CutPrefix(arg, "--"); found {
		flag := cmd.Flags().Lookup(long) // nil for --flag=value too
		return flag != nil && flag.NoOptDefVal == ""
	}
	if len(arg) != 2 {
		return false
	}
	flag := cmd.Flags().ShorthandLookup(arg[1:])
	return flag != nil && flag.NoOptDefVal == ""
}

// countFlag is a flag whose value is a whole number within bounds.
type countFlag struct {
	value    *int64
	min, max int64
}

func (c countFlag) String() string {
	if c.value == nil || *c.value == 0 {
		return ""
	}
	return strconv.FormatInt(*c.value, 10)
}

func (c countFlag) Type() string { return "N" }

func (c countFlag) Set(s string) error {
	n, err := strconv.ParseInt(s, 10, 64)
	switch {
	case err != nil:
		return errors.New("it is not a whole number that fits")
	case n < c.min:
		return fmt.Errorf("the least is %d", c.min)
	case n > c.max:
		return fmt.Errorf("the most is %d", c.max)
	}
	*c.value = n
	return nil
}

// parseAmount reads an amount and gives its errors the ledger's codes.
func parseAmount(field, s string) (money.Amount, error) {
	amount, err := money.Parse(s)
	return amount, coded.At(err, field)
}

// parseID reads an id; an empty text is the zero id.
func parseID(s string) (bursar.ID, error) {
	if s == "" {
		return bursar.ID{}, nil
	}
	id, err := bursar.ParseID(s)
	return id, coded.At(err, "--id")
}

// parseMetadata reads pairs of key=value; the value may hold further equal signs.
func parseMetadata(pairs []string) (bursar.Metadata, error) {
	if len(pairs) == 0 {
		return nil, nil
	}
	m := make(bursar.Metadata, len(pairs))
	for _, pair := range pairs {
		key, value, found := strings.Cut(pair, "=")
		if !found {
			return nil, usagef("--meta %q is not key=value", pair)
		}
		if _, twice := m[key]; twice {
			return nil, usagef("--meta names the key %q twice", key)
		}
		m[key] = value
	}
	return m, nil
}
