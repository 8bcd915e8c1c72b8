package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/bursar-ledger/bursar/internal/clock"
	"github.com/bursar-ledger/bursar/internal/httpapi"
	"github.com/bursar-ledger/bursar/ledger"
)

// How long the server waits. A client that sends or reads more slowly is cut off, so that it holds no place for ever.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 60 * time.Second
	writeTimeout  = 2 * time.Minute // from the end of the header, so it covers reading, working and writing
	idleTimeout   = 2 * time.Minute
	drainTimeout  = 30 * time.Second
	headerMax     = 32 << 10
)

// serveFlags are the flags of serve.
type serveFlags struct {
	listen, tokenFile string
	level             levelFlag
}

func newServeCommand(e *env) *cobra.Command {
	f := serveFlags{level: levelFlag{slog.LevelInfo}}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the ledger over HTTP",
		Long: `Serve the ledger over HTTP until SIGINT or SIGTERM. Requests under way are answered first. A second signal
ends the process at once. /openapi.json describes the interface.

If the database cannot be reached at the start, the command ends with the exit code of unavailable, so that its
supervisor starts it again. If the database goes away later, the server waits for it: /healthz and requests answer 503
until it is back, and stderr says when it went and when it came back.

On a standby or a replica it serves what reads, says at the start and in /v1/head how old that is, and answers 503 to
what posts. When the database's server takes writes, so does this one, without a restart.

On PostgreSQL, MariaDB and MySQL several servers may work on one database, and on a Galera cluster one on each node. A
client that got no answer sends its transfer again, to any of them, under the same id.

On a loopback address no token is needed. On any other address a token is required: the content of --token-file,
or else BURSAR_TOKEN. There is no flag for the token itself, because other users of a machine can see flags.

The log goes to stderr. With --log-level debug it has a line for every request: method, path, status, duration and the
id that the answer carries in X-Request-Id. It never has what a request or an answer says.`,
		Example: `  bursar serve
  bursar serve --db sqlite:books.db --listen localhost:9000
  bursar serve --listen :8080 --token-file /etc/bursar/token

  curl --json '{"from": "outside:bank", "to": "users:alice", "amount": "25.00 USD"}' localhost:8080/v1/transfers`,
		RunE: func(cmd *cobra.Command, _ []string) error { return e.serve(cmd.Context(), &f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8080", "`address` to listen on; port 0 takes a free one")
	flags.StringVar(&f.tokenFile, "token-file", "",
		"`file` with the token that requests must carry (default BURSAR_TOKEN)")
	flags.Var(&f.level, "log-level", "least `level` that is logged; debug logs every request")
	return cmd
}

func (e *env) serve(ctx context.Context, f *serveFlags) error {
	token, err := e.token(f.tokenFile)
	if err != nil {
		return err
	}
	listener, err := listenOn(ctx, f.listen)
	if err != nil {
		return err
	}
	defer listener.Close() // closing twice is harmless, and a ledger that does not open leaves no port behind
	// What decides is the address that the listener has. A name may stand for any address.
	if token == "" && !isLoopback(listener.Addr()) {
		return usagef("%s can be reached from other machines: give a token with --token-file or BURSAR_TOKEN, "+
			"or listen on 127.0.0.1", f.listen)
	}
	e.logger = slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{Level: f.level.Level}))
	return e.withLedger(ctx, makes, func(ctx context.Context, l *ledger.Ledger) error {
		return e.serveOn(ctx, listener, l, token, f.listen)
	})
}

// serveOn serves until ctx is done and then until the requests under way are answered.
func (e *env) serveOn(
	ctx context.Context, listener net.Listener, l *ledger.Ledger, token, listen string,
) error {
	draining := make(chan struct{})
	server := &http.Server{
		Handler: logRequests(e.logger, clock.System(),
			httpapi.New(l, &httpapi.Options{Token: token, Logger: e.logger, Draining: draining})),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerMax,
		ErrorLog:          slog.NewLogLogger(e.logger.Handler(), slog.LevelWarn),
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	fmt.Fprintf(e.stderr, "bursar: serving book %s of %s with the strategy queue on http://%s\n",
		l.Book().Name, redacted(e.db), announced(listen, listener.Addr()))
	if replica, err := e.sayReplica(ctx, l); replica && err == nil {
		fmt.Fprintln(e.stderr, "bursar: requests that post are answered with 503 unavailable until this server takes writes")
	}
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	fmt.Fprintln(e.stderr, "bursar: shutting down")
	close(draining)
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if err := server.Shutdown(limit); err != nil {
		return errors.Join(fmt.Errorf("requests were cut off after %v: %w", drainTimeout, err), server.Close())
	}
	return nil
}

// token is what requests must carry; empty for none.
func (e *env) token(file string) (string, error) {
	token, source := e.getenv("BURSAR_TOKEN"), "BURSAR_TOKEN"
	if file != "" {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", hintf(err, "--token-file names a file that holds the token and nothing else")
		}
		token, source = strings.TrimSpace(string(content)), file
		if token == "" {
			return "", usagef("%s holds no token", source)
		}
	}
	for i := range len(token) {
		if token[i] <= ' ' || token[i] > '~' {
			return "", usagef("the token in %s has a blank or a character outside ASCII, which no header can carry", source)
		}
	}
	return token, nil
}

func listenOn(ctx context.Context, address string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, hintf(fmt.Errorf("%s is taken by another program: %w", address, err),
			"stop that program, or choose another address with --listen")
	case err != nil:
		return nil, hintf(err, "--listen takes an address of this machine, such as 127.0.0.1:8080")
	}
	return listener, nil
}

// announced is the address of a listener with the host as it was typed.
func announced(listen string, address net.Addr) string {
	host, _, err := net.SplitHostPort(listen)
	_, port, noPort := net.SplitHostPort(address.String())
	if err != nil || noPort != nil || host == "" {
		return address.String()
	}
	return net.JoinHostPort(host, port)
}

func isLoopback(address net.Addr) bool {
	tcp, ok := address.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
