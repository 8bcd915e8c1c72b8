package mysql

import "github.com/bursar-ledger/bursar/atomic"

// now is the present in microseconds. UTC_TIMESTAMP has no daylight saving time, so no hour comes twice.
const now = `TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6))`

// schema returns the statements that make the missing tables of package atomic.
func schema() []string {
	return []string{
		`CREATE TABLE IF NOT EXISTS atomic_key (
	name   VARBINARY(255) NOT NULL PRIMARY KEY,
	digest VARBINARY(64)  NOT NULL,
	done   SMALLINT       NOT NULL DEFAULT 0,
	result LONGBLOB,
	made   TIMESTAMP(6)   NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
) ENGINE = InnoDB`,
		`CREATE TABLE IF NOT EXISTS atomic_lock (
	id   BIGINT NOT NULL PRIMARY KEY,
	uses BIGINT NOT NULL
) ENGINE = InnoDB`,
		`CREATE TABLE IF NOT EXISTS atomic_lease (
	name    VARBINARY(255) NOT NULL PRIMARY KEY,
	token   BIGINT         NOT NULL,
	holder  VARBINARY(255) NOT NULL,
	ttl     BIGINT         NOT NULL,
	expires BIGINT         NOT NULL,
	uses    BIGINT         NOT NULL
) ENGINE = InnoDB`,
	}
}

// Statements is the SQL of the tables of package atomic. A row that is there already is written as it was: INSERT
// IGNORE would do nothing, but would also ignore errors.
func (Dialect) Statements() *atomic.Statements {
	return &atomic.Statements{
		Schema: schema(),

		KeyInsert: `INSERT INTO atomic_key (name, digest) VALUES (?, ?) ON DUPLICATE KEY UPDATE done = done`,
		KeyRead:   `SELECT done, digest, result FROM atomic_key WHERE name = ? FOR UPDATE`,
		KeyWrite:  `UPDATE atomic_key SET done = 1, result = ? WHERE name = ?`,

		GuardTry:  `SELECT uses FROM atomic_lock WHERE id = ? FOR UPDATE NOWAIT`,
		GuardBump: `INSERT INTO atomic_lock (id, uses) VALUES (?, 1) ON DUPLICATE KEY UPDATE uses = uses + 1`,
		GuardRead: `SELECT uses FROM atomic_lock WHERE id = ?`,

		LeaseInsert: `INSERT INTO atomic_lease (name, token, holder, ttl, expires, uses) VALUES (?, 0, '', 0, 0, 0)
			ON DUPLICATE KEY UPDATE uses = uses`,
		LeaseTake: `UPDATE atomic_lease SET token = token + 1, holder = ?, ttl = ?, expires = ` + now + ` + ?
			WHERE name = ? AND (holder = ? OR expires <= ` + now + ` OR expires > ` + now + ` + ttl)`,
		LeaseRead: `SELECT token, holder, expires - ` + now + ` FROM atomic_lease WHERE name = ?`,
		LeaseRenew: `UPDATE atomic_lease SET ttl = ?, expires = ` + now + ` + ?, uses = uses + 1
			WHERE name = ? AND token = ? AND holder <> ''`,
		LeaseFence: `UPDATE atomic_lease SET uses = uses + 1 WHERE name = ? AND token = ? AND holder <> ''`,
		LeaseRelease: `UPDATE atomic_lease SET holder = '', ttl = 0, expires = 0, uses = uses + 1
			WHERE name = ? AND token = ? AND holder <> ''`,
	}
}
