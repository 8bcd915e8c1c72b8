package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bursar-ledger/bursar"
)

func newErrorsCommand(e *env) *cobra.Command {
	var markdown bool
	cmd := &cobra.Command{
		Use:   "errors [CODE]",
		Short: "Print the table of errors, or one of them with its remedy",
		Long: `Print the table of errors in order of precedence: when several apply to one request, the first one is reported.

With CODE it prints that error alone. CSV and JSON also have the remedies.`,
		Example: `  bursar errors
  bursar errors insufficient_funds
  bursar errors -o json
  bursar errors --markdown > docs/errors.md`,
		Args: arguments(0, "CODE"),
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case markdown:
				_, err := io.WriteString(e.stdout, errorsMarkdown(bursar.Catalogue()))
				return err
			case len(args) > 0:
				return e.showError(bursar.Code(args[0]))
			default:
				return e.listErrors()
			}
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "print the table as a document in Markdown")
	return cmd
}

func errorColumns() []column {
	return []column{
		left("code"), right("status"), right("exit"), left("retryable"), left("remembered"), left("meaning"), wide("remedy"),
	}
}

func errorCells(d *bursar.Description) []string {
	return []string{
		string(d.Code), strconv.Itoa(d.Status), strconv.Itoa(d.Exit), strconv.FormatBool(d.Retryable),
		strconv.FormatBool(d.Remembered), d.Meaning, d.Remedy,
	}
}

func (e *env) listErrors() error {
	out := e.list(errorColumns()...)
	for _, d := range bursar.Catalogue() {
		if err := out.add(d, errorCells(&d)...); err != nil {
			return err
		}
	}
	return out.flush()
}

func (e *env) showError(code bursar.Code) error {
	d := bursar.Describe(code)
	if d.Code != code {
		return hintf(usagef("there is no error code %q", code), "bursar errors lists them")
	}
	var fields []field
	for i, cell := range errorCells(&d) {
		fields = append(fields, field{errorColumns()[i].name, cell})
	}
	return e.show(d, fields...)
}

// errorsMarkdown is docs/errors.md.
func errorsMarkdown(table []bursar.Description) string {
	var b strings.Builder
	b.WriteString(`# Errors

Every way in which a call can fail has a code. The library returns it in ` + "`bursar.Error`" + `, the HTTP interface
in the field ` + "`code`" + ` of a problem. The command line prints it on stderr and has exit codes for it.

The rows stand in order of precedence: when several apply to one request, the first one is reported. After a
*retryable* error the same call may be made again as it is.

A *remembered* refusal is final for an attempt: it is kept under the id, the same call gets it for ever, and another
attempt needs another id. For a thing, whose id is made of a name, no refusal is remembered.

An error also says in words what happened. Where one field is at fault, it names the field as JSON does, such as
` + "`legs[1].amount`" + ` or ` + "`path`" + `.

Over HTTP a problem's ` + "`type`" + ` leads to its row here. A few problems have a more exact status than their row,
such as 404 for a path that does not exist, which is ` + "`malformed`" + `: /openapi.json lists them.

` + "`bursar errors --markdown`" + ` writes this document.

| code | status | exit | retryable | remembered | meaning | remedy |
|---|---:|---:|---|---|---|---|
`)
	for _, d := range table {
		fmt.Fprintf(&b, "| <a id=\"%[1]s\"></a>`%[1]s` | %[2]d | %[3]d | %[4]s | %[5]s | %[6]s | %[7]s |\n",
			d.Code, d.Status, d.Exit, yes(d.Retryable), yes(d.Remembered), cell(d.Meaning), cell(d.Remedy))
	}
	return b.String()
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// cell keeps a text from ending its cell or being read as emphasis.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "_", `\_`, "*", `\*`, "<", `\<`).Replace(s)
}
