// Command shop is a small web shop that keeps its customers' money in a ledger.
//
//	go run ./examples/shop -db sqlite:shop.db -addr 127.0.0.1:8090
//
// Customers top up, buy and get refunds; the shop pays its income out. Every request that moves money carries an id in
// its path, so that a client which lost the answer sends the same request again:
//
//	curl -X PUT localhost:8090/topups/t1 --json '{"user": "ann", "amount": "50.00 USD"}'
//	curl -X PUT localhost:8090/orders/o1 --json '{"user": "ann", "product": "mug"}'
//	curl -X PUT localhost:8090/orders/o2 --json '{"user": "ann", "product": "poster"}'
//	curl -X PUT localhost:8090/orders/o1/refund
//	curl -X PUT localhost:8090/payouts/p1 --json '{"amount": "5.00 USD"}'
//	curl 'localhost:8090/statements/users:ann?month=2026-01'
//
// There is no login: whoever reaches the address may do all of it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store"
)

// patience is how long requests that are under way may take when the shop closes.
const patience = 10 * time.Second

func main() {
	url := flag.String("db", "sqlite:shop.db", "where the shop's tables and the ledger are: sqlite:FILE or postgres://…")
	address := flag.String("addr", "127.0.0.1:8090", "the address to listen on")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := listen(ctx, *url, *address); err != nil {
		fmt.Fprintln(os.Stderr, "shop:", err)
		os.Exit(1)
	}
}

func listen(ctx context.Context, url, address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	defer listener.Close()
	fmt.Printf("shop: open on http://%s\n", listener.Addr())
	return run(ctx, url, listener)
}

// run serves the shop until ctx ends. What it opened it closes in the opposite order: first no more requests, then no
// more posts, last the database.
func run(ctx context.Context, url string, listener net.Listener) (err error) {
	books, err := store.Open(url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, books.Close()) }()
	if err := migrate(ctx, books.DB()); err != nil {
		return err
	}
	l, err := ledger.New(ctx, books, &ledger.Options{Migrate: true, Strategy: ledger.Queue{}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close(context.WithoutCancel(ctx))) }()
	s, err := newShop(ctx, books.DB(), l)
	if err != nil {
		return err
	}
	return serve(ctx, s.routes(), listener)
}

// serve answers requests until ctx ends, and then lets those that are under way finish.
func serve(ctx context.Context, routes http.Handler, listener net.Listener) error {
	server := &http.Server{Handler: routes, ReadHeaderTimeout: patience}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	return server.Shutdown(ctx)
}
