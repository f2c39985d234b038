// Package page shows a mapping to people who do not write mappings: a page with
// every target field, where it comes from and in which words.
package page

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	text "text/template"

	"github.com/crossdock/crossdock/core/mapping/specification"
)

//go:embed page.html
var htmlText string

//go:embed page.md
var markdownText string

// The template escapes everything by where it stands: a sample may hold anything.
var htmlPage = template.Must(template.New("page").Funcs(template.FuncMap{"lines": splitWords}).Parse(htmlText))

var markdownPage = text.Must(text.New("page").Funcs(text.FuncMap{
	"cell": cell, "join": func(list []string) string { return cell(strings.Join(list, ", ")) },
	"fence": fence,
}).Parse(markdownText))

// splitWords lets long paths break behind their points.
func splitWords(path string) []string { return strings.SplitAfter(path, ".") }

// cell is text that may stand in a Markdown table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ", "<", "&lt;", ">", "&gt;", "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`).Replace(s)
}

// fence is text in a Markdown code block, which no text inside can end.
func fence(s string) string {
	marks := "```"
	for strings.Contains(s, marks) {
		marks += "`"
	}
	return marks + "\n" + s + "\n" + marks
}

// HTML writes the page as one file that needs nothing else.
func HTML(w io.Writer, m *specification.Mapping) error { return htmlPage.Execute(w, contents(m)) }

// Markdown writes the page as Markdown with tables.
func Markdown(w io.Writer, m *specification.Mapping) error {
	return markdownPage.Execute(w, contents(m))
}

// view is what the templates show.
type view struct {
	*specification.Mapping
	Fields  []field
	Unset   []field // optional members of the target that no rule sets
	Ignored []read
	Missing string // what happens when a rule fails, unless it says otherwise
}

// field is one member of the target.
type field struct {
	Path, Title, Type string
	Depth             int
	Required          bool
	Words             []string // what the rule does
	Reads             []read
	Codes, Lookup     string
	Default           string
	HasDefault        bool
	Fails             string
}

// read is a member of the source.
type read struct{ Path, EDI, Description string }

func contents(m *specification.Mapping) view {
	v := view{Mapping: m, Missing: failures["fail"]}
	for _, s := range m.Settings {
		if s.Name == "onError" {
			v.Missing = failures[s.Shown]
		}
	}
	set := map[string]bool{}
	for _, r := range m.Root.Members {
		v.add(r, "", set)
	}
	m.Target.Schema.Walk(func(path string, t *specification.Member) {
		parent := path[:max(strings.LastIndexAny(path, "."), 0)]
		if !set[path] && (parent == "" || set[strings.TrimSuffix(parent, "[]")]) && !t.Required {
			v.Unset = append(v.Unset, field{Path: path, Title: title(t), Type: typeOf(t)})
		}
	})
	for _, i := range m.Ignore {
		v.Ignored = append(v.Ignored, v.source(i))
	}
	return v
}

var failures = map[string]string{
	"fail": "the document is refused", "default": "the default is used", "skip": "the field is left out", "warn": "the field is left out, with a warning",
}

// add shows a rule and what is below it. at is its place, with the positions of
// entries that are written out.
func (v *view) add(r *specification.Rule, at string, set map[string]bool) {
	if at == "" {
		at = r.Target
	}
	set[strings.TrimSuffix(r.Target, "[]")] = true
	t := v.Target.Schema.At(r.Target)
	f := field{Path: at, Depth: strings.Count(at, ".") + strings.Count(at, "["), Title: title(t), Type: typeOf(t)}
	f.Required = t != nil && t.Required || r.Part(specification.PartNeeded) != ""
	f.Words = words(r, v.Lets)
	for _, p := range r.Reads {
		f.Reads = append(f.Reads, v.source(p))
	}
	f.Codes, f.Lookup = r.Part(specification.PartMap), r.Part(specification.PartLookup)
	for _, p := range r.Parts {
		if p.Name == specification.PartDefault {
			f.Default, f.HasDefault = p.Shown, true
		}
	}
	if e := r.Part(specification.PartOnError); e != "" {
		f.Fails = failures[e]
	}
	v.Fields = append(v.Fields, f)
	below := at
	if r.Each {
		below += "[]"
	}
	for _, m := range r.Members {
		v.add(m, below+"."+m.Key, set)
	}
	for i, e := range r.Entries {
		v.add(e, fmt.Sprintf("%s[%d]", at, i), set)
	}
}

// source finds out what the schema says of a member of the source.
func (v *view) source(path string) read {
	out := read{Path: path}
	if m := v.Source.Schema.At(strings.TrimPrefix(strings.TrimPrefix(path, "src"), ".")); m != nil && path != "src" {
		out.EDI, out.Description = m.EDI, m.Description
		if out.Description == "" {
			out.Description = m.Title
		}
	}
	return out
}

func title(m *specification.Member) string {
	switch {
	case m == nil:
		return ""
	case m.Description != "":
		return m.Description
	}
	return m.Title
}

func typeOf(m *specification.Member) string {
	switch {
	case m == nil:
		return ""
	case len(m.Enum) > 0:
		return "one of " + strings.Join(m.Enum, ", ")
	case m.Const != "":
		return "always " + m.Const
	case m.Format == "date-time":
		return "date and time"
	case m.Format == "date":
		return "date"
	}
	return m.Type
}
