package cli

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	_ "modernc.org/sqlite" // the starter's ERP
)

//go:embed starter
var starter embed.FS

func (a *app) initCommand() *cobra.Command {
	return &cobra.Command{
		Use: "init [dir]", Short: "Write a commented project to start from", Args: cobra.MaximumNArgs(1),
		Long: `Writes a project that runs at once: order files dropped into its inbox folder
become rows of a SQLite database. Every file is commented; change one, run
"crossdock validate", and go on from there. Existing files are never touched.`,
		Example: "  crossdock init shop\n  crossdock run -c shop\n  cp shop/example.csv shop/inbox/",
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := a.dir
			if len(args) > 0 {
				dir = args[0]
			}
			return fail(a.initProject(cmd.Context(), dir))
		},
	}
}

const exampleCSV = `order,ordered_at,currency,line,sku,quantity,price
4711,2026-01-05T09:00:00Z,EUR,1,A-1,2,10.00
4711,2026-01-05T09:00:00Z,EUR,2,B-2,1,5.50
4712,2026-01-05T09:05:00Z,EUR,1,A-1,1,10.00
`

func (a *app) initProject(ctx context.Context, dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(abs, "crossdock.yaml")); err == nil {
		return fmt.Errorf("%s is a project already", dir)
	}
	for _, d := range []string{"inbox", "partners"} {
		if err := os.MkdirAll(filepath.Join(abs, d), 0o755); err != nil {
			return err
		}
	}
	fill := strings.NewReplacer("{{dir}}", filepath.ToSlash(abs), "{{name}}", strings.ToLower(filepath.Base(abs)))
	files := []string{}
	err = fs.WalkDir(starter, "starter", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := starter.ReadFile(name)
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(name, "starter/")
		files = append(files, rel)
		return writeNew(filepath.Join(abs, filepath.FromSlash(rel)), fill.Replace(string(b)))
	})
	err = errors.Join(err, writeNew(filepath.Join(abs, "example.csv"), exampleCSV), writeNew(filepath.Join(abs, ".gitignore"), "data/\ninbox/\nerp.db*\n.env\n"), starterERP(ctx, abs))
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"dir": abs, "files": files})
	}
	fmt.Fprintf(a.Out, "wrote %d files to %s\n\nnext:\n  %[3]s validate -c %[2]s\n  %[3]s run -c %[2]s\n  cp %[2]s/example.csv %[2]s/inbox/\n  %[3]s trace 4711 -c %[2]s\n", len(files), dir, selfCommand())
	return nil
}

// writeNew writes a file that must not exist.
func writeNew(name, content string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("existing files are left alone: %w", err)
	}
	_, err = f.WriteString(content)
	return errors.Join(err, f.Close())
}

// starterERP makes the tables that the starter writes to.
func starterERP(ctx context.Context, dir string) error {
	db, err := sql.Open("sqlite", filepath.Join(dir, "erp.db"))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `
		CREATE TABLE IF NOT EXISTS orders (order_number TEXT PRIMARY KEY, currency TEXT NOT NULL, total TEXT NOT NULL);
		CREATE TABLE IF NOT EXISTS order_lines (order_number TEXT NOT NULL, sku TEXT NOT NULL, quantity TEXT NOT NULL)`)
	return errors.Join(err, db.Close())
}
