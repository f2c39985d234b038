package check

import (
	"strings"

	"github.com/crossdock/crossdock/core/mapping/internal/finding"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
	"github.com/crossdock/crossdock/core/mapping/internal/source"
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
		c.fail(c.file.At(n), finding.CodeSyntax, "write ignore: [src.isa.date, {path: src.gs, reason: envelope}]", "ignore must be a list of source paths")
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
		c.m.Ignored = append(c.m.Ignored, i)
	}
}

// unread compares what the source has with what is read and what is ignored.
func (c *compiler) unread(root *yaml.Node) {
	n := source.Child(root, "ignore")
	c.readIgnored(n)
	for _, i := range c.m.Ignored {
		c.m.Use.Ignored[i.Path] = true
		s, ok := follow(c.src, i.Path)
		switch {
		case c.full():
		case !ok:
			c.fail(c.file.At(i.at), finding.CodeUnknown, near(i.Path, c.members()), "ignore: the source has no %s", i.Path)
		case c.m.Use.Read[i.Path] && s.Resolved() != nil && s.Resolved().Kind != schema.Object && s.Resolved().Kind != schema.List:
			c.report(c.file.At(i.at), finding.SeverityWarning, finding.CodeUnreachable, "take it off the list", "ignore: %s is read", i.Path)
		}
	}
	unread, gathered := c.m.Use.Unread(c.src)
	c.m.Unread = unread
	if n == nil {
		n = source.Child(root, "source")
	}
	if len(unread) > 0 && n != nil {
		c.report(c.file.At(n), finding.SeverityWarning, finding.CodeUnread, "read them, or list them under ignore",
			"%s of the source %s: %s", finding.Counted(len(unread), "member"), neither(len(unread)), finding.Listed(gathered))
	}
}

func neither(n int) string {
	if n == 1 {
		return "is neither read nor ignored"
	}
	return "are neither read nor ignored"
}

// members are the paths of all members of the source.
func (c *compiler) members() []string {
	var out []string
	c.src.Walk(language.NameSrc, func(p string, _ bool) { out = append(out, p) })
	return out
}

// follow returns the schema of a path such as src.po1[].ids.UP. A source whose
// members are not known has all of them.
func follow(s *schema.Schema, p string) (*schema.Schema, bool) {
	root, rest, more := strings.Cut(p, ".")
	if root != language.NameSrc {
		return nil, false
	}
	for more && s.Resolved() != nil && s.Resolved().Kind != schema.Any {
		var name string
		name, rest, more = strings.Cut(rest, ".")
		bare := strings.TrimRight(name, "[]")
		if s = s.Member(bare); s == nil {
			return nil, false
		}
		for range strings.Count(name, "[]") {
			if s.Resolved().Kind != schema.List {
				return nil, false
			}
			s = s.ItemSchema()
		}
	}
	return s, true
}
