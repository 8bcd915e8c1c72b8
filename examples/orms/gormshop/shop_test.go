package gormshop_test

import (
	"errors"
	"testing"

	gormmysql "gorm.io/driver/mysql"
	gormpostgres "gorm.io/driver/postgres"
	gormsqlite "gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/bursar-ledger/bursar/atomic"
	"github.com/bursar-ledger/bursar/internal/sqltest"
	"github.com/bursar-ledger/bursar/ledger"
	"github.com/bursar-ledger/bursar/store/mysql"

	atomicmysql "github.com/bursar-ledger/bursar/atomic/mysql"

	"github.com/bursar-ledger/bursar/examples/orms/gormshop"
	"github.com/bursar-ledger/bursar/examples/orms/shoptest"
)

// TestTranslateErrorHidesTheDriversError is what the guide warns of.
func TestTranslateErrorHidesTheDriversError(t *testing.T) {
	t.Parallel()
	dsn, err := mysql.DSN(sqltest.MariaDB(t).URL())
	if err != nil {
		t.Fatal(err)
	}
	for _, translate := range []bool{false, true} {
		db, err := gorm.Open(gormmysql.Open(dsn), &gorm.Config{Logger: logger.Discard, TranslateError: translate})
		if err != nil {
			t.Fatal(err)
		}
		if handle, err := db.DB(); err == nil {
			t.Cleanup(func() { _ = handle.Close() })
		}
		if err := db.Exec("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY)").Error; err != nil {
			t.Fatal(err)
		}
		_ = db.Exec("INSERT INTO t VALUES (1)") // one of both is there already
		err = db.Exec("INSERT INTO t VALUES (1)").Error
		_, unique := atomic.IsUnique(err, atomicmysql.MariaDB{})
		if hidden := errors.Is(err, gorm.ErrDuplicatedKey); unique == translate || hidden != translate {
			t.Errorf("TranslateError is %t: %v", translate, err)
		}
	}
}

func TestPurchase(t *testing.T) {
	t.Parallel()
	for _, prepare := range []bool{false, true} {
		name := map[bool]string{false: "plain", true: "PrepareStmt"}[prepare]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			shoptest.Run(t, func(t *testing.T, d *shoptest.Database) shoptest.Buy {
				var dialector gorm.Dialector
				var on func(*gorm.DB) ledger.Transactor[*gorm.DB]
				switch d.Engine {
				case shoptest.Postgres:
					dialector, on = gormpostgres.New(gormpostgres.Config{Conn: d.DB}), gormshop.OnPostgres
				case shoptest.MariaDB:
					dialector, on = gormmysql.New(gormmysql.Config{Conn: d.DB}), gormshop.OnMariaDB
				default: // the handle is modernc's: GORM's own dialect does not care
					dialector, on = gormsqlite.New(gormsqlite.Config{Conn: d.DB}), gormshop.OnSQLite
				}
				db, err := gorm.Open(dialector, &gorm.Config{Logger: logger.Discard, PrepareStmt: prepare})
				if err != nil {
					t.Fatal(err)
				}
				return (&gormshop.Shop{Ledger: d.Ledger, On: on(db)}).Buy
			})
		})
	}
}
