-- +goose Up

-- The schema of a ledger. docs/schema.md says which of these names an application may join; docs/journal.md says
-- what the hashes cover. Amounts are pairs: value = x_hi * 10^18 + x, both of one sign, in smallest units. Times are
-- nanoseconds since 1970-01-01 UTC.

CREATE TABLE bursar_migration (
    version  INTEGER PRIMARY KEY,
    name     TEXT NOT NULL,
    checksum TEXT -- SHA-256 of the file, set by bursar migrate; absent when another tool applied it
) STRICT;

CREATE TABLE bursar_book (
    book    INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    uuid    BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    genesis BLOB NOT NULL CHECK (length(genesis) = 32)
) STRICT;

-- The journal's last position. Always the last lock of a database transaction; nothing refers to it.
CREATE TABLE bursar_head (
    book INTEGER PRIMARY KEY,
    seq  INTEGER NOT NULL CHECK (seq >= 0),
    at   INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

CREATE TABLE bursar_account (
    account  INTEGER PRIMARY KEY,
    book     INTEGER NOT NULL REFERENCES bursar_book (book),
    path     TEXT NOT NULL,
    currency TEXT NOT NULL,
    scale    INTEGER NOT NULL CHECK (scale BETWEEN 0 AND 36),
    opened   INTEGER NOT NULL,
    metadata TEXT,
    UNIQUE (book, path)
) STRICT;

-- What a post reads and writes of an account: small, and the limits are kept by the row itself. The minimum bounds
-- what is available, the maximum bounds the balance; an absent limit is NULL.
CREATE TABLE bursar_balance (
    account          INTEGER PRIMARY KEY,
    state            INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 3),
    version          INTEGER NOT NULL CHECK (version > 0),
    balance          INTEGER NOT NULL,
    balance_hi       INTEGER NOT NULL DEFAULT 0,
    held             INTEGER NOT NULL DEFAULT 0 CHECK (held >= 0),
    held_hi          INTEGER NOT NULL DEFAULT 0 CHECK (held_hi >= 0),
    available        INTEGER NOT NULL,
    available_hi     INTEGER NOT NULL DEFAULT 0,
    available_min    INTEGER,
    available_min_hi INTEGER NOT NULL DEFAULT 0,
    balance_max      INTEGER,
    balance_max_hi   INTEGER NOT NULL DEFAULT 0,
    decided          INTEGER NOT NULL,
    last_entry       INTEGER NOT NULL,
    CHECK (balance BETWEEN -999999999999999999 AND 999999999999999999),
    CHECK (balance_hi = 0 OR balance = 0 OR (balance_hi > 0) = (balance > 0)),
    CHECK (available_hi > available_min_hi OR available_hi = available_min_hi AND available >= available_min
           OR available_min IS NULL),
    CHECK (balance_hi < balance_max_hi OR balance_hi = balance_max_hi AND balance <= balance_max
           OR balance_max IS NULL)
) STRICT;

-- What was asked for under an id, where the entries do not say all of it: refusals, openings, several legs, a reference,
-- metadata, conditions, a time limit. Any other transfer is its entry. One id space for both, and for acts on accounts.
CREATE TABLE bursar_request (
    request         INTEGER PRIMARY KEY,
    book            INTEGER NOT NULL,
    id              BLOB NOT NULL CHECK (length(id) = 16),
    content         BLOB NOT NULL, -- canonical bytes
    decided         INTEGER NOT NULL,
    last_entry      INTEGER,       -- absent when refused
    reference       TEXT,
    metadata        TEXT,
    refusal         TEXT,          -- code
    refusal_field   TEXT,
    refusal_message TEXT,
    refusal_hash    BLOB, -- of all that is remembered of a refusal
    CHECK ((last_entry IS NULL) = (refusal IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX bursar_request_id ON bursar_request (book, id);
CREATE UNIQUE INDEX bursar_request_reference ON bursar_request (book, reference) WHERE reference IS NOT NULL;

-- The journal. The row key is the place: (book - 1) * 2^40 + seq. So the keys of the first book are its positions, and
-- book and seq cost nothing. A high part or a held amount that is zero is NULL.
CREATE TABLE bursar_entry (
    entry           INTEGER PRIMARY KEY CHECK (entry > 0),
    at              INTEGER NOT NULL,
    hash            BLOB NOT NULL CHECK (length(hash) = 32),
    kind            INTEGER NOT NULL,
    request_id      BLOB NOT NULL CHECK (length(request_id) = 16),
    leg             INTEGER NOT NULL CHECK (leg >= 0),
    from_account    INTEGER, -- absent for an act on an account, which is then to_account
    to_account      INTEGER NOT NULL,
    amount          INTEGER NOT NULL CHECK (amount >= 0),
    amount_hi       INTEGER CHECK (amount_hi > 0),
    from_version    INTEGER NOT NULL DEFAULT 0,
    from_balance    INTEGER NOT NULL DEFAULT 0,
    from_balance_hi INTEGER CHECK (from_balance_hi <> 0),
    from_held       INTEGER CHECK (from_held <> 0),
    from_held_hi    INTEGER CHECK (from_held_hi <> 0),
    to_version      INTEGER NOT NULL,
    to_balance      INTEGER NOT NULL,
    to_balance_hi   INTEGER CHECK (to_balance_hi <> 0),
    to_held         INTEGER CHECK (to_held <> 0),
    to_held_hi      INTEGER CHECK (to_held_hi <> 0),
    from_prev       INTEGER NOT NULL DEFAULT 0, -- row key of the account's previous entry, 0 for none
    to_prev         INTEGER NOT NULL DEFAULT 0,
    effective       INTEGER, -- only when the request named one
    lag             INTEGER NOT NULL CHECK (lag >= 0), -- how long after the decision the entry was sealed
    book            INTEGER GENERATED ALWAYS AS ((entry >> 40) + 1) VIRTUAL,
    seq             INTEGER GENERATED ALWAYS AS (entry & 1099511627775) VIRTUAL,
    decided         INTEGER GENERATED ALWAYS AS (at - lag) VIRTUAL,
    CHECK (from_account <> to_account)
) STRICT;

CREATE UNIQUE INDEX bursar_entry_id ON bursar_entry (book, request_id) WHERE leg = 0;

-- For questions by position; the first book is asked by its keys.
CREATE UNIQUE INDEX bursar_entry_seq ON bursar_entry (book, seq) WHERE entry > 1099511627776;

-- A sparse index into an account's history: every 64th version.
CREATE TABLE bursar_checkpoint (
    account INTEGER NOT NULL,
    version INTEGER NOT NULL,
    entry   INTEGER NOT NULL,
    PRIMARY KEY (account, version)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX bursar_checkpoint_seq ON bursar_checkpoint (account, entry);

-- Only backdated entries are indexed by effective time.
CREATE TABLE bursar_backdated (
    account   INTEGER NOT NULL,
    effective INTEGER NOT NULL,
    entry     INTEGER NOT NULL,
    PRIMARY KEY (account, effective, entry)
) STRICT, WITHOUT ROWID;

-- The journal and what was asked for only grow. INSERT OR REPLACE would delete without firing a delete trigger, so an
-- insert over an existing row is refused too. So is one that takes an id for the second time, from whichever table: a
-- request is written before its entries, and names the last of them.
-- +goose StatementBegin
CREATE TRIGGER bursar_entry_update BEFORE UPDATE ON bursar_entry
BEGIN
    SELECT RAISE(ABORT, 'bursar: journal entries are never changed');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER bursar_entry_delete BEFORE DELETE ON bursar_entry
BEGIN
    SELECT RAISE(ABORT, 'bursar: journal entries are never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER bursar_entry_replace BEFORE INSERT ON bursar_entry
WHEN EXISTS (SELECT 1 FROM bursar_entry WHERE entry = NEW.entry)
     OR NEW.leg = 0 AND EXISTS (SELECT 1 FROM bursar_entry
                                WHERE book = (NEW.entry >> 40) + 1 AND request_id = NEW.request_id AND leg = 0)
     OR EXISTS (SELECT 1 FROM bursar_request WHERE book = (NEW.entry >> 40) + 1 AND id = NEW.request_id
                AND (last_entry IS NULL OR last_entry < NEW.entry))
BEGIN
    SELECT RAISE(ABORT, 'bursar: journal entries are never replaced');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER bursar_request_update BEFORE UPDATE ON bursar_request
BEGIN
    SELECT RAISE(ABORT, 'bursar: requests are never changed');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER bursar_request_delete BEFORE DELETE ON bursar_request
BEGIN
    SELECT RAISE(ABORT, 'bursar: requests are never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER bursar_request_replace BEFORE INSERT ON bursar_request
WHEN EXISTS (SELECT 1 FROM bursar_request WHERE request = NEW.request)
     OR EXISTS (SELECT 1 FROM bursar_request WHERE book = NEW.book AND id = NEW.id)
     OR EXISTS (SELECT 1 FROM bursar_entry WHERE book = NEW.book AND request_id = NEW.id AND leg = 0)
     OR NEW.reference IS NOT NULL
        AND EXISTS (SELECT 1 FROM bursar_request WHERE book = NEW.book AND reference = NEW.reference)
BEGIN
    SELECT RAISE(ABORT, 'bursar: requests are never replaced');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER bursar_account_update BEFORE UPDATE OF account, book, path, currency, scale, opened ON bursar_account
BEGIN
    SELECT RAISE(ABORT, 'bursar: an account keeps its path and currency');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER bursar_account_replace BEFORE INSERT ON bursar_account
WHEN EXISTS (SELECT 1 FROM bursar_account WHERE account = NEW.account)
     OR EXISTS (SELECT 1 FROM bursar_account WHERE book = NEW.book AND path = NEW.path)
BEGIN
    SELECT RAISE(ABORT, 'bursar: accounts are never replaced');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER bursar_book_update BEFORE UPDATE ON bursar_book
BEGIN
    SELECT RAISE(ABORT, 'bursar: a book is never changed');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER bursar_account_delete BEFORE DELETE ON bursar_account
BEGIN
    SELECT RAISE(ABORT, 'bursar: a row of bursar_account is never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER bursar_balance_delete BEFORE DELETE ON bursar_balance
BEGIN
    SELECT RAISE(ABORT, 'bursar: a row of bursar_balance is never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER bursar_book_delete BEFORE DELETE ON bursar_book
BEGIN
    SELECT RAISE(ABORT, 'bursar: a row of bursar_book is never deleted');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER bursar_head_delete BEFORE DELETE ON bursar_head
BEGIN
    SELECT RAISE(ABORT, 'bursar: a row of bursar_head is never deleted');
END;
-- +goose StatementEnd

-- Views for applications and people: amounts as exact decimals, times as nanoseconds. printf('%019d%018d')
-- is the 37 digits of a pair, of which the last scale ones are the fraction.
CREATE VIEW bursar_accounts AS
    SELECT a.book, a.account, a.path, a.currency,
           CASE b.state WHEN 0 THEN 'open' WHEN 1 THEN 'frozen' WHEN 2 THEN 'closed' ELSE 'merged' END AS state,
           b.version,
           iif(b.balance_hi < 0 OR b.balance < 0, '-', '')
           || coalesce(nullif(ltrim(substr(printf('%019d%018d', abs(b.balance_hi), abs(b.balance)), 1, 37 - a.scale), '0'), ''), '0')
           || iif(a.scale = 0, '', '.' || substr(printf('%019d%018d', abs(b.balance_hi), abs(b.balance)), -a.scale)) AS balance,
           iif(b.held_hi < 0 OR b.held < 0, '-', '')
           || coalesce(nullif(ltrim(substr(printf('%019d%018d', abs(b.held_hi), abs(b.held)), 1, 37 - a.scale), '0'), ''), '0')
           || iif(a.scale = 0, '', '.' || substr(printf('%019d%018d', abs(b.held_hi), abs(b.held)), -a.scale)) AS held,
           iif(b.available_hi < 0 OR b.available < 0, '-', '')
           || coalesce(nullif(ltrim(substr(printf('%019d%018d', abs(b.available_hi), abs(b.available)), 1, 37 - a.scale), '0'), ''), '0')
           || iif(a.scale = 0, '', '.' || substr(printf('%019d%018d', abs(b.available_hi), abs(b.available)), -a.scale)) AS available,
           a.opened, a.metadata
    FROM bursar_account a JOIN bursar_balance b ON b.account = a.account;

CREATE VIEW bursar_transfers AS
    SELECT e.book, e.request_id AS id, coalesce(l.seq, e.seq) AS seq, coalesce(l.at, e.at) AS at, e.decided,
           r.reference, r.metadata
    FROM bursar_entry e LEFT JOIN bursar_request r ON r.book = e.book AND r.id = e.request_id
                        LEFT JOIN bursar_entry l ON l.entry = r.last_entry
    WHERE e.leg = 0 AND e.kind = 1;

-- In two halves, so that SQLite sees that the keys of the first book are its positions. It looks into both only if
-- their columns are of one kind, which the CAST makes of the number.
CREATE VIEW bursar_entries AS
    SELECT CAST(1 AS INTEGER) AS book, e.entry AS seq, e.at, coalesce(e.effective, e.at) AS effective, e.request_id, e.leg, e.kind,
           f.path AS from_path, t.path AS to_path, t.currency,
           coalesce(nullif(ltrim(substr(printf('%019d%018d', coalesce(e.amount_hi, 0), e.amount), 1, 37 - t.scale), '0'), ''), '0')
           || iif(t.scale = 0, '', '.' || substr(printf('%019d%018d', coalesce(e.amount_hi, 0), e.amount), -t.scale)) AS amount
    FROM bursar_entry e JOIN bursar_account t ON t.account = e.to_account
                        LEFT JOIN bursar_account f ON f.account = e.from_account
    WHERE e.book = 1 AND e.entry < 1099511627776
    UNION ALL
    SELECT e.book AS book, e.seq AS seq, e.at, coalesce(e.effective, e.at) AS effective, e.request_id, e.leg, e.kind,
           f.path AS from_path, t.path AS to_path, t.currency,
           coalesce(nullif(ltrim(substr(printf('%019d%018d', coalesce(e.amount_hi, 0), e.amount), 1, 37 - t.scale), '0'), ''), '0')
           || iif(t.scale = 0, '', '.' || substr(printf('%019d%018d', coalesce(e.amount_hi, 0), e.amount), -t.scale)) AS amount
    FROM bursar_entry e JOIN bursar_account t ON t.account = e.to_account
                        LEFT JOIN bursar_account f ON f.account = e.from_account
    WHERE e.entry > 1099511627776;

-- One row for each account of an entry, signed, with what the account has afterwards. A time before 1970 is rounded down like any other.
-- Columns of one kind, even by the 1 *, let SQLite look into both halves instead of making them first.
CREATE VIEW bursar_lines AS
    SELECT e.book, a.account, a.path, e.to_version AS version, e.seq, e.at, coalesce(e.effective, e.at) AS effective,
           e.request_id, e.leg, e.kind, r.reference, r.metadata, o.path AS other_path, a.currency,
           coalesce(nullif(ltrim(substr(printf('%019d%018d', abs(coalesce(e.amount_hi, 0)), abs(e.amount)), 1, 37 - a.scale), '0'), ''), '0')
           || iif(a.scale = 0, '', '.' || substr(printf('%019d%018d', abs(coalesce(e.amount_hi, 0)), abs(e.amount)), -a.scale)) AS amount,
           iif(coalesce(e.to_balance_hi, 0) < 0 OR e.to_balance < 0, '-', '')
           || coalesce(nullif(ltrim(substr(printf('%019d%018d', abs(coalesce(e.to_balance_hi, 0)), abs(e.to_balance)), 1, 37 - a.scale), '0'), ''), '0')
           || iif(a.scale = 0, '', '.' || substr(printf('%019d%018d', abs(coalesce(e.to_balance_hi, 0)), abs(e.to_balance)), -a.scale)) AS balance,
           iif(coalesce(e.to_held_hi, 0) < 0 OR coalesce(e.to_held, 0) < 0, '-', '')
           || coalesce(nullif(ltrim(substr(printf('%019d%018d', abs(coalesce(e.to_held_hi, 0)), abs(coalesce(e.to_held, 0))), 1, 37 - a.scale), '0'), ''), '0')
           || iif(a.scale = 0, '', '.' || substr(printf('%019d%018d', abs(coalesce(e.to_held_hi, 0)), abs(coalesce(e.to_held, 0))), -a.scale)) AS held,
           1 * coalesce(e.amount_hi, 0) AS units_hi, 1 * e.amount AS units,
           strftime('%Y-%m-%dT%H:%M:%S', (e.at - (e.at % 1000000000 + 1000000000) % 1000000000) / 1000000000, 'unixepoch')
           || printf('.%09dZ', (e.at % 1000000000 + 1000000000) % 1000000000) AS posted_at,
           strftime('%Y-%m-%dT%H:%M:%S', (coalesce(e.effective, e.at) - (coalesce(e.effective, e.at) % 1000000000 + 1000000000) % 1000000000) / 1000000000, 'unixepoch')
           || printf('.%09dZ', (coalesce(e.effective, e.at) % 1000000000 + 1000000000) % 1000000000) AS effective_at
    FROM bursar_account a JOIN bursar_entry e ON e.book = a.book AND e.to_account = a.account
                          LEFT JOIN bursar_account o ON o.account = e.from_account
                          LEFT JOIN bursar_request r ON r.book = e.book AND r.id = e.request_id
    UNION ALL
    SELECT e.book, a.account, a.path, e.from_version AS version, e.seq, e.at, coalesce(e.effective, e.at) AS effective,
           e.request_id, e.leg, e.kind, r.reference, r.metadata, o.path AS other_path, a.currency,
           iif(coalesce(e.amount_hi, 0) > 0 OR e.amount > 0, '-', '')
           || coalesce(nullif(ltrim(substr(printf('%019d%018d', abs(coalesce(e.amount_hi, 0)), abs(e.amount)), 1, 37 - a.scale), '0'), ''), '0')
           || iif(a.scale = 0, '', '.' || substr(printf('%019d%018d', abs(coalesce(e.amount_hi, 0)), abs(e.amount)), -a.scale)) AS amount,
           iif(coalesce(e.from_balance_hi, 0) < 0 OR e.from_balance < 0, '-', '')
           || coalesce(nullif(ltrim(substr(printf('%019d%018d', abs(coalesce(e.from_balance_hi, 0)), abs(e.from_balance)), 1, 37 - a.scale), '0'), ''), '0')
           || iif(a.scale = 0, '', '.' || substr(printf('%019d%018d', abs(coalesce(e.from_balance_hi, 0)), abs(e.from_balance)), -a.scale)) AS balance,
           iif(coalesce(e.from_held_hi, 0) < 0 OR coalesce(e.from_held, 0) < 0, '-', '')
           || coalesce(nullif(ltrim(substr(printf('%019d%018d', abs(coalesce(e.from_held_hi, 0)), abs(coalesce(e.from_held, 0))), 1, 37 - a.scale), '0'), ''), '0')
           || iif(a.scale = 0, '', '.' || substr(printf('%019d%018d', abs(coalesce(e.from_held_hi, 0)), abs(coalesce(e.from_held, 0))), -a.scale)) AS held,
           -1 * coalesce(e.amount_hi, 0) AS units_hi, -1 * e.amount AS units,
           strftime('%Y-%m-%dT%H:%M:%S', (e.at - (e.at % 1000000000 + 1000000000) % 1000000000) / 1000000000, 'unixepoch')
           || printf('.%09dZ', (e.at % 1000000000 + 1000000000) % 1000000000) AS posted_at,
           strftime('%Y-%m-%dT%H:%M:%S', (coalesce(e.effective, e.at) - (coalesce(e.effective, e.at) % 1000000000 + 1000000000) % 1000000000) / 1000000000, 'unixepoch')
           || printf('.%09dZ', (coalesce(e.effective, e.at) % 1000000000 + 1000000000) % 1000000000) AS effective_at
    FROM bursar_account a JOIN bursar_entry e ON e.book = a.book AND e.from_account = a.account
                          LEFT JOIN bursar_account o ON o.account = e.to_account
                          LEFT JOIN bursar_request r ON r.book = e.book AND r.id = e.request_id;

INSERT INTO bursar_migration (version, name) VALUES (1, 'init');
