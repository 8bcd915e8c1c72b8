package atomictest

import "sync"

// A gate is passed once somebody has opened it; it stays open.
type gate struct {
	once   sync.Once
	opened chan struct{}
}

func (g *gate) init() { g.opened = make(chan struct{}) }

func (g *gate) open() { g.once.Do(func() { close(g.opened) }) }

func (g *gate) wait(f *fixture) {
	select {
	case <-g.opened:
	case <-f.ctx.Done():
		f.Error("a gate stayed shut")
	}
}
