package bursar

import "errors"

// Coded gives an error of package money its code as an *Error; other errors, and nil, stay as they are.
func Coded(err error) error {
	var e *Error
	if code := CodeOf(err); err != nil && !errors.As(err, &e) && code != Internal && code != Canceled {
		return Errorf(code, "%w", err)
	}
	return err
}

// InField is Coded, and names the field that the error is about unless a deeper place has named one. It is for those
// who read requests.
func InField(err error, field string) error {
	var e *Error
	if err = Coded(err); !errors.As(err, &e) || e.Field != "" {
		return err
	}
	named := *e
	named.Field = field
	return &named
}
