// Package difference tells what is different between two versions of a mapping:
// in what they say, and in what they make of recorded messages.
package difference

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/specification"
)

// Kind is what happened to something.
type Kind string

// The kinds.
const (
	Added   Kind = "added"
	Removed Kind = "removed"
	Changed Kind = "changed"
	// Moved is said of the entries of lists, whose order is that of the result. The
	// order of members means nothing.
	Moved Kind = "moved"
)

// Sections of a mapping, in the order in which changes are told.
const (
	SectionMetadata = "metadata"
	SectionSettings = "settings"
	SectionSchema   = "schemas"
	SectionCodes    = "code lists"
	SectionLookups  = "lookups"
	SectionLets     = "let"
	SectionRules    = "rules"
	SectionAsserts  = "assert"
	SectionIgnore   = "ignore"
	SectionTests    = "tests"
)

// Change is one difference.
type Change struct {
	Section string `json:"section"`
	Kind    Kind   `json:"kind"`
	// Name is the target field, the code list, the variable and so on.
	Name string `json:"name"`
	// Details are what is different; of what was added or removed, what it says.
	Details []Detail `json:"details,omitempty"`
	// UsedBy are the target fields that use what changed.
	UsedBy []string `json:"used_by,omitempty"`
	// OldLine and NewLine are where the rule stands; 0 when it is not there.
	OldLine int `json:"old_line,omitempty"`
	NewLine int `json:"new_line,omitempty"`
}

// Detail is one thing that something says, in both versions; "" is nothing.
type Detail struct {
	What string `json:"what"`
	Old  string `json:"old,omitempty"`
	New  string `json:"new,omitempty"`
}

// Compare returns what is different. How things are written, and comments, are no
// difference; neither is whether rules stand in a fragment or in the mapping.
func Compare(old, changed *specification.Mapping) []Change {
	c := &comparison{old: old, new: changed}
	c.tables(SectionMetadata, metadata(old), metadata(changed))
	c.tables(SectionSettings, each(old.Settings), each(changed.Settings))
	c.schema("source", old.Source.Schema, changed.Source.Schema)
	c.schema("target", old.Target.Schema, changed.Target.Schema)
	c.tables(SectionCodes, old.CodeLists, changed.CodeLists)
	c.tables(SectionLookups, old.Lookups, changed.Lookups)
	c.tables(SectionLets, each(old.Lets), each(changed.Lets))
	c.rules(old.Root, changed.Root, "")
	c.tables(SectionAsserts, asserts(old), asserts(changed))
	c.tables(SectionIgnore, names(old.Ignore), names(changed.Ignore))
	c.tables(SectionTests, tests(old), tests(changed))
	return c.out
}

type comparison struct {
	old, new *specification.Mapping
	out      []Change
}

// One part is a table whose only row has no name.
func each(parts []specification.Part) []specification.Table {
	var out []specification.Table
	for _, p := range parts {
		out = append(out, specification.Table{Name: p.Name, Rows: []specification.Part{{Text: p.Text}}})
	}
	return out
}

func said(name, text string) specification.Part {
	return specification.Part{Name: name, Text: specification.Text{Shown: text, Same: text}}
}

func metadata(m *specification.Mapping) []specification.Table {
	var parts []specification.Part
	for _, f := range [][2]string{
		{"name", m.Name},
		{"version", m.Version},
		{"owner", m.Owner},
		{"description", m.Description},
		{"source", m.Source.String()},
		{"target", m.Target.String()},
	} {
		if f[1] != "" {
			parts = append(parts, said(f[0], f[1]))
		}
	}
	return each(parts)
}

func asserts(m *specification.Mapping) []specification.Table {
	var out []specification.Table
	for _, a := range m.Asserts {
		out = append(out, specification.Table{Name: a.Message, Rows: []specification.Part{{Name: "that", Text: a.That}}})
	}
	return out
}

func names(list []string) []specification.Table {
	var out []specification.Table
	for _, n := range list {
		out = append(out, specification.Table{Name: n})
	}
	return out
}

func tests(m *specification.Mapping) []specification.Table {
	var out []specification.Table
	for _, t := range m.Tests {
		rows := []specification.Part{said("input", t.Input)}
		if t.Expect != "" {
			rows = append(rows, said("expect", t.Expect))
		}
		if t.Failure != "" {
			rows = append(rows, said("error", t.Failure))
		}
		out = append(out, specification.Table{Name: t.Name, Rows: rows})
	}
	return out
}

// tables compares what has names; the order means nothing.
func (c *comparison) tables(section string, old, changed []specification.Table) {
	find := func(in []specification.Table, name string) *specification.Table {
		for i := range in {
			if in[i].Name == name {
				return &in[i]
			}
		}
		return nil
	}
	for _, n := range changed {
		o := find(old, n.Name)
		ch := Change{Section: section, Kind: Changed, Name: n.Name, UsedBy: c.users(c.new, section, n.Name)}
		if o == nil {
			ch.Kind, o = Added, &specification.Table{}
		}
		if ch.Details = details(o.Rows, n.Rows); ch.Kind == Added || len(ch.Details) > 0 {
			c.out = append(c.out, ch.short())
		}
	}
	for _, o := range old {
		if find(changed, o.Name) == nil {
			ch := Change{Section: section, Kind: Removed, Name: o.Name, Details: details(o.Rows, nil), UsedBy: c.users(c.old, section, o.Name)}
			c.out = append(c.out, ch.short())
		}
	}
}

// short leaves the documents of tests out, which nobody reads in a list.
func (ch Change) short() Change {
	if ch.Section != SectionTests {
		return ch
	}
	if ch.Kind != Changed {
		ch.Details = nil
	}
	for i, d := range ch.Details {
		if d.What != "error" {
			ch.Details[i].Old, ch.Details[i].New = present(d.Old), present(d.New)
		}
	}
	return ch
}

func present(document string) string {
	if document == "" {
		return ""
	}
	return "a document"
}

// details compares what two things say.
func details(old, changed []specification.Part) []Detail {
	var out []Detail
	find := func(in []specification.Part, name string) specification.Part {
		for _, p := range in {
			if p.Name == name {
				return p
			}
		}
		return specification.Part{}
	}
	for _, n := range changed {
		if o := find(old, n.Name); o.Same != n.Same {
			out = append(out, Detail{n.Name, o.Shown, n.Shown})
		}
	}
	for _, o := range old {
		if !slices.ContainsFunc(changed, func(p specification.Part) bool { return p.Name == o.Name }) {
			out = append(out, Detail{What: o.Name, Old: o.Shown})
		}
	}
	return out
}

// users are the target fields that use a code list, a lookup or a variable.
func (c *comparison) users(m *specification.Mapping, section, name string) []string {
	uses := func(p specification.Part) bool { return false }
	switch section {
	case SectionCodes:
		uses = func(p specification.Part) bool { return p.Name == specification.PartMap && p.Shown == name }
	case SectionLookups:
		uses = func(p specification.Part) bool { return p.Name == specification.PartLookup && p.Shown == name }
	case SectionLets:
		word := regexp.MustCompile(`(^|[^\w.])` + regexp.QuoteMeta(name) + `\b`)
		uses = func(p specification.Part) bool {
			return slices.Contains([]string{specification.PartValue, specification.PartEach, specification.PartWhen}, p.Name) && word.MatchString(p.Same)
		}
	}
	var out []string
	m.Root.Walk(func(r *specification.Rule) {
		if slices.ContainsFunc(r.Parts, uses) && !slices.Contains(out, r.Target) {
			out = append(out, r.Target)
		}
	})
	return out
}

// schema compares what two schemas say of each member.
func (c *comparison) schema(side string, old, changed *specification.Member) {
	table := func(m *specification.Member) []specification.Table {
		var out []specification.Table
		m.Walk(func(path string, m *specification.Member) {
			t := specification.Table{Name: side + " " + path, Rows: []specification.Part{said("type", m.Type)}}
			for _, f := range [][2]string{{"format", m.Format}, {"pattern", m.Pattern}, {"values", strings.Join(m.Enum, ", ")}, {"const", m.Const}} {
				if f[1] != "" {
					t.Rows = append(t.Rows, said(f[0], f[1]))
				}
			}
			if m.Required {
				t.Rows = append(t.Rows, said("required", "true"))
			}
			if m.Nullable {
				t.Rows = append(t.Rows, said("may be null", "true"))
			}
			out = append(out, t)
		})
		return out
	}
	a, b := table(old), table(changed)
	const most = 20_000 // members, beyond which looking each up takes too long
	if len(a) > most || len(b) > most {
		if fmt.Sprint(a) != fmt.Sprint(b) {
			c.out = append(c.out, Change{Section: SectionSchema, Kind: Changed, Name: side})
		}
		return
	}
	if !slices.EqualFunc(a, b, func(x, y specification.Table) bool { return x.Name == y.Name && slices.Equal(x.Rows, y.Rows) }) {
		c.tables(SectionSchema, a, b)
	}
}
