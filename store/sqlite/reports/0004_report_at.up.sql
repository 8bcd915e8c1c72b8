-- +goose Up

-- Entries in a time range. Undone by: DROP INDEX bursar_report_at
CREATE INDEX IF NOT EXISTS bursar_report_at ON bursar_entry (book, at);
