package shape

import (
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
)

// A plan is a grammar made ready for writing: every name with its quotes and
// colon, at the index of its node.
type plan struct {
	name  string // of the set's member
	nodes []node
	key   grammar.Spot
}

// node is a segment or loop at its place.
type node struct {
	// open begins its member: "totals":{ of what comes once, "lines":[ of a list.
	open    []byte
	list    string // the member's name
	single  bool
	loop    bool
	opening bool // it gives its elements to the set's object
	part    bool // its items, or those of a loop in it, are handed over in parts
	counts  bool // its items are counted for that
	omit    uint64
	segment *segment
	as      *names
	tree    *tree
}

// names are those of a qualifier's codes.
type names struct {
	at   int // position of the qualifier, from 1
	code map[string]int
	open [][]byte // "ship_to":{
	name []string
}

// tree is how a loop nests.
type tree struct {
	tag               string
	id, parent, level int // positions, from 1; level may be 0
	root              string
	levels            map[string]*level
	none              *level // of items without a level
}

// level is a list of a tree.
type level struct {
	open []byte // "orders":[
	name string
	code string // that the name stands for
}

// segment is how the elements of a segment are written.
type segment struct {
	tag    string
	fields []field
	pairs  []int // indexes of the qualifiers of pairs
}

type kind uint8

const (
	text kind = iota
	implied
	decimal
	date
	clock
	composite
	repeated
	pair
)

// field is an element or component.
type field struct {
	quoted []byte // "number":" – for text
	name   []byte // "number":
	kind   kind
	value  kind // of the repetitions, or of the identifier behind a qualifier
	places int
	max    int
	parts  []field
	codes  map[string][]byte // "gtin12": of a pair's qualifier
	// The qualifier that came last and its name: mostly it comes again.
	lastCode, lastName []byte
}

func newPlan(g *grammar.Set) *plan {
	if g == nil {
		return &plan{name: "segments"}
	}
	p := &plan{name: g.Name, nodes: make([]node, g.Nodes), key: g.KeyAt}
	segments := map[*grammar.Segment]*segment{}
	p.body(g.Body, segments)
	if len(g.Body) > 0 && !g.Body[0].Loop() && g.Body[0].Single() {
		p.nodes[g.Body[0].Number].opening = true
	}
	return p
}

// body compiles nodes and tells whether one of them is handed over in parts.
func (p *plan) body(nodes []*grammar.Node, segments map[*grammar.Segment]*segment) (parts bool) {
	for _, n := range nodes {
		out := &p.nodes[n.Number]
		if segments[n.Segment] == nil {
			segments[n.Segment] = newSegment(n.Segment)
		}
		out.segment, out.list, out.single, out.loop = segments[n.Segment], n.Name, n.Single(), n.Loop()
		bracket := "["
		if out.single {
			bracket = "{"
		}
		out.open = []byte(quote(n.Name) + ":" + bracket)
		if n.AsAt > 0 {
			out.as = newNames(n)
		}
		if t := n.Tree; t != nil {
			out.tree = newTree(n)
			for _, at := range []int{t.IDAt, t.ParentAt, t.LevelAt} {
				out.omit |= bit(at)
			}
		}
		out.counts = n.Fragment
		out.part = p.body(n.Body, segments) || n.Fragment
		parts = parts || out.part && out.as == nil && out.tree == nil
	}
	return parts
}

// bit of a position that counts from 1.
func bit(at int) uint64 {
	if at < 1 || at > 64 {
		return 0
	}
	return 1 << (at - 1)
}

func newNames(n *grammar.Node) *names {
	out := &names{at: n.AsAt, code: map[string]int{}}
	const most = 64 // an object remembers those that it has as bits
	for _, codes := range n.As {
		for code, name := range codes {
			if len(out.name) < most {
				out.code[code] = len(out.name)
				out.open = append(out.open, []byte(quote(name)+":{"))
				out.name = append(out.name, name)
			}
		}
	}
	return out
}

func newTree(n *grammar.Node) *tree {
	t := n.Tree
	out := &tree{tag: n.Segment.Tag, id: t.IDAt, parent: t.ParentAt, level: t.LevelAt, root: t.Root, levels: map[string]*level{}, none: newLevel(n.Name, "")}
	for code, name := range t.Names {
		out.levels[code] = newLevel(name, code)
	}
	return out
}

func newLevel(name, code string) *level {
	return &level{open: []byte(quote(name) + ":["), name: name, code: code}
}

// of returns the list for a code; codes without a name are added, as long as they
// are not too many.
func (t *tree) of(code []byte) *level {
	if len(code) == 0 {
		return t.none
	}
	if l := t.levels[string(code)]; l != nil {
		return l
	}
	const most = 1000
	name := "other"
	if plainCode(code) && len(t.levels) < most {
		name = string(code)
	}
	l := newLevel(grammar.LevelPrefix+strings.ToLower(name), strings.ToUpper(name))
	if len(t.levels) < most {
		t.levels[string(code)] = l
	}
	return l
}

// plainCode tells that a code is letters and digits.
func plainCode(code []byte) bool {
	for _, c := range code {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	const most = 8
	return len(code) > 0 && len(code) <= most
}

func newSegment(s *grammar.Segment) *segment {
	out := &segment{tag: s.Tag, fields: fields(s.Elements)}
	for i := range out.fields {
		if out.fields[i].kind == pair {
			out.pairs = append(out.pairs, i)
		}
	}
	return out
}

func fields(in []grammar.Position) []field {
	out := make([]field, len(in))
	for i := range in {
		out[i] = newField(&in[i])
	}
	for i := range in {
		if in[i].Pair && i+1 < len(in) {
			out[i].pairUp(in[i].Element, out[i+1].kind)
		}
	}
	return out
}

func newField(p *grammar.Position) field {
	f := field{quoted: []byte(quote(p.Name) + `:"`), name: []byte(quote(p.Name) + ":")}
	switch e := p.Element; {
	case p.Composite != nil:
		f.kind, f.parts = composite, fields(p.Composite.Components)
	case e == nil:
	default:
		f.max = e.Max
		switch e.Type {
		case grammar.Number:
			if f.places = e.Implied; f.places > 0 {
				f.kind = implied
			}
		case grammar.Decimal:
			f.kind = decimal
		case grammar.Date:
			f.kind = date
		case grammar.Time:
			f.kind = clock
		}
	}
	if f.value = f.kind; p.Repeat > 1 {
		f.kind = repeated
	}
	return f
}

// pairUp makes a field the qualifier of the one behind it.
func (f *field) pairUp(e *grammar.Element, id kind) {
	if f.kind != text || id == composite || id == repeated {
		return
	}
	f.kind, f.codes = pair, map[string][]byte{}
	for code, name := range e.Codes {
		if name == "" {
			name = strings.ToLower(code)
		}
		f.codes[code] = []byte(quote(name) + ":")
	}
}

// idName begins the member of ids that a qualifier gives, "gtin12":; it is empty
// when the name could not be turned back: then the pair stands under the names of
// its elements.
func (f *field) idName(code []byte) []byte {
	if len(f.lastName) > 0 && string(f.lastCode) == string(code) {
		return f.lastName
	}
	if name, known := f.codes[string(code)]; known {
		f.lastCode, f.lastName = append(f.lastCode[:0], code...), name
		return name
	}
	name := f.lower(code)
	const most = 1000
	if len(f.codes) < most {
		f.codes[string(code)] = name
	}
	return name
}

// lower is the name of a code that has none: itself in small letters.
func (f *field) lower(code []byte) []byte {
	if !plainCode(code) || strings.ToUpper(string(code)) != string(code) {
		return nil
	}
	name := []byte(quote(strings.ToLower(string(code))) + ":")
	for _, taken := range f.codes {
		if string(taken) == string(name) {
			return nil
		}
	}
	return name
}

// quote is for names, which are plain; others are made so.
func quote(name string) string {
	return string(appendText(append(make([]byte, 0, len(name)+2), '"'), []byte(name), 0, nil)) + `"`
}
