//go:build !servers

package posting_test

func onServers() []engine { return nil }
