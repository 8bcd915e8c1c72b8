package bench

import (
	_ "embed" // page.html
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
)

//go:embed page.html
var pageText string

// page is what page.html shows: a report and its plots.
type page struct {
	*Report
	Plots []figure
}

// figure is a plot with what is said about it.
type figure struct {
	Title, Text string
	Legend      []legend
	SVG         template.HTML
}

// legend names a colour.
type legend struct {
	Class template.HTMLAttr
	Name  string
}

// WritePage writes a report as one page of HTML with its plots inside. It needs nothing else, neither scripts nor the
// net.
func WritePage(w io.Writer, r *Report) error {
	p := page{Report: r}
	for _, f := range []*figure{throughputFigure(r), contentionFigure(r), latencyFigure(r)} {
		if f != nil {
			p.Plots = append(p.Plots, *f)
		}
	}
	p.Plots = append(p.Plots, growthFigures(r)...)
	t, err := template.New("page").Funcs(template.FuncMap{
		"number": number3, "micros": microsText, "some": someText, "mib": func(bytes int64) int64 { return bytes >> 20 },
		"percent": func(share float64) float64 { return 100 * share },
		"seconds": func(s float64) string { return strconv.FormatFloat(s, 'g', 3, 64) },
	}).Parse(pageText)
	if err != nil {
		return err
	}
	return t.Execute(w, p)
}

// someText is a quantity that may be unknown.
func someText(v *float64) string {
	if v == nil {
		return ""
	}
	return number3(*v)
}

// subjects are the names in the order of the rows.
func subjects(r *Report) (names []string) {
	for i := range r.Rows {
		if !slices.Contains(names, r.Rows[i].Subject) {
			names = append(names, r.Rows[i].Subject)
		}
	}
	return names
}

// throughputFigure is throughput against clients, under the first share of hot transfers. The textbook, whose
// connections were chosen, is a line across.
func throughputFigure(r *Report) *figure {
	c := chart{x: axis{label: "clients", log: true}, y: axis{label: "transfers a second"}}
	for _, name := range subjects(r) {
		s := series{name: name}
		for i := range r.Rows {
			if row := &r.Rows[i]; row.Subject == name && row.Hot == r.Setup.Hot[0] {
				s.points = append(s.points, point{float64(row.Clients), row.Rate.Median, row.Rate.Min, row.Rate.Max})
			}
		}
		if name == SubjectTextbook {
			s.across = true
		}
		c.series = append(c.series, s)
	}
	return c.figure("Throughput against clients", fmt.Sprintf("Medians of %d rounds, with the least and the most. The "+
		"textbook is shown with the best of its numbers of connections, as a line across.", r.Setup.Rounds))
}

// contentionFigure is throughput against the share of hot transfers, with the most clients that every subject had.
func contentionFigure(r *Report) *figure {
	if len(r.Setup.Hot) < 2 {
		return nil
	}
	c := chart{
		x: axis{label: "percent of the transfers touch one account", zero: true},
		y: axis{label: "transfers a second"},
	}
	for _, name := range subjects(r) {
		most := 0
		for i := range r.Rows {
			if row := &r.Rows[i]; row.Subject == name && name != SubjectTextbook {
				most = max(most, row.Clients)
			}
		}
		s := series{name: name}
		for i := range r.Rows {
			if row := &r.Rows[i]; row.Subject == name && (row.Clients == most || most == 0) {
				s.points = append(s.points, point{float64(row.Hot), row.Rate.Median, row.Rate.Min, row.Rate.Max})
			}
		}
		slices.SortFunc(s.points, func(a, b point) int { return int(a.x - b.x) })
		if most > 0 {
			s.name = fmt.Sprintf("%s, %d clients", name, most)
		}
		c.series = append(c.series, s)
	}
	return c.figure("Throughput under contention",
		"Where callers lock rows, they wait for each other at the hot one.")
}

// latencyFigure is three percentiles of each row, from the intended start.
func latencyFigure(r *Report) *figure {
	var spans []span
	for i := range r.Rows {
		if row := &r.Rows[i]; row.Open != nil && row.Hot == r.Setup.Hot[0] {
			spans = append(spans, span{
				fmt.Sprintf("%s, %d", row.Subject, row.Clients),
				[...]float64{row.Open.P50, row.Open.P99, row.Open.P999},
			})
		}
	}
	if len(spans) == 0 {
		return nil
	}
	var names []legend
	for i, name := range percentileNames {
		names = append(names, legend{template.HTMLAttr(`class="` + classOf(i, name) + `"`), name})
	}
	return &figure{
		Title: "Latency", Legend: names,
		Text: fmt.Sprintf("p50, p99 and p99.9 of calls that arrive evenly at %v %% of each subject's throughput, from when "+
			"they were to begin.", 100*r.Setup.Share),
		SVG: drawSpans(spans),
	}
}

// growthFigures are throughput and reading against the size of the ledger.
func growthFigures(r *Report) []figure {
	if len(r.Growth) == 0 {
		return nil
	}
	rate, balance, statement := series{name: "batches"}, series{name: "balance as of a position"},
		series{name: "page of a statement"}
	for _, m := range r.Growth {
		x := float64(m.Transfers)
		rate.points = append(rate.points, point{x, m.Rate, m.Rate, m.Rate})
		balance.points = append(balance.points, point{x, m.Balance.P50, m.Balance.P50, m.Balance.P99})
		statement.points = append(statement.points, point{x, m.Statement.P50, m.Statement.P50, m.Statement.P99})
	}
	size := axis{label: "transfers in the ledger", log: true}
	writing := chart{x: size, y: axis{label: "transfers a second", zero: true}, series: []series{rate}}
	reading := chart{
		x: size, y: axis{label: "median, up to p99", text: microsText}, series: []series{balance, statement},
	}
	return []figure{
		*writing.figure("Throughput against size", "Batches, measured over the transfers right before each size."),
		*reading.figure("Reading against size", "Accounts and positions are drawn at random."),
	}
}
