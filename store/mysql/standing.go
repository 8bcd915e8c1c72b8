package mysql

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// following describes the threads that make a replica, one row for each server that it follows. MariaDB and MySQL have
// statements and columns of their own. A user needs a right for it: REPLICA MONITOR, or REPLICATION CLIENT.
const (
	followingMariaDB = `SHOW ALL SLAVES STATUS`
	followingMySQL   = `SHOW REPLICA STATUS`
)

// askStanding asks whether the server takes writes, and one that does not how it follows another one.
func askStanding(ctx context.Context, pool sqlstore.Executor) (s driver.Standing, err error) {
	var now int64
	var readOnly string
	var maria bool
	const ask = `SELECT ` + clock + `, @@read_only, VERSION() LIKE '%MariaDB%'`
	err = sqlstore.Each(ctx, pool, ask, func(scan func(...any) error) error { return scan(&now, &readOnly, &maria) })
	s.Now = bursar.Instant(now * int64(time.Microsecond))
	if err != nil || !takesNoWrites(readOnly) {
		return s, err
	}
	statement := followingMySQL
	if maria {
		statement = followingMariaDB
	}
	rows, err := namedRows(ctx, pool, statement)
	if err != nil && ctx.Err() != nil {
		return s, err
	}
	s.Replica = replicaOf(rows) // without the right there are none
	return s, nil
}

// replicaOf is what the rows for all servers that it follows come to: the worst of each.
func replicaOf(rows []map[string]string) *bursar.Replica {
	if len(rows) == 0 {
		return &bursar.Replica{State: bursar.ReplicaUnknown}
	}
	r := &bursar.Replica{State: bursar.ReplicaFollowing}
	behind, known := int64(0), true
	for _, row := range rows {
		running := (row["Slave_IO_Running"] == "Yes" || row["Replica_IO_Running"] == "Yes") &&
			(row["Slave_SQL_Running"] == "Yes" || row["Replica_SQL_Running"] == "Yes")
		if !running {
			r.State = bursar.ReplicaStopped
		}
		seconds, err := strconv.ParseInt(row["Seconds_Behind_Master"]+row["Seconds_Behind_Source"], 10, 64)
		behind, known = max(behind, seconds), known && err == nil
	}
	if known && r.State == bursar.ReplicaFollowing {
		r.Behind = &behind
	}
	return r
}

// namedRows are the rows of a statement whose columns depend on the server's version, by name. NULL is empty.
func namedRows(ctx context.Context, pool sqlstore.Executor, statement string) (all []map[string]string, err error) {
	rows, err := pool.Query(ctx, statement)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	named, ok := rows.(interface{ Columns() ([]string, error) })
	if !ok {
		return nil, nil
	}
	names, err := named.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		cells := make([]*string, len(names))
		targets := make([]any, len(names))
		for i := range cells {
			targets[i] = &cells[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		row := make(map[string]string, len(names))
		for i, cell := range cells {
			if cell != nil {
				row[names[i]] = *cell
			}
		}
		all = append(all, row)
	}
	return slices.Clip(all), rows.Err()
}
