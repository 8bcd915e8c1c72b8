package mysql

import (
	"errors"
	"reflect"
	"strconv"
	"strings"

	"github.com/bursar-ledger/bursar/atomic"
)

const (
	noSavepoint     = 1305
	transactionOpen = 1568
	syntaxError     = 1064
)

// emptyTrigger is how MariaDB says that it has opened a table and read nothing where the text of a trigger stands. It
// happens to nodes of Galera under load. Every statement on the opened table fails so, and those on the same table that
// was opened another time go well.
const emptyTrigger = "trigger has an error in its body: 'Query was empty'"

// Classify reads the error numbers of MySQL and MariaDB. SQLSTATEs would not do: most conflicts share HY000 with
// everything else. For a number that is not listed, the engine is asked whether the database transaction is still
// there.
func (d Dialect) Classify(err error) atomic.Class {
	number, ok := d.number(err)
	if !ok {
		if atomic.Disconnected(err) {
			return atomic.Class{Kind: atomic.KindLost, Damage: atomic.DamageAll}
		}
		return atomic.Class{}
	}
	kind, damage := classify(number)
	if number == syntaxError && strings.Contains(err.Error(), emptyTrigger) {
		kind = atomic.KindRetry
	}
	return atomic.Class{Kind: kind, Damage: damage, Code: strconv.Itoa(int(number))}
}

func classify(number uint16) (atomic.Kind, atomic.Damage) {
	switch number {
	case 1213, // deadlock; with Galera also a certification that failed
		3101, // rolled back during COMMIT by group replication
		1020, // MariaDB: the record has changed since the snapshot
		1040, // too many connections
		1203: // too many connections of one user
		return atomic.KindRetry, atomic.DamageAll
	case 1205, // lock wait timeout; with MariaDB also NOWAIT
		3572: // NOWAIT
		return atomic.KindRetry, atomic.DamageBlock
	case 1062, 1022, 1586:
		return atomic.KindUnique, atomic.DamageNone
	case 1048, 1216, 1217, 1451, 1452, 1557, 1761, 1762, 3819, 4025:
		return atomic.KindConstraint, atomic.DamageNone
	case 1317: // interrupted: during COMMIT it says nothing about the outcome
		return atomic.KindOther, atomic.DamageUnsure
	case 1180, // an error during COMMIT
		1021, 1026, 1030, 1037, 1038, 1041, 1114: // storage or memory
		return atomic.KindDoubt, atomic.DamageAll
	case 1053, 1927, 2006, 2013, 2055, 4031, 3169, 1152, 1158, 1159, 1160, 1161, // shutdown, killed, network
		1047: // Galera: the node is not ready
		return atomic.KindLost, atomic.DamageAll
	case 1290, 1792, 1836:
		return atomic.KindReadOnly, atomic.DamageUnsure
	case 1054, 1064, 1146: // no such column, syntax, no such table
		return atomic.KindStatement, atomic.DamageNone
	}
	return atomic.KindStatement, atomic.DamageUnsure
}

// number is the error number inside err.
func (d Dialect) number(err error) (number uint16, ok bool) {
	if err == nil {
		return 0, false
	}
	if d.Number != nil {
		if number, ok := d.Number(err); ok {
			return number, true
		}
	}
	return numberByShape(err)
}

// numberByShape finds a *mysql.MySQLError of go-sql-driver in the tree of err. The type has fields but no methods,
// so an interface cannot find it. An injected function alone would not do either: the zero Dialect would recognise
// nothing, and nobody would notice before the first deadlock. The name and the type of the field are public API of
// the driver.
func numberByShape(err error) (number uint16, ok bool) {
	for err != nil {
		if number, ok := shaped(err); ok {
			return number, true
		}
		if many, ok := err.(interface{ Unwrap() []error }); ok {
			for _, err := range many.Unwrap() {
				if number, ok := numberByShape(err); ok {
					return number, true
				}
			}
			return 0, false
		}
		err = errors.Unwrap(err)
	}
	return 0, false
}

func shaped(err error) (number uint16, ok bool) {
	value := reflect.ValueOf(err)
	if value.Kind() == reflect.Pointer {
		value = value.Elem()
	}
	if value.Kind() != reflect.Struct || value.Type().Name() != "MySQLError" {
		return 0, false
	}
	field := value.FieldByName("Number")
	if !field.IsValid() || field.Kind() != reflect.Uint16 {
		return 0, false
	}
	return uint16(field.Uint()), true
}
