package postgres

// auditSchema describes the ledger's objects as the catalogue has them. Names stand without their schema, because the
// search path of the connection finds them. What an administrator may tune is left out: fill factors, storage, owners.
const auditSchema = `WITH rel AS (SELECT c.oid, c.relname, c.relkind, c.relpersistence, c.relrowsecurity, c.relnamespace
		FROM pg_class c WHERE c.relname LIKE 'bursar\_%' AND pg_table_is_visible(c.oid) AND c.relkind NOT IN ('i', 'I'))
	SELECT 'engine'::text, ''::text, 'postgres'::text, current_setting('server_version_num'), ''::text
	UNION ALL SELECT 'migration', '', version::text, name, '' FROM bursar_migration
	UNION ALL SELECT 'table', '', relname, concat_ws(' ', relkind, relpersistence),
			CASE WHEN relrowsecurity THEN 'has row level security, which hides rows' ELSE '' END
		FROM rel WHERE relkind NOT IN ('v', 'S')
	UNION ALL ` + describeColumns + `
	UNION ALL ` + describeConstraints + `
	UNION ALL ` + describeIndexes + `
	UNION ALL ` + describeTriggers + `
	UNION ALL ` + describeFunctions + `
	UNION ALL SELECT 'view', '', relname, pg_get_viewdef(oid), '' FROM rel WHERE relkind = 'v'
	UNION ALL SELECT 'sequence', '', relname, concat_ws(' ', format_type(seqtypid, NULL), 'start', seqstart, 'increment',
			seqincrement, 'min', seqmin, 'max', seqmax, CASE WHEN seqcycle THEN 'cycle' END), ''
		FROM rel JOIN pg_sequence ON seqrelid = oid
	UNION ALL ` + describeStrangers

const describeColumns = `SELECT 'column', rel.relname, a.attname,
			concat_ws(' ', format_type(a.atttypid, a.atttypmod),
				CASE WHEN a.attcollation <> t.typcollation THEN 'COLLATE ' || (SELECT quote_ident(collname) FROM pg_collation l
					WHERE l.oid = a.attcollation) END,
				CASE WHEN a.attnotnull THEN 'NOT NULL' END,
				CASE WHEN a.attgenerated <> '' THEN concat('GENERATED ', a.attgenerated) END,
				'DEFAULT ' || (SELECT pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef d
					WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum),
				CASE WHEN a.attidentity <> '' THEN concat('IDENTITY ', a.attidentity) END),
			CASE WHEN EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conrelid = rel.oid AND c.contype = 'n'
				AND c.conkey = ARRAY[a.attnum] AND NOT c.convalidated) THEN 'may hold NULL in old rows' ELSE '' END
		FROM rel JOIN pg_attribute a ON a.attrelid = rel.oid AND a.attnum > 0 AND NOT a.attisdropped
			JOIN pg_type t ON t.oid = a.atttypid
		WHERE rel.relkind NOT IN ('v', 'S')`

// describeConstraints leaves out NOT NULL, which is a constraint since PostgreSQL 18 and is described with its column.
// Only that version says whether a constraint is enforced, so the row is read as JSON.
const describeConstraints = `SELECT CASE c.contype WHEN 'c' THEN 'check' WHEN 'f' THEN 'foreign key' ELSE 'key' END,
			rel.relname, c.conname, pg_get_constraintdef(c.oid),
			CASE WHEN to_jsonb(c) ->> 'conenforced' = 'false' THEN 'is not enforced'
				WHEN NOT c.convalidated THEN 'is not validated' ELSE '' END
		FROM rel JOIN pg_constraint c ON c.conrelid = rel.oid WHERE c.contype IN ('c', 'f', 'p', 'u', 'x')`

const describeIndexes = `SELECT 'index', rel.relname, c.relname,
			regexp_replace(pg_get_indexdef(c.oid, 0, true), ' WITH \([^)]*\)| TABLESPACE "?[^" ]+"?', '', 'g'),
			CASE WHEN NOT (i.indisvalid AND i.indisready AND i.indislive) THEN 'is not valid' ELSE '' END
		FROM rel JOIN pg_index i ON i.indrelid = rel.oid JOIN pg_class c ON c.oid = i.indexrelid`

// describeTriggers knows the engine's own triggers only where they keep the ledger's foreign keys and are disabled.
const describeTriggers = `SELECT 'trigger', rel.relname, coalesce(c.conname, t.tgname),
			CASE WHEN t.tgisinternal THEN '' ELSE pg_get_triggerdef(t.oid, true) END,
			CASE t.tgenabled WHEN 'D' THEN 'is disabled' WHEN 'R' THEN 'is enabled on replicas only' ELSE '' END
		FROM rel JOIN pg_trigger t ON t.tgrelid = rel.oid
			LEFT JOIN pg_constraint c ON t.tgisinternal AND c.oid = t.tgconstraint
		WHERE NOT t.tgisinternal OR t.tgenabled IN ('D', 'R') AND c.conrelid IN (SELECT oid FROM rel)`

// describeFunctions finds what the triggers run, wherever it is.
const describeFunctions = `SELECT 'function', '', p.proname,
			concat_ws(' ', format_type(p.prorettype, NULL), pg_get_function_identity_arguments(p.oid), l.lanname, p.prokind,
				p.provolatile, CASE WHEN p.prosecdef THEN 'SECURITY DEFINER' END, CASE WHEN p.proisstrict THEN 'STRICT' END,
				p.proconfig::text, p.prosrc), ''
		FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
		WHERE p.proname LIKE 'bursar\_%' AND (p.pronamespace IN (SELECT relnamespace FROM rel)
			OR p.oid IN (SELECT tgfoid FROM pg_trigger JOIN rel ON tgrelid = rel.oid WHERE NOT tgisinternal))`

// describeStrangers finds what no migration makes: rules, policies, inheritance, and settings in which triggers do not
// run.
const describeStrangers = `SELECT 'rule', rel.relname, r.rulename, '', ''
		FROM rel JOIN pg_rewrite r ON r.ev_class = rel.oid
		WHERE NOT (rel.relkind = 'v' AND r.rulename = '_RETURN')
	UNION ALL SELECT 'policy', rel.relname, p.polname, '', '' FROM rel JOIN pg_policy p ON p.polrelid = rel.oid
	UNION ALL SELECT 'relative', rel.relname, other.relname, '', ''
		FROM rel JOIN pg_inherits i ON rel.oid IN (i.inhrelid, i.inhparent)
			JOIN pg_class other ON other.oid IN (i.inhrelid, i.inhparent) AND other.oid <> rel.oid
	UNION ALL SELECT 'setting', '', 'session_replication_role', '', 'keeps triggers from running here'
		WHERE current_setting('session_replication_role') = 'replica'
	UNION ALL SELECT 'setting', '', 'session_replication_role of '
			|| coalesce('role ' || (SELECT rolname FROM pg_roles r WHERE r.oid = s.setrole), 'this database'), '',
			'keeps triggers from running'
		FROM pg_db_role_setting s
		WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
			AND 'session_replication_role=replica' = ANY (s.setconfig)`

// auditNames names what is not there of constraints and indexes.
const auditNames = `WITH expected (rel, kind, name) AS (VALUES
		('bursar_book', 'constraint', 'bursar_book_name'), ('bursar_book', 'constraint', 'bursar_book_uuid'),
		('bursar_account', 'constraint', 'bursar_account_book'), ('bursar_account', 'constraint', 'bursar_account_path'),
		('bursar_balance', 'constraint', 'bursar_balance_held'), ('bursar_balance', 'constraint', 'bursar_balance_range'),
		('bursar_balance', 'constraint', 'bursar_balance_signs'), ('bursar_balance', 'constraint', 'bursar_balance_min'),
		('bursar_balance', 'constraint', 'bursar_balance_max'),
		('bursar_request', 'constraint', 'bursar_request_outcome'),
		('bursar_entry', 'constraint', 'bursar_entry_amount'), ('bursar_entry', 'constraint', 'bursar_entry_zeros'),
		('bursar_entry', 'constraint', 'bursar_entry_place'), ('bursar_entry', 'constraint', 'bursar_entry_sides'),
		('bursar_entry', 'index', 'bursar_entry_pkey'), ('bursar_entry', 'index', 'bursar_entry_seq'),
		('bursar_entry', 'index', 'bursar_entry_id'),
		('bursar_request', 'index', 'bursar_request_id'), ('bursar_request', 'index', 'bursar_request_reference'),
		('bursar_account', 'index', 'bursar_account_pkey'), ('bursar_balance', 'index', 'bursar_balance_pkey'),
		('bursar_head', 'index', 'bursar_head_pkey'), ('bursar_checkpoint', 'index', 'bursar_checkpoint_seq'))
	SELECT 'engine'::text, ''::text, 'cockroach'::text, version(), ''::text
	UNION ALL SELECT 'migration', '', version::text, name, '' FROM bursar_migration
	UNION ALL SELECT kind, rel, name, '', 'is missing or not valid' FROM expected WHERE CASE kind
		WHEN 'constraint' THEN NOT EXISTS (SELECT 1 FROM pg_constraint c
			WHERE c.conrelid = to_regclass(rel) AND c.conname = name AND c.convalidated)
		ELSE NOT EXISTS (SELECT 1 FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
			WHERE i.indrelid = to_regclass(rel) AND c.relname = name AND i.indisunique AND i.indisvalid) END`
