package sqlite

import (
	"strconv"

	"github.com/bursar-ledger/bursar/atomic"
)

// SQLite's primary result codes, and the extended codes that are treated in a special way. The low byte of an extended
// code is its primary code.
const (
	codeError      = 1
	codeInternal   = 2
	codePerm       = 3
	codeAbort      = 4
	codeBusy       = 5
	codeLocked     = 6
	codeNoMem      = 7
	codeReadOnly   = 8
	codeInterrupt  = 9
	codeIOErr      = 10
	codeCorrupt    = 11
	codeFull       = 13
	codeCantOpen   = 14
	codeProtocol   = 15
	codeSchema     = 17
	codeTooBig     = 18
	codeConstraint = 19
	codeMismatch   = 20
	codeMisuse     = 21
	codeNotADB     = 26

	codeBusyRecovery         = 261
	codeBusySnapshot         = 517
	codeBusyTimeout          = 773
	codeLockedSharedCache    = 262
	codeLockedVTab           = 518
	codeConstraintForeignKey = 787
	codeConstraintPrimaryKey = 1555
	codeConstraintUnique     = 2067
	codeConstraintRowID      = 2579
)

// Classify reads SQLite's result codes. Most errors leave it open whether the database transaction is still there:
// a conflict clause or a trigger may say ROLLBACK, and an interrupted write rolls back. After those the engine is
// asked. Once storage has failed, nothing in the database transaction is trusted again.
func (Dialect) Classify(err error) atomic.Class {
	code, ok := resultCode(err)
	if !ok {
		return atomic.Class{}
	}
	class := atomic.Class{Kind: atomic.KindStatement, Code: codeName(code)}
	switch code & 0xff {
	case codeBusy, codeLocked, codeProtocol:
		class.Kind = atomic.KindRetry
		if code == codeBusySnapshot {
			class.Damage = atomic.DamageAll // The snapshot stays stale: no later write can succeed.
		}
	case codeConstraint:
		class.Kind = constraintKind(code)
	case codeIOErr, codeFull, codeNoMem, codeCorrupt, codeNotADB, codeInternal, codeCantOpen:
		class.Kind, class.Damage = atomic.KindDoubt, atomic.DamageAll
	case codeInterrupt, codeAbort:
		class.Kind = atomic.KindOther
	}
	return class
}

func constraintKind(code int) atomic.Kind {
	switch code {
	case codeConstraintPrimaryKey, codeConstraintUnique, codeConstraintRowID:
		return atomic.KindUnique
	}
	return atomic.KindConstraint
}

// codeName is SQLite's name for a code, or its number if the code has no name here.
func codeName(code int) string {
	switch code {
	case codeBusyRecovery:
		return "SQLITE_BUSY_RECOVERY"
	case codeBusySnapshot:
		return "SQLITE_BUSY_SNAPSHOT"
	case codeBusyTimeout:
		return "SQLITE_BUSY_TIMEOUT"
	case codeLockedSharedCache:
		return "SQLITE_LOCKED_SHAREDCACHE"
	case codeLockedVTab:
		return "SQLITE_LOCKED_VTAB"
	case codeConstraintPrimaryKey:
		return "SQLITE_CONSTRAINT_PRIMARYKEY"
	case codeConstraintUnique:
		return "SQLITE_CONSTRAINT_UNIQUE"
	case codeConstraintRowID:
		return "SQLITE_CONSTRAINT_ROWID"
	}
	name := primaryName(code & 0xff)
	if name == "" {
		return strconv.Itoa(code)
	}
	if code > 0xff {
		return name + "(" + strconv.Itoa(code) + ")"
	}
	return name
}

func primaryName(code int) string {
	switch code {
	case codeError:
		return "SQLITE_ERROR"
	case codeBusy:
		return "SQLITE_BUSY"
	case codeLocked:
		return "SQLITE_LOCKED"
	case codeNoMem:
		return "SQLITE_NOMEM"
	case codeReadOnly:
		return "SQLITE_READONLY"
	case codeInterrupt:
		return "SQLITE_INTERRUPT"
	case codeIOErr:
		return "SQLITE_IOERR"
	case codeCorrupt:
		return "SQLITE_CORRUPT"
	case codeFull:
		return "SQLITE_FULL"
	case codeProtocol:
		return "SQLITE_PROTOCOL"
	case codeConstraint:
		return "SQLITE_CONSTRAINT"
	}
	return ""
}
