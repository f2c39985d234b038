package insight

import (
	"slices"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// Use tells what of a source is read, and what is not on purpose.
type Use struct {
	Read    map[string]bool // exactly these
	Whole   Paths           // copied with all that lies in them
	Ignored Paths
}

// State is what becomes of a value of the source.
func (u Use) State(p string) State {
	switch {
	case u.Read[p]:
		return StateRead
	case u.Whole.Cover(p):
		return StateCopied
	case u.Read[strings.TrimSuffix(p, "[]")]:
		return StateRead // a list of texts that a function takes: src.tags.join(" ")
	case u.Ignored.Cover(p):
		return StateIgnored
	}
	return StateUnread
}

// Unread lists the members of a source that are neither read nor ignored; gathered
// names whole objects in the place of their members where none of these is read: a
// schema of an EDI message has thousands.
func (u Use) Unread(src *schema.Schema) (members, gathered []string) {
	v := survey{use: u}
	v.walk(src, language.NameSrc, nil)
	slices.Sort(v.unread)
	return v.unread, v.gathered
}

// survey looks for members that nobody reads.
type survey struct {
	use    Use
	unread []string
	// gathered has whole objects instead.
	gathered []string
}

// walk tells whether nothing at all is read of s.
func (v *survey) walk(s *schema.Schema, p string, above []*schema.Schema) bool {
	s = s.Resolved()
	if s == nil || slices.Contains(above, s) {
		return true
	}
	if st := v.use.State(p); st == StateCopied || st == StateIgnored {
		return false
	}
	inner := append(slices.Clip(above), s)
	unread, gathered, whole := len(v.unread), len(v.gathered), true
	switch s.Kind {
	case schema.List:
		whole = v.walk(s.Items, p+"[]", inner)
	case schema.Object:
		for _, name := range s.Names() {
			whole = v.walk(s.Member(name), p+"."+name, inner) && whole
		}
	default:
		if v.use.State(p) != StateUnread {
			return false
		}
		v.unread, v.gathered = append(v.unread, p), append(v.gathered, p)
		return true
	}
	if whole && len(above) > 0 && len(v.unread) > unread {
		v.gathered = append(v.gathered[:gathered], strings.TrimSuffix(p, "[]"))
	}
	return whole
}

// Paths is a set of paths with all that is below them.
type Paths map[string]bool

// Cover tells whether the path or one above it is in the set.
func (s Paths) Cover(p string) bool {
	for len(s) > 0 && p != "" {
		if s[p] {
			return true
		}
		cut := strings.LastIndexByte(p, '.')
		if trimmed, ok := strings.CutSuffix(p, "[]"); ok && len(trimmed) > cut {
			p = trimmed
			continue
		}
		if cut < 0 {
			return false
		}
		p = p[:cut]
	}
	return false
}
