package server

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// ClusterSize is how many nodes a cluster has: with one away, the other two are still the majority.
const ClusterSize = 3

// node is what a server needs to know as a node of a Galera cluster.
type node struct {
	name             string
	peers            string // the address of the cluster
	group, ist, snap int    // ports for the group's messages, for what a node has missed, and for a whole copy
	first            bool   // it begins the cluster and joins none
	position         string // the last transaction that its data has, after a crash
}

// StartCluster makes a Galera cluster of MariaDB, an engine of one version, on 127.0.0.1, and returns its nodes, which
// all take connections. What is not needed for that is the engine's default, durable commits as in [Start].
// If programs are missing, the error is [ErrMissing] and says what to do. The caller must close every node.
//
// A node that is down comes back with [Instance.Restart]: it fetches what it has missed, or everything after
// [Instance.Wipe]. For that one other node must be up.
func StartCluster(ctx context.Context, e Engine) (nodes []*Instance, err error) {
	programs, err := galeraPrograms(e)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("start a cluster of %s: %w", e, err)
			for _, in := range nodes {
				err = errors.Join(err, in.Close())
			}
			nodes = nil
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for n := range ClusterSize {
		in, err := newNode(ctx, e, programs, n)
		if err != nil {
			return nodes, err
		}
		nodes = append(nodes, in)
	}
	var addresses []string
	for _, in := range nodes {
		addresses = append(addresses, "127.0.0.1:"+strconv.Itoa(in.node.group))
	}
	for _, in := range nodes {
		in.node.peers = "gcomm://" + strings.Join(addresses, ",")
	}
	return nodes, found(ctx, nodes)
}

// found founds the cluster: the first node makes the data, of which the others get copies, so that nothing has to be
// transferred when they join.
func found(ctx context.Context, nodes []*Instance) error {
	first := nodes[0]
	first.node.first = true
	if err := first.create(ctx); err != nil {
		return err
	}
	if err := first.Stop(); err != nil {
		return err
	}
	for _, in := range nodes[1:] {
		in.password = first.password
		copied := exec.CommandContext(ctx, "cp", "-a", first.folder.join("data"), in.folder.join("data"))
		if out, err := copied.CombinedOutput(); err != nil {
			return fmt.Errorf("copy the data: %w: %s", err, out)
		}
	}
	for _, in := range nodes {
		in.mu.Lock()
		err := in.anyPort(ctx, func() error { return nil })
		in.mu.Unlock()
		if err != nil {
			return err
		}
		in.node.first = false
	}
	return nil
}

func newNode(ctx context.Context, e Engine, found programs, number int) (*Instance, error) {
	k := mariaDBKind("")
	k.args, k.prepare, k.ready = nodeArgs, nodePosition, "Synchronized with group, ready for connections"
	in := &Instance{engine: e, kind: k, programs: found, password: password()}
	in.node = &node{name: "node" + strconv.Itoa(number+1)}
	for _, port := range []*int{&in.node.group, &in.node.ist, &in.node.snap} {
		var err error
		if *port, err = freePort(ctx); err != nil {
			return nil, err
		}
	}
	var err error
	if in.folder, err = newFolder(k.user); err != nil {
		return nil, fmt.Errorf("make a folder for a node: %w", err)
	}
	if err := in.base(); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return in, nil
}

// tools are programs that the script which copies a node's data to another looks for. It finds them by their names
// among the processes, so those of a bundle, which run as the bundle's loader, would not do.
var tools = []string{"rsync", "ss", "ps"}

const provider = "usr/lib/galera/libgalera_smm.so"

// galeraPrograms finds the programs of a bundle, and the machine's own that a copy of a node needs.
func galeraPrograms(e Engine) (programs, error) {
	k, err := e.kind()
	if err != nil {
		return programs{}, err
	}
	if !supported {
		return programs{}, fmt.Errorf("a cluster %w: servers are started on Linux only", ErrMissing)
	}
	if e != MariaDB10 && e != MariaDB11 {
		return programs{}, fmt.Errorf("a cluster of %s %w: want %s or %s", e, ErrMissing, MariaDB10, MariaDB11)
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			return programs{}, fmt.Errorf("a cluster %w: install the Debian packages rsync, iproute2 and procps", ErrMissing)
		}
	}
	return e.bundled(k)
}

// base makes the folder in which the server looks for its own files: those of the bundle, but of its programs only the
// scripts that copy a node. What these call comes from the machine.
func (in *Instance) base() error {
	root := filepath.Join(in.programs.root, "usr")
	bin := in.folder.join("base/bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return err
	}
	for _, wanted := range []string{"bin/wsrep_sst_*", "bin/my_print_defaults*"} { // a bundle's program is two files
		found, err := filepath.Glob(filepath.Join(root, wanted))
		if err != nil {
			return err
		}
		for _, file := range found {
			if err := os.Symlink(file, filepath.Join(bin, filepath.Base(file))); err != nil {
				return err
			}
		}
	}
	return errors.Join(
		os.Symlink(filepath.Join(root, "share"), in.folder.join("base/share")),
		os.Symlink(filepath.Join(root, "lib"), in.folder.join("base/lib")),
		os.Chmod(in.folder.join("base"), 0o755),
	)
}

// nodeArgs are those of a server and what Galera's manual requires.
func nodeArgs(in *Instance) []string {
	n := in.node
	args := mariaDBArgs(in)
	for i, arg := range args {
		if strings.HasPrefix(arg, "--basedir=") {
			args[i] = "--basedir=" + in.folder.join("base")
		}
	}
	args = append(args,
		"--log-warnings=1", // each client that goes away would hide what the group says
		"--binlog-format=ROW", "--innodb-autoinc-lock-mode=2",
		"--wsrep-on=ON", "--wsrep-provider="+filepath.Join(in.programs.root, provider),
		"--wsrep-cluster-name=bursar", "--wsrep-cluster-address="+n.peers, "--wsrep-node-name="+n.name,
		"--wsrep-node-address=127.0.0.1", "--wsrep-node-incoming-address=127.0.0.1:"+strconv.Itoa(in.port),
		"--wsrep-provider-options=gmcast.listen_addr=tcp://127.0.0.1:"+strconv.Itoa(n.group)+
			";ist.recv_addr=127.0.0.1:"+strconv.Itoa(n.ist),
		// With it the provider's options cannot be set while the node runs, and a test could not cut it off.
		"--loose-plugin-wsrep-provider=OFF",
		"--wsrep-sst-method=rsync", "--wsrep-sst-receive-address=127.0.0.1:"+strconv.Itoa(n.snap))
	switch {
	case n.first:
		return append(args, "--wsrep-new-cluster")
	case n.position != "":
		args = append(args, "--wsrep-start-position="+n.position)
	}
	return append(args, "--init-file=") // its users are there
}

// nodePosition finds the last transaction in the data of a node that has crashed, as the unit of Debian's package does.
// With it the node asks the others for what it has missed only.
func nodePosition(ctx context.Context, in *Instance) error {
	in.node.position = ""
	if !in.crashed {
		return nil
	}
	const word = "Recovered position: "
	out, err := in.output("")
	if err != nil {
		return err
	}
	seen, err := out.file.Seek(0, 2)
	if err != nil {
		return err
	}
	p, err := spawn(in.command(in.programs.server, append(nodeArgs(in), "--wsrep-recover")), out)
	if err != nil {
		return err
	}
	select {
	case <-p.gone:
	case <-ctx.Done():
		return errors.Join(ctx.Err(), p.kill9())
	}
	log, err := os.ReadFile(in.folder.join("log"))
	if err != nil || p.err != nil {
		return errors.Join(err, p.err)
	}
	_, position, _ := strings.Cut(string(log[seen:]), word)
	position, _, _ = strings.Cut(position, "\n")
	in.node.position = strings.TrimSpace(position)
	return nil
}

// Freeze stops the processor for the server, with SIGSTOP: its connections stay and say nothing. Kill9 works on one
// that is frozen.
func (in *Instance) Freeze() error { return in.send(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (in *Instance) Thaw() error { return in.send(syscall.SIGCONT) }

func (in *Instance) send(s syscall.Signal) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.up() {
		return errDown
	}
	return in.running.signal(s)
}

// Wipe removes the data of a node that is down. After that it comes back with a copy of another node's.
func (in *Instance) Wipe() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.node == nil {
		return errors.New("only a node of a cluster can do without its data")
	}
	if in.up() {
		return errors.New("wipe: the node is up")
	}
	in.crashed = false // nothing is left to be recovered
	return errors.Join(os.RemoveAll(in.folder.join("data")), os.Mkdir(in.folder.join("data"), 0o700),
		in.folder.give("data"))
}
