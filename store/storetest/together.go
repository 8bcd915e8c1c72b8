package storetest

import "sync"

// together runs fn n times at once and returns the errors in order.
func (f *fixture) together(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-begin
			errs[i] = fn(i)
		})
	}
	close(begin)
	all.Wait()
	return errs
}
