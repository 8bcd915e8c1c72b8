package httpapi

import (
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/money"
)

// newRegistry makes an empty list of schemas. It knows which types write their own JSON, and what to show for them.
func newRegistry() huma.Registry {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	for of, shown := range map[reflect.Type]reflect.Type{
		reflect.TypeFor[money.Amount]():        reflect.TypeFor[amountText](),
		reflect.TypeFor[money.Currency]():      reflect.TypeFor[currencyText](),
		reflect.TypeFor[bursar.Instant]():      reflect.TypeFor[instantText](),
		reflect.TypeFor[bursar.ID]():           reflect.TypeFor[idText](),
		reflect.TypeFor[bursar.Hash]():         reflect.TypeFor[hashText](),
		reflect.TypeFor[bursar.AccountState](): reflect.TypeFor[stateText](),
		reflect.TypeFor[bursar.EntryKind]():    reflect.TypeFor[kindText](),
		reflect.TypeFor[bursar.Code]():         reflect.TypeFor[codeText](),
		reflect.TypeFor[bursar.Entry]():        reflect.TypeFor[entry](),
		reflect.TypeFor[batchTransfer]():       reflect.TypeFor[transferRequest](),
	} {
		registry.RegisterTypeAlias(of, shown)
	}
	return registry
}

// The types that the document shows in place of those that write themselves as text.
type (
	amountText   struct{}
	currencyText struct{}
	instantText  struct{}
	idText       struct{}
	hashText     struct{}
	stateText    struct{}
	kindText     struct{}
	codeText     struct{}
)

const amountPattern = `^-?[0-9]+(\.[0-9]+)? [A-Z][A-Z0-9]*(/[0-9]+)?$`

func (amountText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: amountPattern, Examples: []any{"25.00 USD"},
		Description: "A decimal, one blank and the currency. Never a JSON number."}
}

func (currencyText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Examples: []any{"USD", "CHIP/0"},
		Description: "An ISO 4217 code, or a declared asset with its number of decimals."}
}

func (instantText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "date-time", Examples: []any{"2026-01-31T12:00:00.000000000Z"}}
}

func (idText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Format: "uuid", Description: "A UUID, best of version 7."}
}

func (hashText) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: "^[0-9a-f]{64}$", Description: "A SHA-256."}
}

func (stateText) Schema(huma.Registry) *huma.Schema {
	return enum(bursar.AccountOpen.String(), bursar.AccountFrozen.String(), bursar.AccountClosed.String())
}

func (kindText) Schema(huma.Registry) *huma.Schema {
	return enum(bursar.EntryLeg.String(), bursar.EntryOpen.String())
}

func (codeText) Schema(huma.Registry) *huma.Schema {
	var codes []string
	for _, row := range bursar.Catalogue() {
		codes = append(codes, string(row.Code))
	}
	return enum(codes...)
}

func enum(values ...string) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, v := range values {
		s.Enum = append(s.Enum, v)
	}
	return s
}

// entry shows the JSON that a bursar.Entry writes of itself. Package bursar keeps the struct that it writes to itself:
// showing it here would need one more exported name there. TestDocumentShowsWhatIsWritten keeps the two equal.
type entry struct {
	Seq         int64            `json:"seq"`
	At          bursar.Instant   `json:"at"`
	Hash        bursar.Hash      `json:"hash"`
	Kind        bursar.EntryKind `json:"kind"`
	Transfer    bursar.ID        `json:"transfer"`
	Leg         int              `json:"leg"`
	RequestHash bursar.Hash      `json:"request_hash"`
	From        string           `json:"from,omitempty"`
	To          string           `json:"to"`
	Amount      money.Amount     `json:"amount"`
	FromVersion int64            `json:"from_version,omitempty"`
	FromBalance *money.Amount    `json:"from_balance,omitempty"`
	FromHeld    *money.Amount    `json:"from_held,omitempty"`
	ToVersion   int64            `json:"to_version"`
	ToBalance   money.Amount     `json:"to_balance"`
	ToHeld      money.Amount     `json:"to_held"`
	Effective   bursar.Instant   `json:"effective"`
	Backdated   bool             `json:"backdated,omitempty"`
	Decided     bursar.Instant   `json:"decided"`
	Reference   string           `json:"reference,omitempty"`
	Metadata    bursar.Metadata  `json:"metadata,omitempty"`
}

// notes describe the fields of package bursar's types, which carry no descriptions themselves, and fields whose
// description is too long for a tag.
var notes = map[string]string{
	"AccountPage.next": "The after of the next page. Absent on the last page.",
	"JournalPage.next": "The after of the next page. Absent on the last page; " +
		"once the journal has grown, what is new comes after the seq of the last entry.",
	"AccountRequest.id": "Makes the opening idempotent. When absent, made of the Idempotency-Key or else of the path.",
	"TransferRequest.id": "Makes the transfer idempotent: sent again, it is posted once. Made of the Idempotency-Key, " +
		"or for you, when absent; without either, a lost answer cannot be asked for again.",
	"TransferRequest.legs":      "Happen all or not at all, in order. Either legs, or from, to and amount.",
	"TransferRequest.not_after": "Refuses the transfer when it is decided later than this.",
	"TransferRequest.reference": "Unique among the posted transfers of the book.",

	"Account.min":        "The least that the available balance may be; null for no minimum.",
	"Account.max":        "The most that the balance may be; null for no maximum.",
	"Account.version":    "Counts the account's entries.",
	"Account.opened":     "When the opening was decided.",
	"Balance.version":    "The account's version at that point; 0 before its first entry.",
	"Balance.seq":        "The journal position that the answer covers.",
	"Condition.path":     "The account.",
	"Condition.at_least": "The available balance is at least this. Send this or version.",
	"Condition.version":  "The account's version is this.",
	"CurrencyTotal.sum":  "Zero over all accounts.",
	"Entry.at":           "The ledger time.",
	"Entry.hash":         "SHA-256 over the hash before it and the entry.",
	"Entry.transfer":     "The id of the transfer or act that the entry belongs to.",
	"Entry.leg":          "The position of the leg in the transfer, from 0.",
	"Entry.request_hash": "SHA-256 over what was asked for.",
	"Entry.from":         "Absent for an act on an account, with all that belongs to it.",
	"Entry.effective":    "The time at, unless the transfer was dated back.",
	"Entry.backdated":    "The transfer was dated back. Absent otherwise.",
	"HeadResponse.at":    "Absent while the journal is empty.",
	"Posted.seq":         "The journal position of the last entry. Absent until it is sealed.",
	"Posted.at":          "The ledger time of the last entry. Absent until it is sealed.",
	"Posted.decided":     "The time that limits and conditions were judged by.",
	"Posted.replayed":    "The id was known with the same content: nothing new happened.",
	"Problem.available":  "What the account has available.",
	"Problem.decided":    "When the refusal was decided. Absent where nothing was.",
	"Problem.final": "The refusal is the answer for ever under this id, which stands for an attempt; " +
		"to try anew, use a new id. Absent otherwise.",
	"Problem.id": "The id of the transfer or act that the problem is about: the one that was sent or, " +
		"where none was, the one that was made. Absent where there is none.",
	"Problem.limit":  "The account's minimum or maximum, whichever is in the way.",
	"Problem.needed": "What the transfer asks of the account.",
	"Problem.replayed": "The refusal was decided before, under the same id, and is given again; " +
		"account, available, needed and limit are not kept. Absent otherwise.",
	"Statement.opening":       "The balance right before from; zero when that is absent.",
	"Statement.closing":       "The balance right before to, or now.",
	"Statement.next":          "The before, or after, of the next page in the same direction. Absent on the last page.",
	"Statement.seq":           "The journal position that closing covers, besides what is not sealed.",
	"StatementLine.seq":       "The journal position of the transfer's last entry. Absent until it is sealed.",
	"StatementLine.at":        "The ledger time of that entry. Absent until it is sealed.",
	"StatementLine.effective": "The time at, unless the transfer was dated back. Absent where neither is known.",
	"StatementLine.decided":   "The time that limits and conditions were judged by.",
	"StatementLine.amount":    "What all legs changed: positive when received, negative when sent.",
	"StatementLine.balance":   "After the last leg.",
	"StatementLine.other":     "The account on the other side; absent when legs have several.",
	"StatementLine.version":   "The account's version after the last leg.",
	"StatementLine.legs":      "The transfer's legs on this account, in order; none for an opening.",
	"StatementLeg.amount":     "Positive when received, negative when sent.",
	"StatementLeg.balance":    "After the leg.",
	"StatementLeg.leg":        "The position of the leg in the transfer, from 0.",
	"StatementLeg.other":      "The account on the other side.",
	"StatementLeg.seq":        "The leg's journal position. Absent until it is sealed.",
	"TransferRecord.entries":  "In order; none when it was refused.",
}

// finish says what the types alone do not: the notes, and that nothing is null but the limits of an account.
func finish(registry huma.Registry) {
	for name, schema := range registry.Map() {
		for field, property := range schema.Properties {
			property.Nullable = name == "Account" && (field == "min" || field == "max")
		}
	}
	for key, note := range notes {
		name, field, _ := strings.Cut(key, ".")
		registry.Map()[name].Properties[field].Description = note
	}
	registry.Map()["Problem"].Properties["status"].Description = statusNote()
}
