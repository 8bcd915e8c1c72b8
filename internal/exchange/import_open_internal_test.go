package exchange

// Matches is for the tests of patterns.
func (o *Opener) Matches(path string) bool { return o.matches(path) }
