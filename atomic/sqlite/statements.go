package sqlite

import "github.com/bursar-ledger/bursar/atomic"

// now is the present in microseconds. SQLite has milliseconds; one statement sees one time.
const now = `(CAST(strftime('%s', 'now') AS INTEGER) * 1000000` +
	` + CAST(substr(strftime('%f', 'now'), 4, 3) AS INTEGER) * 1000)`

// schema returns the statements that make the missing tables of package atomic.
func schema() []string {
	return []string{
		`CREATE TABLE IF NOT EXISTS atomic_key (
	name   TEXT    NOT NULL PRIMARY KEY,
	digest BLOB    NOT NULL,
	done   INTEGER NOT NULL DEFAULT 0,
	result BLOB,
	made   TEXT    NOT NULL DEFAULT CURRENT_TIMESTAMP
) STRICT, WITHOUT ROWID`,
		`CREATE TABLE IF NOT EXISTS atomic_lock (
	id   INTEGER NOT NULL PRIMARY KEY,
	uses INTEGER NOT NULL
) STRICT`,
		`CREATE TABLE IF NOT EXISTS atomic_lease (
	name    TEXT    NOT NULL PRIMARY KEY,
	token   INTEGER NOT NULL,
	holder  TEXT    NOT NULL,
	ttl     INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	uses    INTEGER NOT NULL
) STRICT, WITHOUT ROWID`,
	}
}

// Statements is the SQL of the tables of package atomic. The clock is that of the machine.
func (Dialect) Statements() *atomic.Statements {
	return &atomic.Statements{
		Schema: schema(),

		KeyInsert: `INSERT INTO atomic_key (name, digest) VALUES (?, ?) ON CONFLICT (name) DO NOTHING`,
		KeyRead:   `SELECT done, digest, result FROM atomic_key WHERE name = ?`,
		KeyWrite:  `UPDATE atomic_key SET done = 1, result = ? WHERE name = ?`,

		GuardBump: `INSERT INTO atomic_lock (id, uses) VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET uses = uses + 1`,
		GuardRead: `SELECT uses FROM atomic_lock WHERE id = ?`,

		LeaseInsert: `INSERT INTO atomic_lease (name, token, holder, ttl, expires, uses) VALUES (?, 0, '', 0, 0, 0)
		ON CONFLICT (name) DO NOTHING`,
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
