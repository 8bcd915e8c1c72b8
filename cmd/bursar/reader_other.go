//go:build !linux

package main

import "context"

// whileRead is ctx until stop is called. A reader of stdout that is gone is noticed when the next line is written.
func (e *env) whileRead(ctx context.Context) (reading context.Context, stop func()) {
	return context.WithCancel(ctx)
}
