package postgrestest

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// failing is a test that notes what it is told.
type failing struct {
	testing.TB
	failures []string
}

func (f *failing) Errorf(format string, args ...any) {
	f.failures = append(f.failures, fmt.Sprintf(format, args...))
}

func TestADatabaseTransactionThatWasNotEndedIsReportedAndHoldsNothingUp(t *testing.T) {
	t.Parallel()
	d := New(t)
	lost, err := d.Pool.Begin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	f := &failing{TB: t}
	d.close(f, 1)
	if len(f.failures) != 1 || !strings.Contains(f.failures[0], "1 connections are still in use") {
		t.Errorf("failures are %q", f.failures)
	}
	if err := lost.Rollback(context.Background()); err != nil {
		t.Error(err)
	}
}
