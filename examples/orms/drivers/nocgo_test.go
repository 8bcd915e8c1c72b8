//go:build !cgo

package drivers_test

import "testing"

func TestPurchaseOverMattn(t *testing.T) {
	t.Skip("mattn/go-sqlite3 needs cgo and a C compiler: install the Debian packages gcc and libc6-dev")
}
