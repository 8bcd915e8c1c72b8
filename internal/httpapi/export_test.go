package httpapi

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/bursar-ledger/bursar/ledger"
)

// Document is what /openapi.json says, as the validator of huma reads it.
func Document(l *ledger.Ledger) *huma.OpenAPI {
	_, document := build(l, nil)
	return document
}
