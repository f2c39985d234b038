// Package source reads the YAML of mappings and fragments, and knows the place of
// every character in it.
package source

import (
	"fmt"
	"io/fs"
	"strings"
	"unicode"

	"github.com/crossdock/crossdock/core/mapping/internal/finding"
	"github.com/crossdock/crossdock/core/strictyaml"
	"go.yaml.in/yaml/v3"
)

// File is one YAML file, with its text for places inside of expressions.
type File struct {
	Name  string // within the configuration folder
	Root  *yaml.Node
	lines [][]rune
}

// Read reads a mapping or a fragment. strictyaml refuses what makes YAML
// dangerous: aliases, duplicate keys, huge files, several documents.
func Read(fsys fs.FS, name string) (*File, []finding.Finding) {
	if !fs.ValidPath(name) {
		return nil, []finding.Finding{{
			File: name, Line: 1, Col: 1, Severity: finding.SeverityError, Code: finding.CodeUnknown,
			Message: fmt.Sprintf("the path %q leads out of the configuration folder", name), Hint: "write it without leading / and without too many ..",
		}}
	}
	if info, err := fs.Stat(fsys, name); err == nil && info.Size() > strictyaml.MaxSize {
		return nil, []finding.Finding{{
			File: name, Line: 1, Col: 1, Severity: finding.SeverityError, Code: finding.CodeSyntax,
			Message: fmt.Sprintf("the file has %d bytes; %d are the limit", info.Size(), strictyaml.MaxSize), Hint: "split it, or move data into its own file",
		}}
	}
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, []finding.Finding{{
			File: name, Line: 1, Col: 1, Severity: finding.SeverityError, Code: finding.CodeUnknown,
			Message: fmt.Sprintf("the file cannot be read: %v", strictyaml.WithoutPath(err)), Hint: "paths are relative to the file that names them",
		}}
	}
	f, found := strictyaml.Parse(name, b)
	var out []finding.Finding
	for _, p := range found {
		out = append(out, finding.Finding{File: p.File, Line: p.Line, Col: p.Col, Severity: string(p.Severity), Code: finding.CodeSyntax, Message: p.Message, Hint: p.Hint})
	}
	if f == nil {
		return nil, out
	}
	s := &File{Name: name, Root: f.Root}
	if n := tooDeep(f.Root, 0); n != nil {
		at := s.At(n)
		return nil, append(out, finding.Finding{
			File: name, Line: at.Line, Col: at.Col, Severity: finding.SeverityError, Code: finding.CodeSyntax,
			Message: fmt.Sprintf("the file nests deeper than %d levels", maxNesting), Hint: "documents nest no deeper either; use a fragment or a list",
		})
	}
	for _, line := range strings.Split(string(b), "\n") {
		s.lines = append(s.lines, []rune(line))
	}
	return s, out
}

// maxNesting is how deep a mapping file may nest: twice as deep as documents,
// since a rule's members stand under its name and `fields`, and some.
const maxNesting = 200

// tooDeep returns the first node that lies too deep.
func tooDeep(n *yaml.Node, depth int) *yaml.Node {
	if depth > maxNesting {
		return n
	}
	for _, k := range n.Content {
		if d := tooDeep(k, depth+1); d != nil {
			return d
		}
	}
	return nil
}

// At is the place of a node.
func (s *File) At(n *yaml.Node) strictyaml.Pos {
	return strictyaml.Pos{File: s.Name, Line: n.Line, Col: n.Column}
}

// Inside is the place of character offset (in runes) of a scalar's value. It
// walks the text of the file beside the value, since YAML folds lines, doubles
// quotes and removes indentation.
func (s *File) Inside(n *yaml.Node, offset int) strictyaml.Pos {
	value := []rune(n.Value)
	line, col := n.Line-1, n.Column-1
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		line, col = line+1, 0
		for line < len(s.lines) && blank(s.lines[line]) {
			line++
		}
		if line < len(s.lines) {
			col = indent(s.lines[line])
		}
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		col++
	}
	start := strictyaml.Pos{File: s.Name, Line: line + 1, Col: col + 1}
	for i := 0; i < offset && i < len(value); i++ {
		if line >= len(s.lines) {
			return start
		}
		text := s.lines[line]
		if unicode.IsSpace(value[i]) && (col >= len(text) || value[i] == '\n') {
			line, col = line+1, 0
			if line < len(s.lines) {
				col = indent(s.lines[line])
			}
			continue
		}
		if !unicode.IsSpace(value[i]) {
			for col >= len(text) || unicode.IsSpace(text[col]) {
				if col++; col > len(text) {
					if line, col = line+1, 0; line >= len(s.lines) {
						return start
					}
					text = s.lines[line]
				}
			}
			if text[col] != value[i] {
				return start // an escape in double quotes
			}
			if text[col] == '\'' && n.Style&yaml.SingleQuotedStyle != 0 {
				col++
			}
		}
		col++
	}
	return strictyaml.Pos{File: s.Name, Line: line + 1, Col: col + 1}
}

func blank(line []rune) bool { return strings.TrimSpace(string(line)) == "" }

func indent(line []rune) int {
	n := 0
	for n < len(line) && line[n] == ' ' {
		n++
	}
	return n
}

// Child returns the value of a key in a YAML mapping, or nil.
func Child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// Pairs calls f for each key and value of a YAML mapping.
func Pairs(n *yaml.Node, f func(k, v *yaml.Node)) {
	if n == nil || n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		f(n.Content[i], n.Content[i+1])
	}
}
