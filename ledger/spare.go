package ledger

import "sync"

// spare keeps memory that is out of use, to be used again. The zero value has none.
type spare[T any] struct{ pool sync.Pool }

// take is memory as whoever gave it has left it, or new memory.
func (s *spare[T]) take() *T {
	if kept, ok := s.pool.Get().(*T); ok {
		return kept
	}
	return new(T)
}

// give takes back what nobody uses any more.
func (s *spare[T]) give(kept *T) { s.pool.Put(kept) }
