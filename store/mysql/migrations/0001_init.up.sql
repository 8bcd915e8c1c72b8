-- +goose Up

-- The schema of a ledger. docs/schema.md says which of these names an application may join; docs/journal.md says
-- what the hashes cover. Amounts are pairs: value = x_hi * 10^18 + x, both of one sign, in smallest units. Times are
-- nanoseconds since 1970-01-01 UTC.
--
-- MariaDB and MySQL run the same file. Each reads its own name of the collation that compares by bytes and does not
-- ignore trailing blanks, and takes the other's for a comment. CREATE commits by itself here, so every statement may run
-- again after one that was cut short.

CREATE TABLE IF NOT EXISTS bursar_migration (
    version  BIGINT NOT NULL PRIMARY KEY,
    name     VARCHAR(255) NOT NULL,
    checksum VARCHAR(64) -- SHA-256 of the file, set by bursar migrate; absent when another tool applied it
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 /*M! COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */;

CREATE TABLE IF NOT EXISTS bursar_book (
    book    BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    name    VARCHAR(255) NOT NULL,
    uuid    BINARY(16) NOT NULL,
    genesis BINARY(32) NOT NULL,
    UNIQUE KEY bursar_book_name (name),
    UNIQUE KEY bursar_book_uuid (uuid)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 /*M! COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */;

-- The journal's last position. Always the last lock of a database transaction; nothing refers to it.
CREATE TABLE IF NOT EXISTS bursar_head (
    book BIGINT NOT NULL PRIMARY KEY,
    seq  BIGINT NOT NULL,
    at   BIGINT NOT NULL,
    hash BINARY(32) NOT NULL,
    CONSTRAINT bursar_head_place CHECK (seq >= 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 /*M! COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */;

-- Queues of several programs take turns by locking the book's row here. It says nothing.
CREATE TABLE IF NOT EXISTS bursar_turn (
    book BIGINT NOT NULL PRIMARY KEY
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 /*M! COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */;

-- Each row is a block of 2^24 numbers for entries and accounts, given to one program: those from block * 2^24 on. The
-- counter goes on whatever is rolled back.
CREATE TABLE IF NOT EXISTS bursar_block (
    block BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 /*M! COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */;

CREATE TABLE IF NOT EXISTS bursar_account (
    account  BIGINT NOT NULL PRIMARY KEY,
    book     BIGINT NOT NULL,
    path     VARCHAR(255) NOT NULL,
    currency VARCHAR(64) NOT NULL,
    scale    INT NOT NULL,
    opened   BIGINT NOT NULL,
    metadata MEDIUMTEXT,
    UNIQUE KEY bursar_account_path (book, path),
    CONSTRAINT bursar_account_book FOREIGN KEY (book) REFERENCES bursar_book (book),
    CONSTRAINT bursar_account_scale CHECK (scale BETWEEN 0 AND 36)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 /*M! COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */;

-- What a post reads and writes of an account: small, and the limits are kept by the row itself. The minimum bounds
-- what is available, the maximum bounds the balance; an absent limit is NULL.
CREATE TABLE IF NOT EXISTS bursar_balance (
    account          BIGINT NOT NULL PRIMARY KEY,
    state            SMALLINT NOT NULL DEFAULT 0,
    version          BIGINT NOT NULL,
    balance          BIGINT NOT NULL,
    balance_hi       BIGINT NOT NULL DEFAULT 0,
    held             BIGINT NOT NULL DEFAULT 0,
    held_hi          BIGINT NOT NULL DEFAULT 0,
    available        BIGINT NOT NULL,
    available_hi     BIGINT NOT NULL DEFAULT 0,
    available_min    BIGINT,
    available_min_hi BIGINT NOT NULL DEFAULT 0,
    balance_max      BIGINT,
    balance_max_hi   BIGINT NOT NULL DEFAULT 0,
    decided          BIGINT NOT NULL,
    last_entry       BIGINT NOT NULL,
    CONSTRAINT bursar_balance_state CHECK (state BETWEEN 0 AND 3),
    CONSTRAINT bursar_balance_version CHECK (version > 0),
    CONSTRAINT bursar_balance_held CHECK (held >= 0 AND held_hi >= 0),
    CONSTRAINT bursar_balance_pair CHECK (balance BETWEEN -999999999999999999 AND 999999999999999999),
    CONSTRAINT bursar_balance_sign CHECK (balance_hi = 0 OR balance = 0 OR (balance_hi > 0) = (balance > 0)),
    CONSTRAINT bursar_balance_min CHECK (available_hi > available_min_hi
        OR available_hi = available_min_hi AND available >= available_min OR available_min IS NULL),
    CONSTRAINT bursar_balance_max CHECK (balance_hi < balance_max_hi
        OR balance_hi = balance_max_hi AND balance <= balance_max OR balance_max IS NULL)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 /*M! COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */;

-- What was asked for under an id, where the entries do not say all of it: refusals, openings, several legs, a reference,
-- metadata, conditions, a time limit. Any other transfer is its entry. One id space for both, and for acts on accounts.
CREATE TABLE IF NOT EXISTS bursar_request (
    request         BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    book            BIGINT NOT NULL,
    id              BINARY(16) NOT NULL,
    content         MEDIUMBLOB NOT NULL, -- canonical bytes
    decided         BIGINT NOT NULL,
    last_entry      BIGINT,              -- absent when refused
    reference       VARCHAR(255),
    metadata        MEDIUMTEXT,
    refusal         VARCHAR(64),    -- code
    refusal_field   TEXT,
    refusal_message TEXT,
    refusal_hash    BINARY(32), -- of all that is remembered of a refusal
    UNIQUE KEY bursar_request_id (book, id),
    UNIQUE KEY bursar_request_reference (book, reference),
    CONSTRAINT bursar_request_outcome CHECK ((last_entry IS NULL) = (refusal IS NOT NULL))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 /*M! COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */;

-- The journal. The row key is fixed at the insert, means no order and is in no hash. seq, at and hash are empty
-- until the entry is sealed. A high part or a held amount that is zero is NULL. A row of kind 0 is no entry: it takes the
-- id of a refusal in the unique index of ids, and has minus its key as seq, so that it is neither sealed nor unsealed.
CREATE TABLE IF NOT EXISTS bursar_entry (
    entry           BIGINT NOT NULL PRIMARY KEY,
    book            BIGINT NOT NULL,
    seq             BIGINT,
    at              BIGINT,
    hash            BINARY(32),
    kind            SMALLINT NOT NULL,
    request_id      BINARY(16) NOT NULL,
    leg             INT NOT NULL,
    from_account    BIGINT, -- absent for an act on an account, which is then to_account
    to_account      BIGINT NOT NULL,
    amount          BIGINT NOT NULL,
    amount_hi       BIGINT,
    from_version    BIGINT NOT NULL DEFAULT 0,
    from_balance    BIGINT NOT NULL DEFAULT 0,
    from_balance_hi BIGINT,
    from_held       BIGINT,
    from_held_hi    BIGINT,
    to_version      BIGINT NOT NULL,
    to_balance      BIGINT NOT NULL,
    to_balance_hi   BIGINT,
    to_held         BIGINT,
    to_held_hi      BIGINT,
    from_prev       BIGINT NOT NULL DEFAULT 0, -- row key of the account's previous entry, 0 for none
    to_prev         BIGINT NOT NULL DEFAULT 0,
    effective       BIGINT, -- only when the request named one
    decided         BIGINT NOT NULL,
    UNIQUE KEY bursar_entry_seq (book, seq),
    UNIQUE KEY bursar_entry_id (book, request_id, leg),
    CONSTRAINT bursar_entry_leg CHECK (leg >= 0),
    CONSTRAINT bursar_entry_amount CHECK (amount >= 0 AND (amount_hi IS NULL OR amount_hi > 0)),
    CONSTRAINT bursar_entry_zeros CHECK (from_balance_hi <> 0 AND from_held <> 0 AND from_held_hi <> 0
        AND to_balance_hi <> 0 AND to_held <> 0 AND to_held_hi <> 0),
    CONSTRAINT bursar_entry_place CHECK (
        kind <> 0 AND seq IS NULL AND at IS NULL AND hash IS NULL
        OR kind <> 0 AND seq IS NOT NULL AND seq > 0 AND at IS NOT NULL AND hash IS NOT NULL
        OR kind = 0 AND seq IS NOT NULL AND seq = -entry AND at IS NULL AND hash IS NULL
           AND leg = 0 AND from_account IS NULL AND to_account = 0),
    CONSTRAINT bursar_entry_accounts CHECK (from_account <> to_account)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 /*M! COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */;

-- A sparse index into an account's history: every 64th version.
CREATE TABLE IF NOT EXISTS bursar_checkpoint (
    account BIGINT NOT NULL,
    version BIGINT NOT NULL,
    seq     BIGINT NOT NULL,
    entry   BIGINT NOT NULL,
    PRIMARY KEY (account, version),
    UNIQUE KEY bursar_checkpoint_seq (account, seq)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 /*M! COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */;

-- Only backdated entries are indexed by effective time.
CREATE TABLE IF NOT EXISTS bursar_backdated (
    account   BIGINT NOT NULL,
    effective BIGINT NOT NULL,
    entry     BIGINT NOT NULL,
    PRIMARY KEY (account, effective, entry)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 /*M! COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */;

-- The journal and what was asked for only grow. An UPDATE may seal an entry once and nothing else. REPLACE and INSERT ...
-- ON DUPLICATE KEY UPDATE run the triggers of the DELETE and the UPDATE that they make. No trigger runs for TRUNCATE and
-- DROP TABLE: keep those privileges from the application's user.
DROP TRIGGER IF EXISTS bursar_entry_update;
-- +goose StatementBegin
CREATE TRIGGER bursar_entry_update BEFORE UPDATE ON bursar_entry FOR EACH ROW
BEGIN
    IF OLD.seq IS NOT NULL OR NEW.seq IS NULL OR NOT (
        NEW.entry <=> OLD.entry AND NEW.book <=> OLD.book AND NEW.kind <=> OLD.kind
        AND NEW.request_id <=> OLD.request_id AND NEW.leg <=> OLD.leg
        AND NEW.from_account <=> OLD.from_account AND NEW.to_account <=> OLD.to_account
        AND NEW.amount <=> OLD.amount AND NEW.amount_hi <=> OLD.amount_hi
        AND NEW.from_version <=> OLD.from_version AND NEW.from_balance <=> OLD.from_balance
        AND NEW.from_balance_hi <=> OLD.from_balance_hi AND NEW.from_held <=> OLD.from_held
        AND NEW.from_held_hi <=> OLD.from_held_hi AND NEW.to_version <=> OLD.to_version
        AND NEW.to_balance <=> OLD.to_balance AND NEW.to_balance_hi <=> OLD.to_balance_hi
        AND NEW.to_held <=> OLD.to_held AND NEW.to_held_hi <=> OLD.to_held_hi
        AND NEW.from_prev <=> OLD.from_prev AND NEW.to_prev <=> OLD.to_prev AND NEW.effective <=> OLD.effective
        AND NEW.decided <=> OLD.decided) THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'bursar: journal entries are never changed';
    END IF;
END;
-- +goose StatementEnd

DROP TRIGGER IF EXISTS bursar_entry_delete;
-- +goose StatementBegin
CREATE TRIGGER bursar_entry_delete BEFORE DELETE ON bursar_entry FOR EACH ROW
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'bursar: journal entries are never deleted';
-- +goose StatementEnd

DROP TRIGGER IF EXISTS bursar_request_update;
-- +goose StatementBegin
CREATE TRIGGER bursar_request_update BEFORE UPDATE ON bursar_request FOR EACH ROW
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'bursar: requests are never changed';
-- +goose StatementEnd

DROP TRIGGER IF EXISTS bursar_request_delete;
-- +goose StatementBegin
CREATE TRIGGER bursar_request_delete BEFORE DELETE ON bursar_request FOR EACH ROW
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'bursar: requests are never deleted';
-- +goose StatementEnd

DROP TRIGGER IF EXISTS bursar_account_update;
-- +goose StatementBegin
CREATE TRIGGER bursar_account_update BEFORE UPDATE ON bursar_account FOR EACH ROW
BEGIN
    IF NOT (
        NEW.account <=> OLD.account AND NEW.book <=> OLD.book AND NEW.path <=> OLD.path
        AND NEW.currency <=> OLD.currency AND NEW.scale <=> OLD.scale AND NEW.opened <=> OLD.opened) THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'bursar: an account keeps its path and currency';
    END IF;
END;
-- +goose StatementEnd

-- What changes nothing is let through: the ledger makes a book unless it is there.
DROP TRIGGER IF EXISTS bursar_book_update;
-- +goose StatementBegin
CREATE TRIGGER bursar_book_update BEFORE UPDATE ON bursar_book FOR EACH ROW
BEGIN
    IF NOT (
        NEW.book <=> OLD.book AND NEW.name <=> OLD.name AND NEW.uuid <=> OLD.uuid
        AND NEW.genesis <=> OLD.genesis) THEN
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'bursar: a book is never changed';
    END IF;
END;
-- +goose StatementEnd

DROP TRIGGER IF EXISTS bursar_account_delete;
-- +goose StatementBegin
CREATE TRIGGER bursar_account_delete BEFORE DELETE ON bursar_account FOR EACH ROW
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'bursar: a row of bursar_account is never deleted';
-- +goose StatementEnd

DROP TRIGGER IF EXISTS bursar_balance_delete;
-- +goose StatementBegin
CREATE TRIGGER bursar_balance_delete BEFORE DELETE ON bursar_balance FOR EACH ROW
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'bursar: a row of bursar_balance is never deleted';
-- +goose StatementEnd

DROP TRIGGER IF EXISTS bursar_book_delete;
-- +goose StatementBegin
CREATE TRIGGER bursar_book_delete BEFORE DELETE ON bursar_book FOR EACH ROW
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'bursar: a row of bursar_book is never deleted';
-- +goose StatementEnd

DROP TRIGGER IF EXISTS bursar_head_delete;
-- +goose StatementBegin
CREATE TRIGGER bursar_head_delete BEFORE DELETE ON bursar_head FOR EACH ROW
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'bursar: a row of bursar_head is never deleted';
-- +goose StatementEnd

-- Views for applications and people: amounts as exact decimals, times as nanoseconds. The two LPADs make the 37 digits of
-- a pair, of which the last scale ones are the fraction.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW bursar_accounts AS
    SELECT a.book, a.account, a.path, a.currency,
           CASE b.state WHEN 0 THEN 'open' WHEN 1 THEN 'frozen' WHEN 2 THEN 'closed' ELSE 'merged' END AS state,
           b.version,
           CONCAT(IF(b.balance_hi < 0 OR b.balance < 0, '-', ''),
               COALESCE(NULLIF(TRIM(LEADING '0' FROM LEFT(CONCAT(LPAD(ABS(b.balance_hi), 19, '0'), LPAD(ABS(b.balance), 18, '0')), 37 - a.scale)), ''), '0'),
               IF(a.scale = 0, '', CONCAT('.', RIGHT(CONCAT(LPAD(ABS(b.balance_hi), 19, '0'), LPAD(ABS(b.balance), 18, '0')), a.scale)))) AS balance,
           CONCAT(IF(b.held_hi < 0 OR b.held < 0, '-', ''),
               COALESCE(NULLIF(TRIM(LEADING '0' FROM LEFT(CONCAT(LPAD(ABS(b.held_hi), 19, '0'), LPAD(ABS(b.held), 18, '0')), 37 - a.scale)), ''), '0'),
               IF(a.scale = 0, '', CONCAT('.', RIGHT(CONCAT(LPAD(ABS(b.held_hi), 19, '0'), LPAD(ABS(b.held), 18, '0')), a.scale)))) AS held,
           CONCAT(IF(b.available_hi < 0 OR b.available < 0, '-', ''),
               COALESCE(NULLIF(TRIM(LEADING '0' FROM LEFT(CONCAT(LPAD(ABS(b.available_hi), 19, '0'), LPAD(ABS(b.available), 18, '0')), 37 - a.scale)), ''), '0'),
               IF(a.scale = 0, '', CONCAT('.', RIGHT(CONCAT(LPAD(ABS(b.available_hi), 19, '0'), LPAD(ABS(b.available), 18, '0')), a.scale)))) AS available,
           a.opened, a.metadata
    FROM bursar_account a JOIN bursar_balance b ON b.account = a.account;

CREATE OR REPLACE SQL SECURITY INVOKER VIEW bursar_transfers AS
    SELECT e.book, e.request_id AS id, COALESCE(l.seq, e.seq) AS seq, COALESCE(l.at, e.at) AS at, e.decided,
           r.reference, r.metadata
    FROM bursar_entry e LEFT JOIN bursar_request r ON r.book = e.book AND r.id = e.request_id
                        LEFT JOIN bursar_entry l ON l.entry = r.last_entry
    WHERE e.leg = 0 AND e.kind = 1;

CREATE OR REPLACE SQL SECURITY INVOKER VIEW bursar_entries AS
    SELECT e.book, e.seq, e.at, COALESCE(e.effective, e.at) AS effective, e.request_id, e.leg, e.kind,
           f.path AS from_path, t.path AS to_path, t.currency,
           CONCAT(IF(COALESCE(e.amount_hi, 0) < 0 OR e.amount < 0, '-', ''),
               COALESCE(NULLIF(TRIM(LEADING '0' FROM LEFT(CONCAT(LPAD(ABS(COALESCE(e.amount_hi, 0)), 19, '0'), LPAD(ABS(e.amount), 18, '0')), 37 - t.scale)), ''), '0'),
               IF(t.scale = 0, '', CONCAT('.', RIGHT(CONCAT(LPAD(ABS(COALESCE(e.amount_hi, 0)), 19, '0'), LPAD(ABS(e.amount), 18, '0')), t.scale)))) AS amount
    FROM bursar_entry e JOIN bursar_account t ON t.account = e.to_account
                        LEFT JOIN bursar_account f ON f.account = e.from_account;

-- One row for each account of an entry, signed, with what the account has afterwards. An entry that is not sealed has
-- no seq and no at. A time before 1970 is rounded down like any other.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW bursar_lines AS
    SELECT e.book, a.account, a.path, e.to_version AS version, e.seq, e.at, COALESCE(e.effective, e.at) AS effective,
           e.request_id, e.leg, e.kind, r.reference, r.metadata, o.path AS other_path, a.currency,
           CONCAT('',
               COALESCE(NULLIF(TRIM(LEADING '0' FROM LEFT(CONCAT(LPAD(ABS(COALESCE(e.amount_hi, 0)), 19, '0'), LPAD(ABS(e.amount), 18, '0')), 37 - a.scale)), ''), '0'),
               IF(a.scale = 0, '', CONCAT('.', RIGHT(CONCAT(LPAD(ABS(COALESCE(e.amount_hi, 0)), 19, '0'), LPAD(ABS(e.amount), 18, '0')), a.scale)))) AS amount,
           CONCAT(IF(COALESCE(e.to_balance_hi, 0) < 0 OR e.to_balance < 0, '-', ''),
               COALESCE(NULLIF(TRIM(LEADING '0' FROM LEFT(CONCAT(LPAD(ABS(COALESCE(e.to_balance_hi, 0)), 19, '0'), LPAD(ABS(e.to_balance), 18, '0')), 37 - a.scale)), ''), '0'),
               IF(a.scale = 0, '', CONCAT('.', RIGHT(CONCAT(LPAD(ABS(COALESCE(e.to_balance_hi, 0)), 19, '0'), LPAD(ABS(e.to_balance), 18, '0')), a.scale)))) AS balance,
           CONCAT(IF(COALESCE(e.to_held_hi, 0) < 0 OR COALESCE(e.to_held, 0) < 0, '-', ''),
               COALESCE(NULLIF(TRIM(LEADING '0' FROM LEFT(CONCAT(LPAD(ABS(COALESCE(e.to_held_hi, 0)), 19, '0'), LPAD(ABS(COALESCE(e.to_held, 0)), 18, '0')), 37 - a.scale)), ''), '0'),
               IF(a.scale = 0, '', CONCAT('.', RIGHT(CONCAT(LPAD(ABS(COALESCE(e.to_held_hi, 0)), 19, '0'), LPAD(ABS(COALESCE(e.to_held, 0)), 18, '0')), a.scale)))) AS held,
           COALESCE(e.amount_hi, 0) AS units_hi, e.amount AS units,
           TIMESTAMP '1970-01-01 00:00:00.000000'
               + INTERVAL ((e.at - MOD(MOD(e.at, 1000) + 1000, 1000)) DIV 1000) MICROSECOND AS posted_at,
           TIMESTAMP '1970-01-01 00:00:00.000000'
               + INTERVAL ((COALESCE(e.effective, e.at) - MOD(MOD(COALESCE(e.effective, e.at), 1000) + 1000, 1000)) DIV 1000) MICROSECOND AS effective_at
    FROM bursar_account a JOIN bursar_entry e ON e.book = a.book AND e.to_account = a.account
                          LEFT JOIN bursar_account o ON o.account = e.from_account
                          LEFT JOIN bursar_request r ON r.book = e.book AND r.id = e.request_id
    UNION ALL
    SELECT e.book, a.account, a.path, e.from_version AS version, e.seq, e.at, COALESCE(e.effective, e.at) AS effective,
           e.request_id, e.leg, e.kind, r.reference, r.metadata, o.path AS other_path, a.currency,
           CONCAT(IF(COALESCE(e.amount_hi, 0) > 0 OR e.amount > 0, '-', ''),
               COALESCE(NULLIF(TRIM(LEADING '0' FROM LEFT(CONCAT(LPAD(ABS(COALESCE(e.amount_hi, 0)), 19, '0'), LPAD(ABS(e.amount), 18, '0')), 37 - a.scale)), ''), '0'),
               IF(a.scale = 0, '', CONCAT('.', RIGHT(CONCAT(LPAD(ABS(COALESCE(e.amount_hi, 0)), 19, '0'), LPAD(ABS(e.amount), 18, '0')), a.scale)))) AS amount,
           CONCAT(IF(COALESCE(e.from_balance_hi, 0) < 0 OR e.from_balance < 0, '-', ''),
               COALESCE(NULLIF(TRIM(LEADING '0' FROM LEFT(CONCAT(LPAD(ABS(COALESCE(e.from_balance_hi, 0)), 19, '0'), LPAD(ABS(e.from_balance), 18, '0')), 37 - a.scale)), ''), '0'),
               IF(a.scale = 0, '', CONCAT('.', RIGHT(CONCAT(LPAD(ABS(COALESCE(e.from_balance_hi, 0)), 19, '0'), LPAD(ABS(e.from_balance), 18, '0')), a.scale)))) AS balance,
           CONCAT(IF(COALESCE(e.from_held_hi, 0) < 0 OR COALESCE(e.from_held, 0) < 0, '-', ''),
               COALESCE(NULLIF(TRIM(LEADING '0' FROM LEFT(CONCAT(LPAD(ABS(COALESCE(e.from_held_hi, 0)), 19, '0'), LPAD(ABS(COALESCE(e.from_held, 0)), 18, '0')), 37 - a.scale)), ''), '0'),
               IF(a.scale = 0, '', CONCAT('.', RIGHT(CONCAT(LPAD(ABS(COALESCE(e.from_held_hi, 0)), 19, '0'), LPAD(ABS(COALESCE(e.from_held, 0)), 18, '0')), a.scale)))) AS held,
           -COALESCE(e.amount_hi, 0) AS units_hi, -e.amount AS units,
           TIMESTAMP '1970-01-01 00:00:00.000000'
               + INTERVAL ((e.at - MOD(MOD(e.at, 1000) + 1000, 1000)) DIV 1000) MICROSECOND AS posted_at,
           TIMESTAMP '1970-01-01 00:00:00.000000'
               + INTERVAL ((COALESCE(e.effective, e.at) - MOD(MOD(COALESCE(e.effective, e.at), 1000) + 1000, 1000)) DIV 1000) MICROSECOND AS effective_at
    FROM bursar_account a JOIN bursar_entry e ON e.book = a.book AND e.from_account = a.account
                          LEFT JOIN bursar_account o ON o.account = e.to_account
                          LEFT JOIN bursar_request r ON r.book = e.book AND r.id = e.request_id;

INSERT INTO bursar_migration (version, name) VALUES (1, 'init') ON DUPLICATE KEY UPDATE name = 'init';
