package partner

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	agreement "github.com/crossdock/crossdock/connectors/edi/partner"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/verdict"
)

//go:embed page.html
var pageText string

// The template escapes everything by where it stands: a sample may hold anything.
var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"word":    func(v verdict.Verdict) string { return words[v] },
	"json":    func(doc json.RawMessage) string { return visibleText(indented(doc)) },
	"visible": visibleText,
	"of":      Answer.of,
	"plural":  plural,
}).Parse(pageText))

// visibleText is text of several lines without characters that hide others.
func visibleText(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		return sign(r)
	}, text)
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// page is what the template shows.
type page struct {
	*Report
	Agreement *agreement.Partner
	Agreed    []fact
	Files     []pageFile
}

// fact is a line of a list of facts.
type fact struct{ Name, Value string }

type pageFile struct {
	*File
	ID                    string // begins the anchors of the file
	Rows                  []row
	Rejects, Warns, Infos int
	Lines                 []line
	Accepted, Total       int // sets
}

// row is a finding.
type row struct {
	finding.Finding
	Number int
	Line   int // of the listing
	Places []string
	Codes  []string
}

// writePage writes the report as one page without anything outside of it.
func (r *runner) writePage(name string, report *Report) error {
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, r.page(report)); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, b.Bytes(), 0o644)
}

func (r *runner) page(report *Report) page {
	p := page{Report: report, Agreement: r.p, Agreed: r.agreed()}
	for i, f := range report.Files {
		one := pageFile{File: f, ID: fmt.Sprintf("f%d", i+1)}
		lines, at := list(f.content, f.Findings)
		one.Lines = lines
		listed := map[int]bool{}
		for _, l := range lines {
			listed[l.Number] = true
		}
		for n, found := range f.Findings {
			row := row{Finding: found, Number: n + 1, Codes: found.Reported(f.Standard == syntax.EDIFACT.String()), Places: places(found)}
			if listed[at[n]] {
				row.Line = at[n]
			}
			switch found.Severity {
			case finding.Reject:
				one.Rejects++
			case finding.Warning:
				one.Warns++
			default:
				one.Infos++
			}
			one.Rows = append(one.Rows, row)
		}
		// What keeps a file out comes first.
		slices.SortStableFunc(one.Rows, func(a, b row) int { return rank(a.Severity) - rank(b.Severity) })
		for _, ic := range f.Interchanges {
			for _, s := range ic.Sets {
				one.Total++
				if s.Verdict != verdict.Reject {
					one.Accepted++
				}
			}
		}
		p.Files = append(p.Files, one)
	}
	return p
}

func rank(s finding.Severity) int {
	return slices.Index([]finding.Severity{finding.Reject, finding.Warning, finding.Info}, s)
}

func places(f finding.Finding) []string {
	var out []string
	add := func(name, value string) {
		if value != "" {
			out = append(out, name+" "+value)
		}
	}
	if f.Position > 0 && f.Set != "" {
		out = append(out, fmt.Sprintf("segment %d of set %s", f.Position, f.Set))
	} else {
		add("set", f.Set)
	}
	if f.Loop != "" {
		out = append(out, f.Loop)
	}
	if f.Reference != "" {
		add("data element", f.Reference)
	}
	if f.Repeat > 1 {
		out = append(out, fmt.Sprintf("repetition %d", f.Repeat))
	}
	return append(out, fmt.Sprintf("byte %d", f.Offset))
}

// agreed is what the partner may hold the sample against.
func (r *runner) agreed() []fact {
	p := r.p
	out := []fact{{"Sender of their files", p.Theirs.String()}, {"Receiver", p.Ours.String()}}
	add := func(name, value string) {
		if value != "" {
			out = append(out, fact{name, value})
		}
	}
	usage := map[string]string{"P": "production", "T": "test", "I": "information"}
	var accepted []string
	for _, u := range p.Accept {
		accepted = append(accepted, usage[u])
	}
	add("Usage", strings.Join(accepted, ", "))
	var sets []string
	for _, id := range sorted(p.Receive) {
		in := p.Receive[id]
		if len(in.Releases) > 0 {
			id += " in " + strings.Join(in.Releases, ", ")
		}
		if in.Overlay != "" {
			id += " by the partner's guide"
		}
		sets = append(sets, id)
	}
	if len(sets) == 0 {
		sets = []string{"every set"}
	}
	add("Sets", strings.Join(sets, "; "))
	var kinds []string
	for _, k := range p.Kinds() {
		kinds = append(kinds, string(k))
	}
	add("Acknowledged with", strings.Join(kinds, ", ")+map[string]string{"errors": ", only when something is wrong", "requested": ", TA1 and CONTRL only on request"}[p.Acknowledge.When])
	return out
}
