package mysql

import (
	"testing"

	"github.com/bursar-ledger/bursar/atomic"

	gomysql "github.com/go-sql-driver/mysql"
)

// A node may end the statement of who is too late while it reads the triggers of a table. These are its answers.
func TestWhoIsTooLateAtATriggerBeginsAgain(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]atomic.Kind{
		"Unknown trigger has an error in its body: 'Query was empty'": atomic.KindRetry,
		"Trigger 'bursar_balance_delete' has an error in its body: 'You have an error in your SQL syntax; check the manual " +
			"that corresponds to your MariaDB server version for the right syntax to use near 'SIGNAL SQLSTATE '45000' SET " +
			"MESSAGE_TEXT = 'bursar: a row of bursar_balance i...' at line 2'": atomic.KindRetry,
		"You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version for the " +
			"right syntax to use near 'SELEKT 1' at line 1": atomic.KindStatement,
	} {
		err := error(&gomysql.MySQLError{Number: 1064, Message: message})
		if got := galeraDialect().Atomic.Classify(err); got.Kind != want {
			t.Errorf("%s\nis of kind %d, want %d", message, got.Kind, want)
		}
	}
}
