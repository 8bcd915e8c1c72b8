package atomic

import "sync"

// scratch is what the runs of one function share, whatever became of each.
type scratch struct {
	mu   sync.Mutex
	kept map[any]any
}

// run is one of several runs of the function of a block that may be begun again.
type run struct {
	*scratch
	number int // from 1
}

// AcrossRuns returns what all runs of the outermost block's function share under key, and the number of this run, from
// 1. make makes it when a run asks first. key is compared as a key of a context is, so it should have a type that its
// package keeps to itself.
//
// It is for what a run should know of those before it that were undone, such as the locks that they came to need. A
// rollback does not take it back, so nothing that was read or written in the database belongs there. In a nested block
// it is that of the block around it. An adopted database transaction has one run.
//
// AcrossRuns is safe for concurrent use; what it returns is so if make sees to it. It panics if make is nil.
func (t *Tx) AcrossRuns(key any, make func() any) (kept any, number int) {
	need(make != nil, "AcrossRuns", "the function")
	s := t.of.scratch
	s.mu.Lock()
	defer s.mu.Unlock()
	kept, found := s.kept[key]
	if !found {
		kept = make()
		if s.kept == nil {
			s.kept = map[any]any{}
		}
		s.kept[key] = kept
	}
	return kept, t.of.number
}

// run counts another run of the function.
func (r *retrier) run() run {
	r.runs++
	return run{&r.scratch, r.runs}
}
