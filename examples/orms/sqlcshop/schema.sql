CREATE TABLE products (
    name  VARCHAR(64) PRIMARY KEY,
    stock INTEGER NOT NULL
);
CREATE TABLE orders (
    id      VARCHAR(64) PRIMARY KEY,
    product VARCHAR(64) NOT NULL,
    buyer   VARCHAR(64) NOT NULL,
    price   VARCHAR(64) NOT NULL
);
