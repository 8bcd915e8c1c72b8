package ledger

import "slices"

// slots numbers paths in the order in which they are named first. A few of them are compared one by one; more have a
// map.
type slots struct {
	paths    []string
	expected int
	mapped   bool // slot has all paths
	slot     map[string]int
	memory   table[string, int]
}

// fewPaths are found faster without a map.
const fewPaths = 8

// begin forgets all paths. memory is for others, about as many as expected.
func (s *slots) begin(memory []string, expected int) {
	s.paths, s.expected, s.mapped = slices.Grow(memory[:0], expected), expected, false
}

// of is the number of a path.
func (s *slots) of(path string) int {
	if !s.mapped {
		if slot := slices.Index(s.paths, path); slot >= 0 {
			return slot
		}
		if len(s.paths) == fewPaths {
			s.fill()
		}
	} else if slot, found := s.slot[path]; found {
		return slot
	}
	slot := len(s.paths)
	s.paths = append(s.paths, path)
	if s.mapped {
		s.slot[path] = slot
	}
	return slot
}

// fill goes on with a map.
func (s *slots) fill() {
	s.mapped, s.slot = true, s.memory.empty(s.expected)
	for slot, path := range s.paths {
		s.slot[path] = slot
	}
}

// table is a map that is used again as long as it is not far too large: to make it empty takes time by its size.
type table[K comparable, V any] struct {
	entries map[K]V
	room    int
}

// tableRoomMax is how many times larger than needed a table may be.
const tableRoomMax = 8

// empty is the table without an entry, with room for as many as expected.
func (t *table[K, V]) empty(expected int) map[K]V {
	if t.entries == nil || expected > t.room || t.room > tableRoomMax*expected {
		t.entries, t.room = make(map[K]V, expected), expected
	}
	clear(t.entries)
	return t.entries
}
