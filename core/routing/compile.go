package routing

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/crossdock/crossdock/canonical"
	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// Catalog tells which endpoints exist.
type Catalog interface {
	// Has returns nil when the endpoint "<connection>.<name>" exists in the
	// role (source, sink or call), otherwise an error that says what there is.
	Has(endpoint, role string) error
}

// Mappings finds and checks mapping files.
type Mappings interface {
	// Mapping returns nil with findings when the file has errors.
	Mapping(path string) (*mapping.Mapping, []mapping.Finding)
}

// Compiled is a route that can run: every expression and mapping is checked.
type Compiled struct {
	*Route
	// Entity is the canonical entity that the route produces or consumes.
	Entity  string
	Targets []*CompiledTarget

	where   *mapping.Predicate
	split   *mapping.Split
	key     *mapping.Key
	mapping *mapping.Mapping
	enrich  []compiledEnrich
}

// CompiledTarget is one lane's part of a route.
type CompiledTarget struct {
	*Target
	// Lane names the lane: "<route>/<endpoint>".
	Lane string

	where   *mapping.Predicate
	mapping *mapping.Mapping
	enrich  []compiledEnrich
}

type compiledEnrich struct {
	Enrich
	with map[string]*mapping.Key
}

var routeName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// Compile checks the routes and makes them runnable. All problems of all
// routes are found; a route with an error is left out of the result.
func Compile(routes []*Route, cat Catalog, maps Mappings) ([]*Compiled, strictyaml.Findings) {
	var out []*Compiled
	var fs strictyaml.Findings
	seen := map[string]strictyaml.Pos{}
	for _, r := range routes {
		c := &compiler{cat: cat, maps: maps, route: r}
		if first, ok := seen[r.Name.Value]; ok && r.Name.Value != "" {
			c.fs.Add(r.Name.Pos, "rename one of them", "the route %q is also defined in %s", r.Name.Value, first)
		}
		seen[r.Name.Value] = r.Name.Pos
		compiled := c.compile()
		fs = append(fs, c.fs...)
		if !c.fs.Failed() {
			out = append(out, compiled)
		}
	}
	return out, fs
}

type compiler struct {
	cat   Catalog
	maps  Mappings
	route *Route
	fs    strictyaml.Findings
}

func (c *compiler) compile() *Compiled {
	r := c.route
	if r.Name.Value != "" && !routeName.MatchString(r.Name.Value) {
		c.fs.Add(r.Name.Pos, "use 1 to 63 lower case letters, digits and dashes, a letter first", "%q cannot be a route's name", r.Name.Value)
	}
	out := &Compiled{Route: r}
	if r.From.Endpoint != "" {
		c.inbound(out)
	} else {
		c.fromEntity(out)
	}
	c.retry(r.Retry, r.Pos)
	lanes := map[string]bool{}
	for i := range r.To {
		t := &r.To[i]
		ct := &CompiledTarget{Target: t, Lane: r.Name.Value + "/" + t.Endpoint.Value}
		for n := 2; lanes[ct.Lane]; n++ {
			ct.Lane = fmt.Sprintf("%s/%s#%d", r.Name.Value, t.Endpoint.Value, n)
		}
		lanes[ct.Lane] = true
		c.target(out, ct)
		out.Targets = append(out.Targets, ct)
	}
	return out
}

func (c *compiler) inbound(out *Compiled) {
	r := c.route
	c.endpoint(r.From.Endpoint, "source", r.From.Pos)
	out.where = c.predicate(r.Where)
	if r.Split.Value != "" {
		s, err := mapping.CompileSplit(r.Split.Value)
		c.expression(r.Split, err)
		out.split = s
	}
	out.enrich = c.enrichments(r.Enrich)
	if r.Map.Value == "" {
		c.fs.Add(r.Pos, "add `map:` with a mapping whose target is a canonical entity, such as {entity: Order}",
			"the route carries documents of %s without a canonical entity; systems are not connected straight to each other", r.From.Endpoint)
		return
	}
	out.mapping = c.mapping(r.Map)
	if out.mapping == nil {
		return
	}
	entity, ok := canonicalName(out.mapping.Target())
	if !ok {
		c.fs.Add(r.Map.Pos, "map to a canonical entity here, and from it to the target under `to:`",
			"the mapping %s goes straight to the format of another system, not to a canonical entity", r.Map.Value)
		return
	}
	if source, ok := canonicalName(out.mapping.SourceEntity()); ok {
		c.fs.Warn(r.Map.Pos, "the mapping of a source endpoint usually begins at the source's own format",
			"the mapping begins at the canonical entity %s", source)
	}
	out.Entity = entity
	if r.Key.Value != "" {
		k, err := mapping.CompileKey(r.Key.Value)
		c.expression(r.Key, err)
		out.key = k
	}
}

func (c *compiler) fromEntity(out *Compiled) {
	r := c.route
	entity, ok := canonicalName(r.From.Entity)
	if !ok && r.From.Entity != "" {
		c.fs.Add(r.From.Pos, strictyaml.DidYouMean(r.From.Entity, canonical.Names()), "there is no canonical entity %q", r.From.Entity)
	}
	out.Entity = entity
	out.where = c.predicate(r.Where)
	out.enrich = c.enrichments(r.Enrich)
	for _, t := range []struct {
		key string
		strictyaml.Text
	}{{"map", r.Map}, {"split", r.Split}, {"key", r.Key}} {
		if t.Value != "" {
			c.fs.Add(t.Pos, "move it to the route that produces the entity, or under `to:`",
				"%q has no meaning in a route that starts at a canonical entity", t.key)
		}
	}
	if len(r.To) == 0 {
		c.fs.Add(r.Pos, "name at least one endpoint under `to:`", "the route goes nowhere")
	}
}

func (c *compiler) target(out *Compiled, ct *CompiledTarget) {
	t := ct.Target
	c.endpoint(t.Endpoint.Value, "sink", t.Endpoint.Pos)
	ct.where = c.predicate(t.Where)
	ct.enrich = c.enrichments(t.Enrich)
	c.retry(t.Retry, t.Pos)
	if t.Concurrency < 0 || t.Concurrency > 1024 {
		c.fs.Add(t.Pos, "", "concurrency must be between 1 and 1024, found %d", t.Concurrency)
	}
	if t.Map.Value == "" {
		return
	}
	ct.mapping = c.mapping(t.Map)
	if ct.mapping == nil || out.Entity == "" {
		return
	}
	source, ok := canonicalName(ct.mapping.SourceEntity())
	switch {
	case !ok:
		c.fs.Add(t.Map.Pos, "write `source: {entity: "+out.Entity+"}` in the mapping",
			"the mapping %s does not begin at a canonical entity; systems are not connected straight to each other", t.Map.Value)
	case source != out.Entity:
		c.fs.Add(t.Map.Pos, "", "the mapping %s begins at %s, but the route carries %s", t.Map.Value, source, out.Entity)
	}
}

func (c *compiler) enrichments(list []Enrich) []compiledEnrich {
	var out []compiledEnrich
	for _, e := range list {
		c.endpoint(e.Call.Value, "call", e.Call.Pos)
		ce := compiledEnrich{Enrich: e, with: map[string]*mapping.Key{}}
		for name, expr := range e.With {
			k, err := mapping.CompileKey(expr.Value)
			c.expression(expr, err)
			ce.with[name] = k
		}
		out = append(out, ce)
	}
	return out
}

func (c *compiler) endpoint(name, role string, at strictyaml.Pos) {
	if name == "" {
		return
	}
	if err := c.cat.Has(name, role); err != nil {
		c.fs.Add(at, "add it under `"+role+"s:` in the connection's file", "%v", err)
	}
}

func (c *compiler) predicate(t strictyaml.Text) *mapping.Predicate {
	if t.Value == "" {
		return nil
	}
	p, err := mapping.CompilePredicate(t.Value, nil)
	c.expression(t, err)
	return p
}

func (c *compiler) expression(t strictyaml.Text, err error) {
	if err != nil {
		c.fs.Add(t.Pos, "the document is `src` (`out` once it is canonical), metadata is `meta[\"name\"]`", "%v", err)
	}
}

func (c *compiler) retry(r *Retry, at strictyaml.Pos) {
	if r == nil {
		return
	}
	if r.Attempts < 0 || r.Initial < 0 || r.Max < 0 || r.Multiplier < 0 || r.Multiplier > 0 && r.Multiplier < 1 {
		c.fs.Add(at, "attempts, initial and max are positive; multiplier is at least 1", "the retry settings cannot be used")
	}
}

// mapping checks a mapping file; its findings stand at their own places, so a
// mapping used by two routes is reported once by the caller's cache.
func (c *compiler) mapping(path strictyaml.Text) *mapping.Mapping {
	m, found := c.maps.Mapping(path.Value)
	for _, f := range found {
		c.fs = append(c.fs, FromMapping(f))
	}
	if m == nil && len(found) == 0 {
		c.fs.Add(path.Pos, "", "there is no mapping %q", path.Value)
	}
	return m
}

// FromMapping turns a mapping's finding into a configuration finding.
func FromMapping(f mapping.Finding) strictyaml.Finding {
	return strictyaml.Finding{
		Pos:      strictyaml.Pos{File: f.File, Line: f.Line, Col: f.Col},
		Severity: strictyaml.Severity(f.Severity), Message: f.Message, Hint: f.Hint,
	}
}

// canonicalName returns an entity's name as canonical writes it.
func canonicalName(entity string) (string, bool) {
	for _, n := range canonical.Names() {
		if strings.EqualFold(n, entity) {
			return n, true
		}
	}
	return "", false
}
