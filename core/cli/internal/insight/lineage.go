package insight

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/crossdock/crossdock/core/mapping"
)

// Lineage is a mapping as `map lineage --json` prints it.
type Lineage struct {
	Mapping string               `json:"mapping"`
	Version string               `json:"version"`
	File    string               `json:"file"`
	Fields  []mapping.Derivation `json:"fields"`
}

// List prints a table with a line for every field and source.
func (l Lineage) List(out io.Writer) error {
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

// Show prints all about each field.
func (l Lineage) Show(out io.Writer) error {
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
