package specification

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Names of the parts of a rule.
const (
	PartValue   = "value" // an expression, or what the rule makes instead
	PartConst   = "const"
	PartEach    = "each"
	PartWhen    = "when"
	PartMap     = "map"
	PartLookup  = "lookup"
	PartDecimal = "decimal"
	PartDate    = "date"
	PartEmpty   = "emptyAs"
	PartDefault = "default"
	PartNeeded  = "required"
	PartOnError = "onError"
	PartNote    = "description"
)

// maxUses is how deep fragments may use each other.
const maxUses = 8

func (r *reader) members(n *yaml.Node, target string, sc scope) []*Rule {
	var out []*Rule
	pairs(n, func(k, v *yaml.Node) {
		m := &Rule{Key: k.Value, Target: strings.TrimPrefix(target+"."+k.Value, "."), Line: k.Line}
		r.rule(m, v, sc)
		out = append(out, m)
	})
	return out
}

// rule reads what stands under a member's name.
func (r *reader) rule(m *Rule, n *yaml.Node, sc scope) {
	switch n.Kind {
	case yaml.ScalarNode:
		r.computed(m, n, sc)
	case yaml.SequenceNode:
		r.entries(m, n, sc)
	case yaml.MappingNode:
		if w := scalar(n, "when"); w != "" {
			m.say(PartWhen, sc.read(w).text)
		}
		if e := scalar(n, "each"); e != "" {
			m.Each = true
			list := sc.read(e)
			m.say(PartEach, list.text)
			item := "each of " + m.Target
			if as := scalar(n, "as"); as != "" {
				sc = sc.with(as, binding{same: ident(item), path: suffixed(list.path, "[]"), reads: list.reads})
			}
			if index := scalar(n, "index"); index != "" {
				sc = sc.with(index, binding{same: ident("position in " + item)})
			}
		}
		r.content(m, n, sc)
		r.remarks(m, n)
	}
}

func (m *Rule) say(name string, t Text) { m.Parts = append(m.Parts, Part{name, t}) }

func (r *reader) content(m *Rule, n *yaml.Node, sc scope) {
	below := m.Target
	if m.Each {
		below += "[]"
	}
	v := child(n, "value")
	switch {
	case child(n, "fields") != nil:
		m.Members = r.members(child(n, "fields"), below, sc)
	case child(n, "const") != nil:
		m.say(PartConst, value(child(n, "const")))
	case scalar(n, "use") != "":
		r.use(m, scalar(n, "use"), child(n, "with"), below, sc)
	case v != nil && v.Kind == yaml.SequenceNode:
		r.entries(m, v, sc)
	default:
		for _, k := range []string{"from", "expr", "value"} {
			if e := child(n, k); e != nil {
				r.computed(m, e, sc)
			}
		}
	}
}

func (r *reader) computed(m *Rule, n *yaml.Node, sc scope) {
	e := sc.read(n.Value)
	m.Reads = e.reads
	m.say(PartValue, e.text)
}

func (r *reader) entries(m *Rule, n *yaml.Node, sc scope) {
	for _, e := range n.Content {
		target := m.Target
		if child(e, "each") == nil {
			target += "[]"
		}
		entry := &Rule{Target: target, Line: e.Line}
		r.rule(entry, e, sc)
		m.Entries = append(m.Entries, entry)
	}
}

// use puts the fragment's rules in the place of its use, with its parameters
// replaced by what they stand for: a mapping means the same with the rules
// written out.
func (r *reader) use(m *Rule, name string, with *yaml.Node, target string, sc scope) {
	f := r.fragments[name]
	if f == nil || slices.Contains(r.using, name) || len(r.using) == maxUses {
		m.say(PartValue, Text{"fragment " + name, "fragment " + name})
		return
	}
	inner := scope{}
	pairs(with, func(k, v *yaml.Node) {
		e := sc.read(v.Value)
		inner = inner.with(k.Value, binding{same: e.expr, path: e.path, reads: e.reads, shown: e.shown})
	})
	r.using = append(r.using, name)
	m.Members = r.members(f.fields, target, inner)
	r.using = r.using[:len(r.using)-1]
}

// remarks reads what is done to a value. What only repeats the settings or the
// language's own default says nothing.
func (r *reader) remarks(m *Rule, n *yaml.Node) {
	if l := scalar(n, "map"); l != "" {
		if k := len(r.using); k > 0 {
			if f := r.fragments[r.using[k-1]]; f.lists[l] {
				l = r.using[k-1] + "/" + l
			}
		}
		m.say(PartMap, Text{l, l})
	}
	if l := scalar(n, "lookup"); l != "" {
		m.say(PartLookup, Text{l, l})
	}
	if d := child(n, "decimal"); d != nil {
		t := digits(d.Value)
		rounding := scalar(n, "rounding")
		if d.Kind == yaml.MappingNode {
			t = digits(scalar(d, "scale"))
			if o := scalar(d, "rounding"); o != "" && rounding == "" {
				rounding = o
			}
		}
		if rounding != "" && rounding != r.settings["rounding"] {
			t += ", rounded " + rounding
		}
		m.say(PartDecimal, Text{t, t})
	}
	if d := child(n, "date"); d != nil {
		t, zone := d.Value, scalar(n, "zone")
		if d.Kind == yaml.MappingNode {
			t = scalar(d, "from")
			if to := scalar(d, "to"); to != "" {
				t = strings.TrimSpace(t + " to " + to)
			}
			if z := scalar(d, "zone"); z != "" {
				zone = z
			}
		}
		if zone != "" && zone != r.settings["timezone"] {
			t += ", in " + zone
		}
		m.say(PartDate, Text{t, t})
	}
	if e := scalar(n, "emptyAs"); e != "" && e != r.settings["emptyAs"] {
		m.say(PartEmpty, Text{e, e})
	}
	if d := child(n, "default"); d != nil {
		m.say(PartDefault, value(d))
	}
	if scalar(n, "required") == "true" {
		m.say(PartNeeded, Text{"true", "true"})
	}
	if e := scalar(n, "onError"); e != "" && e != r.settings["onError"] {
		m.say(PartOnError, Text{e, e})
	}
	if d := scalar(n, "description"); d != "" {
		m.say(PartNote, Text{d, d})
	}
}

func digits(scale string) string {
	switch scale {
	case "any":
		return "as many digits as there are"
	case "1":
		return "1 digit after the point"
	}
	return scale + " digits after the point"
}

func suffixed(path, suffix string) string {
	if path == "" {
		return ""
	}
	return path + suffix
}
