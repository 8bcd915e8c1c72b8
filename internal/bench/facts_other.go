//go:build !linux

package bench

import (
	"context"
	"time"
)

// cpuModel is not known here.
func cpuModel() string { return "" }

// memoryTotal is not known here.
func memoryTotal() int64 { return 0 }

// inMemory is not known here.
func inMemory(string) bool { return false }

// serverProcesses cannot be seen here.
type serverProcesses struct{}

func findServer(context.Context, *place) *serverProcesses { return nil }

func (*serverProcesses) used() time.Duration { return 0 }
