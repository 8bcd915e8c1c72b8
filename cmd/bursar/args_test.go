package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

func TestShield(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"transfer a b 5.00 USD --id x", "transfer a b 5.00 USD --id x"},
		{"transfer a b -5.00 USD", "transfer -- a b -5.00 USD"},
		{"transfer a b -5.00 USD --id x", "transfer --id x -- a b -5.00 USD"},
		{"transfer -5 --id -7 a", "transfer --id -7 -- -5 a"},
		{"transfer --id=-7 -.5 a --leg -1", "transfer --id=-7 --leg -1 -- -.5 a"},
		{"-o json transfer a -Inf", "transfer -o json -- a -Inf"},
		{"transfer -ojson a -NaN", "transfer -ojson -- a -NaN"},
		{"transfer a -5 -- b -o", "transfer -- a -5 b -o"},
		{"journal -f -5", "journal -f -- -5"},
		{"journal --follow --after 3 -5", "journal --follow --after 3 -- -5"},
		{"account open a -5 --min -1", "account open --min -1 -- a -5"},
		{"balance - -5 --frob x", "balance --frob -- - -5 x"},
		{"balance a -5 --seq", "balance --seq -- a -5"},
		{"-5", "-- -5"},
	} {
		root := newRootCommand(&env{getenv: func(string) string { return "" }})
		got := shield(root, strings.Fields(tt.in))
		if diff := cmp.Diff(strings.Fields(tt.want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.in, diff)
		}
	}
}

func TestListing(t *testing.T) {
	rows := [][][]string{{{"a", "1.00 USD", "x"}, {"users:alice", "-20.00 USD", "y"}}, {{"b", "3000.00 USD", "a\tb"}}, {}}
	for format, want := range map[string]string{
		"table": "path             amount\na              1.00 USD\nusers:alice  -20.00 USD\nb            3000.00 USD\n",
		"csv":   "path,amount,note\na,1.00 USD,x\nusers:alice,-20.00 USD,y\nb,3000.00 USD,a\tb\n",
		"json":  "[\"a\",\"1.00 USD\",\"x\"]\n[\"users:alice\",\"-20.00 USD\",\"y\"]\n[\"b\",\"3000.00 USD\",\"a\\tb\"]\n",
	} {
		t.Run(format, func(t *testing.T) {
			var b bytes.Buffer
			e := &env{stdout: &b, output: format}
			l := e.list(left("path"), right("amount"), wide("note"))
			for _, page := range rows {
				for _, row := range page {
					if err := l.add(row, row...); err != nil {
						t.Fatal(err)
					}
				}
				if err := l.flush(); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(want, b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestEveryCommandExplainsItself wants help for every command: a line in the house's voice, and examples that run it.
func TestEveryCommandExplainsItself(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: the short help is %q: one line without a full stop", path, cmd.Short)
		}
		if !cmd.HasSubCommands() && !strings.Contains(cmd.Example, path) {
			t.Errorf("%s: no example", path)
		}
		args := append(strings.Fields(path)[1:], "--help")
		code, stdout, stderr := line(t, t.Context(), args...)
		if code != 0 || !strings.Contains(stdout, "Usage:") || stderr != "" {
			t.Errorf("%s --help: exit code %d, %q", path, code, stderr)
		}
	}
	walk(newRootCommand(&env{getenv: func(string) string { return "" }}))
}
