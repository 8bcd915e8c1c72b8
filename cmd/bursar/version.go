package main

import (
	"io/fs"
	"runtime"
	"runtime/debug"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/bursar-ledger/bursar/store/sqlite"
)

func newVersionCommand(e *env) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print what this program was built from",
		Example: "  bursar version\n  bursar version -o json",
		RunE: func(*cobra.Command, []string) error {
			v, err := newVersion()
			if err != nil {
				return err
			}
			return e.show(v,
				field{"version", v.Version},
				field{"revision", v.Revision},
				field{"modified", strconv.FormatBool(v.Modified)},
				field{"time", v.Time},
				field{"go", v.Go},
				field{"platform", v.Platform},
				field{"schema", strconv.Itoa(v.Schema)},
			)
		},
	}
}

// version is what this program knows of its build.
type version struct {
	Version  string `json:"version"`
	Revision string `json:"revision"` // of the source; empty when it was not built from a repository
	Modified bool   `json:"modified"` // the source was not the revision's
	Time     string `json:"time"`     // of the revision
	Go       string `json:"go"`
	Platform string `json:"platform"`
	Schema   int    `json:"schema"` // the version of the database schema that this program needs
}

func newVersion() (version, error) {
	files, err := fs.Glob(sqlite.Migrations(), "*.up.sql") // every engine has as many
	v := version{
		Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, Schema: len(files),
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v, err
	}
	if info.Main.Version != "" {
		v.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Revision = s.Value
		case "vcs.modified":
			v.Modified = s.Value == "true"
		case "vcs.time":
			v.Time = s.Value
		}
	}
	return v, err
}

// programVersion is the version alone, which --version prints.
func programVersion() string {
	v, err := newVersion()
	if err != nil {
		return "unknown"
	}
	return v.Version
}
