package exchange

// The file formats.
const (
	FormatCSV     = "csv"
	FormatJSONL   = "jsonl"
	FormatHledger = "hledger" // export only
)

// column is a place in a row.
type column int

const (
	columnSeq column = iota
	columnAt
	columnID
	columnLeg
	columnEffective
	columnFrom
	columnTo
	columnAmount
	columnCurrency
	columnReference
	columnMemo
	columnMetadata
	columnFromBalance
	columnToBalance
	columnCount
)

// columnNames are the names in files, in the order of an export.
var columnNames = [columnCount]string{
	"seq", "at", "id", "leg", "effective", "from", "to", "amount", "currency", "reference", "memo", "metadata",
	"from_balance", "to_balance",
}

func columnOf(name string) (column, bool) {
	for c, known := range columnNames {
		if known == name {
			return column(c), true
		}
	}
	return 0, false
}

// fields are the texts of one row, by column.
type fields [columnCount]string

// memoKey is the metadata that the column memo stands for.
const memoKey = "memo"
