package lsp

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/crossdock/crossdock/core/mapping"
)

func diagnostic(project fs.FS, f mapping.Finding) finding {
	const severityError, severityWarning = 1, 2
	text := ""
	if b, err := fs.ReadFile(project, f.File); err == nil {
		text = line(string(b), f.Line-1)
	}
	from, to := wordAt(text, f.Col)
	out := finding{Range: onLine(text, f.Line, from, to), Severity: severityError, Code: f.Code, Source: "crossdock", Message: f.Message}
	if f.Severity == mapping.SeverityWarning {
		out.Severity = severityWarning
	}
	if f.Hint != "" {
		out.Message += " (" + f.Hint + ")"
	}
	return out
}

// onLine is a stretch of a line; number and columns count from 1.
func onLine(text string, number, from, to int) textRange {
	n := max(number-1, 0)
	return textRange{position{n, toUnits(text, from)}, position{n, toUnits(text, to)}}
}

// current is what the newest text of a document shows, or what the last text
// did that could be read. s.mu is held.
func (s *Server) current(d *document) *mapping.Insight {
	if d.checked != d.generation {
		s.keep(d, examine(s.folder(d), d.path, d.text))
		s.publish(d, d.result.found)
	}
	if d.result.insight != nil {
		return d.result.insight
	}
	return d.good
}

func (d *document) at(p position) mapping.Location {
	return mapping.Location{File: d.path, Line: p.Line + 1, Col: toColumn(line(d.text, p.Line), p.Character)}
}

type markup struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

func markdown(text string) *markup {
	if text == "" {
		return nil
	}
	return &markup{"markdown", text}
}

type hover struct {
	Contents *markup   `json:"contents"`
	Range    textRange `json:"range"`
}

func (s *Server) hover(d *document, p position) any {
	in := s.current(d)
	if in == nil {
		return nil
	}
	text, span := in.Explain(d.at(p))
	if text == "" {
		return nil
	}
	return hover{markdown(text), onLine(line(d.text, span.Line-1), span.Line, span.From, span.To)}
}

type location struct {
	URI   string    `json:"uri"`
	Range textRange `json:"range"`
}

func (s *Server) define(d *document, p position) any {
	in := s.current(d)
	if in == nil {
		return nil
	}
	to, ok := in.Define(d.at(p))
	if !ok {
		return nil
	}
	text := ""
	if b, err := fs.ReadFile(s.folder(d), to.File); err == nil {
		text = line(string(b), to.Line-1)
	}
	_, end := wordAt(text, to.Col)
	uri := uriOf(filepath.Join(d.project, filepath.FromSlash(to.File)))
	if to.File == d.path {
		uri = d.uri
	}
	return location{uri, onLine(text, to.Line, to.Col, end)}
}

type completionItem struct {
	Label         string   `json:"label"`
	Kind          int      `json:"kind"`
	Detail        string   `json:"detail,omitempty"`
	Documentation *markup  `json:"documentation,omitempty"`
	SortText      string   `json:"sortText"`
	FilterText    string   `json:"filterText"`
	TextEdit      textEdit `json:"textEdit"`
}

type textEdit struct {
	Range   textRange `json:"range"`
	NewText string    `json:"newText"`
}

// kinds of the protocol.
var kinds = map[mapping.ItemKind]int{
	mapping.ItemMember: 5, mapping.ItemKey: 14, mapping.ItemVariable: 6, mapping.ItemFunction: 3, mapping.ItemValue: 12, mapping.ItemName: 18,
}

// complete offers what can be written at a place. Text is rarely whole while it
// is written, so it is mended in several ways until one of them can be read.
func (s *Server) complete(d *document, p position) any {
	at := d.at(p)
	for _, text := range mended(d.text, at.Line, at.Col) {
		project := s.folder(d)
		project.texts[d.path] = text
		if r := examine(project, d.path, text); r.insight != nil && r.insight.Roots[d.path] != nil {
			return s.items(d, r.insight.Complete(at), at)
		}
	}
	var offer mapping.Completion
	if d.good != nil {
		offer = d.good.Guess(at, string([]rune(line(d.text, p.Line))[:at.Col-1]))
	}
	return s.items(d, offer, at)
}

func (s *Server) items(d *document, offer mapping.Completion, at mapping.Location) any {
	text := line(d.text, at.Line-1)
	runes := []rune(text)
	// The word under the cursor is replaced as a whole.
	to := at.Col
	for to <= len(runes) && (runes[to-1] == '_' || isLetter(runes[to-1])) {
		to++
	}
	colon := strings.HasPrefix(strings.TrimLeft(string(runes[to-1:]), " \"'"), ":")
	span := onLine(text, at.Line, min(offer.From, at.Col), to)
	items := []completionItem{}
	for i, x := range offer.Items {
		c := completionItem{
			Label: x.Name, Kind: kinds[x.Kind], Detail: x.Detail, Documentation: markdown(x.About),
			FilterText: x.Name, SortText: fmt.Sprintf("%d%04d", sortGroup(x), i), TextEdit: textEdit{span, x.Name},
		}
		if x.Text != "" {
			c.TextEdit.NewText = x.Text
		}
		if x.Needed && offer.Keys {
			c.Detail += ", required"
		}
		if offer.Keys && !colon {
			c.TextEdit.NewText += ": "
		}
		items = append(items, c)
	}
	return map[string]any{"isIncomplete": false, "items": items}
}

// sortGroup puts what the target still demands first.
func sortGroup(x mapping.Item) int {
	if x.Needed {
		return 0
	}
	return 1
}
