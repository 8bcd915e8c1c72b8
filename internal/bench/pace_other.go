//go:build !linux

package bench

import "github.com/bursar-ledger/bursar/internal/clock"

// punctual is the machine's clock.
type punctual struct{ clock.Clock }
