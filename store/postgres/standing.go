package postgres

import (
	"context"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// standing asks for the clock, whether the server is a standby, whether it is held back, whether it is connected to
// another server, and the time of the last commit that it has applied. Every user may ask that. A time is in whole
// microseconds since 1970, and 0 where nothing was applied yet.
//
// A commit takes its time before it is written to the log, and is answered after that. So what was answered before the
// time of the last one that was applied stands before that one in the log.
var standing = `SELECT ` + postgresql.clock + `, pg_is_in_recovery(),
	CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END,
	EXISTS (SELECT 1 FROM pg_stat_wal_receiver),
	coalesce((extract(epoch FROM pg_last_xact_replay_timestamp()) * 1000000)::bigint, 0)`

func askStanding(ctx context.Context, pool sqlstore.Executor) (s driver.Standing, err error) {
	var now, applied int64
	var standby, held, connected bool
	err = sqlstore.Each(ctx, pool, standing, func(scan func(...any) error) error {
		return scan(&now, &standby, &held, &connected, &applied)
	})
	s.Now = bursar.Instant(now * int64(time.Microsecond))
	if err != nil || !standby {
		return s, err
	}
	s.Replica = &bursar.Replica{State: bursar.ReplicaUnknown} // it may read the log from files
	switch {
	case held:
		s.Replica.State = bursar.ReplicaStopped
	case connected:
		s.Replica.State = bursar.ReplicaFollowing
	}
	if applied > 0 {
		s.Replica.Applied = bursar.Instant(applied * int64(time.Microsecond))
		const second = int64(time.Second / time.Microsecond)
		behind := max(0, (now-applied+second-1)/second) // the two clocks may differ
		s.Replica.Behind = &behind
	}
	return s, nil
}
