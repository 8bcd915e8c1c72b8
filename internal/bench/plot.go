package bench

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Sizes of a plot, in its own units: small enough that its texts can be read where it is as wide as a phone.
const (
	plotWidth, plotHeight  = 440.0, 290.0
	plotLeft, plotRight    = 52.0, 12.0
	plotTop, plotBottom    = 12.0, 42.0
	colours                = 7 // the last class is the textbook's
	spanHeight, spanLabels = 22.0, 110.0
)

// point is one measurement with its spread.
type point struct{ x, y, low, high float64 }

// series is points of one colour. Across is a level without an x of its own.
type series struct {
	name   string
	points []point
	across bool
}

// chart is lines over two axes.
type chart struct {
	x, y   axis
	series []series
}

// axis maps values to places.
type axis struct {
	label     string
	log, zero bool                 // a linear one that begins with zero
	text      func(float64) string // of a tick; nil: number3
	low, high float64
	from, to  float64 // places of low and high
}

// span has the bounds of an axis take in values. A linear one turns logarithmic where values differ by more than 20.
func (a *axis) span(values []float64) {
	a.low, a.high = math.Inf(1), math.Inf(-1)
	for _, v := range values {
		a.low, a.high = min(a.low, v), max(a.high, v)
	}
	switch {
	case a.log || !a.zero && a.low > 0 && a.high/a.low > 20:
		a.log = true
		a.low, a.high = max(a.low, 1e-3)/1.15, a.high*1.15
	default:
		a.low = 0
		if a.high *= 1.05; a.high == 0 {
			a.high = 1
		}
	}
}

func (a *axis) at(v float64) float64 {
	share := (v - a.low) / (a.high - a.low)
	if a.log {
		share = math.Log(max(v, a.low)/a.low) / math.Log(a.high/a.low)
	}
	return a.from + share*(a.to-a.from)
}

// ticks are round values within the bounds: about five, or 1, 2 and 5 of each decade, or decades.
func (a *axis) ticks() (at []float64) {
	if !a.log {
		step := math.Pow(10, math.Floor(math.Log10(a.high/4)))
		for _, m := range []float64{2, 5, 10} {
			if a.high/step > 6 {
				step = math.Pow(10, math.Floor(math.Log10(a.high/4))) * m
			}
		}
		for i := 0; float64(i)*step <= a.high; i++ {
			at = append(at, float64(i)*step)
		}
		return at
	}
	steps := []float64{1, 2, 5}
	if math.Log10(a.high/a.low) > 2.5 {
		steps = steps[:1]
	}
	for decade := math.Pow(10, math.Floor(math.Log10(a.low))); decade <= a.high; decade *= 10 {
		for _, step := range steps {
			if v := step * decade; v >= a.low && v <= a.high {
				at = append(at, v)
			}
		}
	}
	return at
}

func (a *axis) written(v float64) string {
	if a.text != nil {
		return a.text(v)
	}
	return number3(v)
}

// number3 is a number with three digits: 950, 12.3k, 4.56M.
func number3(v float64) string {
	unit := ""
	for _, u := range []string{"k", "M", "G"} {
		if math.Abs(v) < 999.5 {
			break
		}
		v, unit = v/1000, u
	}
	return strconv.FormatFloat(rounded3(v), 'f', -1, 64) + unit
}

// rounded3 keeps three digits.
func rounded3(v float64) float64 {
	f, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	if err != nil {
		return v
	}
	return f
}

// microsText is a time given in microseconds.
func microsText(v float64) string {
	switch {
	case v >= 1e6:
		return number3(v/1e6) + " s"
	case v >= 1e3:
		return number3(v/1e3) + " ms"
	}
	return number3(v) + " µs"
}

// figure draws the chart; nil when it has no points.
func (c *chart) figure(title, text string) *figure {
	var xs, ys []float64
	for _, s := range c.series {
		for _, p := range s.points {
			if !s.across {
				xs = append(xs, p.x)
			}
			ys = append(ys, p.low, p.high)
		}
	}
	if len(xs) == 0 {
		return nil
	}
	c.x.from, c.x.to = plotLeft, plotWidth-plotRight
	c.y.from, c.y.to = plotHeight-plotBottom, plotTop
	c.x.span(xs)
	c.y.span(ys)
	f := &figure{Title: title, Text: text}
	var b strings.Builder
	beginSVG(&b, plotHeight, title)
	c.grid(&b)
	for i := range c.series {
		class := classOf(i, c.series[i].name)
		f.Legend = append(f.Legend, legend{template.HTMLAttr(`class="` + class + `"`), c.series[i].name})
		c.line(&b, &c.series[i], class)
	}
	b.WriteString("</svg>")
	f.SVG = template.HTML(b.String())
	return f
}

// classOf is the colour of a series. The textbook always has the same one.
func classOf(i int, name string) string {
	if name == SubjectTextbook {
		return "c" + strconv.Itoa(colours)
	}
	return "c" + strconv.Itoa(i%colours)
}

func beginSVG(b *strings.Builder, height float64, title string) {
	fmt.Fprintf(b, `<svg viewBox="0 0 %.0f %.0f" role="img" aria-label="%s">`, plotWidth, height,
		template.HTMLEscapeString(title))
}

func (c *chart) grid(b *strings.Builder) {
	bottom, right := plotHeight-plotBottom, plotWidth-plotRight
	for _, v := range c.y.ticks() {
		y := c.y.at(v)
		fmt.Fprintf(b, `<line class="grid" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, plotLeft, y, right, y)
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="end">%s</text>`, plotLeft-5, y+4, c.y.written(v))
	}
	last := math.Inf(-1)
	for _, v := range c.x.ticks() {
		x := c.x.at(v)
		if x-last < 30 {
			continue // no room for its text
		}
		last = x
		fmt.Fprintf(b, `<line class="grid" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, x, bottom, x, bottom+4)
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, x, bottom+17, c.x.written(v))
	}
	fmt.Fprintf(b, `<line class="axis" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, plotLeft, bottom, right, bottom)
	fmt.Fprintf(b, `<text class="label" x="%.1f" y="%.1f" text-anchor="end">%s</text>`, right, plotHeight-6, c.x.label)
	scale := ""
	if c.y.log {
		scale = ", logarithmic"
	}
	fmt.Fprintf(b, `<text class="label" x="%.1f" y="%.1f">%s%s</text>`, plotLeft+4, plotTop+8, c.y.label, scale)
}

func (c *chart) line(b *strings.Builder, s *series, class string) {
	if s.across {
		for _, p := range s.points {
			y := c.y.at(p.y)
			fmt.Fprintf(b, `<line class="%s across" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"><title>%s: %s</title></line>`,
				class, plotLeft, y, plotWidth-plotRight, y, template.HTMLEscapeString(s.name), c.y.written(p.y))
		}
		return
	}
	var at []string
	for _, p := range s.points {
		at = append(at, fmt.Sprintf("%.1f,%.1f", c.x.at(p.x), c.y.at(p.y)))
	}
	fmt.Fprintf(b, `<polyline class="%s" points="%s"/>`, class, strings.Join(at, " "))
	for _, p := range s.points {
		x := c.x.at(p.x)
		fmt.Fprintf(b, `<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`,
			class, x, c.y.at(p.low), x, c.y.at(p.high))
		fmt.Fprintf(b, `<circle class="%s" cx="%.1f" cy="%.1f" r="3.5"><title>%s, %s: %s (%s to %s)</title></circle>`,
			class, x, c.y.at(p.y), template.HTMLEscapeString(s.name), c.x.written(p.x), c.y.written(p.y),
			c.y.written(p.low), c.y.written(p.high))
	}
}

// percentileNames are what the plot of latencies shows.
var percentileNames = [...]string{"p50", "p99", "p99.9"}

// span is one line of that plot.
type span struct {
	name   string
	values [len(percentileNames)]float64
}

// drawSpans draws a line for each span, over one logarithmic axis of times.
func drawSpans(spans []span) template.HTML {
	x := axis{log: true, from: spanLabels, to: plotWidth - 3*plotRight}
	var all []float64
	for i := range spans {
		for _, v := range spans[i].values {
			if v > 0 {
				all = append(all, v)
			}
		}
	}
	x.span(all)
	height := plotTop + spanHeight*float64(len(spans)) + 30
	var b strings.Builder
	beginSVG(&b, height, "Latency")
	last := math.Inf(-1)
	for _, v := range x.ticks() {
		at := x.at(v)
		fmt.Fprintf(&b, `<line class="grid" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`, at, plotTop, at, height-26)
		if at-last > 46 {
			last = at
			fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="middle">%s</text>`, at, height-10, microsText(v))
		}
	}
	for i := range spans {
		s, y := &spans[i], plotTop+spanHeight*(float64(i)+0.5)
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" text-anchor="end">%s</text>`, spanLabels-8, y+4,
			template.HTMLEscapeString(s.name))
		fmt.Fprintf(&b, `<line class="c0" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>`,
			x.at(s.values[0]), y, x.at(slices.Max(s.values[:])), y)
		for j, percentile := range percentileNames {
			if s.values[j] == 0 {
				continue // there were too few calls
			}
			fmt.Fprintf(&b, `<circle class="c%d" cx="%.1f" cy="%.1f" r="4"><title>%s: %s</title></circle>`,
				j, x.at(s.values[j]), y, percentile, microsText(s.values[j]))
		}
	}
	b.WriteString("</svg>")
	return template.HTML(b.String())
}
