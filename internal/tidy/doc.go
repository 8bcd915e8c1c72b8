// Package tidy keeps the house in order: its tests read the whole source tree
// and fail where a rule of the house is broken. They check which room may import
// which, what each room drags into a program, sizes, the width of lines, package
// comments, documented names, the names in comments, clocks, floats, random numbers,
// printing, global state, leftover markers and the links between documents.
//
// Start at policy_test.go: it holds every table, and a new package needs a row
// there. Each rule is a function from a tree to findings, and carries small
// trees that break it, so that a rule which finds nothing can be trusted.
//
// The package has no code of its own and nothing imports it. It does not format,
// vet or type-check the tree: gofmt, go vet and the compiler do.
package tidy
