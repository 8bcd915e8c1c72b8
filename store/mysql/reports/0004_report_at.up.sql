-- +goose Up

-- Entries in a time range. Undone by: DROP INDEX bursar_report_at ON bursar_entry
CREATE INDEX /*M! IF NOT EXISTS */ bursar_report_at ON bursar_entry (book, at);
