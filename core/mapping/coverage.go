package mapping

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/internal/insight"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
	"go.yaml.in/yaml/v3"
)

// Ignored is a member of the source that nobody reads on purpose.
type Ignored struct {
	Path   string // src.isa.date; all below it is ignored, too
	Reason string // may be empty
	at     *yaml.Node
}

// readIgnored reads `ignore`: paths, each with a reason or without.
func (c *compiler) readIgnored(n *yaml.Node) {
	if n == nil {
		return
	}
	if n.Kind != yaml.SequenceNode {
		c.fail(c.file.at(n), CodeSyntax, "write ignore: [src.isa.date, {path: src.gs, reason: envelope}]", "ignore must be a list of source paths")
		return
	}
	for _, e := range n.Content {
		i := Ignored{at: e, Path: e.Value}
		if e.Kind != yaml.ScalarNode {
			if !c.known(c.file, e, "an entry of ignore", []string{"path", "reason"}) {
				continue
			}
			i.Path, i.at = c.text(c.file, e, "path", "an entry of ignore", true)
			i.Reason, _ = c.text(c.file, e, "reason", "an entry of ignore", false)
		}
		if i.at == nil {
			continue
		}
		c.m.ignored = append(c.m.ignored, i)
	}
}

// unread compares what the source has with what is read and what is ignored.
func (c *compiler) unread(root *yaml.Node) {
	n := child(root, "ignore")
	c.readIgnored(n)
	all := map[string]bool{}
	for _, i := range c.m.ignored {
		c.ignored = append(c.ignored, i.Path)
	}
	c.ignoreAt, c.wholeAt = newPlaces(c.ignored), newPlaces(keys(c.wholes))
	c.src.Walk(language.NameSrc, func(p string, leaf bool) {
		if len(c.ignored) > 0 {
			all[p] = true
		}
		if leaf && c.state(p) == insight.StateUnread {
			c.m.unread = append(c.m.unread, p)
		}
	})
	sort.Strings(c.m.unread)
	for _, i := range c.m.ignored {
		switch {
		case c.full():
		case len(all) > 1 && !all[i.Path] && !c.src.Has(strings.TrimPrefix(i.Path, language.NameSrc+".")):
			c.fail(c.file.at(i.at), CodeUnknown, near(i.Path, keys(all)), "ignore: the source has no %s", i.Path)
		case c.reads[i.Path] && c.leaf(i.Path):
			c.report(c.file.at(i.at), SeverityWarning, CodeUnreachable, "take it off the list", "ignore: %s is read", i.Path)
		}
	}
	if n == nil {
		n = child(root, "source")
	}
	if len(c.m.unread) > 0 && n != nil {
		c.report(c.file.at(n), SeverityWarning, CodeUnread, "read them, or list them under ignore",
			"%s of the source %s: %s", counted(len(c.m.unread), "member"), neither(len(c.m.unread)), listed(c.gathered()))
	}
}

// state is what becomes of a value of the source.
func (c *compiler) state(p string) insight.State {
	switch {
	case c.reads[p]:
		return insight.StateRead
	case c.wholeAt.cover(p):
		return insight.StateCopied
	case c.reads[strings.TrimSuffix(p, "[]")]:
		return insight.StateRead // a list of texts that a function takes: src.tags.join(" ")
	case c.ignoreAt.cover(p):
		return insight.StateIgnored
	}
	return insight.StateUnread
}

func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

func neither(n int) string {
	if n == 1 {
		return "is neither read nor ignored"
	}
	return "are neither read nor ignored"
}

func (c *compiler) leaf(p string) bool {
	leaf := false
	c.src.Walk(language.NameSrc, func(q string, l bool) { leaf = leaf || l && p == q })
	return leaf
}

// gathered is the list of unread members with whole objects in the place of
// their members where none of these is read: a schema of an EDI message has
// thousands.
func (c *compiler) gathered() []string {
	open := map[string]bool{}
	for _, p := range c.m.unread {
		open[p] = true
	}
	var out []string
	var walk func(s *schema.Schema, p string, above []*schema.Schema) (unread []string, whole bool)
	walk = func(s *schema.Schema, p string, above []*schema.Schema) ([]string, bool) {
		s = s.Resolved()
		if s == nil || slices.Contains(above, s) {
			return nil, true
		}
		inner := append(slices.Clip(above), s)
		var below []string
		whole, any := true, false
		visit := func(kid *schema.Schema, p string) {
			names, w := walk(kid, p, inner)
			whole, any = whole && w, any || len(names) > 0
			below = append(below, names...)
		}
		switch s.Kind {
		case schema.List:
			visit(s.Items, p+"[]")
		case schema.Object:
			for _, name := range s.Names() {
				visit(s.Member(name), p+"."+name)
			}
		default:
			if open[p] {
				return []string{p}, true
			}
			return nil, false
		}
		if whole && any && len(above) > 0 {
			return []string{strings.TrimSuffix(p, "[]")}, true
		}
		return below, whole
	}
	out, _ = walk(c.src, language.NameSrc, nil)
	return out
}

// places is a set of paths with all that is below them.
type places map[string]bool

func newPlaces(paths []string) places {
	p := places{}
	for _, x := range paths {
		p[x] = true
	}
	return p
}

// cover tells whether the path or one above it is in the set.
func (s places) cover(p string) bool {
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
