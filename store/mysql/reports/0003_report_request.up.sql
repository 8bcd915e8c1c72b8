-- +goose Up

-- Entries and lines of a transfer by its id. Undone by: DROP INDEX bursar_report_request ON bursar_entry
CREATE INDEX /*M! IF NOT EXISTS */ bursar_report_request ON bursar_entry (book, request_id);
