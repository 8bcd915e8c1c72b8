package journal_test

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/bursar-ledger/bursar/internal/journal"
)

// pairs draws amounts in their one form, often at the ends of the range.
func pairs() *rapid.Generator[journal.Pair] {
	const most = 1_000_000_000_000_000_000 - 1
	part := rapid.OneOf(rapid.Int64Range(0, most), rapid.SampledFrom([]int64{0, 0, 1, most}))
	return rapid.Custom(func(t *rapid.T) journal.Pair {
		p := journal.Pair{Hi: part.Draw(t, "hi"), Lo: part.Draw(t, "lo")}
		if rapid.Bool().Draw(t, "negative") {
			p = journal.Pair{Hi: -p.Hi, Lo: -p.Lo}
		}
		return p
	})
}

func bytesOf(t *rapid.T, target []byte) {
	copy(target, rapid.SliceOfN(rapid.Byte(), len(target), len(target)).Draw(t, "bytes"))
}

// text draws short texts and now and then the longest.
func text(t *rapid.T, name string) string {
	if rapid.IntRange(0, 50).Draw(t, name+" is long") == 0 {
		return string(make([]byte, 65_535))
	}
	return rapid.StringN(0, 12, 40).Draw(t, name)
}

func entries() *rapid.Generator[journal.Entry] {
	after := rapid.Custom(func(t *rapid.T) journal.After {
		return journal.After{
			Version: rapid.Uint64().Draw(t, "version"),
			Balance: pairs().Draw(t, "balance"),
			Held:    pairs().Draw(t, "held"),
		}
	})
	return rapid.Custom(func(t *rapid.T) journal.Entry {
		e := journal.Entry{
			Kind: journal.EntryKind(rapid.IntRange(1, 15).Draw(t, "kind")), Leg: rapid.Uint16().Draw(t, "leg"),
			From: text(t, "from"), To: text(t, "to"), Currency: text(t, "currency"), Scale: rapid.Uint8().Draw(t, "scale"),
			Amount: pairs().Draw(t, "amount"), FromAfter: after.Draw(t, "from after"), ToAfter: after.Draw(t, "to after"),
			Backdated: rapid.Bool().Draw(t, "backdated"), Decided: rapid.Int64().Draw(t, "decided"),
			Seq: rapid.Uint64().Draw(t, "seq"), At: rapid.Int64().Draw(t, "at"),
		}
		if e.Backdated {
			e.Effective = rapid.Int64().Draw(t, "effective")
		}
		bytesOf(t, e.Book[:])
		bytesOf(t, e.Request[:])
		bytesOf(t, e.RequestHash[:])
		return e
	})
}

func requests() *rapid.Generator[journal.Request] {
	return rapid.Custom(func(t *rapid.T) journal.Request {
		var q journal.Request
		if rapid.Bool().Draw(t, "transfer") {
			q = transfer(t)
		} else {
			q = journal.Request{Kind: journal.RequestOpen, Account: text(t, "account"), Currency: text(t, "currency"),
				Scale: rapid.Uint8().Draw(t, "scale"), Min: bound(t, "min"), Max: bound(t, "max")}
		}
		for _, key := range keys(t) {
			q.Metadata = append(q.Metadata, journal.Tag{Key: key, Value: text(t, "value")})
		}
		return q
	})
}

// keys draws keys of metadata in order, each once.
func keys(t *rapid.T) []string {
	keys := rapid.SliceOfNDistinct(rapid.StringN(0, 5, 20), 0, 5, rapid.ID).Draw(t, "keys")
	slices.Sort(keys)
	return keys
}

func bound(t *rapid.T, name string) journal.Bound {
	if rapid.Bool().Draw(t, name+" is absent") {
		return journal.Bound{}
	}
	return journal.Bound{Set: true, Amount: pairs().Draw(t, name)}
}

func transfer(t *rapid.T) journal.Request {
	q := journal.Request{Kind: journal.RequestTransfer, Reference: text(t, "reference"),
		HasNotAfter: rapid.Bool().Draw(t, "has not after"), HasEffective: rapid.Bool().Draw(t, "has effective")}
	if q.HasNotAfter {
		q.NotAfter = rapid.Int64().Draw(t, "not after")
	}
	if q.HasEffective {
		q.Effective = rapid.Int64().Draw(t, "effective")
	}
	for range rapid.IntRange(0, 4).Draw(t, "legs") {
		q.Legs = append(q.Legs, journal.Leg{From: text(t, "from"), To: text(t, "to"), Currency: text(t, "currency"),
			Scale: rapid.Uint8().Draw(t, "scale"), Amount: pairs().Draw(t, "amount")})
	}
	for range rapid.IntRange(0, 3).Draw(t, "conditions") {
		c := journal.Condition{Kind: journal.ConditionVersion, Account: text(t, "account"),
			Version: rapid.Uint64().Draw(t, "version")}
		if rapid.Bool().Draw(t, "at least") {
			c = journal.Condition{Kind: journal.ConditionAtLeast, Account: c.Account, Currency: text(t, "currency"),
				Scale: rapid.Uint8().Draw(t, "scale"), Amount: pairs().Draw(t, "least")}
		}
		q.Conditions = append(q.Conditions, c)
	}
	return q
}
