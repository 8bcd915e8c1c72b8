//go:build !bursar_no_modernc

package sqlite

import (
	"reflect"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// handleOf is SQLite's handle of the driver's connection, 0 where that is another driver's. The driver does not hand it
// out, so it is read from its memory. Nothing is written there.
func handleOf(driverConn any) uintptr {
	if c, ok := driverConn.(*conn); ok {
		driverConn = c.baseConn
	}
	value := reflect.ValueOf(driverConn)
	if value.Kind() != reflect.Pointer || value.Elem().Kind() != reflect.Struct {
		return 0
	}
	handle := value.Elem().FieldByName("db")
	if handle.Kind() != reflect.Uintptr {
		return 0
	}
	return uintptr(handle.Uint())
}

// scan reads rows through the driver's own copy of SQLite, without a value of Go's for every column. The caller has the
// connection to itself meanwhile. Whatever does not go as it should is left to the driver, which says why.
func scan(driverConn any, query string, args []int64, row func([]sqlstore.Scanned)) bool {
	handle := handleOf(driverConn)
	if handle == 0 {
		return false
	}
	tls := libc.NewTLS()
	defer tls.Close()
	statement := prepared(tls, handle, query)
	if statement == 0 {
		return false
	}
	defer sqlite3.Xsqlite3_finalize(tls, statement)
	for i, arg := range args {
		if sqlite3.Xsqlite3_bind_int64(tls, statement, int32(i+1), arg) != sqlite3.SQLITE_OK {
			return false
		}
	}
	size := reflect.TypeFor[sqlite3.Tsqlite3_value]().Size()
	values := make([]sqlstore.Scanned, sqlite3.Xsqlite3_column_count(tls, statement))
	for {
		switch sqlite3.Xsqlite3_step(tls, statement) {
		case sqlite3.SQLITE_ROW:
			if !scanRow(tls, statement, size, values) {
				return false
			}
			row(values)
		case sqlite3.SQLITE_DONE:
			return true
		default:
			return false
		}
	}
}

// scanRow reads the values of a row. Asking for a column takes SQLite's lock, which costs more than the value. But the
// values of a row stand side by side, each of this size, so only the first and the last one are asked for. False means
// that they do not.
func scanRow(tls *libc.TLS, statement, size uintptr, values []sqlstore.Scanned) bool {
	last := len(values) - 1
	first := sqlite3.Xsqlite3_column_value(tls, statement, 0)
	if first+uintptr(last)*size != sqlite3.Xsqlite3_column_value(tls, statement, int32(last)) {
		return false
	}
	for i := range values {
		values[i] = scanned(tls, first+uintptr(i)*size)
	}
	return true
}

// prepared is a statement, 0 where SQLite does not understand it.
func prepared(tls *libc.TLS, handle uintptr, query string) (statement uintptr) {
	text, err := libc.CString(query)
	if err != nil {
		return 0
	}
	defer libc.Xfree(tls, text)
	const pointer = 8
	place := libc.Xcalloc(tls, 1, pointer)
	if place == 0 {
		return 0
	}
	defer libc.Xfree(tls, place)
	if sqlite3.Xsqlite3_prepare_v2(tls, handle, text, -1, place, 0) != sqlite3.SQLITE_OK {
		return 0
	}
	return libc.AtomicLoadPUintptr(place)
}

// scanned is one value of a row. Its kind is asked once, and without the lock that each question to a column takes.
func scanned(tls *libc.TLS, value uintptr) sqlstore.Scanned {
	switch sqlite3.Xsqlite3_value_type(tls, value) {
	case sqlite3.SQLITE_INTEGER:
		return sqlstore.Scanned{Kind: sqlstore.ScannedInt, Int: sqlite3.Xsqlite3_value_int64(tls, value)}
	case sqlite3.SQLITE_NULL:
		return sqlstore.Scanned{Kind: sqlstore.ScannedNull}
	case sqlite3.SQLITE_BLOB:
		blob := sqlite3.Xsqlite3_value_blob(tls, value)
		size := int(sqlite3.Xsqlite3_value_bytes(tls, value))
		if blob == 0 || size == 0 {
			return sqlstore.Scanned{Kind: sqlstore.ScannedBlob}
		}
		return sqlstore.Scanned{Kind: sqlstore.ScannedBlob, Blob: libc.GoBytes(blob, size)}
	default:
		return sqlstore.Scanned{Kind: sqlstore.ScannedOther}
	}
}
