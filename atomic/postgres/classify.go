package postgres

import (
	"errors"
	"reflect"
	"strings"

	"github.com/bursar-ledger/bursar/atomic"
)

// The SQLSTATEs that are treated in a special way.
const (
	connectionClass      = "08"
	protocolViolation    = "08P01"
	resolutionUnknown    = "08007"
	activeTransaction    = "25001"
	noTransaction        = "25P01"
	inFailedTransaction  = "25P02"
	readOnlyTransaction  = "25006"
	idleTimeout          = "25P03"
	transactionTimeout   = "25P04"
	constraintClass      = "23"
	uniqueViolation      = "23505"
	rollbackClass        = "40"
	serializationFailure = "40001"
	completionUnknown    = "40003"
	deadlockDetected     = "40P01"
	outOfMemory          = "53200"
	diskFull             = "53100"
	tooManyConnections   = "53300"
	lockNotAvailable     = "55P03"
	queryCanceled        = "57014"
	adminShutdown        = "57P01"
	crashShutdown        = "57P02"
	cannotConnectNow     = "57P03"
	idleSessionTimeout   = "57P05"
	systemClass          = "58"
	internalClass        = "XX"
	legacyRetry          = "CR000" // CockroachDB's before it used 40001
	databaseDropped      = "57P04"
	sqlStateLength       = 5
	sqlStateClass        = 2
)

// Classify reads SQLSTATEs. Every error of a statement breaks the database transaction, up to the rollback to a
// savepoint. An error that makes the snapshot useless breaks all of it.
func (Dialect) Classify(err error) atomic.Class {
	code := state(err)
	if len(code) != sqlStateLength {
		if atomic.Disconnected(err) {
			return atomic.Class{Kind: atomic.KindLost, Damage: atomic.DamageAll}
		}
		return atomic.Class{}
	}
	kind, damage := classify(code)
	if code == protocolViolation && refusedByPooler(err) {
		kind = atomic.KindStatement
	}
	class := atomic.Class{Kind: kind, Damage: damage, Code: code}
	if kind == atomic.KindUnique || kind == atomic.KindConstraint {
		class.Constraint = constraint(err)
	}
	return class
}

// refusedByPooler reports whether an error is PgBouncer's word that its settings do not allow this, which no other
// attempt changes. It has one SQLSTATE for all that it says, which is that of a lost connection too.
func refusedByPooler(err error) bool {
	text := err.Error()
	return strings.Contains(text, "transaction blocks not allowed in statement pooling mode") ||
		strings.Contains(text, "unsupported startup parameter")
}

// constraint is the name that the server sends in a field of its own. The errors of pgx and lib/pq have it in a field
// each, under the two names below. Those are public API of the drivers, but no methods, so an interface cannot find
// them.
func constraint(err error) string {
	var coded interface {
		error
		SQLState() string
	}
	if !errors.As(err, &coded) {
		return ""
	}
	value := reflect.Indirect(reflect.ValueOf(coded))
	if value.Kind() != reflect.Struct {
		return ""
	}
	for _, name := range [...]string{"ConstraintName", "Constraint"} {
		if field := value.FieldByName(name); field.IsValid() && field.Kind() == reflect.String {
			return field.String()
		}
	}
	return ""
}

func classify(code string) (atomic.Kind, atomic.Damage) {
	switch code {
	case serializationFailure, legacyRetry, tooManyConnections:
		return atomic.KindRetry, atomic.DamageAll
	case deadlockDetected, lockNotAvailable:
		return atomic.KindRetry, atomic.DamageBlock
	case resolutionUnknown, completionUnknown, outOfMemory, diskFull:
		return atomic.KindDoubt, atomic.DamageAll
	case idleTimeout, transactionTimeout, adminShutdown, crashShutdown, cannotConnectNow, idleSessionTimeout:
		return atomic.KindLost, atomic.DamageAll
	case readOnlyTransaction:
		return atomic.KindReadOnly, atomic.DamageBlock
	case uniqueViolation:
		return atomic.KindUnique, atomic.DamageBlock
	case noTransaction:
		return atomic.KindOther, atomic.DamageUnsure // An unseen statement has ended it, somehow.
	case queryCanceled:
		return atomic.KindOther, atomic.DamageBlock // During COMMIT it says nothing about the outcome.
	case databaseDropped:
		return atomic.KindDoubt, atomic.DamageAll
	}
	switch code[:sqlStateClass] {
	case connectionClass:
		return atomic.KindLost, atomic.DamageAll
	case constraintClass:
		return atomic.KindConstraint, atomic.DamageBlock
	case rollbackClass:
		return atomic.KindStatement, atomic.DamageAll
	case systemClass:
		return atomic.KindDoubt, atomic.DamageAll
	case internalClass:
		return atomic.KindOther, atomic.DamageBlock
	}
	return atomic.KindStatement, atomic.DamageBlock
}
