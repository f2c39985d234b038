package mapping

import (
	"slices"
	"sort"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"go.yaml.in/yaml/v3"
)

func (m *Mapping) addLineage(target, source string) {
	if !slices.Contains(m.lineage[target], source) {
		m.lineage[target] = append(m.lineage[target], source)
		sort.Strings(m.lineage[target])
	}
}

// unread compares what the source has with what is read. It warns only where
// the file has an `ignore` list, which says that its author wants to know.
func (c *compiler) unread(root *yaml.Node) {
	n := child(root, "ignore")
	if n != nil {
		if n.Kind != yaml.SequenceNode {
			c.fail(c.file.at(n), CodeSyntax, "write ignore: [src.isa.date, src.gs]", "ignore must be a list of source paths")
			return
		}
		all := map[string]bool{}
		c.src.Walk(language.NameSrc, func(p string, _ bool) { all[p] = true })
		for _, e := range n.Content {
			if len(all) > 1 && !all[e.Value] && !c.src.Has(strings.TrimPrefix(e.Value, language.NameSrc+".")) {
				c.fail(c.file.at(e), CodeUnknown, near(e.Value, keys(all)), "ignore: the source has no %s", e.Value)
			}
			c.ignored = append(c.ignored, e.Value)
		}
	}
	c.src.Walk(language.NameSrc, func(p string, leaf bool) {
		if leaf && c.state(p) == StateUnread {
			c.m.unread = append(c.m.unread, p)
		}
	})
	sort.Strings(c.m.unread)
	if n != nil && len(c.m.unread) > 0 {
		shown := c.m.unread
		const most = 20
		if len(shown) > most {
			shown = append(slices.Clone(shown[:most]), "…")
		}
		c.report(c.file.at(n), SeverityWarning, CodeUnread, "read them, or list them under ignore",
			"%d members of the source are neither read nor ignored: %s", len(c.m.unread), strings.Join(shown, ", "))
	}
}

// state is what becomes of a value of the source.
func (c *compiler) state(p string) State {
	switch {
	case c.reads[p]:
		return StateRead
	case c.covered(p):
		return StateCopied
	case c.reads[strings.TrimSuffix(p, "[]")]:
		return StateRead // a list of texts that a function takes: src.tags.join(" ")
	case below(p, c.ignored):
		return StateIgnored
	}
	return StateUnread
}

// covered tells whether something above p is copied whole.
func (c *compiler) covered(p string) bool {
	for w := range c.wholes {
		if p == w || strings.HasPrefix(p, w+".") || strings.HasPrefix(p, w+"[]") {
			return true
		}
	}
	return false
}

func below(p string, of []string) bool {
	for _, w := range of {
		if p == w || strings.HasPrefix(p, w+".") || strings.HasPrefix(p, w+"[]") {
			return true
		}
	}
	return false
}
