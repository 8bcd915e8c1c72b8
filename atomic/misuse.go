package atomic

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"reflect"
)

// need panics unless a call was given what it cannot do without. It panics here, and not where the missing thing is
// used: that may be after COMMIT.
func need(given bool, call, what string) {
	if !given {
		panic("atomic: " + call + ": " + what + " is nil")
	}
}

// errPanicked is the cause when a statement has panicked.
var errPanicked = errors.New("a statement panicked, in an argument's driver.Valuer, in the function given to Raw, " +
	"or in the driver")

// A flight is one statement on its way through database/sql.
type flight struct {
	returned bool
	// locked means that a panic now would leave the connection locked.
	locked bool
}

// ready lets the Valuers among the arguments of a query panic before database/sql sees them. A panic inside
// sql.Conn.QueryContext leaves the connection locked, and whoever gives the connection back waits for ever. After a
// panic of the driver itself the connection is lost to the pool.
func (f *flight) ready(args []any) {
	for _, arg := range args {
		if named, ok := arg.(sql.NamedArg); ok {
			arg = named.Value
		}
		valuer, ok := arg.(driver.Valuer)
		if !ok || absent(valuer) {
			continue
		}
		_, _ = valuer.Value() // The driver asks again.
	}
	f.locked = true
}

// unwound is deferred around a statement, and ends it if it has panicked. Nobody knows how much of it was sent.
func (s *session) unwound(ctx context.Context, f *flight) {
	if f.returned {
		return
	}
	s.harm(DamageAll, errPanicked, true)
	s.mu.Lock()
	s.locked = s.locked || f.locked
	s.mu.Unlock()
	s.leave(ctx, nil)
}

// absent reports whether database/sql takes a Valuer for NULL without asking: a nil pointer whose method has a value
// receiver.
func absent(valuer driver.Valuer) bool {
	v := reflect.ValueOf(valuer)
	return v.Kind() == reflect.Pointer && v.IsNil() && v.Type().Elem().Implements(reflect.TypeFor[driver.Valuer]())
}
