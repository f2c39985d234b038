package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/core/cli/internal/exit"
	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/core/routing"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// lineageJSON is a mapping as `map lineage --json` prints it.
type lineageJSON struct {
	Mapping string               `json:"mapping"`
	Version string               `json:"version"`
	File    string               `json:"file"`
	Fields  []mapping.Derivation `json:"fields"`
}

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
	out := []lineageJSON{}
	var problems []error
	for _, p := range paths {
		m, found := lib.Mapping(p)
		if m == nil {
			problems = append(problems, unusable(p, found))
			continue
		}
		l := lineageJSON{Mapping: m.Name(), Version: m.Version(), File: m.Path()}
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
			show := showLineage
			if field == "" {
				show = listLineage
			}
			if err := show(a.Out, l); err != nil {
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

// listLineage is a table with a line for every field and source.
func listLineage(out io.Writer, l lineageJSON) error {
	fmt.Fprintf(out, "%s (%s %s)\n", l.File, l.Mapping, l.Version)
	var rows [][]string
	for _, d := range l.Fields {
		first := len(rows)
		seen := map[string]bool{}
		line := func(from, element string) {
			if !seen[from] {
				seen[from] = true
				rows = append(rows, []string{"", from, element, ""})
			}
		}
		for _, o := range d.Sources {
			line(o.Path, o.Element)
		}
		for _, i := range d.Through {
			for _, o := range i.Sources {
				line(o.Path+" ("+influence(i)+")", o.Element)
			}
		}
		if len(d.Sources) == 0 {
			rows = slices.Insert(rows, first, []string{"", computed(d), "", ""})
		}
		rows[first][0], rows[first][3] = d.Target, strings.Join(append([]string{rulePlace(d.Place, l.File)}, passes(d)...), ", ")
	}
	return columns(out, "  ", rows)
}

// showLineage tells all about each field.
func showLineage(out io.Writer, l lineageJSON) error {
	fmt.Fprintf(out, "%s (%s %s)\n", l.File, l.Mapping, l.Version)
	var b strings.Builder
	for _, d := range l.Fields {
		derivation(&b, d, "  ")
	}
	_, err := io.WriteString(out, b.String())
	return err
}

func derivation(b *strings.Builder, d mapping.Derivation, indent string) {
	fmt.Fprintf(b, "%s%s", indent, d.Target)
	if d.Element != "" {
		fmt.Fprintf(b, "  %s", d.Element)
	}
	fmt.Fprintf(b, "\n%s  %s:%d:%d: %s\n", indent, d.File, d.Line, d.Col, made(d))
	origins(b, d.Sources, indent+"    ")
	for _, i := range d.Through {
		fmt.Fprintf(b, "%s  %s:%d:%d: %s: %s\n", indent, i.File, i.Line, i.Col, influence(i), oneLine(i.Expression))
		origins(b, i.Sources, indent+"    ")
	}
}

func origins(b *strings.Builder, all []mapping.Origin, indent string) {
	for _, o := range all {
		fmt.Fprintf(b, "%s%s", indent, o.Path)
		if o.Element != "" {
			fmt.Fprintf(b, "  %s", o.Element)
		}
		b.WriteByte('\n')
		for _, d := range o.From {
			derivation(b, d, indent+"  ")
		}
	}
}

// made is how a rule makes its field.
func made(d mapping.Derivation) string {
	return strings.Join(append([]string{computed(d)}, passes(d)...), ", ")
}

func computed(d mapping.Derivation) string {
	if d.Expression == "" {
		return "const " + d.Constant
	}
	return oneLine(d.Expression)
}

func oneLine(expression string) string {
	return strings.ReplaceAll(strings.TrimSpace(expression), "\n", " ")
}

// passes are what a value goes through behind its expression.
func passes(d mapping.Derivation) []string {
	var parts []string
	for _, p := range []struct{ what, name string }{{"code list", d.Codelist}, {"lookup", d.Lookup}, {"default", d.Default}} {
		if p.name != "" {
			parts = append(parts, p.what+" "+p.name)
		}
	}
	return parts
}

func influence(i mapping.Influence) string {
	return strings.TrimSpace(i.By + " " + i.Name)
}
