-- +goose Up

-- Lines of an account, with bursar_report_to: what it gave. Undone by: DROP INDEX bursar_report_from ON bursar_entry
CREATE INDEX /*M! IF NOT EXISTS */ bursar_report_from ON bursar_entry (from_account, from_version);
