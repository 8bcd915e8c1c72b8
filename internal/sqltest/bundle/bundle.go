package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Bundle is an engine as one release of Debian has it.
type Bundle struct {
	Name     string   // of the engine and its version
	Suite    string   // the release of Debian
	Packages []string // the first one gives the bundle its version
	Programs []string // patterns of the files that run through the bundle's own loader, from the root of the bundle
}

// ErrMissing is the error of a bundle that is not in the cache. Errors that wrap it say in one line what to do.
var ErrMissing = errors.New("is not in the cache of engines")

// format changes with the way in which bundles are unpacked, so that older ones are not taken for newer ones.
const format = "1"

// All lists the bundles. MySQL is in no stable release of Debian.
func All() []Bundle {
	postgres := func(version, suite string) Bundle {
		return Bundle{
			Name: "postgres" + version, Suite: suite, Packages: []string{"postgresql-" + version},
			Programs: []string{"usr/lib/postgresql/" + version + "/bin/*"},
		}
	}
	mariaDB := func(version, suite string) Bundle {
		return Bundle{
			Name: "mariadb" + version, Suite: suite, Packages: []string{"mariadb-server", "galera-4"},
			Programs: []string{
				"usr/sbin/mariadbd", "usr/bin/mariadb*", "usr/bin/my_print_defaults", "usr/bin/resolveip",
				"usr/bin/rsync", "usr/bin/socat*", "usr/bin/lsof",
			},
		}
	}
	return []Bundle{
		postgres("15", "bookworm"), postgres("18", "forky"),
		mariaDB("10.11", "bookworm"), mariaDB("11.8", "trixie"),
		{
			Name: "mysql9", Suite: "sid", Packages: []string{"mysql-server-core"},
			Programs: []string{"usr/sbin/mysqld"},
		},
		{Name: "pgbouncer", Suite: "trixie", Packages: []string{"pgbouncer"}, Programs: []string{"usr/sbin/pgbouncer"}},
	}
}

// Named returns the bundle of a name, and whether there is one.
func Named(name string) (Bundle, bool) {
	all := All()
	i := slices.IndexFunc(all, func(b Bundle) bool { return b.Name == name })
	if i < 0 {
		return Bundle{}, false
	}
	return all[i], true
}

// Cache returns the folder of all bundles, which the programs of one user share: that of BURSAR_ENGINES_CACHE, or
// bursar-engines in the user's own cache. Root has it in /var/cache: servers do not run as root, and nobody else can
// read root's own.
func Cache() (string, error) {
	if dir := os.Getenv("BURSAR_ENGINES_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	if os.Geteuid() == 0 {
		return "/var/cache/bursar-engines", nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a folder for engines, or name one in BURSAR_ENGINES_CACHE: %w", err)
	}
	return filepath.Join(dir, "bursar-engines"), nil
}

// Find returns the folder of the bundle with its newest version. It fails with [ErrMissing] if the bundle was not
// fetched.
func (b Bundle) Find() (string, error) {
	cache, err := Cache()
	if err != nil {
		return "", err
	}
	return b.find(cache)
}

func (b Bundle) find(cache string) (string, error) {
	found, err := filepath.Glob(filepath.Join(cache, b.folder("*")))
	if err != nil {
		return "", fmt.Errorf("look for %s in %s: %w", b.Name, cache, err)
	}
	if len(found) == 0 {
		return "", fmt.Errorf("%s %w: run go run ./internal/tools/testenv setup %[1]s", b.Name, ErrMissing)
	}
	return slices.MaxFunc(found, func(one, other string) int { return compareVersions(one, other) }), nil
}

// folder names the folder of a version. A bundle whose definition has changed is another one.
func (b Bundle) folder(version string) string {
	what := strings.Join(append([]string{format, b.Suite}, append(b.Packages, b.Programs...)...), "\n")
	sum := sha256.Sum256([]byte(what))
	return b.Name + "_" + version + "_" + hex.EncodeToString(sum[:4])
}

// compareVersions orders texts by the numbers in them, so that 9.10 is after 9.9.
func compareVersions(one, other string) int {
	return slices.CompareFunc(pieces(one), pieces(other), func(a, b string) int {
		if digits(a) && digits(b) && len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
}

// pieces cuts a text where digits begin and end.
func pieces(s string) []string {
	var cut []string
	for s != "" {
		n := 1
		for n < len(s) && digits(s[n:n+1]) == digits(s[:1]) {
			n++
		}
		piece := s[:n]
		if digits(piece) {
			piece = strings.TrimLeft(piece, "0")
		}
		cut, s = append(cut, piece), s[n:]
	}
	return cut
}

// digits reports whether a text is digits alone. The empty one is a zero.
func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }
