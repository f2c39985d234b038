package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/core/routing"
	"github.com/crossdock/crossdock/core/strictyaml"
)

func (a *app) mapCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "map", Short: "Check, test and run mapping files",
		Example: "  crossdock map check\n  crossdock map test mappings/shop-order-to-order.yaml\n  crossdock map run mappings/shop-order-to-order.yaml order.json",
	}
	c.AddCommand(a.mapCheckCommand(), a.mapTestCommand(), a.mapRunCommand(), a.mapSchemaCommand())
	return c
}

// mappingPaths are the files named, or all of the project.
func (a *app) mappingPaths(args []string) (*mapping.Library, []string, error) {
	lib := mapping.Open(os.DirFS(a.dir))
	if len(args) > 0 {
		return lib, args, nil
	}
	paths, err := lib.Paths()
	if err == nil && len(paths) == 0 {
		err = fmt.Errorf("there is no mapping under %s/mappings; name a file, or the project with -c", a.dir)
	}
	return lib, paths, err
}

func (a *app) mapCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check [mapping ...]", Short: "Check mappings against the schemas of both sides",
		Long: `Checks every rule against the schemas of source and target: unknown fields,
wrong types, required fields that nothing sets, values outside an enumeration.
All problems are reported, with file, line, column and a hint.`,
		Example: "  crossdock map check\n  crossdock map check mappings/shop-order-to-order.yaml --json",
		RunE: func(_ *cobra.Command, args []string) error {
			lib, paths, err := a.mappingPaths(args)
			if err != nil {
				return fail(err)
			}
			var fs strictyaml.Findings
			for _, p := range paths {
				_, found := lib.Mapping(p)
				for _, f := range found {
					fs = append(fs, routing.FromMapping(f))
				}
			}
			return a.findings(fs)
		},
	}
}

func (a *app) mapTestCommand() *cobra.Command {
	return &cobra.Command{
		Use: "test [mapping ...]", Short: "Run the tests that mapping files contain",
		Example: "  crossdock map test\n  crossdock map test order --json",
		RunE: func(cmd *cobra.Command, args []string) error {
			lib, paths, err := a.mappingPaths(args)
			if err != nil {
				return fail(err)
			}
			return a.mapTest(cmd.Context(), lib, paths)
		},
	}
}

// testJSON is one test as `map test --json` prints it.
type testJSON struct {
	Mapping string  `json:"mapping"`
	Test    string  `json:"test"`
	Passed  bool    `json:"passed"`
	Diff    string  `json:"diff,omitempty"`
	Error   string  `json:"error,omitempty"`
	TookMS  float64 `json:"took_ms"`
}

func (a *app) mapTest(ctx context.Context, lib *mapping.Library, paths []string) error {
	var fs strictyaml.Findings
	out := []testJSON{}
	failed := 0
	for _, p := range paths {
		m, found := lib.Mapping(p)
		if m == nil {
			for _, f := range found {
				fs = append(fs, routing.FromMapping(f))
			}
			continue
		}
		for _, r := range m.Test(ctx) {
			t := testJSON{Mapping: m.Path(), Test: r.Name, Passed: r.Passed(), Diff: r.Diff, TookMS: float64(r.Took.Microseconds()) / 1000}
			if r.Err != nil {
				t.Error = r.Err.Error()
			}
			if !t.Passed {
				failed++
			}
			if !a.json {
				fmt.Fprintf(a.Out, "%s: %s\n", m.Path(), r)
			}
			out = append(out, t)
		}
	}
	if a.json {
		if err := a.printJSON(out); err != nil {
			return err
		}
	} else if len(out) > 0 || !fs.Failed() {
		fmt.Fprintf(a.Out, "%d passed, %d failed\n", len(out)-failed, failed)
	}
	if fs.Failed() {
		return fail(fs.Err())
	}
	if failed > 0 {
		return &exit.Error{Code: 1, Err: fmt.Errorf("%s failed", plural(failed, "test"))}
	}
	return nil
}

func (a *app) mapRunCommand() *cobra.Command {
	var meta map[string]string
	c := &cobra.Command{
		Use: "run <mapping> [document]", Short: "Map one document and print the result",
		Long:    `Maps a JSON document from a file or from standard input.`,
		Example: "  crossdock map run mappings/shop-order-to-order.yaml order.json\n  crossdock map run store-sales-to-order - --meta file=sales.csv < receipt.json",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			doc, err := a.input(args[1:])
			if err != nil {
				return fail(err)
			}
			m, found := mapping.Open(os.DirFS(a.dir)).Mapping(args[0])
			if m == nil {
				var fs strictyaml.Findings
				for _, f := range found {
					fs = append(fs, routing.FromMapping(f))
				}
				return fail(errors.Join(fs.Err(), fmt.Errorf("the mapping %s cannot be used", args[0])))
			}
			out, err := m.Map(cmd.Context(), doc, mapping.Input{MessageID: "map-run", Meta: meta, Now: time.Now()})
			if err != nil {
				return fail(err)
			}
			for _, w := range out.Warnings {
				fmt.Fprintln(a.Err, w)
			}
			if a.json {
				_, err = fmt.Fprintln(a.Out, string(out.Doc))
				return fail(err)
			}
			var b bytes.Buffer
			if err := json.Indent(&b, out.Doc, "", "  "); err != nil {
				return fail(err)
			}
			_, err = fmt.Fprintln(a.Out, b.String())
			return fail(err)
		},
	}
	c.Flags().StringToStringVar(&meta, "meta", nil, "metadata of the message, as name=value")
	return c
}

// input reads a document from a file, or from standard input for "-" or
// nothing.
func (a *app) input(args []string) ([]byte, error) {
	if len(args) == 0 || args[0] == "-" {
		return io.ReadAll(io.LimitReader(a.In, 64<<20))
	}
	return os.ReadFile(args[0])
}
