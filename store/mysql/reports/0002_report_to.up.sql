-- +goose Up

-- Lines of an account, with bursar_report_from: what it got. Undone by: DROP INDEX bursar_report_to ON bursar_entry
CREATE INDEX /*M! IF NOT EXISTS */ bursar_report_to ON bursar_entry (to_account, to_version);
