//go:build !linux

package sqltest

import "os"

// alone does nothing: servers are started on Linux only, and so are the tests that write the document.
func alone(*os.File) error { return nil }
