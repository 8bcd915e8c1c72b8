package sqlstore

import (
	"database/sql"
	"slices"

	"github.com/bursar-ledger/bursar"
	"github.com/bursar-ledger/bursar/driver"
)

// request is a row of bursar_request on its way between Go and the database. What both sides write alike stands in the
// row of package driver; the rest is here as it is stored.
type request struct {
	*driver.RequestRecord

	book                    int64
	lastEntry               sql.NullInt64
	refusal, field, message sql.NullString
}

// A new column of bursar_request is one line in one of these lists. The texts of all engines follow.
var (
	requestBook = fields[request]{
		{Column{"r", "book", Bigint}, func(r *request) any { return &r.book }},
	}
	requestID = fields[request]{
		{Column{"r", "id", UUID}, func(r *request) any { return fixed(r.ID[:]) }},
		{Column{"r", "content", Blob}, func(r *request) any { return &r.Content }},
		{Column{"r", "decided", Bigint}, func(r *request) any { return (*int64)(&r.Decided) }},
	}
	requestFacts = fields[request]{
		{Column{"r", "last_entry", Bigint}, func(r *request) any { return &r.lastEntry }},
		{Column{"r", "reference", Text}, func(r *request) any { return &optionalText{target: &r.Reference} }},
		{Column{"r", "metadata", Text}, func(r *request) any { return &optionalText{target: &r.Metadata} }},
		{Column{"r", "refusal", Text}, func(r *request) any { return &r.refusal }},
		{Column{"r", "refusal_field", Text}, func(r *request) any { return &r.field }},
		{Column{"r", "refusal_message", Text}, func(r *request) any { return &r.message }},
		{Column{"r", "refusal_hash", Hash}, func(r *request) any { return &fixedBytes{r.RefusalHash[:], r.Refusal == nil} }},
	}

	requestFields    = slices.Concat(requestID, requestFacts)
	newRequestFields = slices.Concat(requestBook, requestFields)
)

// The columns of requests, for the statements of the engines. A statement that reads calls the request r.
var (
	RequestColumns = requestFields.columns()
	NewRequest     = newRequestFields.columns() // InsertRequests
)

// encode sets what is stored from a row that was decided.
func (r *request) encode() {
	if r.Refusal == nil {
		r.lastEntry = sql.NullInt64{Int64: r.LastEntry, Valid: true}
		r.refusal, r.field, r.message = sql.NullString{}, sql.NullString{}, sql.NullString{}
		return
	}
	r.lastEntry = sql.NullInt64{}
	r.refusal.String, r.field.String, r.message.String = string(r.Refusal.Code), r.Refusal.Field, r.Refusal.Message
}

// decode sets a row from what is stored.
func (r *request) decode() {
	r.LastEntry = r.lastEntry.Int64
	if r.refusal.Valid {
		r.Refusal = &bursar.Error{
			Code: bursar.Code(r.refusal.String), Field: r.field.String, Message: r.message.String,
		}
	}
}

// scanRequest reads RequestColumns. more are the places of columns that the statement has after these.
func scanRequest(scan scanner, record *driver.RequestRecord, more ...any) error {
	r := request{RequestRecord: record}
	if err := scan(requestFields.targets(&r, more...)...); err != nil {
		return err
	}
	r.decode()
	return nil
}
