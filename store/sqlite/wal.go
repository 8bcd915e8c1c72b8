package sqlite

import (
	"context"
	"database/sql"
)

const (
	// walPages is how many pages a ledger's writes put into the write-ahead log of its own file before the log is copied
	// into the file in the background.
	walPages = 4_000
	// walMost is how many pages the log has when a commit does not return before they are copied, because the background
	// does not keep up.
	walMost = 16_000
)

// copier copies the write-ahead log into the file, so that no commit of the ledger's waits for that.
type copier struct {
	db   *sql.DB
	stop context.CancelFunc
	done chan struct{}
}

// startCopier begins to copy whenever written says that there is enough. It returns at once.
func startCopier(db *sql.DB, written <-chan struct{}) *copier {
	ctx, stop := context.WithCancel(context.Background())
	c := &copier{db: db, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(c.done)
		for {
			select {
			case <-ctx.Done():
				return
			case <-written:
				c.copy(ctx)
			}
		}
	}()
	return c
}

// copy copies what no reader needs in the log. An error needs no answer: the log stays longer until the next time, or
// until a commit copies it and tells its caller what is wrong with the disk. The end of ctx does not cut it short.
func (c *copier) copy(ctx context.Context) {
	conn, err := c.db.Conn(ctx)
	if err != nil {
		return
	}
	_, _ = conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA wal_checkpoint(PASSIVE)")
	_ = conn.Close() // it goes back to the pool
}

// close ends the copying and waits for that.
func (c *copier) close() {
	c.stop()
	<-c.done
}
