//go:build !linux

package bundle

import "errors"

const supported = false

func lock(string) (func() error, error) { return nil, errors.ErrUnsupported }
