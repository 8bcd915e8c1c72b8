package postgres

import "github.com/bursar-ledger/bursar/atomic"

// now is the present in microseconds, not the beginning of the database transaction.
const now = `(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`

// schema returns the statements that make the missing tables of package atomic.
func schema() []string {
	return []string{
		`CREATE TABLE IF NOT EXISTS atomic_key (
	name   text        NOT NULL PRIMARY KEY,
	digest bytea       NOT NULL,
	done   smallint    NOT NULL DEFAULT 0,
	result bytea,
	made   timestamptz NOT NULL DEFAULT now()
)`,
		`CREATE TABLE IF NOT EXISTS atomic_lock (
	id   bigint NOT NULL PRIMARY KEY,
	uses bigint NOT NULL
)`,
		`CREATE TABLE IF NOT EXISTS atomic_lease (
	name    text   NOT NULL PRIMARY KEY,
	token   bigint NOT NULL,
	holder  text   NOT NULL,
	ttl     bigint NOT NULL,
	expires bigint NOT NULL,
	uses    bigint NOT NULL
)`,
	}
}

// Statements is the SQL of the tables of package atomic.
func (Dialect) Statements() *atomic.Statements {
	return &atomic.Statements{
		Schema: schema(),

		KeyInsert: `INSERT INTO atomic_key (name, digest) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`,
		KeyRead:   `SELECT done, digest, result FROM atomic_key WHERE name = $1`,
		KeyWrite:  `UPDATE atomic_key SET done = 1, result = $1 WHERE name = $2`,

		AdvisoryWait: `SELECT pg_advisory_xact_lock($1)`,
		AdvisoryTry:  `SELECT pg_try_advisory_xact_lock($1)`,
		GuardTry:     `SELECT uses FROM atomic_lock WHERE id = $1 FOR UPDATE NOWAIT`,
		GuardBump: `INSERT INTO atomic_lock AS l (id, uses) VALUES ($1, 1)
			ON CONFLICT (id) DO UPDATE SET uses = l.uses + 1`,
		GuardRead: `SELECT uses FROM atomic_lock WHERE id = $1`,

		LeaseInsert: `INSERT INTO atomic_lease (name, token, holder, ttl, expires, uses) VALUES ($1, 0, '', 0, 0, 0)
			ON CONFLICT (name) DO NOTHING`,
		LeaseTake: `UPDATE atomic_lease SET token = token + 1, holder = $1, ttl = $2, expires = ` + now + ` + $3
			WHERE name = $4 AND (holder = $5 OR expires <= ` + now + ` OR expires > ` + now + ` + ttl)`,
		LeaseRead: `SELECT token, holder, expires - ` + now + ` FROM atomic_lease WHERE name = $1`,
		LeaseRenew: `UPDATE atomic_lease SET ttl = $1, expires = ` + now + ` + $2, uses = uses + 1
			WHERE name = $3 AND token = $4 AND holder <> ''`,
		LeaseFence: `UPDATE atomic_lease SET uses = uses + 1 WHERE name = $1 AND token = $2 AND holder <> ''`,
		LeaseRelease: `UPDATE atomic_lease SET holder = '', ttl = 0, expires = 0, uses = uses + 1
			WHERE name = $1 AND token = $2 AND holder <> ''`,
	}
}
