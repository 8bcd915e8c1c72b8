package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/bench"
)

// pgledger is a PostgreSQL database with the functions of pgledger. A call takes a connection of a pool, of which there
// are as many as the URL's pool_max_conns says, or 16. Its transfers have no ids of the caller's, so that a call whose
// answer is lost must not be made again.
type pgledger struct {
	pool     *pgxpool.Pool
	accounts []string // their ids, by number
	before   int64    // transfers that were there
}

const pgledgerConnections = 16

func newPgledger(ctx context.Context, url string) (*pgledger, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	if config.MaxConns < pgledgerConnections {
		config.MaxConns = pgledgerConnections
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	return &pgledger{pool: pool}, nil
}

// Open makes accounts that may go below zero, as those of pgledger do unless they are told not to.
func (p *pgledger) Open(ctx context.Context, accounts int) (err error) {
	if p.before, err = p.count(ctx); err != nil {
		return err
	}
	p.accounts = make([]string, accounts)
	for n := range p.accounts {
		const open = "SELECT id::text FROM pgledger_create_account($1, 'USD')"
		if err := p.pool.QueryRow(ctx, open, fmt.Sprintf("bench:%d", n)).Scan(&p.accounts[n]); err != nil {
			return err
		}
	}
	return nil
}

// Caller posts each move by the function for one transfer. Several are one database transaction, sent together, in the
// order of their accounts, which avoids most deadlocks.
func (p *pgledger) Caller(context.Context) (func(context.Context, []bursar.ID, []bench.Move) error, error) {
	const transfer = "SELECT id::text FROM pgledger_create_transfer($1, $2, $3)"
	return func(ctx context.Context, _ []bursar.ID, moves []bench.Move) error {
		if len(moves) == 1 {
			var id string
			return p.pool.QueryRow(ctx, transfer, p.arguments(moves[0])...).Scan(&id)
		}
		sorted := slices.SortedFunc(slices.Values(moves), func(a, b bench.Move) int {
			return min(a.From, a.To) - min(b.From, b.To)
		})
		return pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error {
			var batch pgx.Batch
			for _, m := range sorted {
				batch.Queue(transfer, p.arguments(m)...)
			}
			return tx.SendBatch(ctx, &batch).Close()
		})
	}, nil
}

func (p *pgledger) arguments(m bench.Move) []any {
	return []any{p.accounts[m.From], p.accounts[m.To], fmt.Sprintf("%d.%02d", m.Cents/100, m.Cents%100)}
}

func (p *pgledger) count(ctx context.Context) (n int64, err error) {
	err = p.pool.QueryRow(ctx, "SELECT count(*) FROM pgledger_transfers_view").Scan(&n)
	if err != nil {
		err = errors.Join(errors.New("is pgledger.sql installed in this database?"), err)
	}
	return n, err
}

// Posted counts the rows that were not there before.
func (p *pgledger) Posted(ctx context.Context) (int64, error) {
	n, err := p.count(ctx)
	return n - p.before, err
}

// Close ends the connections.
func (p *pgledger) Close() error {
	p.pool.Close()
	return nil
}
