package schema

import "strings"

// At returns the schema of a member below s: beg.po, lines[].sku. It is nil where
// nothing is said about the member. Indexes may be written or left out.
func (s *Schema) At(path string) *Schema {
	for _, name := range PathNames(path) {
		if s = s.below(name); s == nil {
			return nil
		}
	}
	return s
}

// Has tells whether there is a member at a path, which is written with [] behind
// lists.
func (s *Schema) Has(path string) bool {
	for _, name := range strings.Split(path, ".") {
		plain := strings.TrimRight(name, "[]")
		if s = s.Member(plain); s == nil {
			return false
		}
		for lists := strings.Count(name, "[]"); lists > 0; lists-- {
			if r := s.Resolved(); r.Kind != List {
				return false
			}
			s = s.Resolved().Items
		}
	}
	return true
}

// Place says where a member stands in the format behind the JSON (x-edi of EDI
// schemas), from the outside in: "N101=ST → N102 (93)". It is empty where the
// schema does not say.
func (s *Schema) Place(path string) string {
	var out []string
	said := false
	for _, name := range PathNames(path) {
		if s = s.below(name); s == nil {
			return ""
		}
		said = false
		for x := s; x != nil; x = x.ref {
			if x.edi != "" {
				out, said = append(out, x.edi), true
			}
		}
	}
	if !said {
		return "" // of the member itself
	}
	return strings.Join(out, " → ")
}

// below is a member of an object, or of the items of a list.
func (s *Schema) below(name string) *Schema {
	for {
		r := s.Resolved()
		if r == nil || r.Kind != List {
			return s.Member(name)
		}
		s = r.Items
	}
}

// PathNames are the members that a path leads through, without indexes.
func PathNames(path string) []string {
	var out []string
	for _, name := range strings.Split(path, ".") {
		if i := strings.IndexByte(name, '['); i >= 0 {
			name = name[:i]
		}
		if name != "" {
			out = append(out, name)
		}
	}
	return out
}
