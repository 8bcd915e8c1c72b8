package httpapi

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/bursar-ledger/bursar"
)

// Document is what /openapi.json says, as the validator of huma reads it.
func Document() *huma.OpenAPI { return newDocument(false) }

// ExactStatuses are the statuses that a code may have besides that of its row.
func ExactStatuses(code bursar.Code) (statuses []int) {
	for _, e := range exactStatuses {
		if e.code == code {
			statuses = append(statuses, e.status)
		}
	}
	return statuses
}

// TypeOf is the type of a problem with this code.
func TypeOf(code bursar.Code) string { return errorsURL + string(code) }
