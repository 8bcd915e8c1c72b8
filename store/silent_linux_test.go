package store_test

import (
	"net"
	"syscall"
	"testing"
)

// fullServer drops whoever asks for a connection, as a firewall does: its line of waiting connections has one place,
// which is taken.
func fullServer(t *testing.T) (address string, ok bool) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	must(err)
	t.Cleanup(func() { _ = syscall.Close(fd) })
	must(syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	must(syscall.Listen(fd, 0))
	bound, err := syscall.Getsockname(fd)
	must(err)
	at := net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: bound.(*syscall.SockaddrInet4).Port}
	first, err := net.Dial("tcp", at.String())
	must(err)
	t.Cleanup(func() { _ = first.Close() })
	return at.String(), true
}
