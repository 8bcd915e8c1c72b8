package server

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
)

// identity is the user that a server runs as. It is nil for the user of the program itself.
type identity struct{ uid, gid int }

// unprivileged returns the first of some users that the machine knows, or nil if the program is not root.
func unprivileged(names ...string) (*identity, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(u.Uid)
		gid, gidErr := strconv.Atoi(u.Gid)
		if uidErr == nil && gidErr == nil && uid != 0 {
			return &identity{uid, gid}, nil
		}
	}
	return nil, fmt.Errorf("the server must not run as root, and none of the users %q is there", names)
}

// folder is a new folder. It is removed on request, or when the program and every server in it are gone, even if
// they were killed.
//
// A shell does that. It waits for the end of a pipe whose other end is held by the program and by all servers in
// the folder.
type folder struct {
	path    string
	owner   *identity
	hold    *os.File
	janitor *exec.Cmd
}

func newFolder(username string) (*folder, error) {
	owner, err := unprivileged(username, "nobody")
	if err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp(diskFolder(), "bursar-server-")
	if err != nil {
		return nil, err
	}
	f := &folder{path: path, owner: owner}
	if err := f.hire(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	if err := errors.Join(os.Mkdir(f.join("tmp"), 0o700), f.give("tmp"), f.give(".")); err != nil {
		return nil, errors.Join(err, f.remove())
	}
	return f, nil
}

// diskFolder returns a folder for temporary files that is on disk. In memory there is nothing to sync to.
func diskFolder() string {
	const onDisk = "/var/tmp"
	dir := os.TempDir()
	if info, err := os.Stat(onDisk); inMemory(dir) && err == nil && info.IsDir() && !inMemory(onDisk) {
		return onDisk
	}
	return dir
}

func (f *folder) hire() error {
	end, hold, err := os.Pipe()
	if err != nil {
		return err
	}
	defer end.Close()
	f.hold = hold
	f.janitor = exec.Command("sh", "-c", `cat >/dev/null; rm -rf -- "$1"`, "sh", f.path)
	f.janitor.Stdin = end
	f.janitor.SysProcAttr = detached()
	if err := f.janitor.Start(); err != nil {
		return errors.Join(err, hold.Close())
	}
	return nil
}

func (f *folder) join(name string) string { return filepath.Join(f.path, name) }

// give makes a file or folder the owner's.
func (f *folder) give(name string) error {
	if f.owner == nil {
		return nil
	}
	return os.Chown(f.join(name), f.owner.uid, f.owner.gid)
}

func (f *folder) write(name, text string) error {
	return errors.Join(os.WriteFile(f.join(name), []byte(text), 0o600), f.give(name))
}

// remove returns when the folder is gone. Nothing may run in it any more.
func (f *folder) remove() error {
	return errors.Join(f.hold.Close(), f.janitor.Wait())
}

// freePort returns a port that nobody listens on. It is below the ports that the kernel gives to outgoing
// connections: while a server is down, such a connection could take its port, or even connect to itself.
func freePort(ctx context.Context) (int, error) {
	var failed error
	for range 100 {
		port := 20_000 + rand.IntN(10_000)
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			return port, l.Close()
		}
		failed = err
	}
	return 0, fmt.Errorf("no free port between 20000 and 30000: %w", failed)
}
