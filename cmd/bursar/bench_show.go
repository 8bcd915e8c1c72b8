package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/bursar-ledger/bursar/internal/bench"
)

// showBench prints a report: in JSON as one object, in CSV its rows.
func (e *env) showBench(r *bench.Report) error {
	switch e.output {
	case formatJSON:
		out := e.list()
		if err := out.add(r); err != nil {
			return err
		}
		return out.flush()
	case formatCSV:
		return e.listBench(r)
	}
	if _, err := io.WriteString(e.stdout, benchHead(r)); err != nil {
		return err
	}
	if err := e.listBench(r); err != nil {
		return err
	}
	if err := e.listGrowth(r); err != nil {
		return err
	}
	_, err := io.WriteString(e.stdout, benchFoot(r))
	return err
}

// benchHead says where and how was measured.
func benchHead(r *bench.Report) string {
	var b strings.Builder
	s := &r.Setup
	fmt.Fprintf(&b, "%s, %s, %s", orUnknown(r.Machine.CPU), count(int64(r.Machine.Cores), "core", "cores"), r.Machine.Go)
	fmt.Fprintf(&b, "; bursar %s", r.Build.Version)
	if r.Build.Revision != "" {
		fmt.Fprintf(&b, " at %.12s", r.Build.Revision)
	}
	fmt.Fprintf(&b, "\n%s %s", r.Engine.Name, r.Engine.Version)
	for _, setting := range r.Engine.Settings {
		fmt.Fprintf(&b, ", %s=%s", setting.Name, setting.Value)
	}
	fmt.Fprintf(&b, "\n%d accounts, zipf %v, batches of %d, %s of %v s after a warm-up of %v s, seed %d\n\n",
		s.Accounts, s.Zipf, s.Batch, count(int64(s.Rounds), "round", "rounds"), s.Seconds, s.Warmup, s.Seed)
	return printableLines(b.String())
}

// printableLines is printable for a text of several lines.
func printableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = printable(line)
	}
	return strings.Join(lines, "\n")
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown processor"
	}
	return s
}

func (e *env) listBench(r *bench.Report) error {
	out := e.list(benchColumns(r)...)
	for i := range r.Rows {
		row := &r.Rows[i]
		latency := []string{"", "", ""}
		if row.Open != nil {
			latency = []string{positiveFigure(row.Open.P50), positiveFigure(row.Open.P99), positiveFigure(row.Open.P999)}
		}
		cells := slices.Concat([]string{
			row.Subject, strconv.Itoa(row.Clients), strconv.Itoa(row.Batch), strconv.Itoa(row.Hot),
			whole(row.Rate.Median), whole(row.Rate.Min), whole(row.Rate.Max),
			positive(row.ToTextbook), positive(row.ToPlain),
		}, latency, []string{
			pointed(row.Bytes), pointed(row.CPU), pointed(row.ServerCPU), retriesText(row.Retries),
			strconv.FormatInt(row.Posted, 10),
		})
		if err := out.add(row, cells...); err != nil {
			return err
		}
	}
	return out.flush()
}

// benchColumns are what a row has. A table leaves out what no row has.
func benchColumns(r *bench.Report) []column {
	columns := []column{left("subject"), right("clients"), wide("batch"), right("hot"), right("tps"), right("min"),
		right("max"), right("to_textbook"), right("to_http_json"), right("p50_us"), right("p99_us"), right("p99.9_us"),
		right("bytes"), right("cpu_us"), right("server_cpu_us"), left("retries"), wide("posted")}
	has := map[string]bool{}
	for i := range r.Rows {
		row := &r.Rows[i]
		has["to_http_json"] = has["to_http_json"] || row.ToPlain > 0
		has["server_cpu_us"] = has["server_cpu_us"] || row.ServerCPU != nil
		has["retries"] = has["retries"] || len(row.Retries) > 0
	}
	for i := range columns {
		if name := columns[i].name; slices.Contains([]string{"to_http_json", "server_cpu_us", "retries"}, name) {
			columns[i].wide = !has[name]
		}
	}
	return columns
}

func (e *env) listGrowth(r *bench.Report) error {
	if len(r.Growth) == 0 {
		return nil
	}
	if _, err := io.WriteString(e.stdout, "\n"); err != nil {
		return err
	}
	out := e.list(right("transfers"), right("tps"), right("bytes"), right("balance_p50_us"), right("balance_p99_us"),
		right("statement_p50_us"), right("statement_p99_us"))
	for i := range r.Growth {
		m := &r.Growth[i]
		if err := out.add(m, strconv.FormatInt(m.Transfers, 10), whole(m.Rate), figure(m.Bytes), figure(m.Balance.P50),
			figure(m.Balance.P99), figure(m.Statement.P50), figure(m.Statement.P99)); err != nil {
			return err
		}
	}
	return out.flush()
}

// benchFoot says how the numbers are to be read and whether they can be trusted.
func benchFoot(r *bench.Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nlatency at %v %% of the throughput, from the intended start\n", 100*r.Setup.Share)
	if r.PeakMemory > 0 {
		fmt.Fprintf(&b, "peak memory of this process: %d MiB\n", r.PeakMemory>>20)
	}
	for _, v := range r.Verified {
		state := "ok"
		if !v.OK {
			state = "NOT SOUND"
		}
		fmt.Fprintf(&b, "%s: book %s: %s for %s and %s answered\n", state, v.Book, count(v.Entries, "entry", "entries"),
			count(v.Accounts, "account", "accounts"), count(v.Posted, "transfer", "transfers"))
	}
	if len(r.Verified) == 0 {
		b.WriteString("not verified\n")
	}
	return b.String()
}

func whole(v float64) string { return strconv.FormatFloat(v, 'f', 0, 64) }

func figure(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// positiveFigure leaves out what too few calls were made for.
func positiveFigure(v float64) string {
	if v <= 0 {
		return ""
	}
	return figure(v)
}

// positive leaves out what was not measured.
func positive(v float64) string {
	if v <= 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'f', 2, 64)
}

func pointed(v *float64) string {
	if v == nil {
		return ""
	}
	return figure(*v)
}

// retriesText is code:number, sorted by code.
func retriesText(retries map[string]int64) string {
	var parts []string
	for _, code := range slices.Sorted(maps.Keys(retries)) {
		parts = append(parts, fmt.Sprintf("%s:%d", code, retries[code]))
	}
	return strings.Join(parts, " ")
}
