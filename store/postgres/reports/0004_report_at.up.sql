-- atlas:txmode none

-- +goose NO TRANSACTION
-- +goose Up

-- Entries in a time range. Undone by: DROP INDEX CONCURRENTLY bursar_report_at
CREATE INDEX CONCURRENTLY IF NOT EXISTS bursar_report_at ON bursar_entry (book, at);
