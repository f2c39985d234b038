package edi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
	"github.com/crossdock/crossdock/connectors/edi/sef"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/core/cli/internal/exit"
)

func importCommand() *cobra.Command {
	var dir string
	var lenient, replace bool
	c := &cobra.Command{
		Use: "import <file.sef>", Short: "Make grammar files of a SEF file of your own",
		Long: `Reads a Standard Exchange Format file, in which licensees and partners hand on
sets, and writes grammars that --grammars takes. What is not understood is an
error with line and column; --lenient leaves it out and says so. A partner's
usage marks are not taken over: an overlay says what a partner asks.

Members of documents are named by the titles in .TEXT; without one by the number
of the element, e353. Existing files are kept unless --replace is given.`,
		Example: "  crossdock edi import purchase-order.sef --into grammars\n  crossdock edi import guide.sef --into grammars --lenient --replace",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a := toolOf(cmd)
			if dir == "" {
				return &exit.Error{Code: 2, Err: errors.New("--into names the folder that the grammars are written to")}
			}
			r, err := a.importFile(args[0], sef.Options{Lenient: lenient, Known: shippedName})
			if err != nil {
				return exit.Fail(err)
			}
			if err := store(r.Files, dir, replace); err != nil {
				return exit.Fail(err)
			}
			if _, err := lintGrammars(grammar.Open(os.DirFS(dir))); err != nil {
				return exit.Fail(err)
			}
			return a.imported(r, dir)
		},
	}
	c.Flags().StringVar(&dir, "into", "", "folder for the grammars: x12/ or edifact/ is made in it")
	c.Flags().BoolVar(&lenient, "lenient", false, "leave out what is not understood")
	c.Flags().BoolVar(&replace, "replace", false, "overwrite grammars that are there")
	return c
}

func (a *tool) importFile(name string, o sef.Options) (*sef.Result, error) {
	r, done, err := a.open(name)
	if err != nil {
		return nil, err
	}
	defer done()
	b, err := io.ReadAll(io.LimitReader(r, sef.MaxFile+1))
	if err != nil {
		return nil, err
	}
	return sef.Import(name, b, o)
}

// shippedName gives an imported set the name that its documents have with the
// shipped grammars.
func shippedName(std syntax.Standard, id string) (name, group string) {
	lib := grammar.Open(grammars.FS())
	releases, err := lib.Releases(std)
	for _, release := range releases {
		if s, setErr := lib.Set(std, release, id); err == nil && setErr == nil {
			return s.Name, s.Group
		}
	}
	return "", ""
}

// store writes the files, all or, where some exist, none.
func store(files map[string][]byte, dir string, replace bool) error {
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if _, err := os.Stat(path); err == nil && !replace {
			return fmt.Errorf("%s exists: import into another folder, or overwrite it with --replace", path)
		}
	}
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, files[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (a *tool) imported(r *sef.Result, dir string) error {
	if a.json {
		return exit.Fail(json.NewEncoder(a.out).Encode(map[string]any{
			"standard": r.Standard.String(), "release": r.Release, "sets": r.Sets, "files": slices.Sorted(maps.Keys(r.Files)), "notes": r.Notes,
		}))
	}
	for _, n := range r.Notes {
		fmt.Fprintln(a.out, "note:", n)
	}
	fmt.Fprintf(a.out, "%s\nuse it with --grammars %s\n", linted{Standard: r.Standard.String(), Release: r.Release, Sets: r.Sets}, dir)
	return nil
}
