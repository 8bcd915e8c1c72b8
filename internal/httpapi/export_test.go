package httpapi

import "github.com/danielgtaylor/huma/v2"

// Document is what /openapi.json says, as the validator of huma reads it.
func Document() *huma.OpenAPI { return newDocument(false) }
