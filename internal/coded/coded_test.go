package coded_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/coded"
	"github.com/bursar-ledger/bursar/money"
)

func TestErrorsOfMoneyGetTheirCode(t *testing.T) {
	t.Parallel()
	_, fault := money.Parse("ten")
	var e *bursar.Error
	if err := coded.Error(fault); !errors.As(err, &e) || e.Code != bursar.CodeAmountInvalid || !errors.Is(err, fault) {
		t.Errorf("%v becomes %#v", fault, err)
	}
	for _, err := range []error{nil, io.EOF, context.Canceled, bursar.ErrBusy} {
		if got := coded.Error(err); got != err {
			t.Errorf("%v becomes %v", err, got)
		}
	}
}

func TestTheDeepestFieldIsNamed(t *testing.T) {
	t.Parallel()
	err := coded.At(coded.At(bursar.Errorf(bursar.CodeAmountInvalid, "no"), "legs[1].amount"), "legs[1]")
	var e *bursar.Error
	if !errors.As(err, &e) || e.Field != "legs[1].amount" {
		t.Errorf("got %v, want the field legs[1].amount", err)
	}
	if bursar.ErrBusy.Field != "" || coded.At(io.EOF, "x") != io.EOF || coded.At(nil, "x") != nil {
		t.Error("an error that has no code, or is shared, was changed")
	}
	wrapped := coded.At(fmt.Errorf("row 3: %w", bursar.ErrTooLate), "not_after")
	if !errors.Is(wrapped, bursar.ErrTooLate) || bursar.ErrTooLate.Field != "" {
		t.Errorf("got %v", wrapped)
	}
}
