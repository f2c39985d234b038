package cli

import (
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/cli/internal/insight"
	"github.com/crossdock/crossdock/core/mapping"
)

func (a *app) mapCoverageCommand() *cobra.Command {
	var want insight.Wants
	var fields bool
	c := &cobra.Command{
		Use: "coverage [mapping ...]", Short: "Show what mappings read of the source and set of the target",
		Long: `Shows for each mapping how many of the target's required fields and of all its
fields a rule sets, how many fields of the source are read, copied with an object
around them or listed under "ignore", and how many rules the tests of the file
make run. Required counts in the objects that the mapping writes. With --fields
every field is listed with the rules that deal with it.

With a --min flag the command ends with 1 for a mapping that reaches less, and
names the fields that are missing. Mappings with errors are measured, too, and
end with 1.`,
		Example: "  crossdock map coverage\n  crossdock map coverage mappings/shop-order-to-order.yaml --fields\n  crossdock map coverage --min-required 100 --min-source 80 --min-tests 90",
		RunE: func(cmd *cobra.Command, args []string) error {
			lib, paths, err := a.mappingPaths(args)
			if err != nil {
				return fail(err)
			}
			return a.mapCoverage(cmd, lib, paths, want, fields)
		},
	}
	c.Flags().Float64Var(&want.Required, "min-required", -1, "least percentage of required target fields that rules set")
	c.Flags().Float64Var(&want.Target, "min-target", -1, "least percentage of target fields that rules set")
	c.Flags().Float64Var(&want.Source, "min-source", -1, "least percentage of source fields that are read, copied or ignored")
	c.Flags().Float64Var(&want.Tests, "min-tests", -1, "least percentage of rules that the tests of the file make run")
	c.Flags().BoolVar(&fields, "fields", false, "list every field")
	return c
}

func (a *app) mapCoverage(cmd *cobra.Command, lib *mapping.Library, paths []string, want insight.Wants, fields bool) error {
	all := []*mapping.Coverage{}
	var problems []error
	for _, p := range paths {
		v, found := lib.Coverage(cmd.Context(), p)
		wrong := 0
		var first mapping.Finding
		for _, f := range slices.Backward(found) {
			if f.Severity == mapping.SeverityError {
				wrong, first = wrong+1, f
			}
		}
		if wrong > 0 {
			problems = append(problems, fmt.Errorf("%s has %s, the first at %w; see crossdock map check", p, plural(wrong, "error"), errors.New(first.String())))
		}
		if v == nil {
			continue
		}
		all = append(all, v)
		problems = append(problems, want.Judge(v)...)
	}
	show := func() error {
		if len(all) == 0 {
			return nil // what is wrong is told below
		}
		return insight.Coverage(a.Out, all, fields)
	}
	if a.json {
		show = func() error { return a.printJSON(all) }
	}
	if err := show(); err != nil {
		return fail(err)
	}
	if err := errors.Join(problems...); err != nil {
		return &exit.Error{Code: 1, Err: err}
	}
	return nil
}
