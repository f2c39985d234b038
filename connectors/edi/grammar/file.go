package grammar

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// problems collects what is wrong with the files of one grammar.
type problems struct {
	file  string
	all   []problem
	lines map[*Node]*yaml.Node  // of a set
	told  map[string]*yaml.Node // names of members that were reported there
	loops int                   // around what is read
}

// problem is one of them, at its place.
type problem struct {
	file      string
	line, col int
	message   string
}

// Error is file, line, column and message, as editors take it.
func (p problem) Error() string { return fmt.Sprintf("%s:%d:%d: %s", p.file, p.line, p.col, p.message) }

func (p problem) compare(other problem) int {
	return cmp.Or(cmp.Compare(p.file, other.file), cmp.Compare(p.line, other.line), cmp.Compare(p.col, other.col))
}

func (p *problems) at(n *yaml.Node, format string, args ...any) {
	p.all = append(p.all, problem{p.file, n.Line, n.Column, fmt.Sprintf(format, args...)})
}

// err is all of them in the order of the file, whatever was looked at first.
func (p *problems) err() error {
	slices.SortStableFunc(p.all, problem.compare)
	all := make([]error, 0, len(p.all))
	for _, one := range p.all {
		all = append(all, one)
	}
	return errors.Join(all...)
}

// maxFile bounds a grammar file.
const maxFile = 4 << 20

// readYAML returns the top mapping of a file.
func readYAML(fsys fs.FS, file string) (*yaml.Node, error) {
	b, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, err
	}
	return parseYAML(file, b, maxFile)
}

// parseYAML returns the top mapping of a text.
func parseYAML(file string, b []byte, most int) (*yaml.Node, error) {
	if len(b) > most {
		return nil, fmt.Errorf("%s: %d bytes are more than the limit of %d", file, len(b), most)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:1:1: a grammar file is a list of `key: value`", file)
	}
	return doc.Content[0], nil
}

func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func text(n *yaml.Node, key string) string {
	if c := child(n, key); c != nil {
		return c.Value
	}
	return ""
}

func pairs(n *yaml.Node, f func(k, v *yaml.Node)) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		f(n.Content[i], n.Content[i+1])
	}
}

// only reports keys that do not belong where they stand.
func (p *problems) only(n *yaml.Node, what string, keys ...string) {
	if n.Kind != yaml.MappingNode {
		p.at(n, "%s must be a list of `key: value`", what)
		return
	}
	pairs(n, func(k, _ *yaml.Node) {
		for _, known := range keys {
			if k.Value == known {
				return
			}
		}
		p.at(k, "%s has no key %q; known are %s.%s", what, k.Value, strings.Join(keys, ", "), didYouMean(k.Value, keys))
	})
}

var numberType = regexp.MustCompile(`^N[0-9]$`)

var typeNames = map[string]Type{
	"AN": Text, "ID": Text, "an": Text, "a": Letters, "R": Decimal, "n": Decimal, "DT": Date, "TM": Time, "B": Binary,
}

const types = "X12 has AN, ID, N0 to N9, R, DT, TM and B, EDIFACT an, a and n"

// typed sets the type by its name in files.
func (e *Element) typed(kind string) bool {
	if numberType.MatchString(kind) {
		e.Type, e.Implied = Number, int(kind[1]-'0')
		return true
	}
	t, ok := typeNames[kind]
	if ok {
		e.Type, e.Implied = t, 0
	}
	return ok
}

func (p *problems) element(id string, n *yaml.Node) *Element {
	p.only(n, "the element "+id, "name", "type", "min", "max", "codes", "open")
	e := &Element{ID: id, Name: text(n, "name")}
	kind := text(n, "type")
	if !e.typed(kind) {
		p.at(n, "the element %s: %q is no type; %s", id, kind, types)
	}
	p.count(n, "min", id, &e.Min)
	p.count(n, "max", id, &e.Max)
	if e.Max < 1 || e.Min > e.Max {
		p.at(n, "the element %s: %d to %d is no length", id, e.Min, e.Max)
	}
	if codes := child(n, "codes"); codes != nil {
		e.Codes = map[string]string{}
		switch codes.Kind {
		case yaml.SequenceNode:
			for _, c := range codes.Content {
				e.Codes[c.Value] = ""
			}
		case yaml.MappingNode:
			names := map[string]string{}
			pairs(codes, func(k, v *yaml.Node) {
				if e.Codes[k.Value] = v.Value; v.Value != "" {
					names[k.Value] = v.Value
				}
			})
			p.bijection(codes, names)
		default:
			p.at(codes, "the element %s: codes are a list", id)
		}
	}
	e.Open = text(n, "open") == "true"
	return e
}

func (p *problems) count(n *yaml.Node, key, what string, to *int) {
	v := child(n, key)
	if v == nil {
		p.at(n, "%s needs %q", what, key)
		return
	}
	i, err := strconv.Atoi(v.Value)
	if err != nil || i < 0 {
		p.at(v, "%s: %s is a number, found %q", what, key, v.Value)
		return
	}
	*to = i
}

// rawPosition is a line of a segment or composite: "353 M purpose *5".
type rawPosition struct {
	at        *yaml.Node
	ref, name string
	mandatory bool
	repeat    int
}

func (p *problems) position(n *yaml.Node) (rawPosition, bool) {
	r := rawPosition{at: n, repeat: 1}
	f := strings.Fields(n.Value)
	if n.Kind != yaml.ScalarNode || len(f) < 2 {
		p.at(n, "an element is written as in `353 M purpose`")
		return r, false
	}
	r.ref = f[0]
	switch f[1] {
	case "M":
		r.mandatory = true
	case "O", "C", "X", "N":
	default:
		p.at(n, "%s: M is mandatory, O, C and X are not; found %q", r.ref, f[1])
	}
	for _, x := range f[2:] {
		if times, ok := strings.CutPrefix(x, "*"); ok {
			if times == ">1" || times == "many" {
				r.repeat = Unlimited
				continue
			}
			i, err := strconv.Atoi(times)
			if err != nil || i < 1 {
				p.at(n, "%s: %q is no number of repetitions", r.ref, x)
				continue
			}
			r.repeat = i
			continue
		}
		r.name = x
	}
	return r, true
}

func (p *problems) positions(n *yaml.Node, what string) []rawPosition {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	var out []rawPosition
	for _, c := range n.Content {
		if r, ok := p.position(c); ok {
			out = append(out, r)
		}
	}
	if len(out) == 0 {
		p.at(n, "%s has no elements", what)
	}
	return out
}

func (p *problems) rule(n *yaml.Node, elements int) (Rule, bool) {
	v := n.Value
	if len(v) < 3 || len(v)%2 == 0 || !strings.ContainsRune("PRECL", rune(v[0])) {
		p.at(n, "%q is no condition; they are written as in P0304, R0102, C0506", v)
		return Rule{}, false
	}
	r := Rule{Kind: v[0]}
	for i := 1; i < len(v); i += 2 {
		pos, err := strconv.Atoi(v[i : i+2])
		if err != nil || pos < 1 || pos > min(elements, 64) {
			p.at(n, "the condition %s names the element %s, the segment has %d", v, v[i:i+2], elements)
			return Rule{}, false
		}
		r.Positions = append(r.Positions, pos)
		r.all |= 1 << (pos - 1)
	}
	r.first = 1 << (r.Positions[0] - 1)
	return r, len(r.Positions) > 1
}
