package httpapi

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/bursar-ledger/bursar"
)

// Document is what /openapi.json says, as the validator of huma reads it.
func Document(ledger *bursar.Ledger) *huma.OpenAPI {
	_, document := build(ledger, nil)
	return document
}
