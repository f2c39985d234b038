package sef

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// result writes the grammar files.
func (f *file) result(o Options) *Result {
	dir, sets := "x12/"+f.release, "sets"
	if f.std == syntax.EDIFACT {
		dir, sets = "edifact/"+f.release, "messages"
	}
	r := &Result{Standard: f.std, Release: f.release, Title: f.title, Files: map[string][]byte{}, Notes: f.notes}
	r.Files[path.Join(dir, "elements.yaml")] = f.elementsFile()
	r.Files[path.Join(dir, "segments.yaml")] = f.segmentsFile()
	for _, s := range f.sets {
		file := path.Join(dir, sets, s.id+".yaml")
		if r.Files[file] == nil && len(s.body) > 0 {
			r.Files[file] = f.setFile(s, o)
			r.Sets = append(r.Sets, s.id)
		}
	}
	for _, n := range []struct {
		count int
		text  string
	}{
		{f.partnerMarks, "%d usage marks and masks of the partner were passed over: an overlay says what the partner asks"},
		{f.codeSubsets, "subsets of code lists for single places were passed over in %d lists: an overlay says which codes the partner uses"},
		{f.partLists, "%d code lists are of codes in parts (CTN and 25 make CTN25): they are open, with the codes of the first part"},
		{f.comRules, "conditions between the components of composites were passed over in %d composites: grammars have none"},
	} {
		if n.count > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf(n.text, n.count))
		}
	}
	return r
}

func (f *file) heading(b *strings.Builder) {
	b.WriteString("# Imported from a SEF file")
	if f.title != "" {
		b.WriteString(": " + strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return '?'
			}
			return r
		}, f.title))
	}
	fmt.Fprintf(b, ".\nstandard: %s\nversion: %q\n", strings.ToLower(f.std.String()), f.release)
}

func (f *file) elementsFile() []byte {
	var b strings.Builder
	f.heading(&b)
	b.WriteString("elements:\n")
	for _, e := range f.elements {
		fmt.Fprintf(&b, "  %q: {name: %s, type: %s, min: %d, max: %d", e.id, plain(e.name), e.kind, e.min, e.max)
		if len(e.codes) > 0 {
			quoted := make([]string, 0, len(e.codes))
			for _, c := range e.codes {
				quoted = append(quoted, strconv.Quote(c))
			}
			b.WriteString(", codes: [" + strings.Join(quoted, ", ") + "]")
			if e.open {
				b.WriteString(", open: true")
			}
		}
		b.WriteString("}\n")
	}
	return []byte(b.String())
}

func (f *file) segmentsFile() []byte {
	var b strings.Builder
	f.heading(&b)
	if len(f.coms) > 0 {
		b.WriteString("composites:\n")
	}
	for _, s := range f.coms {
		f.definition(&b, s, nil)
	}
	if len(f.segments) > 0 {
		b.WriteString("segments:\n")
	}
	for _, s := range f.segments {
		if len(s.id) <= 3 {
			f.definition(&b, s, s.rules)
		}
	}
	return []byte(b.String())
}

func (f *file) definition(b *strings.Builder, s *segment, rules []string) {
	fmt.Fprintf(b, "  %q:\n    name: %s\n    elements:\n", s.id, plain(s.name))
	for i, r := range s.elements {
		fmt.Fprintf(b, "      - %s %s %s", r.id, use(r.mandatory), s.names[i])
		if r.max != 1 {
			b.WriteString(" *" + most(r.max))
		}
		b.WriteByte('\n')
	}
	if len(rules) > 0 {
		b.WriteString("    rules: [" + strings.Join(rules, ", ") + "]\n")
	}
}

// plain quotes what YAML would not take for a word.
func plain(name string) string {
	if name == "" || digit(name[0]) || strings.Contains(" y n yes no on off true false null ", " "+name+" ") {
		return strconv.Quote(name)
	}
	return name
}

func use(mandatory bool) string {
	if mandatory {
		return "M"
	}
	return "O"
}

func most(n int) string {
	if n == unlimited {
		return ">1"
	}
	return strconv.Itoa(n)
}

func (f *file) setFile(s *set, o Options) []byte {
	var b strings.Builder
	f.heading(&b)
	name, group := "", ""
	if o.Known != nil {
		name, group = o.Known(f.std, s.id)
	}
	if name == "" {
		name = "set_" + strings.ToLower(s.id)
	}
	fmt.Fprintf(&b, "set: %q\n", s.id)
	if group != "" {
		fmt.Fprintf(&b, "group: %s\n", group)
	}
	fmt.Fprintf(&b, "name: %s\nbody:\n", plain(name))
	f.body(&b, s.body, "  ")
	return []byte(b.String())
}

// body writes segments and loops, each with a name of its own: those of the
// opening segment's elements are members of the same object.
func (f *file) body(b *strings.Builder, body []*item, indent string) {
	used := names{}
	for i, it := range body {
		opens := i == 0 && it.body == nil && it.max == 1
		s := f.segmentOf[it.id]
		if opens {
			for _, n := range s.names {
				used[n] = true
			}
			fmt.Fprintf(b, "%s- %s %s 1\n", indent, it.id, use(it.mandatory))
			continue
		}
		name := used.free(s.name)
		if it.body == nil {
			fmt.Fprintf(b, "%s- %s %s %s %s\n", indent, it.id, use(it.mandatory), most(it.max), name)
			continue
		}
		fmt.Fprintf(b, "%s- loop: %s %s %s %s\n", indent, it.id, use(it.mandatory), most(it.max), name)
		if f.tree(s) {
			fmt.Fprintf(b, "%s  tree: {id: %s, parent: %s, level: %s}\n", indent, plain(s.names[0]), plain(s.names[1]), plain(s.names[2]))
		}
		fmt.Fprintf(b, "%s  body:\n", indent)
		f.body(b, it.body, indent+"    ")
	}
}

// tree tells whether a segment numbers a hierarchy as HL does.
func (f *file) tree(s *segment) bool {
	if s.id != "HL" || f.std != syntax.X12 || len(s.elements) < 3 {
		return false
	}
	for _, r := range s.elements[:3] {
		if f.elementOf[r.id] == nil || r.max != 1 {
			return false
		}
	}
	return true
}
