-- name: TakeFromStock :execrows
UPDATE products SET stock = stock - 1 WHERE name = ? AND stock > 0;

-- name: InsertOrder :exec
INSERT INTO orders (id, product, buyer, price) VALUES (?, ?, ?, ?);
