// Package coded gives errors the code of the ledger's table and the name of the field that they are about.
//
// [At] names a field, [Error] only gives a code. They serve those who read requests; what checks a request that was
// read is Transfer.Validate and Opening.Validate of package bursar.
package coded

import (
	"errors"

	"github.com/bursar-ledger/bursar"
)

// Error gives an error of package money its code as a *bursar.Error. Other errors, and nil, stay as they are.
func Error(err error) error {
	var e *bursar.Error
	code := bursar.CodeOf(err)
	if err == nil || errors.As(err, &e) || code == bursar.CodeInternal || code == bursar.CodeCanceled {
		return err
	}
	return bursar.Errorf(code, "%w", err)
}

// At is Error, and names the field that the error is about unless a deeper place has named one.
func At(err error, field string) error {
	var e *bursar.Error
	if err = Error(err); !errors.As(err, &e) || e.Field != "" {
		return err
	}
	named := *e
	named.Field = field
	return &named
}
