package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/cli/internal/insight"
	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/core/routing"
	"github.com/crossdock/crossdock/core/strictyaml"
)

func (a *app) mapLineageCommand() *cobra.Command {
	var reverse string
	c := &cobra.Command{
		Use: "lineage [mapping] [target-field]", Short: "Show which source fields a target field is made from",
		Long: `Shows the rule behind a field of the result, the source fields that it reads, the
code list, lookup and default on the way, and the conditions and variables that
have a say. Where a schema was made by "crossdock edi schema", segment and
element stand behind the path. Without a field all fields are listed, without a
mapping those of all mappings.

--reverse goes the other way: from a source field, or an element such as PO103
or 235=UP, to the fields that are made from it.`,
		Example: "  crossdock map lineage x12-850-to-order 'lines[].uom'\n  crossdock map lineage x12-850-to-order --reverse src.purchase_order.lines.unit\n  crossdock map lineage x12-850-to-order --reverse PO103\n  crossdock map lineage --json",
		Args:    cobra.MaximumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 2 && reverse != "" {
				return errors.New("a target field and --reverse exclude each other")
			}
			lib, paths, err := a.mappingPaths(args[:min(1, len(args))])
			if err != nil {
				return fail(err)
			}
			field := ""
			if len(args) == 2 {
				field = args[1]
			}
			return a.mapLineage(lib, paths, field, reverse)
		},
	}
	c.Flags().StringVar(&reverse, "reverse", "", "a source field (src.lines[].unit) or an EDI element (PO103)")
	return c
}

func (a *app) mapLineage(lib *mapping.Library, paths []string, field, reverse string) error {
	out := []insight.Lineage{}
	var problems []error
	for _, p := range paths {
		m, found := lib.Mapping(p)
		if m == nil {
			problems = append(problems, unusable(p, found))
			continue
		}
		l := insight.Lineage{Mapping: m.Name(), Version: m.Version(), File: m.Path()}
		var err error
		switch {
		case reverse != "":
			l.Fields, err = m.DerivationsFrom(reverse)
		case field != "":
			l.Fields, err = m.DerivationsOf(field)
		default:
			l.Fields = m.Derivations()
		}
		if err != nil {
			problems = append(problems, err)
			continue
		}
		out = append(out, l)
	}
	if reverse != "" && len(out) > 0 {
		problems = nil // some mappings read it, which is the answer
	}
	if a.json {
		if err := a.printJSON(out); err != nil {
			return err
		}
	} else {
		for i, l := range out {
			if i > 0 {
				fmt.Fprintln(a.Out)
			}
			show := l.Show
			if field == "" {
				show = l.List
			}
			if err := show(a.Out); err != nil {
				return fail(err)
			}
		}
	}
	if err := errors.Join(problems...); err != nil {
		return &exit.Error{Code: 1, Err: err}
	}
	return nil
}

// unusable says why a mapping cannot be used.
func unusable(reference string, found []mapping.Finding) error {
	var fs strictyaml.Findings
	for _, f := range found {
		fs = append(fs, routing.FromMapping(f))
	}
	return errors.Join(fs.Err(), fmt.Errorf("the mapping %s cannot be used", reference))
}
