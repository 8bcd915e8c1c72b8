package money_test

import (
	"testing"

	"github.com/bursar-ledger/bursar/money"
)

func BenchmarkAdd(b *testing.B) {
	x, y := money.MustParse("123456.78 USD"), money.MustParse("-0.99 USD")
	for b.Loop() {
		if _, err := x.Add(y); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCmp(b *testing.B) {
	x, y := money.MustParse("123456.78 USD"), money.MustParse("123456.79 USD")
	for b.Loop() {
		if _, err := x.Cmp(y); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	for _, text := range []string{"25.00 USD", "123.456789 ETH/18", nines36 + " JPY"} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := money.Parse(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkString(b *testing.B) {
	for _, text := range []string{"25.00 USD", "123.456789 ETH/18", nines36 + " JPY"} {
		a := money.MustParse(text)
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = a.String()
			}
		})
	}
}

func BenchmarkLookup(b *testing.B) {
	for b.Loop() {
		if _, err := money.Lookup("USD"); err != nil {
			b.Fatal(err)
		}
	}
}
