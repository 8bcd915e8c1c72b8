package bursar_test

import (
	"fmt"

	"github.com/bursar-ledger/bursar"
)

func ExampleIDOf() {
	orderID := int64(1001)
	fmt.Println(bursar.IDOf("order.pay", orderID))
	fmt.Println(bursar.IDOf("order.pay", orderID) == bursar.IDOf("order.pay", "1001"))
	fmt.Println(bursar.IDOf("order.pay", orderID) == bursar.IDOf("order.refund", orderID))
	// Output:
	// 560361d2-6560-85f2-96b8-b4edc80a983f
	// true
	// false
}
