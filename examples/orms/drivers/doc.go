// Package drivers holds tests of stores over drivers other than those that they name, and of database transactions
// that write arguments in a way of their own: each works, or is refused with what to do instead.
package drivers
