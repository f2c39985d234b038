package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/cli/internal/insight"
	"github.com/crossdock/crossdock/core/cli/internal/mapfile"
	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/core/routing"
	"github.com/crossdock/crossdock/core/strictyaml"
)

func (a *app) mapCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "map", Short: "Begin, check, test, run, compare and explain mapping files",
		Example: "  crossdock map check\n  crossdock map test mappings/shop-order-to-order.yaml\n  crossdock map run mappings/shop-order-to-order.yaml order.json",
	}
	c.AddCommand(a.mapCheckCommand(), a.mapTestCommand(), a.mapRunCommand(), a.mapCoverageCommand(), a.mapLineageCommand())
	c.AddCommand(mapfile.Commands()...)
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
	var inverse bool
	c := &cobra.Command{
		Use: "check [mapping ...]", Short: "Check mappings against the schemas of both sides",
		Long: `Checks every rule against the schemas of source and target: unknown fields,
wrong types, required fields that nothing sets, values outside an enumeration,
rules that never run, source fields that nobody reads.
All problems are reported, with file, line, column and a hint.

Where a mapping names its inverse, the check also counts the rules that the
inverse undoes; --inverse lists every rule with what comes back of it and what
is lost. What is lost is no error.`,
		Example: "  crossdock map check\n  crossdock map check mappings/shop-order-to-order.yaml --json\n  crossdock map check mappings/x12-850-to-order.yaml --inverse",
		RunE: func(_ *cobra.Command, args []string) error {
			lib, paths, err := a.mappingPaths(args)
			if err != nil {
				return fail(err)
			}
			var fs strictyaml.Findings
			for _, p := range paths {
				m, found := lib.Mapping(p)
				for _, f := range found {
					fs = append(fs, routing.FromMapping(f))
				}
				if m != nil && m.Interpreted() != nil && !a.json {
					fmt.Fprintf(a.Err, "note: %s takes longer than others, because the interpreter runs it: %v\n", p, m.Interpreted())
				}
			}
			trips, found := insight.RoundTrips(lib, paths)
			for _, f := range found {
				fs = append(fs, routing.FromMapping(f))
			}
			if a.json && inverse {
				return a.roundTripsJSON(trips, fs)
			}
			if !a.json {
				a.printRoundTrips(trips, inverse)
			}
			return a.findings(fs)
		},
	}
	c.Flags().BoolVar(&inverse, "inverse", false, "list for each rule of a mapping and its inverse what comes back and what is lost")
	return c
}

func (a *app) mapTestCommand() *cobra.Command {
	return &cobra.Command{
		Use: "test [mapping ...]", Short: "Run the tests that mapping files contain",
		Long: `Runs the tests that mapping files contain, and shows differences field by field.
Where a mapping names its inverse, the samples of both are also taken there and
back, and must come back as they were but for what is known to be lost (see
crossdock map check --inverse).`,
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
	Mapping string `json:"mapping"`
	Test    string `json:"test"`
	Passed  bool   `json:"passed"`
	Diff    string `json:"diff,omitempty"`
	// Known are the differences that rules are known to make on the way back.
	Known  []string `json:"known,omitempty"`
	Error  string   `json:"error,omitempty"`
	TookMS float64  `json:"took_ms"`
}

func (a *app) mapTest(ctx context.Context, lib *mapping.Library, paths []string) error {
	var fs strictyaml.Findings
	out := []testJSON{}
	failed := 0
	trips, unfit := insight.RoundTrips(lib, paths)
	for _, f := range unfit {
		fs = append(fs, routing.FromMapping(f))
	}
	for _, p := range paths {
		m, found := lib.Mapping(p)
		if m == nil {
			for _, f := range found {
				fs = append(fs, routing.FromMapping(f))
			}
			continue
		}
		results := m.Test(ctx)
		for _, t := range trips {
			if t.There == m {
				results = append(results, t.Test(ctx)...)
			}
		}
		for _, r := range results {
			t := testJSON{Mapping: m.Path(), Test: r.Name, Passed: r.Passed(), Diff: r.Diff, Known: r.Known, TookMS: float64(r.Took.Microseconds()) / 1000}
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
	var trace bool
	c := &cobra.Command{
		Use: "run <mapping> [document]", Short: "Map one document and print the result",
		Long: `Maps a JSON document from a file or from standard input. --trace tells before the
result, in the order of the run, what each rule read and made, or why it was left
out, up to the failure if there is one.`,
		Example: "  crossdock map run mappings/shop-order-to-order.yaml order.json\n  crossdock map run shop-order-to-order order.json --trace\n  crossdock map run store-sales-to-order - --meta file=sales.csv < receipt.json",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			doc, err := a.input(args[1:])
			if err != nil {
				return fail(err)
			}
			m, found := mapping.Open(os.DirFS(a.dir)).Mapping(args[0])
			if m == nil {
				return fail(unusable(args[0], found))
			}
			return a.mapRun(cmd.Context(), m, doc, mapping.Input{MessageID: "map-run", Meta: meta, Now: time.Now()}, trace)
		},
	}
	c.Flags().BoolVar(&trace, "trace", false, "tell what each rule read and made")
	c.Flags().StringToStringVar(&meta, "meta", nil, "metadata of the message, as name=value")
	return c
}

func (a *app) mapRun(ctx context.Context, m *mapping.Mapping, doc []byte, in mapping.Input, trace bool) error {
	var out mapping.Output
	var failed error
	if trace {
		var steps []mapping.Step
		steps, out, failed = m.Trace(ctx, doc, in)
		if err := a.showTrace(m, steps, out.Doc, failed); err != nil {
			return err
		}
	} else {
		out, failed = m.Map(ctx, doc, in)
	}
	if failed != nil {
		return fail(failed)
	}
	for _, w := range out.Warnings {
		fmt.Fprintln(a.Err, w)
	}
	if a.json {
		if trace {
			return nil // the result stands in it
		}
		_, err := fmt.Fprintln(a.Out, string(out.Doc))
		return fail(err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, out.Doc, "", "  "); err != nil {
		return fail(err)
	}
	_, err := fmt.Fprintln(a.Out, b.String())
	return fail(err)
}

// showTrace prints what each rule did. The result, or the error, comes after it.
func (a *app) showTrace(m *mapping.Mapping, steps []mapping.Step, result []byte, failed error) error {
	t := insight.Trace{Mapping: m.Name(), Version: m.Version(), Steps: steps, Result: result}
	if failed != nil {
		t.Error = failed.Error()
	}
	if a.json {
		return a.printJSON(t)
	}
	return fail(t.Show(a.Out))
}

// input reads a document from a file, or from standard input for "-" or
// nothing.
func (a *app) input(args []string) ([]byte, error) {
	if len(args) == 0 || args[0] == "-" {
		return io.ReadAll(io.LimitReader(a.In, 64<<20))
	}
	return os.ReadFile(args[0])
}
