package edi

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/strictyaml"
)

func lintCommand() *cobra.Command {
	var dir, schema string
	c := &cobra.Command{
		Use: "lint [folder or overlay ...]", Short: "Check grammar files and partners' overlays",
		Long: `Compiles every grammar: the shipped ones, or those of a folder with x12/ and
edifact/ in it. An overlay file, or a folder with some, is compiled over the
shipped grammars or those of --grammars. All problems are reported with file,
line and column. A qualifier that is not among the usual ones, such as N1[QX], is a
warning: it may be the partner's own, or a slip that would never be noticed.

--schema prints the JSON Schema of the files instead, for editors.`,
		Example: "  crossdock edi lint\n  crossdock edi lint ./grammars\n  crossdock edi lint partners/acme-850.yaml\n  crossdock edi lint --schema overlay > overlay.schema.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			a := toolOf(cmd)
			if schema != "" {
				b, ok := grammars.Schema(schema)
				if !ok {
					return &exit.Error{Code: 2, Err: fmt.Errorf("--schema %s: there are schemas of grammar and overlay", schema)}
				}
				_, err := a.out.Write(b)
				return exit.Fail(err)
			}
			out, err := lint(dir, args)
			if err != nil {
				return exit.Fail(err)
			}
			if a.json {
				return exit.Fail(json.NewEncoder(a.out).Encode(out))
			}
			for _, r := range out {
				fmt.Fprintln(a.out, r)
				for _, w := range r.Warnings {
					fmt.Fprintln(cmd.ErrOrStderr(), "warning:", w)
				}
			}
			return nil
		},
	}
	c.Flags().StringVar(&dir, "grammars", "", grammarsFlag)
	c.Flags().StringVar(&schema, "schema", "", "print the JSON Schema of grammar or overlay files")
	return c
}

// linted is what was found to be right: a release, or an overlay of a set.
type linted struct {
	Standard string   `json:"standard"`
	Release  string   `json:"release"`
	Sets     []string `json:"sets"`
	Overlay  string   `json:"overlay,omitempty"`
	File     string   `json:"file,omitempty"`
	// Warnings are what may be a mistake.
	Warnings []string `json:"warnings,omitempty"`
}

func (l linted) String() string {
	out := fmt.Sprintf("%s %s:", l.Standard, l.Release)
	for _, s := range l.Sets {
		out += " " + s
	}
	if l.Overlay != "" {
		out = l.File + ": " + l.Overlay + " of " + out
	}
	return out
}

// lint checks what the arguments name, the shipped grammars without any.
func lint(dir string, args []string) ([]linted, error) {
	if len(args) == 0 {
		return lintGrammars(library(dir))
	}
	out := []linted{}
	var all []error
	for _, name := range args {
		found, err := lintPath(dir, name)
		out, all = append(out, found...), append(all, err)
	}
	return out, errors.Join(all...)
}

func lintPath(dir, name string) ([]linted, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, exit.Misuse("%s cannot be read: %w", name, strictyaml.WithoutPath(err))
	}
	if !info.IsDir() {
		l, err := lintOverlay(dir, name)
		return []linted{l}, err
	}
	var out []linted
	var all []error
	lib := grammar.Open(os.DirFS(name))
	found, err := lintGrammars(lib)
	out, all = append(out, found...), append(all, err)
	files, err := filepath.Glob(filepath.Join(name, "*.yaml"))
	all = append(all, err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil || !grammar.IsOverlay(b) {
			all = append(all, err)
			continue
		}
		l, err := lintOverlay(dir, file)
		out, all = append(out, l), append(all, err)
	}
	if len(out) == 0 && errors.Join(all...) == nil {
		return nil, fmt.Errorf("%s has no grammars (x12/, edifact/) and no overlays (overlay: … in a .yaml file)", name)
	}
	return out, errors.Join(all...)
}

func lintOverlay(dir, file string) (linted, error) {
	s, err := readOverlay(library(dir), file)
	if err != nil {
		return linted{}, err
	}
	return linted{Standard: s.Standard.String(), Release: s.Version, Sets: []string{s.ID}, Overlay: s.Overlay, File: file, Warnings: s.Doubts}, nil
}

func lintGrammars(lib *grammar.Library) ([]linted, error) {
	if err := lib.Lint(); err != nil {
		return nil, err
	}
	out := []linted{}
	for _, std := range []syntax.Standard{syntax.X12, syntax.EDIFACT} {
		releases, err := lib.Releases(std)
		if err != nil {
			return nil, err
		}
		for _, r := range releases {
			sets, err := lib.Sets(std, r)
			if err != nil {
				return nil, err
			}
			out = append(out, linted{Standard: std.String(), Release: r, Sets: sets})
		}
	}
	return out, nil
}

// stat looks at what must be a file, or a stream that is named like one.
func stat(name string) (os.FileInfo, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, exit.Misuse("%s cannot be read: %w", name, strictyaml.WithoutPath(err))
	case info.IsDir():
		return nil, exit.Misuse("%s is a folder; name a file in it", name)
	}
	return info, nil
}

// readOverlay compiles an overlay file.
func readOverlay(lib *grammar.Library, file string) (*grammar.Set, error) {
	info, err := stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > grammar.MaxOverlay {
		return nil, fmt.Errorf("%s: an overlay is a file of %d bytes at most", file, grammar.MaxOverlay)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return lib.Overlay(file, b)
}

// agreed compiles overlays for a validator; nil without any.
func agreed(lib *grammar.Library, files []string) (func(syntax.Standard, string, string) *grammar.Set, error) {
	type id struct {
		std          syntax.Standard
		release, set string
	}
	sets := map[id]*grammar.Set{}
	var all []error
	for _, file := range files {
		s, err := readOverlay(lib, file)
		if err != nil {
			all = append(all, err)
			continue
		}
		key := id{s.Standard, s.Version, s.ID}
		if sets[key] != nil {
			all = append(all, fmt.Errorf("%s: %s and %s are both of %s %s", file, sets[key].Overlay, s.Overlay, s.ID, s.Version))
		}
		sets[key] = s
	}
	if len(sets) == 0 || errors.Join(all...) != nil {
		return nil, errors.Join(all...)
	}
	return func(std syntax.Standard, release, set string) *grammar.Set { return sets[id{std, release, set}] }, nil
}
