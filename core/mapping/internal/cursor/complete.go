package cursor

import (
	"encoding/json"
	"regexp"
	"slices"
	"sort"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"github.com/crossdock/crossdock/canonical"
	"github.com/crossdock/crossdock/core/mapping/internal/editor"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
	"go.yaml.in/yaml/v3"
)

// Complete lists what can stand at a place, which is behind what is written.
func (in *Insight) Complete(at Place) Completion {
	if e, offset := in.expressionAt(at); e != nil {
		text := []rune(e.Node.Value)[:offset]
		return Completion{Items: in.inExpression(e, text), From: at.Col - (len(text) - wordBefore(text))}
	}
	root := in.Roots[at.File]
	if root == nil {
		return Completion{}
	}
	s := locate(root, at)
	if s == nil {
		return Completion{}
	}
	if s.onKey {
		return Completion{Items: in.keys(s, root), From: s.key.Column, Keys: true}
	}
	from := at.Col
	if s.value != nil && starts(s.value, at) {
		from = s.value.Column
	}
	return Completion{Items: in.values(s, at.File), From: from}
}

// Guess is Complete for a place that cannot be read now: text is the line before
// it. What could be seen near it when the file was last read is offered.
func (in *Insight) Guess(at Place, text string) Completion {
	e := in.nearest(at)
	if e == nil {
		return Completion{}
	}
	if i := strings.LastIndex(text, ": "); i >= 0 {
		text = text[i+2:]
	}
	runes := []rune(strings.TrimLeft(text, " '\"-"))
	return Completion{Items: in.inExpression(e, runes), From: at.Col - (len(runes) - wordBefore(runes))}
}

func (in *Insight) inExpression(e *Expression, text []rune) []Item {
	if quoted(text) {
		return nil
	}
	env, locals := e.locals(text)
	before := text[:wordBefore(text)]
	if n := len(before); n > 0 && (before[n-1] == '.' || n > 1 && before[n-1] == '?' && before[n-2] == '.') {
		before = []rune(strings.TrimRight(string(before), "?"))
		return in.members(e, typeIn(env, receiver(before[:len(before)-1])))
	}
	var out []Item
	for _, v := range env.Variables() {
		if strings.HasPrefix(v.Name(), "@") || !slices.Contains(locals, v.Name()) && isTypeName(v.Type()) {
			continue
		}
		out = append(out, Item{Name: v.Name(), Kind: Variable, Detail: in.TypeName(v.Type())})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return append(out, functions("")...)
}

// isTypeName tells that a variable is CEL's name of a type, such as int.
func isTypeName(t *cel.Type) bool { return t.Kind() == types.TypeKind }

func functions(on string) []Item {
	var out []Item
	for _, d := range language.Docs {
		if d.On == on {
			out = append(out, Item{Name: d.Name, Kind: Function, Detail: d.Use, About: d.About})
		}
	}
	return out
}

var identifier = regexp.MustCompile(`^[A-Za-z_]\w*$`)

// members lists what can follow a value and a dot.
func (in *Insight) members(e *Expression, t *cel.Type) []Item {
	if t == nil {
		return nil
	}
	var out []Item
	if isOptional(t) {
		out = functions("optional")
	}
	t = value(t)
	if s := e.Schemas.SchemaOf(t); s != nil {
		named := slices.DeleteFunc(membersOf(s), func(i Item) bool { return !identifier.MatchString(i.Name) })
		return append(named, out...)
	}
	switch t.Kind() {
	case cel.ListKind:
		out = append(out, functions("list")...)
	case cel.StringKind:
		out = append(out, functions("text")...)
	}
	return out
}

// membersOf lists the members of an object.
func membersOf(s *schema.Schema) []Item {
	s = s.Resolved()
	var out []Item
	for _, name := range s.Names() {
		m := s.Member(name)
		out = append(out, Item{Name: name, Kind: Member, Detail: words(m), About: m.About(), Needed: s.Required[name]})
	}
	return out
}

// keys lists the keys that can stand beside those of a YAML mapping.
func (in *Insight) keys(s *spot, root *yaml.Node) []Item {
	owner := s.trail[len(s.trail)-1].owner
	var out []Item
	if o, ok := in.objects[owner]; ok && o.schema != nil {
		out = membersOf(o.schema)
	} else if name := fragmentOf(s, owner); name != "" {
		for _, p := range in.parameters(name) {
			out = append(out, Item{Name: p.Value, Kind: Variable, Detail: "parameter of " + name})
		}
	} else {
		path := s.path()
		for _, k := range editor.Keys(child(root, "fragment") != nil, path[:len(path)-1]) {
			out = append(out, Item{Name: k.Name, Kind: Key, About: k.About})
		}
	}
	return slices.DeleteFunc(out, func(i Item) bool {
		k, _ := entry(owner, i.Name)
		return k != nil && k != s.key
	})
}

// fragmentOf is the fragment whose parameters owner gives: it stands at `with`
// beside `use`.
func fragmentOf(s *spot, owner *yaml.Node) string {
	if n := len(s.trail); n > 1 && s.trail[n-2].key != nil && s.trail[n-2].key.Value == "with" {
		if use := child(s.trail[n-2].owner, "use"); use != nil && child(s.trail[n-2].owner, "with") == owner {
			return use.Value
		}
	}
	return ""
}

// parameters are the names that a fragment's file lists under params.
func (in *Insight) parameters(fragment string) []*yaml.Node {
	params := child(in.Roots[in.Fragments[fragment]], "params")
	if params == nil || params.Kind != yaml.MappingNode {
		return nil
	}
	var out []*yaml.Node
	for i := 0; i+1 < len(params.Content); i += 2 {
		out = append(out, params.Content[i])
	}
	return out
}

// values lists what can stand as the value of a key.
func (in *Insight) values(s *spot, file string) []Item {
	path := s.path()
	owner, key := s.owner(), s.key.Value
	_, ruled := in.rules[owner]
	switch {
	case ruled && key == "map":
		return in.codelists(file)
	case ruled && key == "lookup":
		return names(child(in.Roots[in.Main], "lookups"), "lookup")
	case ruled && key == "use":
		var out []Item
		for name, from := range in.Fragments {
			out = append(out, Item{Name: name, Kind: Name, Detail: from, About: text(child(in.Roots[from], "description"))})
		}
		sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
		return out
	case ruled && (key == "const" || key == "default"):
		return in.constants(owner, key)
	case key == "entity" && len(path) == 2:
		var out []Item
		for _, name := range canonical.Names() {
			out = append(out, Item{Name: name, Kind: Value, Detail: "canonical entity"})
		}
		return out
	case len(path) > 0 && path[0] == "ignore":
		var out []Item
		in.Source.Walk(language.NameSrc, func(p string, _ bool) { out = append(out, Item{Name: p, Kind: Member}) })
		return out
	}
	var out []Item
	for _, w := range editor.Words(child(in.Roots[file], "fragment") != nil, path) {
		out = append(out, Item{Name: w, Kind: Value})
	}
	return out
}

// constants are the values that the target allows, where it lists them.
func (in *Insight) constants(owner *yaml.Node, key string) []Item {
	s := in.rules[owner].schema
	if key == "const" && child(owner, "each") != nil {
		s = s.ItemSchema()
	}
	var out []Item
	for _, raw := range s.Allowed() {
		var v any
		if json.Unmarshal(raw, &v) != nil {
			continue
		}
		item := Item{Name: string(raw), Kind: Value, Detail: "allowed by the target"}
		if word, isText := v.(string); isText {
			item.Name = word
			if b, err := yaml.Marshal(word); err == nil {
				item.Text = strings.TrimSpace(string(b)) // in quotes where YAML needs them
			}
		}
		out = append(out, item)
	}
	return out
}

// codelists are the code lists that a file sees.
func (in *Insight) codelists(file string) []Item {
	out := names(child(in.Roots[file], "codelists"), "code list")
	if file != in.Main {
		out = append(out, names(child(in.Roots[in.Main], "codelists"), "code list of "+in.Main)...)
	}
	return out
}

func names(n *yaml.Node, what string) []Item {
	var out []Item
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		out = append(out, Item{Name: n.Content[i].Value, Kind: Name, Detail: what, About: summary(n.Content[i+1])})
	}
	return out
}

// summary shows the keys and values of a code list or table.
func summary(n *yaml.Node) string {
	const most = 12
	var parts []string
	if n.Kind != yaml.MappingNode {
		return ""
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if len(parts) == most {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, n.Content[i].Value+": "+n.Content[i+1].Value)
	}
	return strings.Join(parts, ", ")
}

func text(n *yaml.Node) string {
	if n == nil {
		return ""
	}
	return n.Value
}
