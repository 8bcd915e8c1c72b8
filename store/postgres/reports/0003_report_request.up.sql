-- atlas:txmode none

-- +goose NO TRANSACTION
-- +goose Up

-- Entries and lines of a transfer by its id. Undone by: DROP INDEX CONCURRENTLY bursar_report_request
CREATE INDEX CONCURRENTLY IF NOT EXISTS bursar_report_request ON bursar_entry (book, request_id);
