package migrations_test

import (
	"context"
	"database/sql"
	"io/fs"
	"slices"
	"testing"

	atlas "ariga.io/atlas/sql/migrate"
	"ariga.io/atlas/sql/mysql"
	"ariga.io/atlas/sql/postgres"
	"ariga.io/atlas/sql/sqlite"
)

type atlasDriver func(db *sql.DB) (atlas.Driver, error)

func atlasSQLite(db *sql.DB) (atlas.Driver, error)   { return sqlite.Open(db) }
func atlasPostgres(db *sql.DB) (atlas.Driver, error) { return postgres.Open(db) }
func atlasMySQL(db *sql.DB) (atlas.Driver, error)    { return mysql.Open(db) }

// TestAtlas runs Atlas's executor over one directory, where the ledger's files stand under numbers of the application's
// choice. The command line of Atlas is not tested.
func TestAtlas(t *testing.T) {
	t.Parallel()
	for engine, begin := range places() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			p := begin(t)
			dir := &atlas.MemDir{}
			put := func(name string, text []byte) { must(t, dir.WriteFile(name, text)) }
			put("1_users.sql", []byte("CREATE TABLE users (id INTEGER PRIMARY KEY);\n"))
			put("2_bursar_init.sql", read(t, schema(t, p.url), "0001_init.up.sql"))
			put("3_bursar_report_from.sql", read(t, reports(t, p.url), "0001_report_from.up.sql"))
			put("4_bursar_report_to.sql", read(t, reports(t, p.url), "0002_report_to.up.sql"))
			put("5_bursar_report_request.sql", read(t, reports(t, p.url), "0003_report_request.up.sql"))
			put("6_bursar_report_at.sql", read(t, reports(t, p.url), "0004_report_at.up.sql"))
			sums, err := dir.Checksum()
			must(t, err)
			must(t, atlas.WriteSumFile(dir, sums))
			driver, err := p.atlas(p.open(t))
			must(t, err)
			history := &revisions{}
			tool, err := atlas.NewExecutor(driver, dir, history)
			must(t, err)
			must(t, tool.ExecuteN(t.Context(), 0))
			if len(history.all) != 6 {
				t.Errorf("Atlas applied %d files, want 6", len(history.all))
			}
			wantLedger(t, p)
		})
	}
}

func read(t *testing.T, folder fs.FS, name string) []byte {
	t.Helper()
	text, err := fs.ReadFile(folder, name)
	must(t, err)
	return text
}

// revisions keeps what Atlas has applied, as its command does in a table.
type revisions struct{ all []*atlas.Revision }

func (r *revisions) Ident() *atlas.TableIdent {
	return &atlas.TableIdent{Name: "atlas_schema_revisions"}
}

func (r *revisions) ReadRevisions(context.Context) ([]*atlas.Revision, error) { return r.all, nil }

func (r *revisions) ReadRevision(_ context.Context, version string) (*atlas.Revision, error) {
	for _, revision := range r.all {
		if revision.Version == version {
			return revision, nil
		}
	}
	return nil, atlas.ErrRevisionNotExist
}

func (r *revisions) WriteRevision(ctx context.Context, revision *atlas.Revision) error {
	if err := r.DeleteRevision(ctx, revision.Version); err != nil {
		return err
	}
	r.all = append(r.all, revision)
	return nil
}

func (r *revisions) DeleteRevision(_ context.Context, version string) error {
	r.all = slices.DeleteFunc(r.all, func(old *atlas.Revision) bool { return old.Version == version })
	return nil
}
