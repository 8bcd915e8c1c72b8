package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/bursar-ledger/bursar/internal/sqltest/server"
)

// engines are the servers that the tests of all packages share during a run, or those that BURSAR_ENGINES puts in their
// place, with the variable that names each to the tests.
var (
	engines   = []server.Engine{server.Postgres, server.MariaDB}
	variables = []string{"BURSAR_TEST_POSTGRES", "BURSAR_TEST_MYSQL"}
)

// startServers starts the servers that the environment does not name already.
// It returns the variables for go test and a function that ends the servers.
// If a server is not installed, the tests that need it say so. If one does not
// start, that is an error if it is required, and a note otherwise.
func startServers(ctx context.Context, required []string, out io.Writer) ([]string, func() error, error) {
	chosen, err := chosenEngines()
	if err != nil {
		return nil, nil, err
	}
	instances := make([]*server.Instance, len(chosen))
	failed := make([]error, len(chosen))
	var all sync.WaitGroup
	for i, e := range chosen {
		if os.Getenv(variables[i]) == "" {
			all.Go(func() { instances[i], failed[i] = server.Start(ctx, e) })
		}
	}
	all.Wait()
	stop := func() error {
		var errs []error
		for _, in := range instances {
			if in != nil {
				errs = append(errs, in.Close())
			}
		}
		return errors.Join(errs...)
	}
	var named []string
	for i, e := range chosen {
		switch err := failed[i]; {
		case instances[i] != nil:
			named = append(named, variables[i]+"="+instances[i].URL().String())
		case err == nil || errors.Is(err, server.ErrMissing):
		case slices.Contains(required, string(e)):
			return nil, nil, errors.Join(err, stop())
		default:
			fmt.Fprintf(out, "run: without a shared server: %v\n", err)
		}
	}
	return named, stop, nil
}

func chosenEngines() ([]server.Engine, error) {
	chosen := make([]server.Engine, len(engines))
	for i, e := range engines {
		var err error
		if chosen[i], err = server.InPlaceOf(e); err != nil {
			return nil, err
		}
	}
	return chosen, nil
}
