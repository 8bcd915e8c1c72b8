-- The shop's own tables, for both engines. Each statement does nothing where it was done before. Amounts are text with
-- their currency: exact on every engine, and money.Amount reads and writes it.

CREATE TABLE IF NOT EXISTS products (
    id    TEXT    NOT NULL PRIMARY KEY,
    price TEXT    NOT NULL,
    stock INTEGER NOT NULL CHECK (stock >= 0)
);

CREATE TABLE IF NOT EXISTS orders (
    id      TEXT NOT NULL PRIMARY KEY,
    buyer   TEXT NOT NULL,
    product TEXT NOT NULL REFERENCES products (id),
    price   TEXT NOT NULL,
    fee     TEXT NOT NULL,
    state   TEXT NOT NULL CHECK (state IN ('paid', 'refunded'))
);

INSERT INTO products (id, price, stock) VALUES
    ('mug', '12.50 USD', 100),
    ('poster', '30.00 USD', 20),
    ('sticker', '0.10 USD', 1000)
ON CONFLICT DO NOTHING;
