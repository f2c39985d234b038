package check

import (
	"io/fs"
	"path"
	"slices"
	"sort"
	"time"

	"cel.dev/cel-go/cel"
	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/finding"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
	"github.com/crossdock/crossdock/core/mapping/internal/source"
	"github.com/crossdock/crossdock/core/mapping/internal/table"
	"github.com/crossdock/crossdock/core/strictyaml"
	"go.yaml.in/yaml/v3"
)

// codelist translates the codes of one party into those of another.
type codelist struct {
	*program.CodeTable
	file  *source.File
	order []*yaml.Node // the values, for checks against targets
	codes []*yaml.Node // the codes beside them
	// given are the codes that the sources of all its rules can have; open tells
	// that one of them may have any.
	given map[string]bool
	open  bool
}

func (c *compiler) readCodelists(f *source.File, n *yaml.Node) map[string]*codelist {
	out := map[string]*codelist{}
	if n == nil {
		return out
	}
	if n.Kind != yaml.MappingNode {
		c.fail(f.At(n), finding.CodeSyntax, "write name: {CODE: value}", "codelists must be a list of `name: codes`")
		return out
	}
	source.Pairs(n, func(k, v *yaml.Node) {
		l := &codelist{CodeTable: &program.CodeTable{Name: k.Value, Codes: map[string]*document.Node{}}, file: f}
		out[k.Value] = l
		if v.Kind != yaml.MappingNode || len(v.Content) == 0 {
			c.fail(f.At(v), finding.CodeSyntax, `write {CODE: value, "*": other}`, "the code list %s has no codes", k.Value)
			return
		}
		source.Pairs(v, func(code, to *yaml.Node) {
			val, err := document.FromYAML(to)
			if err != nil || val.Kind == document.Object || val.Kind == document.List || val.Kind == document.Null {
				c.fail(f.At(to), finding.CodeValue, "", "the code list %s: the value of %q must be text, a number or true/false", k.Value, code.Value)
				return
			}
			l.order, l.codes = append(l.order, to), append(l.codes, code)
			if code.Value == "*" {
				l.Other = val
				return
			}
			l.Codes[code.Value] = val
		})
	})
	return out
}

// Lookup names a table in which a value is looked up at run time.
type Lookup struct {
	Name       string        // in the mapping
	Table      string        // in the database or service behind it
	Connection string        // of the project
	Key, Value string        // columns
	Cache      time.Duration // how old an answer may be; 0: always ask
}

var (
	lookupKeys   = []string{"file", "table", "connection", "key", "value", "cache", "onMiss"}
	fragmentKeys = []string{"fragment", "version", "description", "params", "codelists", "fields"}
	decimalKeys  = []string{"scale", "rounding"}
	dateKeys     = []string{"from", "to", "zone"}
)

func (c *compiler) readLookups(n *yaml.Node) {
	c.lookups = map[string]*program.Lookup{}
	if n == nil {
		return
	}
	if n.Kind != yaml.MappingNode {
		c.fail(c.file.At(n), finding.CodeSyntax, "write name: {file: xref/partners.csv, key: column, value: column}", "lookups must be a list of `name: table`")
		return
	}
	source.Pairs(n, func(k, v *yaml.Node) {
		l := &program.Lookup{Name: k.Value, OnMiss: program.OnFail}
		c.lookups[k.Value] = l
		table := Lookup{Name: k.Value}
		what := "the lookup " + k.Value
		if !c.known(c.file, v, what, lookupKeys) {
			return
		}
		file, fn := c.text(c.file, v, "file", what, false)
		table.Table, _ = c.text(c.file, v, "table", what, false)
		table.Connection, _ = c.text(c.file, v, "connection", what, false)
		table.Key, _ = c.text(c.file, v, "key", what, true)
		table.Value, _ = c.text(c.file, v, "value", what, true)
		if (file == "") == (table.Table == "") {
			c.fail(c.file.At(v), finding.CodeRequired, "", "%s needs either `file` or `table`", what)
		}
		if d, dn := c.text(c.file, v, "cache", what, false); dn != nil {
			var err error
			if table.Cache, err = time.ParseDuration(d); err != nil || table.Cache < 0 {
				c.fail(c.file.At(dn), finding.CodeValue, "", "%s: cache is a time such as 5m, found %q", what, d)
			}
		}
		if m := source.Child(v, "onMiss"); m != nil {
			switch m.Value {
			case "fail":
			case "skip":
				l.OnMiss = program.OnSkip
			default:
				l.OnMiss, l.Other = program.UseDefault, c.literal(m, nil, what, &scope{file: c.file})
			}
		}
		l.Table, l.Key = table.Table, table.Key
		c.m.Lookups[k.Value] = table
		if file != "" && table.Key != "" && table.Value != "" {
			l.Rows = c.rows(table, file, fn, what)
		}
	})
}

// rows reads the CSV file of a lookup.
func (c *compiler) rows(l Lookup, file string, at *yaml.Node, what string) map[string]string {
	name := path.Join(path.Dir(c.file.Name), file)
	if !fs.ValidPath(name) {
		c.fail(c.file.At(at), finding.CodeUnknown, "", "%s: the path %q leads out of the configuration folder", what, file)
		return nil
	}
	f, err := c.fsys.Open(name)
	if err != nil {
		c.fail(c.file.At(at), finding.CodeUnknown, "paths are relative to the mapping file", "%s: the file %s cannot be read: %v", what, name, strictyaml.WithoutPath(err))
		return nil
	}
	defer func() { _ = f.Close() }() // read only
	rows, err := table.Read(f, l.Key, l.Value)
	if err != nil {
		c.fail(c.file.At(at), finding.CodeValue, "", "%s: %s: %v", what, name, err)
	}
	return rows
}

// fragment is a part of a mapping that several mappings use.
type fragment struct {
	name   string
	file   *source.File
	params []string
	fields *yaml.Node
	codes  map[string]*codelist
	user   *fragment // the fragment around it, when it is used inside of one
}

// maxFragments is how deep fragments may use each other.
const maxFragments = 8

func (c *compiler) readFragments(n *yaml.Node) {
	c.fragments = map[string]*fragment{}
	if n == nil {
		return
	}
	if n.Kind != yaml.SequenceNode {
		c.fail(c.file.At(n), finding.CodeSyntax, "write include: [fragments/party.yaml]", "include must be a list of files")
		return
	}
	for _, e := range n.Content {
		src, found := source.Read(c.fsys, path.Join(path.Dir(c.file.Name), e.Value))
		if src == nil {
			for _, f := range found {
				if f.Code == finding.CodeUnknown {
					c.fail(c.file.At(e), f.Code, f.Hint, "include %s: %s", e.Value, f.Message)
					continue
				}
				c.found = append(c.found, f)
			}
			continue
		}
		c.found = append(c.found, found...)
		c.readFragment(src, e)
	}
}

func (c *compiler) readFragment(src *source.File, at *yaml.Node) {
	if !c.known(src, src.Root, "a fragment", fragmentKeys) {
		return
	}
	f := &fragment{file: src}
	f.name, _ = c.text(src, src.Root, "fragment", "a fragment", true)
	c.text(src, src.Root, "version", "a fragment", false)
	source.Pairs(source.Child(src.Root, "params"), func(k, _ *yaml.Node) {
		if c.variable(&scope{file: src}, k) {
			f.params = append(f.params, k.Value)
		}
	})
	f.codes = c.readCodelists(src, source.Child(src.Root, "codelists"))
	if f.fields = source.Child(src.Root, "fields"); f.fields == nil {
		c.fail(src.At(src.Root), finding.CodeRequired, "", "a fragment needs %q", "fields")
		return
	}
	if other := c.fragments[f.name]; other != nil {
		c.fail(c.file.At(at), finding.CodeValue, "rename one", "the fragment %q is also in %s", f.name, other.file.Name)
		return
	}
	c.fragments[f.name] = f
}

// fragmentScope is what a fragment sees: src, out and its parameters.
func (c *compiler) fragmentScope(f *fragment, user *scope) (*scope, *language.Provider, error) {
	inner := *c.outer
	used := *f
	used.user = user.frag
	inner.file, inner.frag, inner.done = f.file, &used, user.done
	return &inner, c.prov, nil
}

// codelist finds a code list by name, first in the fragment.
func (c *compiler) codelist(name string, sc *scope) *codelist {
	if sc.frag != nil {
		if l := sc.frag.codes[name]; l != nil {
			return l
		}
	}
	return c.codelists[name]
}

// transforms reads what is done to a value after it is computed, and tells
// whether something decides its type instead of the expression.
func (c *compiler) transforms(r *program.Rule, n *yaml.Node, t *cel.Type, sc *scope) bool {
	if n.Kind != yaml.MappingNode {
		return false
	}
	if v := source.Child(n, "emptyAs"); v != nil {
		r.Empty = choose(c, sc.file, v, "emptyAs", program.Emptinesses)
	}
	done := false
	if v := source.Child(n, "map"); v != nil {
		done = true
		c.mapping(r, v, t, sc)
	}
	if v := source.Child(n, "lookup"); v != nil {
		done = true
		if r.Lookup = c.lookups[v.Value]; r.Lookup == nil {
			c.fail(sc.file.At(v), finding.CodeUnknown, near(v.Value, keys(c.lookups)), "%s: no lookup %q", r.Target, v.Value)
		}
		c.accepts(r, v, "lookup", t, sc, cel.StringType, cel.IntType)
		if source.Child(n, "decimal") == nil {
			c.makes(r, v, "lookup", "text", sc, schema.Text)
		}
	}
	if v := source.Child(n, "decimal"); v != nil {
		done = true
		r.Decimal = c.decimalRule(n, v, sc)
		c.accepts(r, v, "decimal", t, sc, cel.StringType, cel.IntType, cel.DoubleType)
		c.makes(r, v, "decimal", "decimal text", sc, schema.Text, schema.Number, schema.Integer)
	} else if v := source.Child(n, "rounding"); v != nil {
		c.fail(sc.file.At(v), finding.CodeUnknown, "", "%s: rounding belongs to `decimal`", r.Target)
	}
	if v := source.Child(n, "date"); v != nil {
		done = true
		r.Date = c.dateRule(r, n, v, sc)
		c.accepts(r, v, "date", t, sc, cel.StringType)
		c.makes(r, v, "date", "text", sc, schema.Text)
	} else if v := source.Child(n, "zone"); v != nil {
		c.fail(sc.file.At(v), finding.CodeUnknown, "", "%s: zone belongs to `date`", r.Target)
	}
	return done
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// accepts checks the type that goes into a transformation.
func (c *compiler) accepts(r *program.Rule, at *yaml.Node, what string, t *cel.Type, sc *scope, ok ...*cel.Type) {
	if r.Codes != nil {
		return // a code list comes first
	}
	t = language.PlainType(t)
	if t.IsExactType(cel.DynType) || slices.ContainsFunc(ok, t.IsExactType) {
		return
	}
	c.fail(sc.file.At(at), finding.CodeType, "", "%s: %q works on text, the expression gives %s", r.Target, what, language.TypeName(t))
}

// makes checks the type that comes out of a transformation.
func (c *compiler) makes(r *program.Rule, at *yaml.Node, what, result string, sc *scope, ok ...schema.Type) {
	s := r.Schema.Resolved()
	if s == nil || s.Kind == schema.Any || slices.Contains(ok, s.Kind) {
		return
	}
	c.fail(sc.file.At(at), finding.CodeType, "", "%s wants %s, %q gives %s", r.Target, s.Kind, what, result)
}

// mapping checks `map:` and every value of the code list.
func (c *compiler) mapping(r *program.Rule, v *yaml.Node, t *cel.Type, sc *scope) {
	l := c.codelist(v.Value, sc)
	if l == nil {
		names := keys(c.codelists)
		if sc.frag != nil {
			names = append(names, keys(sc.frag.codes)...)
		}
		c.fail(sc.file.At(v), finding.CodeUnknown, near(v.Value, names), "%s: no code list %q", r.Target, v.Value)
		return
	}
	c.accepts(r, v, "map", t, sc, cel.StringType, cel.IntType, cel.BoolType)
	r.Codes = l.CodeTable
	for _, to := range l.order {
		val, err := document.FromYAML(to)
		if err != nil {
			continue // reported with the list
		}
		if p := r.Schema.Refuses(val); p != "" {
			c.fail(l.file.At(to), finding.CodeValue, "", "the code list %s gives %s, but %s %s", l.Name, schema.Quoted(val), r.Target, p)
		}
	}
}

func (c *compiler) decimalRule(n, v *yaml.Node, sc *scope) *program.DecimalRule {
	d := &program.DecimalRule{Scale: -1, Rounding: c.m.Settings.Rounding}
	scale := v
	if v.Kind == yaml.MappingNode {
		c.known(sc.file, v, "decimal", decimalKeys)
		if scale = source.Child(v, "scale"); scale == nil {
			c.fail(sc.file.At(v), finding.CodeRequired, "", `decimal needs "scale"`)
			return d
		}
		if ro := source.Child(v, "rounding"); ro != nil {
			d.Rounding = choose(c, sc.file, ro, "rounding", language.Roundings)
		}
	}
	if scale.Value != "any" {
		d.Scale = c.scale(sc.file, scale)
	}
	if ro := source.Child(n, "rounding"); ro != nil {
		d.Rounding = choose(c, sc.file, ro, "rounding", language.Roundings)
	}
	return d
}

// dateRule reads `date: yyyyMMdd` or `date: {from: …, to: …}`. Without `to` the
// result is RFC 3339, or a plain date where the target's format says so.
func (c *compiler) dateRule(r *program.Rule, n, v *yaml.Node, sc *scope) *program.DateRule {
	d := &program.DateRule{Zone: c.m.Settings.Zone}
	pattern := func(p *yaml.Node) *language.Layout {
		if p == nil {
			return nil
		}
		l, err := language.ParseLayout(p.Value)
		if err != nil {
			c.fail(sc.file.At(p), finding.CodeValue, "", "%s: %v", r.Target, err)
			return nil
		}
		return &l
	}
	zone := source.Child(n, "zone")
	if v.Kind == yaml.MappingNode {
		c.known(sc.file, v, "date", dateKeys)
		d.From, d.To = pattern(source.Child(v, "from")), pattern(source.Child(v, "to"))
		if z := source.Child(v, "zone"); z != nil {
			zone = z
		}
	} else {
		d.From = pattern(v)
	}
	if s := r.Schema.Resolved(); d.To == nil && s != nil && s.Format == "date" {
		l, _ := language.ParseLayout("yyyy-MM-dd")
		d.To = &l
	}
	if zone != nil {
		loc, err := c.zones.Load(zone.Value)
		if err != nil {
			c.fail(sc.file.At(zone), finding.CodeValue, "", "%s: %v", r.Target, err)
		} else {
			d.Zone = loc
		}
	}
	return d
}
