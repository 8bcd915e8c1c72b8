package main

import (
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// row is one line of the bank's file.
type row struct {
	id, account                 string
	day                         time.Time
	in                          bool // to the customer
	operation, purpose          string
	partnerBank, partnerAccount string
	amount                      money.Amount
	printed                     money.Amount // the customer's balance afterwards, by the bank
}

var columns = [...]string{
	"trans_id", "account", "date", "direction", "operation", "purpose", "partner_bank", "partner_account",
	"amount", "balance_after",
}

// readFile reads all rows of a gzipped file.
func readFile(name string) (rows []row, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	plain, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	rows, err = readRows(plain)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return rows, nil
}

func readRows(r io.Reader) ([]row, error) {
	crowns, err := money.Lookup("CZK")
	if err != nil {
		return nil, err
	}
	lines := csv.NewReader(r)
	header, err := lines.Read()
	if err != nil || !slices.Equal(header, columns[:]) {
		return nil, errors.Join(err, fmt.Errorf("the columns are %q, not %q", header, columns))
	}
	var rows []row
	for {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		r, err := parse(fields, crowns)
		if err != nil {
			line, _ := lines.FieldPos(0)
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		rows = append(rows, r)
	}
}

func parse(f []string, crowns money.Currency) (r row, err error) {
	r = row{
		id: f[0], account: f[1], in: f[3] == "in", operation: f[4], purpose: f[5],
		partnerBank: f[6], partnerAccount: f[7],
	}
	if !r.in && f[3] != "out" {
		return r, fmt.Errorf("the direction is %q, not in or out", f[3])
	}
	if r.day, err = time.Parse(time.DateOnly, f[2]); err != nil {
		return r, err
	}
	if r.amount, err = money.ParseDecimal(f[8], crowns); err != nil {
		return r, err
	}
	r.printed, err = money.ParseDecimal(f[9], crowns)
	return r, err
}

// transfer is the row as a ledger takes it. The id is made of the bank's own, so that every row posts once.
func (r *row) transfer() bursar.Transfer {
	leg := bursar.Leg{From: r.customer(), To: r.outside(), Amount: r.amount}
	if r.in {
		leg.From, leg.To = leg.To, leg.From
	}
	return bursar.Transfer{
		ID:        bursar.IDOf("czechbank", r.id),
		Legs:      []bursar.Leg{leg},
		Effective: r.day,
		Metadata:  r.metadata(),
	}
}

func (r *row) customer() string { return "customers:" + r.account }

// outside is where the money comes from or goes to.
func (r *row) outside() string {
	switch {
	case r.partnerBank != "":
		return "outside:banks:" + r.partnerBank
	case r.purpose == "interest", r.purpose == "penalty interest":
		return "outside:interest"
	case r.purpose == "statement fee":
		return "outside:fees"
	default:
		return "outside:cash"
	}
}

func (r *row) metadata() bursar.Metadata {
	m := bursar.Metadata{"trans_id": r.id}
	for key, value := range map[string]string{"operation": r.operation, "purpose": r.purpose,
		"partner_bank": r.partnerBank, "partner_account": r.partnerAccount} {
		if value != "" {
			m[key] = value
		}
	}
	return m
}

// signed is the amount as it changes the customer's balance.
func (r *row) signed() money.Amount {
	if r.in {
		return r.amount
	}
	return r.amount.Neg()
}
