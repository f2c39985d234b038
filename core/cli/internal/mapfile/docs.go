package mapfile

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/core/mapping/page"
	"github.com/crossdock/crossdock/core/mapping/specification"
)

// pageForms are the forms of a page, with the ends of their file names.
var pageForms = map[string]struct {
	write func(io.Writer, *specification.Mapping) error
	end   string
}{"html": {page.HTML, ".html"}, "markdown": {page.Markdown, ".md"}}

func docsCommand() *cobra.Command {
	var form, out string
	c := &cobra.Command{
		Use: "docs [mapping ...]", Short: "Write a page about a mapping for the business",
		Long: `Writes a page that somebody reads who writes no mappings: every target field, its
rule in words, the source with what its schema says of it and the segment of EDI,
code lists, lookups, conditions, what is not used, and the tests as examples.

One mapping goes to standard output unless --out names a folder; several, or all of
the project, need --out. Each page is a file that needs nothing else. Pages in the
folder are written anew.`,
		Example: "  crossdock map docs mappings/order.yaml > order.html\n  crossdock map docs --out docs/mappings\n  crossdock map docs order --format markdown",
		RunE: func(cmd *cobra.Command, args []string) error {
			t := toolOf(cmd)
			f, ok := pageForms[form]
			if !ok {
				return exit.Misuse("--format is html or markdown, found %q", form)
			}
			if len(args) == 0 {
				paths, err := mapping.Open(os.DirFS(t.dir)).Paths()
				if err != nil || len(paths) == 0 {
					return exit.Misuse("there is no mapping under %s/mappings; name a file, or the project with -c", t.dir)
				}
				args = paths
			}
			if out == "" && len(args) > 1 {
				return exit.Misuse("%d mappings need a folder for their pages: --out docs/mappings", len(args))
			}
			written := []string{}
			for _, a := range args {
				name, text, err := t.page(a, f.write)
				if err != nil {
					return exit.Fail(err)
				}
				if out == "" {
					_, err = t.out.Write(text)
					return exit.Fail(err)
				}
				file := filepath.Join(out, name+f.end)
				if err := os.MkdirAll(out, 0o755); err != nil {
					return exit.Fail(err)
				}
				if err := os.WriteFile(file, text, 0o644); err != nil {
					return exit.Fail(err)
				}
				written = append(written, file)
				if !t.json {
					fmt.Fprintf(t.out, "wrote %s\n", file)
				}
			}
			if t.json {
				return t.printJSON(map[string]any{"files": written})
			}
			return nil
		},
	}
	c.Flags().StringVar(&form, "format", "html", "html or markdown")
	c.Flags().StringVar(&out, "out", "", "folder to write the pages to")
	return c
}

// page makes the page of a mapping that has no errors; its name is that of the
// mapping.
func (t *tool) page(reference string, write func(io.Writer, *specification.Mapping) error) (string, []byte, error) {
	fsys, name, err := t.mappingFile(reference)
	if err != nil {
		return "", nil, err
	}
	m, err := checked(fsys, name)
	if err != nil {
		return "", nil, err
	}
	said, err := specification.Read(fsys, name)
	if err != nil {
		return "", nil, err
	}
	var b bytes.Buffer
	err = write(&b, said)
	return m.Name(), b.Bytes(), err
}
