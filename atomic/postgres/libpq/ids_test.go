package libpq_test

import (
	"context"
	"testing"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/money"
	"github.com/bursar-ledger/bursar/store/postgres"
)

// TestIDsInColumnsOfTheApplication keeps the id of a transfer by lib/pq and joins it with the ledger's. lib/pq sends
// bytes as a text unless its parameters are binary: then the id is refused, and its String has to be used.
func TestIDsInColumnsOfTheApplication(t *testing.T) {
	t.Parallel()
	server := sqltest.Postgres(t)
	store, err := postgres.Open(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	l, err := ledger.New(t.Context(), store, &ledger.Options{Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close(context.Background()) }()
	amount := money.MustParse("1.00 USD")
	for _, path := range []string{"world", "shop"} {
		opening := bursar.Opening{Path: path, Currency: amount.Currency(), NoMin: true}
		if _, err := l.OpenAccount(t.Context(), opening); err != nil {
			t.Fatal(err)
		}
	}
	id := bursar.IDOf("order.pay", 7)
	transfer := bursar.Transfer{ID: id, Legs: []bursar.Leg{{From: "world", To: "shop", Amount: amount}}}
	if _, err := l.Post(t.Context(), transfer); err != nil {
		t.Fatal(err)
	}
	text, binary := open(t, server.DSN()), open(t, server.DSN("binary_parameters=yes"))
	if _, err := text.Exec("CREATE TABLE orders (n int PRIMARY KEY, transfer_id uuid)"); err != nil {
		t.Fatal(err)
	}
	if _, err := text.Exec("INSERT INTO orders VALUES (1, $1)", id); err == nil {
		t.Error("bytes are sent as a text, and taken for a uuid")
	}
	if _, err := text.Exec("INSERT INTO orders VALUES (2, $1)", id.String()); err != nil {
		t.Error(err)
	}
	if _, err := binary.Exec("INSERT INTO orders VALUES (3, $1)", id); err != nil {
		t.Error(err)
	}
	for n := 2; n <= 3; n++ {
		var kept, joined bursar.ID
		err := text.QueryRow("SELECT o.transfer_id, t.id FROM orders o JOIN bursar_transfers t ON t.id = o.transfer_id "+
			"WHERE n = $1", n).Scan(&kept, &joined)
		if err != nil || kept != id || joined != id {
			t.Errorf("order %d: %v is read back as %v and joined with %v: %v", n, id, kept, joined, err)
		}
	}
}
