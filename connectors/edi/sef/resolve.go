package sef

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// resolve finds what references mean and gives everything its name. What refers
// to nothing is a problem; a lenient import goes on without it.
func (f *file) resolve() {
	f.elementOf, f.segmentOf, f.comOf = map[string]*element{}, map[string]*segment{}, map[string]*segment{}
	f.elements = first(f, f.elements, f.elementOf, func(e *element) (string, int) { return e.id, e.line })
	f.coms = first(f, f.coms, f.comOf, func(s *segment) (string, int) { return s.id, s.line })
	f.segments = first(f, f.segments, f.segmentOf, func(s *segment) (string, int) { return s.id, s.line })
	for _, e := range f.elements {
		e.name = f.named("ELMS", e.id, "e"+strings.ToLower(e.id))
	}
	for _, l := range f.lists {
		e := f.elementOf[l.id]
		switch {
		case e == nil:
			f.problem(l.line, 1, "the codes are of the element %s, which .ELMS does not have", l.id)
		case e.codes != nil:
			f.problem(l.line, 1, "the codes of the element %s come twice", l.id)
		default:
			e.codes, e.open = l.codes, l.open
		}
	}
	for _, s := range f.coms {
		f.known(s, nil)
		if len(s.rules) > 0 {
			f.comRules++
		}
		s.name = f.named("COMS", s.id, strings.ToLower(s.id))
	}
	for _, s := range f.segments {
		if len(s.id) > 3 {
			f.problem(s.line, 1, "%q cannot be a segment's tag", s.id)
		}
		f.known(s, f.comOf)
		s.name = f.named("SEGS", s.id, strings.ToLower(s.id))
	}
	// Components are named before the segments that use their composites.
	for _, s := range f.coms {
		s.names = f.positions(s)
	}
	for _, s := range f.segments {
		s.names = f.positions(s)
	}
	seen := map[string]int{}
	for _, s := range f.sets {
		if line, twice := seen[s.id]; twice {
			f.problem(s.line, 1, "the set %s stands in line %d already", s.id, line)
		}
		seen[s.id] = s.line
		s.body = f.placed(s.body)
	}
}

// first keeps the first of each name.
func first[T any](f *file, all []T, by map[string]T, id func(T) (string, int)) []T {
	var out []T
	for _, x := range all {
		name, line := id(x)
		if _, twice := by[name]; twice {
			f.problem(line, 1, "%s is defined twice", name)
			continue
		}
		by[name] = x
		out = append(out, x)
	}
	return out
}

// known checks the references of a segment or composite. In a lenient import an
// element without a definition is any text.
func (f *file) known(s *segment, composites map[string]*segment) {
	for _, r := range s.elements {
		if f.elementOf[r.id] != nil || composites[r.id] != nil {
			continue
		}
		f.problem(r.line, r.col, "%s uses %s, which neither .ELMS nor .COMS has", s.id, r.id)
		e := &element{id: r.id, kind: "AN", max: 9999, name: "e" + strings.ToLower(r.id)}
		if f.std == syntax.EDIFACT {
			e.kind = "an"
		}
		f.elements = append(f.elements, e)
		f.elementOf[r.id] = e
	}
}

// placed checks the segments of a body.
func (f *file) placed(body []*item) []*item {
	var out []*item
	for _, i := range body {
		if s := f.segmentOf[i.id]; s == nil || len(s.id) > 3 {
			f.problem(i.line, i.col, "the set uses the segment %s, which .SEGS does not have", i.id)
			continue
		}
		if i.body != nil {
			i.body = f.placed(i.body)
		}
		out = append(out, i)
	}
	return out
}

// named makes a member's name of a title.
func (f *file) named(section, id, otherwise string) string {
	if name := snake(f.texts[section+" "+id]); name != "" {
		return name
	}
	return otherwise
}

// snake is a title in small letters, its words joined.
func snake(title string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case r == '\'' || b.Len() == 0 || strings.HasSuffix(b.String(), "_"):
		default:
			b.WriteByte('_')
		}
		if b.Len() >= 60 {
			break
		}
	}
	return strings.Trim(b.String(), "_")
}

// positions names the elements of a segment: those that come several times are
// counted from 1, so that qualifiers and what they qualify can be paired.
func (f *file) positions(s *segment) []string {
	base := func(r reference) string {
		if e := f.elementOf[r.id]; e != nil {
			return e.name
		}
		return f.comOf[r.id].name
	}
	times := map[string]int{}
	for _, r := range s.elements {
		times[base(r)]++
	}
	used, counted := names{}, map[string]int{}
	out := make([]string, 0, len(s.elements))
	for _, r := range s.elements {
		name := base(r)
		if times[name] > 1 {
			counted[name]++
			name += "_" + strconv.Itoa(counted[name])
		}
		out = append(out, used.free(name))
	}
	return out
}

// names are the members of one object. Some are taken by every document.
type names map[string]bool

func (n names) free(name string) string {
	taken := func(name string) bool {
		return n[name] || name == "ids" || name == "hierarchy" || strings.HasPrefix(name, "level_")
	}
	out := name
	for i := 2; taken(out); i++ {
		out = fmt.Sprintf("%s_%d", name, i)
		if strings.HasPrefix(name, "level_") {
			out = fmt.Sprintf("the_%s_%d", name, i)
		}
	}
	n[out] = true
	return out
}
