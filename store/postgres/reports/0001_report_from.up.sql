-- atlas:txmode none

-- +goose NO TRANSACTION
-- +goose Up

-- Lines of an account, with bursar_report_to: what it gave. Undone by: DROP INDEX CONCURRENTLY bursar_report_from
CREATE INDEX CONCURRENTLY IF NOT EXISTS bursar_report_from ON bursar_entry (from_account, from_version);
