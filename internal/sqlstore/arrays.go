package sqlstore

import "fmt"

// columnArrays turns rows of arguments, one after another, into an array for each of their columns. A column of NULLs
// alone is NULL.
func columnArrays(args []any, columns int) []any {
	arrays := make([]any, columns)
	for c := range arrays {
		arrays[c] = array(args, len(args)/columns, c, columns)
	}
	return arrays
}

// array makes one array of the values at first, first+step and so on. It has the type of its values. A driver can send
// that without asking the server what it wants, and faster than values of any type.
func array(args []any, rows, first, step int) any {
	var kind any
	nulls := false
	for r := range rows {
		switch v := args[first+r*step]; v.(type) {
		case nil:
			nulls = true
		default:
			kind = v
		}
	}
	switch kind.(type) {
	case int64:
		if nulls {
			return pointers[int64](args, rows, first, step)
		}
		return plain[int64](args, rows, first, step)
	case string:
		if nulls {
			return pointers[string](args, rows, first, step)
		}
		return plain[string](args, rows, first, step)
	case []byte:
		return plain[[]byte](args, rows, first, step) // nil is NULL
	case nil:
		return nil
	default:
		panic(fmt.Sprintf("sqlstore: a %T in an array", kind))
	}
}

// plain has the zero value for NULL.
func plain[T any](args []any, rows, first, step int) []T {
	values := make([]T, rows)
	for r := range values {
		values[r], _ = args[first+r*step].(T)
	}
	return values
}

// pointers has nil for NULL.
func pointers[T any](args []any, rows, first, step int) []*T {
	values, refs := make([]T, rows), make([]*T, rows)
	for r := range refs {
		if v, ok := args[first+r*step].(T); ok {
			values[r] = v
			refs[r] = &values[r]
		}
	}
	return refs
}
