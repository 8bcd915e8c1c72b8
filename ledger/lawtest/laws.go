package lawtest

import "testing"

// lawGroup is laws that are checked together, because one use of a ledger puts all of them to the test.
type lawGroup struct {
	name string
	laws []string // in the order in which they are checked; none when the name is the law
	run  func(*fixture)
}

// lawTable is all laws, in the order of the matrix.
func lawTable() []lawGroup {
	return []lawGroup{
		{
			name: "transfers from all sides", run: allSides,
			laws: []string{lawAnswered, lawConserved, lawLimits, lawVersions, lawOrders, lawChain},
		},
		{name: "fifty posts of one id: one posting, fifty equal answers", run: oneID},
		{
			name: "attempts and things race with their money", run: fundingRaces,
			laws: []string{lawAttempts, lawThings},
		},
		{name: "one id with two contents: one is posted, the other id_reused", run: twoContents},
		{name: "one attempt, payable and not: one content wins, the other is id_reused", run: refusedOrPosted},
		{name: "a cancelled post that is sent again happens once", run: cancelledOnce},
		{name: "a bad transfer fails alone", run: failsAlone},
		{name: "ledger time rises while clocks disagree and step back", run: timeRises},
		{name: "readers that poll get each entry once, in order", run: feeds},
		{name: "small histories are linearizable, lost answers included", run: linearizes},
		{name: "posts in opposite directions neither fail nor stall", run: oppositeDirections},
		{name: "an open database transaction delays its accounts only", run: openTransaction},
		{name: "postings in opposite orders: atomic.Do begins again", run: oppositeOrders},
		{name: "postings in opposite orders: otherwise conflict is told", run: oppositeOrdersForeign},
		{name: "close answers every post that was taken", run: closeDrains},
	}
}

// Laws are the names of all laws, in the order of the matrix.
func Laws() []string {
	var names []string
	for _, g := range lawTable() {
		names = append(names, g.names()...)
	}
	return names
}

func (g *lawGroup) names() []string {
	if len(g.laws) == 0 {
		return []string{g.name}
	}
	return g.laws
}

// Run checks every law with one store and one strategy. It returns a result for each of [Laws] that ran.
func Run(t *testing.T, h Harness) []Result {
	var results []Result
	for _, g := range lawTable() {
		r := &recorder{results: make(map[string]Result)}
		t.Run(g.name, func(t *testing.T) { r.run(t, h, &g) })
		results = append(results, r.inOrder(&g)...)
	}
	return results
}

// recorder collects the results of one group of laws.
type recorder struct {
	results map[string]Result
	ran     bool
	whole   Result // of the group as a whole, for laws without a result of their own
}

func (r *recorder) run(t *testing.T, h Harness, g *lawGroup) {
	r.ran, r.whole = true, Result{Mark: Failed} // until it has got to its end
	f := &fixture{t: t, h: h, recorder: r}
	defer func() {
		switch {
		case t.Failed():
		case t.Skipped():
			r.whole = Result{Mark: Inapplicable, Why: f.reason}
		default:
			r.whole.Mark = Passed
		}
	}()
	f.prepare()
	g.run(f)
	if len(g.laws) == 0 { // otherwise one of them is just this
		f.verify()
	}
}

// inOrder gives each law its result. A law that was not reached has the result of the whole group.
func (r *recorder) inOrder(g *lawGroup) []Result {
	if !r.ran {
		return nil
	}
	var results []Result
	for _, law := range g.names() {
		result, ok := r.results[law]
		if !ok {
			result = r.whole
		}
		result.Law = law
		results = append(results, result)
	}
	return results
}
