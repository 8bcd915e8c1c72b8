package sqlstore_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/bursar-ledger/bursar/internal/sqlstore"
	"github.com/bursar-ledger/bursar/internal/sqltest"
)

// TestEnginesDocument holds what the dialects say that engines can do against docs/engines.md.
func TestEnginesDocument(t *testing.T) {
	for engine, store := range engines() {
		d := sqlstore.DialectOf(store)
		var can, limits []string
		for field, value := range reflect.ValueOf(d.Can).Fields() {
			if value.Kind() == reflect.Bool && value.Bool() {
				can = append(can, field.Name)
			}
		}
		for field, value := range reflect.ValueOf(d.Limits).Fields() {
			if !value.IsZero() {
				limits = append(limits, fmt.Sprintf("%s %v", field.Name, value))
			}
		}
		sqltest.Document(t, "dialects", 1, engine, strings.Join(can, ", "), strings.Join(limits, ", "))
	}
}
