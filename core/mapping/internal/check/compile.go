package check

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"

	"cel.dev/cel-go/cel"
	"github.com/crossdock/crossdock/canonical"
	"github.com/crossdock/crossdock/core/mapping/internal/cursor"
	"github.com/crossdock/crossdock/core/mapping/internal/expression"
	"github.com/crossdock/crossdock/core/mapping/internal/finding"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
	"github.com/crossdock/crossdock/core/mapping/internal/source"
	"github.com/crossdock/crossdock/core/strictyaml"
	"go.yaml.in/yaml/v3"
)

// compiler checks one mapping file and builds its rules. It goes on after every
// problem, so that all of them are reported together.
type compiler struct {
	fsys    fs.FS
	schemas *schema.Catalog
	file    *source.File
	prov    *language.Provider
	m       *Mapping
	found   []finding.Finding

	src, dst  *schema.Schema
	codelists map[string]*codelist
	lookups   map[string]*program.Lookup
	fragments map[string]*fragment
	zones     language.Zones
	outer     *scope // src and out without the mapping's variables

	rules    int
	overflow bool            // there are more findings than are kept
	view     *cursor.Insight // what an editor is told; nil otherwise
}

// maxRules bounds what nested fragments can multiply to.
const maxRules = 50_000

var (
	topKeys = []string{
		"mapping", "version", "owner", "description", "source", "target", "settings", "include",
		"codelists", "lookups", "let", "fields", "assert", "ignore", "inverse", "tests",
	}
	mappingName = regexp.MustCompile(`^[a-z][a-z0-9._-]{0,99}$`)
	versionText = regexp.MustCompile(`^\d+\.\d+\.\d+$`)
	identifier  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	givenNames  = []string{language.NameSrc, language.NameOut, language.NameMeta, language.NameMessageID, "true", "false", "null", "in"}
)

// maxFindings ends the check of a file that is none, such as one of a million
// unknown keys. Nobody reads more.
const maxFindings = 1000

// full tells that it is reached, and says so once: what is not checked from
// then on must not run.
func (c *compiler) full() bool {
	if len(c.found) < maxFindings {
		return false
	}
	if !c.overflow {
		c.overflow = true
		c.found = append(c.found, finding.Finding{
			File: c.file.Name, Line: 1, Col: 1, Severity: finding.SeverityError, Code: finding.CodeSyntax,
			Message: fmt.Sprintf("there are more than %d findings; the others are not shown", maxFindings), Hint: "mend these first",
		})
	}
	return true
}

func (c *compiler) report(p strictyaml.Pos, severity, code, hint, format string, args ...any) {
	if c.full() {
		return
	}
	c.found = append(c.found, finding.Finding{File: p.File, Line: p.Line, Col: p.Col, Severity: severity, Code: code, Message: fmt.Sprintf(format, args...), Hint: hint})
}

func (c *compiler) fail(p strictyaml.Pos, code, hint, format string, args ...any) {
	c.report(p, finding.SeverityError, code, hint, format, args...)
}

// known reports keys that do not belong into a YAML mapping.
func (c *compiler) known(f *source.File, n *yaml.Node, what string, keys []string) bool {
	if n.Kind != yaml.MappingNode {
		c.fail(f.At(n), finding.CodeSyntax, "", "%s must be a list of `key: value`", what)
		return false
	}
	source.Pairs(n, func(k, _ *yaml.Node) {
		if !c.full() && !slices.Contains(keys, k.Value) {
			c.fail(f.At(k), finding.CodeUnknown, near(k.Value, keys), "%s has no key %q", what, k.Value)
		}
	})
	return true
}

// text returns a scalar child; want false allows it to be absent.
func (c *compiler) text(f *source.File, n *yaml.Node, key, what string, want bool) (string, *yaml.Node) {
	v := source.Child(n, key)
	switch {
	case v == nil:
		if want {
			c.fail(f.At(n), finding.CodeRequired, "add it", "%s needs %q", what, key)
		}
		return "", nil
	case v.Kind != yaml.ScalarNode || v.Value == "":
		c.fail(f.At(v), finding.CodeSyntax, "", "%q must be text", key)
		return "", nil
	}
	return v.Value, v
}

// compile checks the whole file.
func (c *compiler) compile() {
	root := c.file.Root
	c.known(c.file, root, "a mapping", topKeys)
	c.header(root)
	c.inverse(root)
	c.settings(source.Child(root, "settings"))
	c.fetch(root)
	defer c.validator(root)
	c.src = c.schema(root, "source", language.NameSrc)
	c.dst = c.schema(root, "target", c.targetName(root))
	c.m.Program.Source, c.m.Program.Target = c.src, c.dst
	c.codelists = c.readCodelists(c.file, source.Child(root, "codelists"))
	c.readLookups(source.Child(root, "lookups"))
	c.readFragments(source.Child(root, "include"))
	sc := c.topScope()
	if sc == nil {
		return
	}
	c.outer = sc
	sc = c.lets(source.Child(root, "let"), sc)
	fields := source.Child(root, "fields")
	if fields == nil {
		c.fail(c.file.At(root), finding.CodeRequired, "add the rules of the target's members under it", "a mapping needs %q", "fields")
	} else {
		c.m.Program.Root = &program.Rule{Kind: program.Object, At: c.file.At(fields), Schema: c.dst, Root: true}
		c.m.Program.Root.Children = c.fields(fields, c.dst, "", sc, c.file.At(fields))
	}
	c.asserts(source.Child(root, "assert"), sc)
	c.givenCodes()
	c.unread(root)
	c.tests(source.Child(root, "tests"))
}

func (c *compiler) header(root *yaml.Node) {
	c.m.Name, _ = c.text(c.file, root, "mapping", "a mapping", true)
	if v := source.Child(root, "mapping"); c.m.Name != "" && !mappingName.MatchString(c.m.Name) {
		c.fail(c.file.At(v), finding.CodeSyntax, "use lower case letters, digits, dots and dashes, as in acme.850-to-order", "%q cannot be a mapping's name", c.m.Name)
	}
	var v *yaml.Node
	if c.m.Version, v = c.text(c.file, root, "version", "a mapping", true); v != nil && !versionText.MatchString(c.m.Version) {
		c.fail(c.file.At(v), finding.CodeSyntax, "write three numbers, as in 1.4.0", "%q is not a version", c.m.Version)
	}
	c.m.Owner, _ = c.text(c.file, root, "owner", "a mapping", false)
	c.m.Description, _ = c.text(c.file, root, "description", "a mapping", false)
}

var (
	settingKeys = []string{"timezone", "currency", "scale", "rounding", "onError", "emptyAs"}
	sideKeys    = []string{"entity", "schema", "format", "as"}
	assertKeys  = []string{"that", "message"}
)

func (c *compiler) settings(n *yaml.Node) {
	s := language.DefaultSettings
	c.m.Program.OnError, c.m.Program.Empty = program.OnFail, program.EmptyKeep
	defer func() { c.m.Settings = s }()
	if n == nil || !c.known(c.file, n, "settings", settingKeys) {
		return
	}
	if zone, v := c.text(c.file, n, "timezone", "settings", false); v != nil {
		loc, err := c.zones.Load(zone)
		if err != nil {
			c.fail(c.file.At(v), finding.CodeValue, "", "%v", err)
		} else {
			s.Zone = loc
		}
	}
	if cur, v := c.text(c.file, n, "currency", "settings", false); v != nil {
		if !regexp.MustCompile(`^[A-Z]{3}$`).MatchString(cur) {
			c.fail(c.file.At(v), finding.CodeValue, "", "a currency has three capital letters (ISO 4217), found %q", cur)
		}
		s.Scale = language.CurrencyScale(cur)
	}
	if v := source.Child(n, "scale"); v != nil {
		s.Scale = c.scale(c.file, v)
	}
	if v := source.Child(n, "rounding"); v != nil {
		s.Rounding = choose(c, c.file, v, "rounding", language.Roundings)
	}
	if v := source.Child(n, "onError"); v != nil {
		c.m.Program.OnError = choose(c, c.file, v, "onError", program.Policies)
		if c.m.Program.OnError == program.UseDefault {
			c.fail(c.file.At(v), finding.CodeValue, "write it at the rules that have a `default`", "onError: default cannot be set for all rules")
		}
	}
	if v := source.Child(n, "emptyAs"); v != nil {
		c.m.Program.Empty = choose(c, c.file, v, "emptyAs", program.Emptinesses)
	}
}

func (c *compiler) scale(f *source.File, v *yaml.Node) int {
	var n int
	if err := v.Decode(&n); err != nil || n < 0 || n > 18 {
		c.fail(f.At(v), finding.CodeValue, "", "a scale is a number of digits between 0 and 18, found %q", v.Value)
		return language.DefaultScale
	}
	return n
}

// choose reads one of a few words.
func choose[T any](c *compiler, f *source.File, v *yaml.Node, what string, from map[string]T) T {
	t, ok := from[v.Value]
	if !ok || v.Kind != yaml.ScalarNode {
		words := make([]string, 0, len(from))
		for w := range from {
			words = append(words, w)
		}
		sort.Strings(words)
		c.fail(f.At(v), finding.CodeValue, near(v.Value, words), "%s must be one of %s, found %q", what, strings.Join(words, ", "), v.Value)
	}
	return t
}

func (c *compiler) targetName(root *yaml.Node) string {
	if e := source.Child(source.Child(root, "target"), "entity"); e != nil {
		return e.Value
	}
	return "target"
}

// schema reads `source` or `target`: {entity: Order}, or {schema: file, format:
// name}. With both, the entity only names the schema.
func (c *compiler) schema(root *yaml.Node, key, name string) *schema.Schema {
	n := source.Child(root, key)
	if n == nil {
		c.fail(c.file.At(root), finding.CodeRequired, "write {entity: Order}, or {schema: path/to/schema.json}", "a mapping needs %q", key)
		return nil
	}
	if !c.known(c.file, n, key, sideKeys) {
		return nil
	}
	entity, en := c.text(c.file, n, "entity", key, false)
	file, fn := c.text(c.file, n, "schema", key, false)
	format, _ := c.text(c.file, n, "format", key, false)
	if as, v := c.text(c.file, n, "as", key, false); v != nil && as != language.NameSrc {
		c.fail(c.file.At(v), finding.CodeValue, "", "the source document is always called %s", language.NameSrc)
	}
	if key == "source" {
		c.m.SourceEntity, c.m.SourceFormat = entity, format
	} else {
		c.m.Target = entity
	}
	shape := "the entity " + strings.ToLower(entity)
	if fn != nil {
		shape = "the schema " + path.Join(path.Dir(c.file.Name), file)
	}
	c.m.Shapes[key] = shape
	switch {
	case fn != nil:
		s, err := c.schemas.Load(path.Join(path.Dir(c.file.Name), file), name)
		if err != nil {
			c.fail(c.file.At(fn), finding.CodeUnknown, "schema paths are relative to the mapping file", "%v", err)
			return nil
		}
		return s
	case en != nil:
		s, err := c.schemas.Entity(entity, name)
		if err != nil {
			c.fail(c.file.At(en), finding.CodeUnknown, near(entity, schema.EntityNames()), "%v", err)
			return nil
		}
		if key == "target" {
			c.m.Program.Valid = schema.ForEntity(entity)
			c.m.Constraints, _ = canonical.Compiled(entity) // without it the validator is asked
		}
		return s
	}
	if format == "" || key == "target" {
		c.fail(c.file.At(n), finding.CodeRequired, "write {entity: Order}, or {schema: path/to/schema.json}", "%s names neither an entity nor a schema", key)
		return nil
	}
	c.report(c.file.At(n), finding.SeverityWarning, finding.CodeUnknown, "add `schema:` so that misspelt members are found now instead of at night", "source has no schema; paths in src are not checked")
	return &schema.Schema{Name: name}
}

// fetch begins to read the schemas, so that what checks the results is made
// while the rules are checked; for a large schema that takes as long.
func (c *compiler) fetch(root *yaml.Node) {
	n := source.Child(source.Child(root, "target"), "schema")
	if n == nil || n.Kind != yaml.ScalarNode {
		return
	}
	file, name := path.Join(path.Dir(c.file.Name), n.Value), c.targetName(root)
	// Errors are told where the results are taken.
	go func() { _, _, _ = c.schemas.Validator(file) }()
	go func() { _, _ = c.schemas.Load(file, name) }()
}

// validator takes what checks the results against a target's schema file.
func (c *compiler) validator(root *yaml.Node) {
	at := source.Child(source.Child(root, "target"), "schema")
	if at == nil || c.dst == nil {
		return
	}
	v, s, err := c.schemas.Validator(path.Join(path.Dir(c.file.Name), at.Value))
	if err != nil {
		c.fail(c.file.At(at), finding.CodeValue, "", "the target schema cannot be used: %v", err)
		return
	}
	c.m.Program.Valid, c.m.Constraints = v, s
}

// topScope has src, out and what the language gives.
func (c *compiler) topScope() *scope {
	sc, prov, err := expression.NewScope(c.src, c.dst, c.m.Settings)
	if err != nil {
		c.fail(c.file.At(c.file.Root), finding.CodeSyntax, "", "the schemas cannot be used in expressions: %v", err)
		return nil
	}
	c.prov = prov
	return &scope{Scope: *sc, file: c.file, done: map[string]bool{}}
}

// maxLets bounds the variables of a mapping; each sees all before it.
const maxLets = 500

// lets reads `let`: variables that later lets and all rules see.
func (c *compiler) lets(n *yaml.Node, sc *scope) *scope {
	if n == nil {
		return sc
	}
	if n.Kind != yaml.MappingNode {
		c.fail(c.file.At(n), finding.CodeSyntax, "", "let must be a list of `name: expression`")
		return sc
	}
	lets := 0
	source.Pairs(n, func(k, v *yaml.Node) {
		if lets++; lets > maxLets {
			if lets == maxLets+1 {
				c.fail(c.file.At(k), finding.CodeSyntax, "split the mapping", "the mapping has more than %d variables", maxLets)
			}
			return
		}
		if !c.variable(sc, k) {
			return
		}
		e, r := c.expression(v, sc, "let "+k.Value)
		t, base := cel.DynType, ""
		if e != nil {
			t, base = e.Type, r.Result
			c.m.Program.Lets = append(c.m.Program.Lets, program.Binding{Name: k.Value, Expr: e, At: c.file.At(v)})
		}
		next, err := sc.with(k.Value, t, base, e != nil && e.Sure)
		if err != nil {
			c.fail(c.file.At(k), finding.CodeSyntax, "", "%q cannot be a variable: %v", k.Value, err)
			return
		}
		sc = c.named(next, k.Value, "let", e).choosing(k.Value, r)
	})
	return sc
}

// variable checks a new name.
func (c *compiler) variable(sc *scope, n *yaml.Node) bool {
	switch {
	case !identifier.MatchString(n.Value):
		c.fail(sc.file.At(n), finding.CodeSyntax, "use letters, digits and _", "%q cannot be a variable's name", n.Value)
	case slices.Contains(givenNames, n.Value):
		c.fail(sc.file.At(n), finding.CodeSyntax, "choose another name", "%q already means something", n.Value)
	default:
		return true
	}
	return false
}

// expression checks the CEL of one YAML scalar and records what it reads.
func (c *compiler) expression(n *yaml.Node, sc *scope, target string) (*program.Expression, *expression.Reading) {
	if n.Kind != yaml.ScalarNode {
		c.fail(sc.file.At(n), finding.CodeSyntax, "an expression is one line of text", "%s: expected an expression", target)
		return nil, nil
	}
	e, r, problems := expression.Compile(n.Value, &sc.Scope, c.prov)
	c.see(n, sc, e)
	for _, p := range problems {
		c.fail(sc.file.Inside(n, p.Offset), p.Code, p.Hint, "%s: %s", target, p.Message)
	}
	if e == nil {
		return nil, nil
	}
	c.note(e, r, n, sc)
	c.comparisons(r, n, sc, target)
	c.amounts(r, n, sc, target)
	for _, p := range r.Paths {
		c.m.Use.Read[p] = true
	}
	if p := r.Result; p != "" {
		c.m.Use.Read[p] = true
	}
	if sc.done != nil {
		for _, p := range append(slices.Clone(r.Paths), r.Result) {
			name, isOut := strings.CutPrefix(p, language.NameOut+".")
			name, _, _ = strings.Cut(name, ".")
			name = strings.TrimSuffix(name, "[]")
			if isOut && !sc.done[name] {
				c.fail(sc.file.At(n), finding.CodeOrder, "move this rule below the one for "+name, "%s: reads out.%s before a rule has made it", target, name)
				break
			}
		}
	}
	return e, r
}

// truth checks an expression that must be true or false.
func (c *compiler) truth(n *yaml.Node, sc *scope, target, what string) (*program.Expression, *expression.Reading) {
	e, r := c.expression(n, sc, target)
	if e != nil && !e.Type.IsExactType(cel.BoolType) && !e.Type.IsExactType(cel.DynType) {
		c.fail(sc.file.At(n), finding.CodeType, "compare it with something, or use has()", "%s: '%s' must be true/false, this is %s", target, what, language.TypeName(e.Type))
	}
	return e, r
}

func (c *compiler) asserts(n *yaml.Node, sc *scope) {
	if n == nil {
		return
	}
	if n.Kind != yaml.SequenceNode {
		c.fail(c.file.At(n), finding.CodeSyntax, "write - {that: condition, message: text}", "assert must be a list")
		return
	}
	all := *sc
	all.done = nil
	for _, a := range n.Content {
		if !c.known(c.file, a, "assert", assertKeys) {
			continue
		}
		that := source.Child(a, "that")
		if that == nil {
			c.fail(c.file.At(a), finding.CodeRequired, "", `assert needs "that"`)
			continue
		}
		message, _ := c.text(c.file, a, "message", "assert", true)
		if e, _ := c.truth(that, &all, "assert", "that"); e != nil {
			c.m.Program.Asserts = append(c.m.Program.Asserts, program.Assertion{That: e, At: c.file.At(that), Message: message})
		}
	}
}
