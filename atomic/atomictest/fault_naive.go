package atomictest

import (
	"context"
	"database/sql"
	"fmt"
)

// naive loses the answers of clients that believe their driver, in the two usual ways.
func (f *faults) naive(rounds int) {
	f.Helper()
	pool := f.Through(f.T)
	insert := f.Speech.sql(`INSERT INTO fault_naive VALUES (?)`)
	again := func(ctx context.Context, name string) error {
		err := naiveBlock(ctx, pool, insert, name)
		if err != nil {
			err = naiveBlock(ctx, pool, insert, name)
		}
		return err
	}
	alone := func(ctx context.Context, name string) error {
		_, err := pool.ExecContext(ctx, fmt.Sprintf(`INSERT INTO fault_naive VALUES ('%s')`, name))
		return err
	}
	f.naively("COMMIT, answer lost, done again after the error", isCommit, rounds, again)
	f.naively("a statement alone on the pool, answer lost", isNaive, rounds, alone)
}

func naiveBlock(ctx context.Context, pool *sql.DB, insert, name string) error {
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, insert, name); err != nil {
		return err
	}
	return tx.Commit()
}

// naively wants to see that a way goes wrong.
func (f *faults) naively(
	way string, match func(string) bool, rounds int, do func(ctx context.Context, name string) error,
) {
	f.Helper()
	twice, denied := 0, 0
	for round := range rounds {
		ctx, cancel := context.WithTimeout(f.Context(), roundLimit)
		name := fmt.Sprintf("%s %d", way, round)
		trap := f.Trap(BeforeAnswer, match)
		trap.Cut()
		answer := do(ctx, name)
		f.await(ctx, "a cut of "+way, trap.Done())
		cancel()
		outcome := f.number(`SELECT count(*) FROM fault_naive WHERE name = ?`, name)
		switch {
		case outcome > 1:
			twice++
		case outcome == 1 && answer != nil:
			denied++
		}
	}
	f.table.naive = append(f.table.naive, fmt.Sprintf(
		"without Do: %s: %d rounds, %d applied twice, %d applied and called a failure", way, rounds, twice, denied))
	if twice+denied == 0 {
		f.Errorf("%s: nothing has gone wrong in %d rounds: the faults do not show the bug that Do prevents", way, rounds)
	}
}
