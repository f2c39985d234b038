package config

import (
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/crossdock/crossdock/core/strictyaml"
)

// Role is what an endpoint is used for.
type Role string

// The roles.
const (
	Source Role = "source"
	Sink   Role = "sink"
	Call   Role = "call"
)

// Connection is one file under connections/: a system, how to reach it, and
// its endpoints.
type Connection struct {
	strictyaml.Pos
	// Name is unique in the project: lower case letters, digits and dashes.
	Name strictyaml.Text `yaml:"connection,required"`
	// Connector is the plugin that speaks the system's protocol.
	Connector   strictyaml.Text `yaml:"connector,required"`
	Description string          `yaml:"description"`
	Owner       string          `yaml:"owner"`
	// Tenant marks every message that comes from here.
	Tenant string `yaml:"tenant"`
	// Partner names a file under partners/ whose content the connector gets.
	Partner strictyaml.Text `yaml:"partner"`
	// Limits protect the system from us.
	Limits Limits `yaml:"limits"`

	ConfigNode  yaml.Node            `yaml:"config"`
	SourceNodes map[string]yaml.Node `yaml:"sources"`
	SinkNodes   map[string]yaml.Node `yaml:"sinks"`
	CallNodes   map[string]yaml.Node `yaml:"calls"`

	// Endpoints are the sources, sinks and calls with their full
	// configuration, in the order of their names.
	Endpoints []*Endpoint `yaml:"-"`
}

// Limits is the budget that all lanes to one connection share.
type Limits struct {
	// Rate is the most records a second ("100/s", "600/m"); 0 for no limit.
	Rate Rate `yaml:"rate"`
	// Concurrency is the most records in flight; default 64.
	Concurrency int `yaml:"concurrency"`
	// Timeout of one delivery; default 30s.
	Timeout time.Duration `yaml:"timeout"`
}

// Rate is a number of records a second.
type Rate float64

// DecodeYAML reads "100/s", "600/m" or "10000/h".
func (r *Rate) DecodeYAML(f *strictyaml.File, n *yaml.Node, fs *strictyaml.Findings) {
	num, unit, _ := strings.Cut(n.Value, "/")
	v, err := strconv.ParseFloat(strings.TrimSpace(num), 64)
	per, ok := map[string]float64{"": 1, "s": 1, "m": 60, "h": 3600}[strings.TrimSpace(unit)]
	if err != nil || !ok || v <= 0 {
		fs.Add(f.Pos(n), `write "100/s", "600/m" or "10000/h"`, "expected a rate, found %q", n.Value)
		return
	}
	*r = Rate(v / per)
}

// Endpoint is one source, sink or call of a connection.
type Endpoint struct {
	Connection *Connection
	Name       string
	Role       Role
	// Config is the connection's config with the endpoint's laid over it, as
	// the connector gets it. Secrets are resolved.
	Config map[string]any

	file  *strictyaml.File
	nodes []*yaml.Node // the endpoint's own first, then the connection's
	at    strictyaml.Pos
	// partner is whose file stands under /partner of the configuration.
	partner *Partner
}

// FullName is "<connection>.<endpoint>".
func (e *Endpoint) FullName() string { return e.Connection.Name.Value + "." + e.Name }

// PosOf returns the place of a JSON pointer of the configuration, or that of
// the nearest thing that exists.
func (e *Endpoint) PosOf(pointer string) strictyaml.Pos {
	if rest, ok := strings.CutPrefix(pointer, "/partner/"); ok && e.partner != nil {
		return e.partner.PosOf("/" + rest)
	}
	best, depth := e.at, -1
	for _, n := range e.nodes {
		if p, d := locate(n, pointer); p != nil && d > depth {
			best, depth = e.file.Pos(p), d
		}
	}
	return best
}

func locate(n *yaml.Node, pointer string) (*yaml.Node, int) {
	depth, key := 0, n
	for _, part := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		if part == "" {
			break
		}
		next, nextKey := child(n, part)
		if next == nil {
			break
		}
		n, key = next, nextKey
		depth++
	}
	if depth == 0 {
		return nil, -1
	}
	return key, depth
}

func child(n *yaml.Node, name string) (value, key *yaml.Node) {
	name = strings.NewReplacer("~1", "/", "~0", "~").Replace(name)
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Value == name {
				return n.Content[i+1], n.Content[i]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(n.Content) {
			return n.Content[i], n.Content[i]
		}
	}
	return nil, nil
}

// Partner is one file under partners/: who the partner is and what was agreed.
// Its content is the business of the connector that gets it.
type Partner struct {
	ID      strictyaml.Text
	Content map[string]any

	file *strictyaml.File
}

// File is the name of the partner's file in the project.
func (p *Partner) File() string { return p.file.Name }

// PosOf returns the place of a JSON pointer of the content, or that of the
// nearest thing around it.
func (p *Partner) PosOf(pointer string) strictyaml.Pos {
	if n, depth := locate(p.file.Root, pointer); depth > 0 {
		return p.file.Pos(n)
	}
	return p.ID.Pos
}

var nameRule = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

const nameHint = "use 1 to 63 lower case letters, digits and dashes, a letter first"

func (l *loader) partner(name string, data []byte) {
	f, fs := strictyaml.Parse(name, data)
	l.fs = append(l.fs, fs...)
	if f == nil {
		return
	}
	l.refs.resolve(f, f.Root, &l.fs)
	p := &Partner{file: f}
	if err := f.Root.Decode(&p.Content); err != nil {
		l.fs.Add(f.Pos(f.Root), "", "cannot read the partner: %v", err)
		return
	}
	p.Content = jsonLike(p.Content).(map[string]any)
	id, _ := child(f.Root, "partner")
	if id == nil {
		l.fs.Add(f.Pos(f.Root), "begin the file with `partner: <id>`", "the key %q is missing", "partner")
		return
	}
	p.ID = strictyaml.Text{Value: id.Value, Pos: f.Pos(id)}
	if other, ok := l.project.Partners[id.Value]; ok {
		l.fs.Add(p.ID.Pos, "rename one of them", "the partner %q is also defined in %s", id.Value, other.ID.Pos)
	}
	l.project.Partners[id.Value] = p
}

func (l *loader) connection(name string, data []byte) {
	f, fs := strictyaml.Parse(name, data)
	l.fs = append(l.fs, fs...)
	if f == nil {
		return
	}
	l.refs.resolve(f, f.Root, &l.fs)
	c := &Connection{}
	l.fs = append(l.fs, f.Decode(c)...)
	if c.Name.Value != "" && !nameRule.MatchString(c.Name.Value) {
		l.fs.Add(c.Name.Pos, nameHint, "%q cannot be a connection's name", c.Name.Value)
	}
	var partner *Partner
	if id := c.Partner.Value; id != "" {
		if partner = l.project.Partners[id]; partner == nil {
			l.fs.Add(c.Partner.Pos, "write it to partners/"+id+".yaml", "there is no partner %q", id)
		}
	}
	base := l.object(f, &c.ConfigNode)
	used := map[string]Role{}
	for _, g := range []struct {
		role  Role
		nodes map[string]yaml.Node
	}{{Source, c.SourceNodes}, {Sink, c.SinkNodes}, {Call, c.CallNodes}} {
		for ep, n := range g.nodes {
			e := &Endpoint{Connection: c, Name: ep, Role: g.role, file: f, nodes: []*yaml.Node{&n, &c.ConfigNode}, at: c.Name.Pos, partner: partner}
			if n.Line > 0 {
				e.at = f.Pos(&n)
			}
			if other, ok := used[ep]; ok {
				l.fs.Add(e.at, "give each endpoint of a connection a name of its own", "%q is the name of a %s and of a %s", ep, other, g.role)
			}
			used[ep] = g.role
			if !nameRule.MatchString(ep) {
				l.fs.Add(e.at, nameHint, "%q cannot be the name of a %s", ep, g.role)
			}
			e.Config = merge(base, l.object(f, &n))
			if partner != nil {
				e.Config["partner"] = partner.Content
			}
			c.Endpoints = append(c.Endpoints, e)
		}
	}
	sort.Slice(c.Endpoints, func(i, j int) bool {
		a, b := c.Endpoints[i], c.Endpoints[j]
		return a.Role < b.Role || a.Role == b.Role && a.Name < b.Name
	})
	if len(c.Endpoints) == 0 {
		l.fs.Add(c.Pos, "name at least one under `sources:`, `sinks:` or `calls:`", "the connection has no endpoint")
	}
	l.project.Connections = append(l.project.Connections, c)
}

func (l *loader) object(f *strictyaml.File, n *yaml.Node) map[string]any {
	out := map[string]any{}
	if n.Kind == 0 || n.Tag == "!!null" {
		return out
	}
	if n.Kind != yaml.MappingNode {
		l.fs.Add(f.Pos(n), "", "expected a mapping of settings")
		return out
	}
	if err := n.Decode(&out); err != nil {
		l.fs.Add(f.Pos(n), "", "cannot read the settings: %v", err)
	}
	return jsonLike(out).(map[string]any)
}

// jsonLike turns what YAML alone knows (times, keys that are not text) into
// what a connector's JSON Schema can describe.
func jsonLike(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			x[k] = jsonLike(e)
		}
	case map[any]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[fmt.Sprint(k)] = jsonLike(e)
		}
		return out
	case []any:
		for i, e := range x {
			x[i] = jsonLike(e)
		}
	case time.Time:
		return x.Format(time.RFC3339Nano)
	case int:
		return float64(x)
	}
	return v
}

// merge lays over on top of base; mappings are merged key by key.
func merge(base, over map[string]any) map[string]any {
	out := make(map[string]any, len(base)+len(over))
	for k, v := range base {
		out[k] = v
	}
	for k, v := range over {
		if a, ok := out[k].(map[string]any); ok {
			if b, ok := v.(map[string]any); ok {
				v = merge(a, b)
			}
		}
		out[k] = v
	}
	return out
}
