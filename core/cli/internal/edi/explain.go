package edi

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/core/cli/internal/exit"
)

func explainCommand() *cobra.Command {
	var dir, release, guide string
	c := &cobra.Command{
		Use: "explain <set, segment or element> [segment] [element]", Short: "Show what a set, segment or element looks like",
		Long: `Shows the table of a transaction set or message; the elements of a segment with
number, type, length and whether they must be there; or one element with its
codes and the segments that use it. An element is named by its number, or by its
place in a segment. With --overlay all is as a partner's guide has it, and the set
need not be named.`,
		Example: "  crossdock edi explain 850\n  crossdock edi explain 850 PO1\n  crossdock edi explain BEG\n  crossdock edi explain BEG03\n  crossdock edi explain 355\n  crossdock edi explain NAD C082 --release D01B\n  crossdock edi explain --overlay acme-850.yaml REF",
		Args: func(cmd *cobra.Command, args []string) error {
			if guide != "" {
				return cobra.MaximumNArgs(3)(cmd, args)
			}
			return cobra.RangeArgs(1, 3)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			a := toolOf(cmd)
			for i := range args {
				args[i] = strings.ToUpper(args[i])
			}
			if guide != "" {
				return exit.Fail(a.explainOverlay(library(dir), guide, args))
			}
			return exit.Fail(a.explain(library(dir), release, args))
		},
	}
	c.Flags().StringVar(&dir, "grammars", "", grammarsFlag)
	c.Flags().StringVar(&guide, "overlay", "", "overlay file: the set as a partner's guide has it")
	c.Flags().StringVar(&release, "release", "", "release, such as 005010 or D01B; default the oldest that has it")
	return c
}

// explain shows what the terms name: a set first, then a segment, composite or
// element of the oldest release that has it.
func (a *tool) explain(lib *grammar.Library, release string, terms []string) error {
	set, err := findSet(lib, terms[0], release)
	switch {
	case err == nil && len(terms) == 1:
		a.explainSet(nil, set.Body, "")
		if e := set.Elements[terms[0]]; e != nil {
			fmt.Fprintln(a.out) // 810 is a set and an element
			a.explainElement(set.Dictionary, e)
		}
		return nil
	case err == nil:
		return a.explainIn(set.Dictionary, terms[1:])
	case !errors.Is(err, grammar.ErrUnknown):
		return err
	}
	for _, d := range dictionaries(lib, release) {
		unknown := a.explainIn(d, terms)
		// A segment that is there has what is asked for, or nothing has.
		if unknown == nil || len(terms) > 1 && d.Segment(syntax.KeyOf(terms[0])) != nil {
			return unknown
		}
	}
	where := ""
	if release != "" {
		where = " in " + release
	}
	return fmt.Errorf("there is no set, segment or element %s%s; %w", terms[0], where, err)
}

// dictionaries are those of a release, or all: X12 first, the oldest first.
func dictionaries(lib *grammar.Library, release string) []*grammar.Dictionary {
	var out []*grammar.Dictionary
	for _, r := range releases(lib) {
		if release != "" && release != r.release {
			continue
		}
		if d, err := lib.Dictionary(r.std, r.release); err == nil { // lint reports what is wrong
			out = append(out, d)
		}
	}
	return out
}

var placeInSegment = regexp.MustCompile(`^([A-Z][A-Z0-9]{1,2})([0-9]{2}(?:-[0-9]{1,2})?)$`)

// explainIn shows a segment, or an element by its number or place: BEG; BEG03;
// BEG 03; NAD C082; 355.
func (a *tool) explainIn(d *grammar.Dictionary, terms []string) error {
	term := terms[0]
	if seg := d.Segment(syntax.KeyOf(term)); seg != nil {
		if len(terms) == 1 {
			a.explainSegment(d, seg)
			return nil
		}
		return a.explainPlace(d, seg, terms[1])
	}
	if m := placeInSegment.FindStringSubmatch(term); m != nil && len(terms) == 1 {
		if seg := d.Segment(syntax.KeyOf(m[1])); seg != nil {
			return a.explainPlace(d, seg, m[2])
		}
	}
	if e := d.Elements[term]; e != nil && len(terms) == 1 {
		a.explainElement(d, e)
		return nil
	}
	if c := compositeOf(d, term); c != nil && len(terms) == 1 {
		a.explainComposite(d, c)
		return nil
	}
	return fmt.Errorf("%s has no segment or element %s; `crossdock edi explain` with a set lists its segments, with a segment its elements", d.Version, term)
}

// explainPlace shows an element of a segment: 03, 03-1 for a component, or the
// number of the element or composite.
func (a *tool) explainPlace(d *grammar.Dictionary, seg *grammar.Segment, term string) error {
	at, component, inside := strings.Cut(term, "-")
	n, err := strconv.Atoi(at)
	if err != nil || n < 1 || n > len(seg.Elements) || len(at) > 2 {
		n = 1 + slices.IndexFunc(seg.Elements, func(p grammar.Position) bool { return p.Reference() == at })
	}
	if n == 0 {
		return fmt.Errorf("%s of %s has %d elements, and none is %s; `crossdock edi explain %s` lists them", seg.Tag, d.Version, len(seg.Elements), term, seg.Tag)
	}
	p := seg.Elements[n-1]
	name := fmt.Sprintf("%s%02d", seg.Tag, n)
	if inside {
		k, err := strconv.Atoi(component)
		if p.Composite == nil || err != nil || k < 1 || k > len(p.Composite.Components) {
			return fmt.Errorf("%s of %s has no component %s", name, d.Version, component)
		}
		p, name = p.Composite.Components[k-1], name+"-"+component
	}
	a.explainPosition(name, p)
	if p.Composite != nil {
		a.explainComponents(p.Composite)
		return nil
	}
	a.explainElement(d, p.Element)
	return nil
}

// explainElement shows an element, its codes, and where the release uses it.
func (a *tool) explainElement(d *grammar.Dictionary, e *grammar.Element) {
	fmt.Fprintf(a.out, "%s  %s  %s  (%s %s)\n", e.ID, e.Name, format(e), d.Standard, d.Version)
	for _, code := range e.CodeList() {
		fmt.Fprintln(a.out, strings.TrimRight(fmt.Sprintf("  %-6s %s", code, e.Codes[code]), " "))
	}
	if e.Open && len(e.Codes) > 0 {
		fmt.Fprintln(a.out, "  and others")
	}
	a.usedIn(d, func(p *grammar.Position) bool { return p.Element == e })
}

func (a *tool) explainComposite(d *grammar.Dictionary, c *grammar.Composite) {
	fmt.Fprintf(a.out, "%s  %s  composite  (%s %s)\n", c.ID, c.Name, d.Standard, d.Version)
	a.explainComponents(c)
	a.usedIn(d, func(p *grammar.Position) bool { return p.Composite == c })
}

func (a *tool) explainComponents(c *grammar.Composite) {
	for i, p := range c.Components {
		a.explainPosition(fmt.Sprintf("  -%d", i+1), p)
	}
}

// usedIn lists the places of a release that match.
func (a *tool) usedIn(d *grammar.Dictionary, match func(*grammar.Position) bool) {
	var places []string
	for _, s := range d.Segments {
		for i := range s.Elements {
			p := &s.Elements[i]
			if match(p) {
				places = append(places, fmt.Sprintf("%s%02d", s.Tag, i+1))
			}
			if p.Composite == nil {
				continue
			}
			for k := range p.Composite.Components {
				if match(&p.Composite.Components[k]) {
					places = append(places, fmt.Sprintf("%s%02d-%d", s.Tag, i+1, k+1))
				}
			}
		}
	}
	if len(places) == 0 {
		return
	}
	slices.Sort(places)
	const most = 60
	more := ""
	if len(places) > most {
		places, more = places[:most], " …"
	}
	fmt.Fprintf(a.out, "used in %s%s\n", strings.Join(places, " "), more)
}

func compositeOf(d *grammar.Dictionary, id string) *grammar.Composite {
	for _, s := range d.Segments {
		for i := range s.Elements {
			if c := s.Elements[i].Composite; c != nil && c.ID == id {
				return c
			}
		}
	}
	return nil
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

var typeWords = map[grammar.Type]string{
	grammar.Text: "text", grammar.Letters: "letters", grammar.Number: "digits", grammar.Decimal: "number",
	grammar.Date: "date", grammar.Time: "time", grammar.Binary: "bytes",
}

// format is type and length of an element.
func format(e *grammar.Element) string {
	out := fmt.Sprintf("%s %d..%d", typeWords[e.Type], e.Min, e.Max)
	if e.Type == grammar.Number && e.Implied > 0 {
		out += fmt.Sprintf(", %d behind the point", e.Implied)
	}
	return out
}

func (a *tool) explainSegment(d *grammar.Dictionary, s *grammar.Segment) {
	fmt.Fprintf(a.out, "%s  %s  (%s %s)\n", s.Tag, s.Name, d.Standard, d.Version)
	for i, p := range s.Elements {
		a.explainPosition(fmt.Sprintf("%s%02d", s.Tag, i+1), p)
		if p.Composite != nil {
			a.explainComponents(p.Composite)
		}
	}
	for i := range s.Rules {
		fmt.Fprintf(a.out, "condition %s\n", &s.Rules[i])
	}
	for i := 0; s.Derived != nil && i < len(s.Derived.Unused); i++ {
		fmt.Fprintf(a.out, "unused %s\n", unusedPlace(s, s.Derived.Unused[i]))
	}
}

func (a *tool) explainPosition(name string, p grammar.Position) {
	what := "composite"
	codes := ""
	if e := p.Element; e != nil {
		what = format(e)
		if list := e.CodeList(); len(list) > 0 {
			const most = 80 // whole lists of the standards have more than a thousand
			codes = "  " + strings.Join(list[:min(len(list), most)], " ")
			if e.Open || len(list) > most {
				codes += " …"
			}
		}
	}
	fmt.Fprintf(a.out, "%-7s %-5s %s  %-28s %s%s\n", name, p.Reference(), use(p.Mandatory), p.Name, what, codes)
}
