package edi

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/core/cli/internal/exit"
)

func explainCommand() *cobra.Command {
	var dir, release, guide string
	c := &cobra.Command{
		Use: "explain [set] [segment]", Short: "Show what a set or segment looks like",
		Long: `Shows the table of a transaction set or message, or the elements of one of its
segments: number, type, length, whether it must be there, and its codes. With
--overlay the set is that of a partner's guide, and need not be named.`,
		Example: "  crossdock edi explain 850\n  crossdock edi explain 850 BEG\n  crossdock edi explain ORDERS NAD --release D01B\n  crossdock edi explain --overlay acme-850.yaml REF",
		Args: func(cmd *cobra.Command, args []string) error {
			if guide != "" {
				return cobra.MaximumNArgs(2)(cmd, args)
			}
			return cobra.RangeArgs(1, 2)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			a := toolOf(cmd)
			lib := library(dir)
			var set *grammar.Set
			var err error
			if guide != "" {
				if set, err = readOverlay(lib, guide); err == nil && len(args) > 0 && strings.EqualFold(args[0], set.ID) {
					args = args[1:]
				}
			} else if set, err = findSet(lib, args[0], release); err == nil {
				args = args[1:]
			}
			if err != nil {
				return exit.Fail(err)
			}
			if len(args) == 0 {
				a.explainSet(set.Agreed, set.Body, "")
				return nil
			}
			tag := strings.ToUpper(args[0])
			seg := set.Segment(syntax.KeyOf(tag))
			if seg == nil {
				return exit.Fail(fmt.Errorf("%s has no segment %s; `crossdock edi explain %s` lists those of the set", set.Version, tag, set.ID))
			}
			a.explainSegment(seg)
			a.explainVariants(seg, set.Body)
			return nil
		},
	}
	c.Flags().StringVar(&dir, "grammars", "", grammarsFlag)
	c.Flags().StringVar(&release, "release", "", releaseFlag)
	c.Flags().StringVar(&guide, "overlay", "", "overlay file: the set as a partner's guide has it")
	return c
}

func findSet(lib *grammar.Library, id, release string) (*grammar.Set, error) {
	var known []string
	id = strings.ToUpper(id)
	for _, std := range []syntax.Standard{syntax.X12, syntax.EDIFACT} {
		releases, err := lib.Releases(std)
		if err != nil {
			return nil, err
		}
		// D96A is older than D01B: EDIFACT's years began in the nineties.
		if std == syntax.EDIFACT {
			for i, j := 0, len(releases)-1; i < j; i, j = i+1, j-1 {
				releases[i], releases[j] = releases[j], releases[i]
			}
		}
		for _, r := range releases {
			known = append(known, r)
			if release != "" && r != release {
				continue
			}
			set, err := lib.Set(std, r, id)
			if errors.Is(err, grammar.ErrUnknown) {
				continue
			}
			return set, err
		}
	}
	return nil, fmt.Errorf("there is no grammar for %s in %s; `crossdock edi lint` lists the sets", id, strings.Join(known, ", "))
}

func use(mandatory bool) string {
	if mandatory {
		return "M"
	}
	return "O"
}

func times(n int) string {
	if n >= grammar.Unlimited {
		return ">1"
	}
	return fmt.Sprint(n)
}

// explainSet prints a body; agreed is what an overlay asks of it.
func (a *tool) explainSet(agreed *grammar.Agreed, body []*grammar.Node, indent string) {
	for _, n := range body {
		if n.Loop() {
			fmt.Fprintf(a.out, "%sloop %-3s  %s %6s  %s\n", indent, n.Segment.Tag, use(n.Mandatory), times(n.Max), n.Name)
		} else {
			fmt.Fprintf(a.out, "%s%-8s  %s %6s  %s\n", indent, n.Segment.Tag, use(n.Mandatory), times(n.Max), n.Name)
		}
		for i := 0; agreed != nil && i < len(agreed.Requires); i++ {
			if r := &agreed.Requires[i]; r.Node == n {
				fmt.Fprintf(a.out, "%s  agreed: %s %s\n", indent, r.Place, howOften(r))
			}
		}
		a.explainSet(n.Agreed, n.Body, indent+"  ")
	}
}

// howOften says in words what an overlay asks.
func howOften(r *grammar.Requirement) string {
	switch {
	case r.Max == 0:
		return "unused"
	case r.Max >= grammar.Unlimited && r.Min == 1:
		return "required"
	case r.Max >= grammar.Unlimited:
		return fmt.Sprintf("at least %d", r.Min)
	case r.Min == 0:
		return fmt.Sprintf("at most %d", r.Max)
	case r.Min == r.Max:
		return fmt.Sprintf("exactly %d", r.Min)
	}
	return fmt.Sprintf("%d to %d", r.Min, r.Max)
}

// explainVariants prints what holds for some qualifiers, or at some places.
func (a *tool) explainVariants(seg *grammar.Segment, body []*grammar.Node) {
	seen := map[string]bool{}
	var walk func(body []*grammar.Node, path string)
	walk = func(body []*grammar.Node, path string) {
		for i, n := range body {
			if n.Key == seg.Key && (i > 0 || path == "") {
				if n.Segment != seg && !n.Loop() {
					fmt.Fprintf(a.out, "\nat %s%s:\n", path, seg.Tag)
					a.explainSegment(n.Segment)
				}
				for k := 0; n.Agreed != nil && k < len(n.Agreed.Variants); k++ {
					if v := &n.Agreed.Variants[k]; !seen[v.Place] {
						seen[v.Place] = true
						fmt.Fprintf(a.out, "\n%s:\n", v.Place)
						a.explainSegment(v.Segment)
					}
				}
			}
			walk(n.Body, path+n.Segment.Tag+".")
		}
	}
	walk(body, "")
}

var typeWords = map[grammar.Type]string{
	grammar.Text: "text", grammar.Letters: "letters", grammar.Number: "digits", grammar.Decimal: "number",
	grammar.Date: "date", grammar.Time: "time", grammar.Binary: "bytes",
}

func (a *tool) explainSegment(s *grammar.Segment) {
	fmt.Fprintf(a.out, "%s  %s\n", s.Tag, s.Name)
	for i, p := range s.Elements {
		a.explainPosition(fmt.Sprintf("%s%02d", s.Tag, i+1), p, unused(s, i+1, 0))
		if p.Composite != nil {
			for j, c := range p.Composite.Components {
				a.explainPosition(fmt.Sprintf("  -%d", j+1), c, unused(s, i+1, j+1))
			}
		}
	}
	for i := range s.Rules {
		fmt.Fprintf(a.out, "condition %s\n", &s.Rules[i])
	}
}

// unused tells whether an overlay leaves an element out.
func unused(s *grammar.Segment, element, component int) bool {
	return s.Derived != nil && slices.Contains(s.Derived.Unused, grammar.Spot{Element: element, Component: component})
}

func (a *tool) explainPosition(name string, p grammar.Position, unused bool) {
	what := "composite"
	codes := ""
	if e := p.Element; e != nil {
		what = fmt.Sprintf("%s %d..%d", typeWords[e.Type], e.Min, e.Max)
		if e.Type == grammar.Number && e.Implied > 0 {
			what += fmt.Sprintf(", %d behind the point", e.Implied)
		}
		if list := e.CodeList(); len(list) > 0 {
			const most = 80 // whole lists of the standards have more than a thousand
			codes = "  " + strings.Join(list[:min(len(list), most)], " ")
			if e.Open || len(list) > most {
				codes += " …"
			}
		}
	}
	if unused {
		what, codes = "unused", ""
	}
	fmt.Fprintf(a.out, "%-7s %-5s %s  %-28s %s%s\n", name, p.Reference(), use(p.Mandatory), p.Name, what, codes)
}
