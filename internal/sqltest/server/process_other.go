//go:build !linux

package server

import (
	"os"
	"syscall"
)

// Elsewhere no server is started, because nothing would end it with the program.
const supported = false

func attributes(*identity, syscall.Signal) *syscall.SysProcAttr { return nil }

func detached() *syscall.SysProcAttr { return nil }

func inMemory(string) bool { return false }

func killTree(parent *os.Process) error { return parent.Kill() }
