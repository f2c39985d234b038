package strictyaml

import (
	"fmt"
	"reflect"
	"sort"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Text is a string that remembers where it stands, for expressions and
// references that are checked later.
type Text struct {
	Value string
	Pos
}

// Decoder is implemented by types that read their own node, such as a value
// that may be written short or long.
type Decoder interface {
	// DecodeYAML fills the receiver and reports every problem.
	DecodeYAML(f *File, n *yaml.Node, fs *Findings)
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[Text]()
	posType      = reflect.TypeFor[Pos]()
	nodeType     = reflect.TypeFor[yaml.Node]()
	decoderType  = reflect.TypeFor[Decoder]()
)

// Decode fills the struct that into points to from the whole file.
//
// Fields are named by their yaml tag; `yaml:"name,required"` must be present
// and not empty; `enum:"a,b"` limits a string; a field of type [Pos] receives
// the place of its struct. Types: string, bool, int, int64, float64,
// [time.Duration] ("200ms"), [Text], any, yaml.Node, structs, pointers, slices
// and maps with string keys of these, and every [Decoder].
func (f *File) Decode(into any) Findings {
	var fs Findings
	f.DecodeNode(f.Root, into, &fs)
	return fs
}

// DecodeNode is Decode for one node of the file.
func (f *File) DecodeNode(n *yaml.Node, into any, fs *Findings) {
	f.value(n, reflect.ValueOf(into).Elem(), fs)
}

func (f *File) value(n *yaml.Node, v reflect.Value, fs *Findings) {
	if v.CanAddr() && v.Addr().Type().Implements(decoderType) {
		v.Addr().Interface().(Decoder).DecodeYAML(f, n, fs)
		return
	}
	switch v.Type() {
	case durationType:
		d, err := time.ParseDuration(n.Value)
		if n.Kind != yaml.ScalarNode || err != nil {
			fs.Add(f.Pos(n), `write a number with a unit: "200ms", "30s", "5m", "24h"`, "expected a duration, found %s", kindName(n))
			return
		}
		v.SetInt(int64(d))
		return
	case textType:
		if n.Kind != yaml.ScalarNode {
			fs.Add(f.Pos(n), "", "expected text, found %s", kindName(n))
			return
		}
		v.Set(reflect.ValueOf(Text{n.Value, f.textPos(n)}))
		return
	case nodeType:
		v.Set(reflect.ValueOf(*n))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.value(n, v.Elem(), fs)
	case reflect.Struct:
		f.structure(n, v, fs)
	case reflect.Map:
		f.mapping(n, v, fs)
	case reflect.Slice:
		f.slice(n, v, fs)
	case reflect.Interface:
		var x any
		if err := n.Decode(&x); err != nil {
			fs.Add(f.Pos(n), "", "cannot read the value: %v", err)
			return
		}
		if x != nil {
			v.Set(reflect.ValueOf(x))
		}
	default:
		f.scalar(n, v, fs)
	}
}

// textPos is where the text itself begins, after an opening quote, so that
// columns inside an expression can be counted from it.
func (f *File) textPos(n *yaml.Node) Pos {
	p := f.Pos(n)
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		p.Col++
	}
	return p
}

func (f *File) scalar(n *yaml.Node, v reflect.Value, fs *Findings) {
	want := map[reflect.Kind]string{
		reflect.String: "text", reflect.Bool: "true or false", reflect.Int: "a whole number",
		reflect.Int64: "a whole number", reflect.Float64: "a number",
	}[v.Kind()]
	if n.Kind != yaml.ScalarNode {
		fs.Add(f.Pos(n), "", "expected %s, found %s", want, kindName(n))
		return
	}
	if v.Kind() == reflect.String {
		if n.Tag == "!!null" {
			return
		}
		v.SetString(n.Value)
		return
	}
	// The YAML package would cut 1.5 down to 1 without a word.
	fraction := (v.Kind() == reflect.Int || v.Kind() == reflect.Int64) && n.Tag != "!!int"
	if err := n.Decode(v.Addr().Interface()); err != nil || fraction {
		fs.Add(f.Pos(n), "", "expected %s, found %s", want, kindName(n))
	}
}

func (f *File) slice(n *yaml.Node, v reflect.Value, fs *Findings) {
	if n.Kind != yaml.SequenceNode {
		fs.Add(f.Pos(n), "write one `- ` line for each entry", "expected a list, found %s", kindName(n))
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, c := range n.Content {
		f.value(c, out.Index(i), fs)
	}
	v.Set(out)
}

func (f *File) mapping(n *yaml.Node, v reflect.Value, fs *Findings) {
	if n.Kind != yaml.MappingNode {
		fs.Add(f.Pos(n), "", "expected a mapping, found %s", kindName(n))
		return
	}
	out := reflect.MakeMap(v.Type())
	for i := 0; i < len(n.Content); i += 2 {
		e := reflect.New(v.Type().Elem()).Elem()
		if n.Content[i+1].Tag != "!!null" || e.Kind() == reflect.Interface {
			f.value(n.Content[i+1], e, fs)
		}
		out.SetMapIndex(reflect.ValueOf(n.Content[i].Value), e)
	}
	v.Set(out)
}

type structField struct {
	index    int
	required bool
	enum     []string
}

func (f *File) structure(n *yaml.Node, v reflect.Value, fs *Findings) {
	if n.Kind != yaml.MappingNode {
		fs.Add(f.Pos(n), "", "expected a mapping, found %s", kindName(n))
		return
	}
	fields, names := map[string]structField{}, []string{}
	for i := range v.NumField() {
		sf := v.Type().Field(i)
		if sf.Type == posType {
			v.Field(i).Set(reflect.ValueOf(f.Pos(n)))
			continue
		}
		name, opt, _ := strings.Cut(sf.Tag.Get("yaml"), ",")
		if name == "" || name == "-" {
			continue
		}
		s := structField{index: i, required: opt == "required"}
		if e := sf.Tag.Get("enum"); e != "" {
			s.enum = strings.Split(e, ",")
		}
		fields[name] = s
		names = append(names, name)
	}
	seen := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		k, val := n.Content[i], n.Content[i+1]
		s, ok := fields[k.Value]
		if !ok {
			fs.Add(f.Pos(k), DidYouMean(k.Value, names), "unknown key %q", k.Value)
			continue
		}
		if val.Tag == "!!null" || val.Kind == yaml.ScalarNode && val.Value == "" {
			continue
		}
		seen[k.Value] = true
		fv := v.Field(s.index)
		f.value(val, fv, fs)
		if s.enum != nil && val.Kind == yaml.ScalarNode && !contains(s.enum, val.Value) {
			fs.Add(f.Pos(val), DidYouMean(val.Value, s.enum), "%q is not a value of %s", val.Value, k.Value)
		}
	}
	for _, name := range names {
		if fields[name].required && !seen[name] {
			fs.Add(f.Pos(n), "", "the key %q is missing", name)
		}
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// DidYouMean proposes the known name nearest to a mistyped one, or lists the
// known names when none is near.
func DidYouMean(name string, known []string) string {
	best, bestD := "", 1+max(1, len(name)/3)
	for _, k := range known {
		if d := distance(strings.ToLower(name), strings.ToLower(k)); d < bestD {
			best, bestD = k, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	if len(known) == 0 {
		return ""
	}
	sorted := append([]string(nil), known...)
	sort.Strings(sorted)
	if len(sorted) > 12 {
		sorted = append(sorted[:12], "…")
	}
	return "known: " + strings.Join(sorted, ", ")
}

// distance is the Levenshtein distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		prev := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			prev, row[j] = row[j], min(prev+cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
