package tidy_test

import (
	"path"
	"slices"
	"strings"
)

const module = "github.com/bursar-ledger/bursar"

const (
	fileLinesMax        = 700
	funcLinesMax        = 70
	interfaceMethodsMax = 12
	mainLinesMax        = 30
	mainFile            = "cmd/bursar/main.go"
)

// The modules from outside that some room may use.
const (
	sqliteDriver = "modernc.org/sqlite"
	sqliteC      = "modernc.org/libc" // its types stand in the signatures of the driver's package lib
	pgxModule    = "github.com/jackc/pgx/v5"
	mysqlDriver  = "github.com/go-sql-driver/mysql"
	humaModule   = "github.com/danielgtaylor/huma/v2"
	textModule   = "golang.org/x/text"
	goCmp        = "github.com/google/go-cmp"
	rapidModule  = "pgregory.net/rapid"
	porcupine    = "github.com/anishathalye/porcupine"
	anything     = "*"
)

// row says what the non-test code of a room may import besides the standard
// library. Tests may import any room but the commands.
type row struct {
	room    string   // a directory, or dir/... for it and all below
	may     []string // rooms of the house; anything stands for all but the commands
	outside []string // modules from outside, each with all its packages
	drags   []string // modules that a program gets by importing the room, with all that these need
	never   []string // standard packages that must not be dragged in
	suite   bool     // a room for tests, imported by _test.go files and other suites only
}

// arrows is the plan of the house: arrows point down only. A room without a row
// is refused, so that adding one forces a decision; a row without a room is fine.
var arrows = []row{
	{room: "money", never: []string{"database/sql"}},
	{
		room:    "money/format",
		may:     []string{"money"},
		outside: []string{textModule}, drags: []string{textModule},
		never: []string{"database/sql"},
	},
	{room: "internal/journal", never: []string{"database/sql"}},
	{room: "internal/clock", never: []string{"database/sql"}},
	{room: "atomic/internal/native", never: []string{"database/sql"}},
	{room: "atomic", may: []string{"internal/clock", "atomic/internal/native"}},
	{room: "atomic/sqlite", may: []string{"atomic"}},
	{room: "atomic/postgres", may: []string{"atomic"}},
	{room: "atomic/mysql", may: []string{"atomic"}},
	{
		room:    "atomic/pgxatomic",
		may:     []string{"atomic", "atomic/internal/native", "atomic/postgres"},
		outside: []string{pgxModule}, drags: []string{pgxModule},
	},
	{room: "internal/brief", never: []string{"database/sql"}},
	{room: ".", may: []string{"money", "internal/brief"}, never: []string{"database/sql"}},
	{room: "internal/coded", may: []string{"."}, never: []string{"database/sql"}},
	{room: "internal/chain", may: []string{".", "money", "internal/journal"}, never: []string{"database/sql"}},
	{room: "driver", may: []string{".", "money"}, never: []string{"database/sql"}},
	{
		room: "ledger",
		may: []string{
			".", "driver", "money", "internal/brief", "internal/chain", "internal/clock", "internal/coded", "internal/journal",
		},
		never: []string{"database/sql"},
	},
	{
		room: "internal/sqlstore",
		may:  []string{".", "driver", "atomic", "money", "internal/chain", "internal/journal"},
	},
	{
		room:    "store/sqlite",
		may:     []string{".", "driver", "atomic", "atomic/sqlite", "internal/sqlstore"},
		outside: []string{sqliteDriver, sqliteC}, drags: []string{sqliteDriver},
	},
	{
		room:    "store/postgres",
		may:     []string{".", "driver", "atomic", "atomic/postgres", "atomic/pgxatomic", "internal/sqlstore"},
		outside: []string{pgxModule}, drags: []string{pgxModule},
	},
	{
		room:    "store/mysql",
		may:     []string{".", "driver", "atomic", "atomic/mysql", "internal/sqlstore"},
		outside: []string{mysqlDriver}, drags: []string{mysqlDriver},
	},
	{
		room:  "store",
		may:   []string{".", "driver", "atomic", "store/sqlite", "store/postgres", "store/mysql"},
		drags: []string{sqliteDriver, pgxModule, mysqlDriver},
	},
	{room: "internal/verify", may: []string{".", "driver", "money", "internal/chain", "internal/journal"}},
	{room: "internal/exchange", may: []string{".", "driver", "money", "internal/brief", "internal/coded"}},
	{
		room:    "internal/httpapi",
		may:     []string{".", "ledger", "money", "internal/brief", "internal/coded"},
		outside: []string{humaModule}, drags: []string{humaModule},
	},
	{
		room: "internal/bench",
		may: []string{
			".", "atomic", "ledger", "money", "store", "store/mysql", "store/sqlite", "internal/clock", "internal/verify",
		},
		outside: []string{pgxModule}, drags: []string{sqliteDriver, pgxModule, mysqlDriver},
	},
	{room: "cmd/bursar", may: []string{anything}, outside: []string{anything}, drags: []string{anything}},
	{
		room:  "examples/...",
		may:   []string{".", "ledger", "money", "driver", "atomic", "store", "store/sqlite", "store/postgres"},
		drags: []string{sqliteDriver, pgxModule, mysqlDriver},
	},
	{room: "internal/tidy"},
	{room: "internal/tools/...", may: []string{"internal/sqltest/server", "internal/sqltest/bundle"}},
	{room: "internal/sqltest/server", may: []string{"internal/sqltest/bundle"}, never: []string{"database/sql"}},
	{room: "internal/sqltest/bundle", never: []string{"database/sql"}},
	{
		room:  "bursartest",
		may:   []string{".", "driver", "ledger", "money", "store/sqlite", "internal/clock", "internal/verify"},
		drags: []string{sqliteDriver}, suite: true,
	},
	{room: "bursartest/internal/servertest", may: []string{"internal/sqltest/server"}, suite: true},
	{
		room: "bursartest/sqlitetest", may: []string{"store/sqlite"}, drags: []string{sqliteDriver}, suite: true,
	},
	{
		room:    "bursartest/postgrestest",
		may:     []string{"bursartest/internal/servertest", "internal/sqltest/server", "store/postgres"},
		outside: []string{pgxModule}, drags: []string{pgxModule}, suite: true,
	},
	{
		room:  "bursartest/mysqltest",
		may:   []string{"bursartest/internal/servertest", "internal/sqltest/server", "store/mysql"},
		drags: []string{mysqlDriver}, suite: true,
	},
	{
		room:    "internal/sqltest",
		may:     []string{"internal/sqltest/server"},
		outside: []string{pgxModule, mysqlDriver}, drags: []string{pgxModule, mysqlDriver}, suite: true,
	},
	{room: "atomic/atomictest", may: []string{"atomic", "internal/clock"}, suite: true},
	{
		room: "store/storetest",
		may: []string{
			".", "driver", "ledger", "money", "atomic", "internal/chain", "internal/clock", "internal/journal",
			"internal/sqlstore", "internal/verify", "internal/sqltest",
		},
		outside: []string{goCmp, rapidModule}, drags: []string{sqliteDriver, goCmp, rapidModule}, suite: true,
	},
	{
		room: "ledger/lawtest",
		may: []string{
			".", "driver", "ledger", "money", "store/storetest", "bursartest", "internal/clock", "internal/sqltest",
		},
		outside: []string{goCmp, rapidModule, porcupine},
		drags:   []string{sqliteDriver, goCmp, rapidModule, porcupine}, suite: true,
	},
}

// heavy lists what only the commands, the HTTP interface and suites may ever
// drag in: an application that imports Bursar does not pay for them. A row that
// names one elsewhere is refused, and so is one that comes with a permitted module.
var heavy = []string{
	"github.com/spf13/cobra",
	"github.com/schollz/progressbar",
	humaModule,
	"github.com/prometheus",
	"go.opentelemetry.io",
	"github.com/rogpeppe/go-internal",
	rapidModule,
	goCmp,
	porcupine,
}

// longAllowed names the files ("path") and functions ("path:name") that may pass
// the size limits, each with the reason. An entry that is not needed is refused.
var longAllowed = map[string]string{}

// exactRooms compute with money, or decide on it: no floats, no random numbers.
var exactRooms = []string{
	".", "ledger/...", "driver/...", "money/...",
	"internal/chain/...", "internal/journal/...", "internal/sqlstore/...", "store/...",
}

// randomAllowed names the files that may draw random numbers in spite of standing
// in a room where nothing else may.
var randomAllowed = map[string]string{
	"atomic/atomic.go": "jitter keeps two retrying writers from colliding for ever",
}

// ban forbids names of a standard package in non-test code.
type ban struct {
	pkg    string
	names  []string // exact, or with a trailing * for a prefix
	except []string // rooms
	why    string
}

var bans = []ban{
	{
		pkg: "time", names: []string{"Now", "Since", "Until"},
		except: []string{"internal/clock", "cmd/...", "examples/..."},
		why:    "take the time from internal/clock",
	},
	{
		pkg: "fmt", names: []string{"Print", "Printf", "Println"},
		except: []string{"cmd/...", "examples/...", "internal/tools/..."},
		why:    "only commands talk to the terminal; return a value or take an io.Writer",
	},
	{
		pkg: "os", names: []string{"Exit", "Stdout", "Stderr"},
		except: []string{"cmd/...", "examples/...", "internal/tools/..."},
		why:    "only commands own the process; return an error or take an io.Writer",
	},
	{
		pkg: "log", names: []string{"Print*", "Fatal*", "Panic*"},
		except: []string{"examples/..."},
		why:    "return an error, or take a *slog.Logger",
	},
	{
		pkg: "context", names: []string{"TODO"},
		why: "take the context from the caller",
	},
}

// matches reports whether a directory is named by a pattern: itself, or dir/...
// for dir and all below.
func matches(pattern, dir string) bool {
	base, deep := strings.CutSuffix(pattern, "/...")
	return dir == base || deep && strings.HasPrefix(dir, base+"/")
}

func matchesAny(patterns []string, dir string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, dir) })
}

// rowFor returns the row of a room, or false where there is none.
func rowFor(dir string) (row, bool) {
	i := slices.IndexFunc(arrows, func(r row) bool { return matches(r.room, dir) })
	if i < 0 {
		return row{}, false
	}
	return arrows[i], true
}

// roomOf returns the directory of a package of the house, or false for others.
func roomOf(importPath string) (string, bool) {
	if importPath == module {
		return ".", true
	}
	dir, ok := strings.CutPrefix(importPath, module+"/")
	return dir, ok
}

// ofModule reports whether a package belongs to one of the modules.
func ofModule(importPath string, modules []string) bool {
	return slices.ContainsFunc(modules, func(m string) bool {
		return m == anything || importPath == m || strings.HasPrefix(importPath, m+"/")
	})
}

// isCommand reports whether a room holds a command.
func isCommand(dir string) bool { return dir == "cmd" || strings.HasPrefix(dir, "cmd/") }

// isPublic reports whether applications may import a room.
func isPublic(dir string) bool {
	return !within(path.Join(dir, "x"), "internal") && !matches("cmd/...", dir) && !matches("examples/...", dir)
}

// isSuite reports whether a room exists for tests.
func isSuite(dir string) bool {
	r, ok := rowFor(dir)
	return ok && r.suite
}
