package mysql

import (
	"slices"

	"github.com/bursar-ledger/bursar/internal/sqlstore"
)

// describeMigrations are those that were applied.
const describeMigrations = `
	UNION ALL SELECT 'migration', '', CAST(version AS CHAR), name, '' FROM bursar_migration`

// auditSchema describes the ledger's objects as the server has them. MariaDB and MySQL have different columns for the
// same, and each takes the other's for a comment. What is left out: who made an object, the session that made it, and
// the display width of numbers. The mode of the session that made a trigger changes nothing either, because no word of
// our triggers means different things in two modes.
const auditSchema = `SELECT 'engine', '', IF(VERSION() LIKE '%MariaDB%', 'mariadb', 'mysql'), VERSION(), ''` +
	describeMigrations + `
	UNION ALL SELECT 'table', '', CONVERT(table_name USING utf8mb4), CONVERT(table_type USING utf8mb4), ''
		FROM information_schema.tables
		WHERE table_schema = DATABASE() AND table_name LIKE 'bursar\_%' AND table_type <> 'VIEW'
	UNION ALL ` + describeColumns + `
	UNION ALL ` + describeChecks + `
	UNION ALL ` + describeIndexes + `
	UNION ALL ` + describeForeignKeys + `
	UNION ALL SELECT 'trigger', CONVERT(event_object_table USING utf8mb4), CONVERT(trigger_name USING utf8mb4),
			CONVERT(CONCAT(action_timing, ' ', event_manipulation, ' ', COALESCE(action_statement, '')) USING utf8mb4),
			IF(COALESCE(action_statement, '') = '', 'unseen', '')
		FROM information_schema.triggers WHERE event_object_schema = DATABASE() AND event_object_table LIKE 'bursar\_%'
	UNION ALL SELECT 'view', '', CONVERT(table_name USING utf8mb4),
			REPLACE(CONVERT(CONCAT(security_type, ' ', COALESCE(view_definition, '')) USING utf8mb4),
				CONCAT('` + "`', DATABASE(), '`.`bursar_'), '`bursar_" + `'),
			IF(COALESCE(view_definition, '') = '', 'unseen', '')
		FROM information_schema.views WHERE table_schema = DATABASE() AND table_name LIKE 'bursar\_%'
	UNION ALL ` + describeRights

// describeRights is where this user may see triggers.
const describeRights = `SELECT 'right', '', 'TRIGGER', '', '' FROM information_schema.user_privileges` + ofUser + `
	UNION ALL SELECT 'right', '', 'TRIGGER', '', '' FROM information_schema.schema_privileges` + ofUser + `
		AND DATABASE() LIKE table_schema
	UNION ALL SELECT 'right', CONVERT(table_name USING utf8mb4), 'TRIGGER', '', ''
		FROM information_schema.table_privileges` + ofUser + ` AND table_schema = DATABASE()`

const ofUser = ` WHERE privilege_type = 'TRIGGER' AND grantee = CONCAT('\'', SUBSTRING_INDEX(CURRENT_USER(), '@', 1),
			'\'@\'', SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '\'')`

const describeColumns = `SELECT 'column', CONVERT(c.table_name USING utf8mb4), CONVERT(c.column_name USING utf8mb4),
			CONVERT(CONCAT_WS(' ',
				IF(c.data_type IN ('tinyint', 'smallint', 'mediumint', 'int', 'bigint'),
					CONCAT(c.data_type, IF(c.column_type LIKE '%unsigned%', ' unsigned', '')), c.column_type),
				CONCAT('COLLATE ', c.collation_name), IF(c.is_nullable = 'NO', 'NOT NULL', NULL),
				CONCAT('DEFAULT ', NULLIF(c.column_default, 'NULL')),
				CONCAT('AS ', NULLIF(c.generation_expression, '')), NULLIF(c.extra, '')) USING utf8mb4), ''
		FROM information_schema.columns c JOIN information_schema.tables t
			ON t.table_schema = c.table_schema AND t.table_name = c.table_name AND t.table_type <> 'VIEW'
		WHERE c.table_schema = DATABASE() AND c.table_name LIKE 'bursar\_%'`

// describeChecks prints a negative number in one way: MySQL has parentheses around it until a dump was restored.
const describeChecks = `SELECT 'check', CONVERT(table_name USING utf8mb4), CONVERT(c.constraint_name USING utf8mb4),
			REPLACE(CONVERT(c.check_clause USING utf8mb4), '-(999999999999999999)', '-999999999999999999'),
			/*!80016 IF(t.enforced = 'YES', '', 'is not enforced') */ /*M! '' */
		FROM information_schema.check_constraints c /*!80016 JOIN information_schema.table_constraints t
			ON t.constraint_schema = c.constraint_schema AND t.constraint_name = c.constraint_name
				AND t.constraint_type = 'CHECK' */
		WHERE c.constraint_schema = DATABASE() AND table_name LIKE 'bursar\_%'`

// describeIndexes keeps to the order of an index's columns. An index that is ignored or invisible still refuses what is
// not unique, but nothing finds rows by it.
const describeIndexes = `SELECT 'index', CONVERT(table_name USING utf8mb4), CONVERT(index_name USING utf8mb4),
			CONVERT(CONCAT(IF(MAX(non_unique) = 0, 'UNIQUE ', ''), MAX(index_type), ' (', GROUP_CONCAT(
				CONCAT(COALESCE(column_name, 'an expression'), COALESCE(CONCAT('(', sub_part, ')'), ''),
					IF(collation = 'D', ' DESC', '')) ORDER BY seq_in_index SEPARATOR ', '), ')') USING utf8mb4),
			IF(/*M!100600 MAX(ignored) = 'YES' */ /*!80000 MAX(is_visible) = 'NO' */, 'is ignored', '')
		FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name LIKE 'bursar\_%'
		GROUP BY table_name, index_name`

const describeForeignKeys = `SELECT 'foreign key', CONVERT(r.table_name USING utf8mb4),
			CONVERT(r.constraint_name USING utf8mb4),
			CONVERT(CONCAT((SELECT GROUP_CONCAT(CONCAT(k.column_name, ' REFERENCES ', k.referenced_table_name, ' ',
					k.referenced_column_name) ORDER BY k.ordinal_position SEPARATOR ', ')
				FROM information_schema.key_column_usage k WHERE k.constraint_schema = r.constraint_schema
					AND k.constraint_name = r.constraint_name AND k.table_name = r.table_name),
				IF(r.delete_rule IN ('RESTRICT', 'NO ACTION'), '', CONCAT(' ON DELETE ', r.delete_rule)),
				IF(r.update_rule IN ('RESTRICT', 'NO ACTION'), '', CONCAT(' ON UPDATE ', r.update_rule))) USING utf8mb4), ''
		FROM information_schema.referential_constraints r
		WHERE r.constraint_schema = DATABASE() AND r.table_name LIKE 'bursar\_%'`

// auditNames names what is not there of constraints and indexes. TiDB has no CHECK in its table_constraints, which
// has no column enforced either. Its check_constraints has those that were made while they were enforced. Other
// servers take the part about the setting for a comment.
const auditNames = `SELECT 'engine', '', 'tidb', VERSION(), ''` + describeMigrations + `
	/*T! UNION ALL SELECT 'setting', '', 'tidb_enable_check_constraint', '', 'is off, so that no CHECK is enforced'
		FROM (SELECT @@tidb_enable_check_constraint AS enforced) v WHERE v.enforced = 0 */
	UNION ALL SELECT 'check', '', x.name, '', 'is missing or not enforced' FROM (SELECT 'bursar_head_place' AS name
		UNION ALL SELECT 'bursar_account_scale'
		UNION ALL SELECT 'bursar_balance_state' UNION ALL SELECT 'bursar_balance_version'
		UNION ALL SELECT 'bursar_balance_held' UNION ALL SELECT 'bursar_balance_pair'
		UNION ALL SELECT 'bursar_balance_sign'
		UNION ALL SELECT 'bursar_balance_min' UNION ALL SELECT 'bursar_balance_max'
		UNION ALL SELECT 'bursar_request_outcome'
		UNION ALL SELECT 'bursar_entry_place' UNION ALL SELECT 'bursar_entry_leg' UNION ALL SELECT 'bursar_entry_amount'
		UNION ALL SELECT 'bursar_entry_zeros' UNION ALL SELECT 'bursar_entry_accounts') x
		WHERE x.name NOT IN (SELECT CONVERT(constraint_name USING utf8mb4) FROM information_schema.check_constraints
			WHERE constraint_schema = DATABASE())
	UNION ALL SELECT 'index', '', x.name, '', 'is missing or not unique' FROM (SELECT 'bursar_book_name' AS name
		UNION ALL SELECT 'bursar_account_path'
		UNION ALL SELECT 'bursar_request_id' UNION ALL SELECT 'bursar_request_reference' UNION ALL SELECT 'bursar_entry_seq'
		UNION ALL SELECT 'bursar_entry_id'
		UNION ALL SELECT 'bursar_checkpoint_seq') x
		WHERE x.name NOT IN (SELECT CONVERT(index_name USING utf8mb4) FROM information_schema.statistics
			WHERE table_schema = DATABASE() AND non_unique = 0)`

// hidden reports whether a trigger may be there and not be seen. Who lacks the right TRIGGER sees no trigger of a
// table. A right that comes from a role is not seen either.
func hidden(have []sqlstore.Object, missing sqlstore.Object) bool {
	return missing.Kind == sqlstore.ObjectTrigger && !slices.ContainsFunc(have, func(o sqlstore.Object) bool {
		sees := o.Kind == sqlstore.ObjectTrigger || o.Kind == sqlstore.ObjectRight
		return sees && (o.Table == "" || o.Table == missing.Table)
	})
}
