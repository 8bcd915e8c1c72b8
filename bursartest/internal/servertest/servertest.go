// Package servertest gives each test an empty database on a server, for packages postgrestest and mysqltest, which
// bring the engine's driver.
package servertest

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bursar-ledger/bursar/internal/sqltest/server"
)

// timeout bounds what one test asks of the server for itself. DROP DATABASE waits for locks that a test may have left.
const timeout = 30 * time.Second

// Engine is what one kind of server does its own way. It is safe for concurrent use.
type Engine struct {
	// Name is for messages.
	Name string
	// Variable is the environment variable that may name a running server.
	Variable string
	// Example is a URL of such a server.
	Example string
	// Default is a database that every server of the kind has, for a URL without one.
	Default string
	// Throwaway is the URL of a server that ends with the test binary. It fails with server.ErrMissing where there is
	// none.
	Throwaway func() (string, error)
	// Open opens a pool by URL.
	Open func(address string) (*sql.DB, error)
	// Create follows CREATE DATABASE and the name.
	Create string
	// Drop drops a database, although somebody may be connected to it.
	Drop func(ctx context.Context, admin *sql.DB, name string) error
}

// Throwaway starts a server when it is first asked for its URL.
func Throwaway(e server.Engine) func() (string, error) {
	return sync.OnceValues(func() (string, error) {
		in, err := server.Start(context.Background(), e)
		if err != nil {
			return "", err
		}
		return in.URL().String(), nil
	})
}

// Database makes an empty database on the server that address names, or else on the one that the environment names, or
// else on a throwaway one. It returns the database's URL. The database is dropped at the end of the test.
func (e *Engine) Database(t testing.TB, address string) string {
	t.Helper()
	address = cmp.Or(address, os.Getenv(e.Variable))
	if address == "" {
		var err error
		if address, err = e.Throwaway(); err != nil {
			e.refuse(t, err)
		}
	}
	at, err := url.Parse(address)
	if err != nil { // the error would repeat the password
		t.Fatalf("bursartest: the URL of the %s server cannot be read: write one like %s", e.Name, e.Example)
	}
	if strings.Trim(at.Path, "/") == "" {
		at.Path = "/" + e.Default
	}
	name := "bursar_test_" + strings.ToLower(rand.Text())
	if err := e.on(t.Context(), at, func(ctx context.Context, admin *sql.DB) error {
		_, err := admin.ExecContext(ctx, "CREATE DATABASE "+name+e.Create)
		return err
	}); err != nil {
		t.Fatalf("bursartest: make a database for the test on %s: %v (the server must run, and the user must have the "+
			"right to create databases)", at.Redacted(), err)
	}
	t.Cleanup(func() {
		if err := e.on(context.Background(), at, func(ctx context.Context, admin *sql.DB) error {
			return e.Drop(ctx, admin, name)
		}); err != nil {
			t.Errorf("bursartest: drop the database %s of the test: %v", name, err)
		}
	})
	own := *at
	own.Path = "/" + name
	return own.String()
}

// on does something with a connection of its own, so that no pool has to outlive the tests.
func (e *Engine) on(ctx context.Context, at *url.URL, fn func(context.Context, *sql.DB) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	admin, err := e.Open(at.String())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, admin.Close()) }()
	return fn(ctx, admin)
}

// refuse ends a test that has no server: it is skipped, or fails on a build machine, where nobody would notice.
func (e *Engine) refuse(t testing.TB, err error) {
	t.Helper()
	if !errors.Is(err, server.ErrMissing) {
		t.Fatalf("bursartest: start a %s server: %v", e.Name, err)
	}
	remedy := fmt.Sprintf("or name a running server, on which each test makes and drops a database of its own: %s=%s",
		e.Variable, e.Example)
	if ci, _ := strconv.ParseBool(os.Getenv("CI")); ci {
		t.Fatalf("bursartest: %v, %s (with CI=true a test without a server fails)", err, remedy)
	}
	t.Skipf("bursartest: %v, %s", err, remedy)
}
