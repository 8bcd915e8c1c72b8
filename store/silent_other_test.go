//go:build !linux

package store_test

import "testing"

// fullServer is not made where the length of the line of waiting connections is another matter.
func fullServer(*testing.T) (address string, ok bool) { return "", false }
