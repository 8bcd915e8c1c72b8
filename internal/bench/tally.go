package bench

import (
	"maps"
	"sync"

	"github.com/bursar-ledger/bursar"
)

// attemptsMax bounds how often one call is made again, so that a database that only refuses ends the run.
const attemptsMax = 1000

// tally counts what had to be done again, by code. It is safe for concurrent use.
type tally struct {
	mu    sync.Mutex
	codes map[string]int64
}

func (t *tally) add(code string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.codes == nil {
		t.codes = map[string]int64{}
	}
	t.codes[code]++
}

// take empties the tally into another one.
func (t *tally) take(into map[string]int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for code, n := range t.codes {
		into[code] += n
	}
	maps.DeleteFunc(t.codes, func(string, int64) bool { return true })
}

// until makes a call again for as long as its error says that this is safe.
func (t *tally) until(call func() error) (err error) {
	for range attemptsMax {
		if err = call(); err == nil || !bursar.Retryable(err) {
			return err
		}
		t.add(string(bursar.CodeOf(err)))
	}
	return err
}
