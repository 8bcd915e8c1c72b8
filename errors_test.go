package bursar_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bursar-ledger/bursar"
)

// declaredCodes reads the constants of type Code from the source, in order.
func declaredCodes(t *testing.T) (codes []bursar.Code) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, spec := range group.Specs {
			value := spec.(*ast.ValueSpec)
			if kind, ok := value.Type.(*ast.Ident); !ok || kind.Name != "Code" {
				continue
			}
			text, err := strconv.Unquote(value.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, bursar.Code(text))
		}
	}
	return codes
}

func TestEveryCodeHasARowInOrder(t *testing.T) {
	t.Parallel()
	var rows []bursar.Code
	for _, row := range bursar.Catalogue() {
		rows = append(rows, row.Code)
	}
	if diff := cmp.Diff(declaredCodes(t), rows); diff != "" {
		t.Errorf("codes (-declared +table):\n%s", diff)
	}
}

func TestTheCatalogueIsSound(t *testing.T) {
	t.Parallel()
	seen := map[bursar.Code]bool{}
	meanings := map[string]bool{}
	for _, row := range bursar.Catalogue() {
		if seen[row.Code] || meanings[row.Meaning] {
			t.Errorf("%s is there twice", row.Code)
		}
		seen[row.Code], meanings[row.Meaning] = true, true
		if row.Status < 400 || row.Status > 599 || row.Exit < 1 || row.Exit > 125 {
			t.Errorf("%s has status %d and exit code %d", row.Code, row.Status, row.Exit)
		}
		if row.Retryable && row.Remembered {
			t.Errorf("%s is retryable, and a retry gets it again", row.Code)
		}
		for _, text := range []string{row.Meaning, row.Remedy} {
			if text == "" || strings.HasSuffix(text, ".") || text != strings.TrimSpace(text) ||
				strings.ToLower(text[:1]) != text[:1] {
				t.Errorf("%s says %q", row.Code, text)
			}
		}
		if got := bursar.Describe(row.Code); got != row {
			t.Errorf("Describe(%s) = %+v", row.Code, got)
		}
	}
	if got := bursar.Describe("no such code").Code; got != bursar.CodeInternal {
		t.Errorf("an unknown code is described as %s", got)
	}
}

func TestTheCatalogueCannotBeChanged(t *testing.T) {
	t.Parallel()
	bursar.Catalogue()[0].Status = 7
	if got := bursar.Catalogue()[0].Status; got == 7 {
		t.Error("a caller has changed the table")
	}
}

func TestErrorText(t *testing.T) {
	t.Parallel()
	cause := io.ErrUnexpectedEOF
	for _, test := range []struct {
		err  error
		want string
	}{
		{&bursar.Error{Code: bursar.CodeBusy}, "busy"},
		{&bursar.Error{Code: bursar.CodeBusy, Message: "later"}, "busy: later"},
		{&bursar.Error{Code: bursar.CodeIDReused, Message: "no", Field: "legs"}, "id_reused: legs: no"},
		{&bursar.Error{Code: bursar.CodeInternal, Err: cause}, "internal: unexpected EOF"},
		{bursar.Errorf(bursar.CodeCorrupt, "account %d", 7), "corrupt: account 7"},
		{bursar.Errorf(bursar.CodeCorrupt, "account %d: %w", 7, cause), "corrupt: account 7: unexpected EOF"},
		{bursar.Errorf(bursar.CodeCorrupt, "%w of account 7", cause), "corrupt: unexpected EOF of account 7"},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestErrorsAreFoundByCode(t *testing.T) {
	t.Parallel()
	refused := fmt.Errorf("pay the order: %w", bursar.Errorf(bursar.CodeInsufficientFunds, "%s: %w", "users:1", io.EOF))
	if !errors.Is(refused, bursar.ErrInsufficientFunds) ||
		!errors.Is(refused, &bursar.Error{Code: bursar.CodeInsufficientFunds}) {
		t.Errorf("%v is not insufficient_funds", refused)
	}
	if errors.Is(refused, bursar.ErrLimitExceeded) || errors.Is(io.EOF, bursar.ErrBusy) {
		t.Error("an error is one of another code")
	}
	if !errors.Is(refused, io.EOF) {
		t.Errorf("%v has lost its cause", refused)
	}
	var e *bursar.Error
	if !errors.As(refused, &e) || e.Code != bursar.CodeInsufficientFunds {
		t.Errorf("As gives %+v", e)
	}
}

func TestCodeOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err       error
		want      bursar.Code
		retryable bool
	}{
		{nil, "", false},
		{bursar.ErrBusy, bursar.CodeBusy, true},
		{fmt.Errorf("a: %w", bursar.ErrOutcomeUnknown), bursar.CodeOutcomeUnknown, true},
		{errors.Join(io.EOF, bursar.ErrIDReused), bursar.CodeIDReused, false},
		{context.Canceled, bursar.CodeCanceled, false},
		{fmt.Errorf("b: %w", context.DeadlineExceeded), bursar.CodeCanceled, false},
		// the code outside wins
		{&bursar.Error{Code: bursar.CodeOutcomeUnknown, Err: context.Canceled}, bursar.CodeOutcomeUnknown, false},
		{bursar.ErrCanceled, bursar.CodeCanceled, true}, // another program's, told over the wire
		{io.EOF, bursar.CodeInternal, false},
	} {
		if got := bursar.CodeOf(test.err); got != test.want {
			t.Errorf("the code of %v is %q, want %q", test.err, got, test.want)
		}
		if got := bursar.Retryable(test.err); got != test.retryable {
			t.Errorf("%v is retryable: %v, want %v", test.err, got, test.retryable)
		}
	}
}
