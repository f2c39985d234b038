package cursor

import (
	"fmt"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/internal/editor"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
	"go.yaml.in/yaml/v3"
)

// Explain says in Markdown what stands at a place, "" when nothing is known.
func (in *Insight) Explain(at Place) (string, Span) {
	if e, offset := in.expressionAt(at); e != nil {
		return in.explainWord(e, offset)
	}
	root := in.Roots[at.File]
	if root == nil {
		return "", Span{}
	}
	s := locate(root, at)
	switch {
	case s == nil || s.key == nil:
		return "", Span{}
	case s.onKey:
		return in.explainKey(s, root), spanOf(at.File, s.key)
	case s.value != nil && s.value.Kind == yaml.ScalarNode && covers(s.value, at):
		return in.explainName(s, at.File), spanOf(at.File, s.value)
	}
	return "", Span{}
}

func (in *Insight) explainKey(s *spot, root *yaml.Node) string {
	owner, key := s.trail[len(s.trail)-1].owner, s.key.Value
	if o, ok := in.objects[owner]; ok {
		m := o.schema.Member(key)
		if m == nil {
			return ""
		}
		target := strings.TrimPrefix(o.target+"."+key, ".")
		return paragraphs(
			fmt.Sprintf("**out.%s**: %s", target, words(m)), need(o.schema, key, "the target"), m.About(), allowed(m), in.lineage(target))
	}
	path := s.path()
	for _, k := range editor.Keys(child(root, "fragment") != nil, path[:len(path)-1]) {
		if k.Name == key {
			return paragraphs("`"+key+"`", k.About)
		}
	}
	return ""
}

// lineage says from what a place of the target is computed.
func (in *Insight) lineage(target string) string {
	from := in.Lineage[target]
	const most = 8
	var paths []string
	for _, p := range from {
		if len(paths) == most {
			paths = append(paths, "…")
			break
		}
		paths = append(paths, "`"+p+"`")
	}
	if len(paths) == 0 {
		return ""
	}
	return "From " + strings.Join(paths, ", ")
}

func allowed(s *schema.Schema) string {
	var out []string
	for _, w := range s.Allowed() {
		out = append(out, "`"+strings.Trim(string(w), `"`)+"`")
	}
	if len(out) == 0 {
		return ""
	}
	return "Allowed: " + strings.Join(out, ", ")
}

func need(owner *schema.Schema, name, by string) string {
	if owner.Resolved().Required[name] {
		return "Required by " + by + "."
	}
	return "May be missing."
}

func paragraphs(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "\n\n")
}

// explainName explains a value that is a name: of a code list, lookup, fragment.
func (in *Insight) explainName(s *spot, file string) string {
	if _, ruled := in.rules[s.owner()]; !ruled {
		return ""
	}
	for _, i := range in.values(s, file) {
		if i.Name == s.value.Value && i.Kind == Name {
			return paragraphs(fmt.Sprintf("**%s**: %s", i.Name, i.Detail), i.About)
		}
	}
	return ""
}

// explainWord explains the word of an expression at an offset.
func (in *Insight) explainWord(e *Expression, offset int) (string, Span) {
	all := []rune(e.Node.Value)
	from := wordBefore(all[:offset])
	to := offset
	for to < len(all) && isWord(all[to]) {
		to++
	}
	begin, end := e.Inside(from), e.Inside(to)
	span := Span{File: e.File, Line: begin.Line, From: begin.Col, To: max(end.Col, begin.Col+1)}
	if from == to || quoted(all[:from]) {
		return "", span
	}
	word := string(all[from:to])
	before := strings.TrimRight(string(all[:from]), "?")
	owner, method := strings.CutSuffix(before, ".")
	if to < len(all) && all[to] == '(' {
		return explainFunction(e, word, method), span
	}
	env, _ := e.locals(all[:from])
	if !method {
		t := typeIn(env, word)
		if t == nil {
			return "", span
		}
		about := ""
		if s := e.Schemas.SchemaOf(t); s != nil {
			about = s.About()
		}
		return paragraphs(fmt.Sprintf("**%s**: %s", word, in.TypeName(t)), given[word], about), span
	}
	path := receiver([]rune(owner))
	s := e.Schemas.SchemaOf(value(typeIn(env, path)))
	if m := s.Member(word); m != nil {
		return paragraphs(fmt.Sprintf("**%s.%s**: %s", path, word, words(m)), need(s, word, "the source"), m.About(), allowed(m)), span
	}
	return "", span
}

// given explains the names of the language.
var given = map[string]string{
	language.NameSrc: "The source document.", language.NameOut: "The result so far: what the rules above have made.",
	language.NameMeta: "Metadata of the message.", language.NameMessageID: "The id of the message.",
}

func explainFunction(e *Expression, name string, method bool) string {
	if d, ok := language.Document(name, method); ok {
		return paragraphs("`"+d.Use+"`", d.About)
	}
	if d, ok := language.Document(name, !method); ok {
		return paragraphs("`"+d.Use+"`", d.About) // size() stands behind a dot too
	}
	if f := e.Env.Functions()[name]; f != nil && f.Description() != "" {
		return paragraphs("`"+name+"`", f.Description())
	}
	return ""
}

// Define finds where the name at a place is defined.
func (in *Insight) Define(at Place) (Place, bool) {
	root := in.Roots[at.File]
	if root == nil {
		return Place{}, false
	}
	s := locate(root, at)
	if s == nil {
		return Place{}, false
	}
	if e, offset := in.expressionAt(at); e != nil {
		return in.defineWord(e, offset, s, root)
	}
	if s.value == nil || s.value.Kind != yaml.ScalarNode || s.onKey {
		return Place{}, false
	}
	if _, ruled := in.rules[s.owner()]; ruled {
		return in.defineName(s.key.Value, s.value.Value, at.File)
	}
	for _, from := range in.Fragments {
		if len(s.trail) > 0 && s.trail[0].key.Value == "include" && strings.HasSuffix(from, strings.TrimLeft(s.value.Value, "./")) {
			return placeOf(from, in.Roots[from]), true
		}
	}
	return Place{}, false
}

// defineName finds a code list, lookup or fragment.
func (in *Insight) defineName(key, name, file string) (Place, bool) {
	section := map[string]string{"map": "codelists", "lookup": "lookups"}[key]
	switch {
	case key == "use":
		from, ok := in.Fragments[name]
		if !ok {
			return Place{}, false
		}
		return placeOf(from, child(in.Roots[from], "fragment")), true
	case section == "":
		return Place{}, false
	}
	for _, f := range []string{file, in.Main} {
		if k, _ := entry(child(in.Roots[f], section), name); k != nil {
			return placeOf(f, k), true
		}
	}
	return Place{}, false
}

// defineWord finds a variable: of a loop around, of let, or a parameter.
func (in *Insight) defineWord(e *Expression, offset int, s *spot, root *yaml.Node) (Place, bool) {
	all := []rune(e.Node.Value)
	from, to := wordBefore(all[:offset]), offset
	for to < len(all) && isWord(all[to]) {
		to++
	}
	if from == to || from > 0 && all[from-1] == '.' || quoted(all[:from]) {
		return Place{}, false
	}
	name := string(all[from:to])
	if at, ok := e.defineLocal(all[:from], name); ok {
		return at, true
	}
	for i := len(s.trail) - 1; i >= 0; i-- {
		for _, k := range []string{"as", "index"} {
			if n := child(s.trail[i].owner, k); n != nil && n.Value == name && n.Kind == yaml.ScalarNode {
				return placeOf(e.File, n), true
			}
		}
	}
	for _, section := range []string{"let", "params"} {
		if k, _ := entry(child(root, section), name); k != nil {
			return placeOf(e.File, k), true
		}
	}
	return Place{}, false
}

// defineLocal finds the variable of a loop inside of the expression.
func (e *Expression) defineLocal(text []rune, name string) (Place, bool) {
	if _, locals := e.locals(text); len(locals) == 0 {
		return Place{}, false
	}
	for i := len(text) - 1; i >= 0; i-- {
		if text[i] != '(' {
			continue
		}
		if named := loopVariable.FindStringSubmatchIndex(string(text[i+1:])); named != nil {
			rest := string(text[i+1:])
			if rest[named[2]:named[3]] == name {
				return e.Inside(i + 1 + len([]rune(rest[:named[2]]))), true
			}
		}
	}
	return Place{}, false
}
