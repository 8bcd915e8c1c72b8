package bench

import (
	"time"

	"github.com/bursar-ledger/bursar"
)

// Report is what a run measured. As JSON, times are microseconds and sizes are bytes.
type Report struct {
	Build       Build       `json:"build"`
	Machine     Machine     `json:"machine"`
	Engine      EngineFacts `json:"engine"`
	Setup       Setup       `json:"setup"`
	Rows        []Row       `json:"rows"`
	Growth      []Mark      `json:"growth,omitempty"`
	Verified    []Verified  `json:"verified"`
	PeakMemory  int64       `json:"peak_memory"` // of this process with its load generator; 0: not known
	Interrupted bool        `json:"interrupted"`
	Notes       []string    `json:"notes"`
}

// Build is the program that measured.
type Build struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Modified bool   `json:"modified"`
}

// Machine is where it ran.
type Machine struct {
	CPU      string `json:"cpu"`
	Cores    int    `json:"cores"`
	Memory   int64  `json:"memory"` // bytes; 0: not known
	Platform string `json:"platform"`
	Go       string `json:"go"`
}

// EngineFacts are the database's version and the settings that decide how durable and how fast it is.
type EngineFacts struct {
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	Settings []Setting `json:"settings"`
}

// Setting is one of them.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Setup is what was asked for.
type Setup struct {
	Workload
	Clients []int     `json:"clients"`
	Hot     []int     `json:"hot"`
	Batch   int       `json:"batch"`
	Seconds float64   `json:"seconds"`
	Warmup  float64   `json:"warmup_seconds"`
	Rounds  int       `json:"rounds"`
	Growth  int64     `json:"growth"`
	Share   float64   `json:"load_share"` // of the throughput, at which latency was measured
	Error   float64   `json:"percentile_error"`
	Books   []string  `json:"books"` // that stay in the database of the URL
	Ran     time.Time `json:"ran"`
}

// Row is one subject under one load.
type Row struct {
	Subject string `json:"subject"`
	Clients int    `json:"clients"` // callers; of the textbook: connections
	Batch   int    `json:"batch"`
	Hot     int    `json:"hot"`

	Rate       Spread    `json:"transfers_per_second"`
	Rounds     []float64 `json:"rounds"`                 // transfers a second in each
	ToTextbook float64   `json:"to_textbook,omitempty"`  // Rate in terms of the textbook's under the same share of hot
	ToPlain    float64   `json:"to_http_json,omitempty"` // likewise of the plain handler's
	// Closed is from each call's own beginning while callers wait for answers, so that stalls are counted too seldom.
	Closed Latency `json:"latency_closed"`
	// Open is from the intended start of calls that arrive at a share of the throughput; nil when it was not measured.
	Open *OpenLatency `json:"latency_open,omitempty"`

	Retries   map[string]int64 `json:"retries"` // by the engine's code or the ledger's
	Bytes     *float64         `json:"bytes_per_transfer,omitempty"`
	CPU       *float64         `json:"cpu_per_transfer,omitempty"`        // of this process with its load generator
	ServerCPU *float64         `json:"server_cpu_per_transfer,omitempty"` // where the server's processes can be seen
	Posted    int64            `json:"posted"`                            // in all, warm-ups and latency too
	// Tried is what other numbers of connections gave the textbook, as a median each.
	Tried map[int]float64 `json:"tried,omitempty"`
}

// Latency has percentiles of calls in microseconds. A call of a batch is one call. P99 needs 100 calls and P999 1,000:
// of fewer it would be the slowest one under another name, and is zero and left out of JSON.
type Latency struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99,omitempty"`
	P999 float64 `json:"p99.9,omitempty"`
}

// OpenLatency is a Latency with the load it was measured at.
type OpenLatency struct {
	Latency
	Rate  float64 `json:"transfers_per_second"`
	Calls int64   `json:"calls"`
}

// Mark is a ledger that has grown to a size.
type Mark struct {
	Transfers int64   `json:"transfers"`
	Rate      float64 `json:"transfers_per_second"` // over the last Over transfers
	Over      int64   `json:"over"`
	Bytes     float64 `json:"bytes_per_transfer"`
	Balance   Latency `json:"balance_as_of"`  // as of a position drawn at random
	Statement Latency `json:"statement_page"` // of an account drawn at random
}

// Verified is a book whose journal was replayed at the end of the run.
type Verified struct {
	Subject  string `json:"subject"`
	Book     string `json:"book"`
	OK       bool   `json:"ok"`
	Entries  int64  `json:"entries"`
	Accounts int64  `json:"accounts"`
	Posted   int64  `json:"posted"` // transfers that callers were answered; Entries are these and the accounts
}

func latencyOf(h *Histogram) Latency { return latency(h.Count(), h.Percentile) }

func exactLatency(values []time.Duration) Latency {
	return latency(int64(len(values)), func(share float64) time.Duration { return percentile(values, share) })
}

func latency(calls int64, at func(share float64) time.Duration) (l Latency) {
	l.P50 = micros(at(0.5))
	if calls >= 100 {
		l.P99 = micros(at(0.99))
	}
	if calls >= 1000 {
		l.P999 = micros(at(0.999))
	}
	return l
}

func micros(d time.Duration) float64 { return rounded(float64(d) / float64(time.Microsecond)) }

// known is a quantity for each of n transfers, or nil where it is not known.
func known(quantity float64, n int64) *float64 {
	if n == 0 || quantity <= 0 {
		return nil
	}
	v := rounded(per(quantity, n))
	return &v
}

// Err is nil when every book is sound and has all that was answered; otherwise bursar.CodeVerificationFailed.
func (r *Report) Err() error {
	for _, v := range r.Verified {
		if !v.OK {
			return bursar.Errorf(bursar.CodeVerificationFailed, "book %s does not have what was answered", v.Book)
		}
	}
	return nil
}
