// Package strictyaml reads the files that people write for Crossdock.
//
// A person who edits a file wants all mistakes at once, each with the place
// and a hint. So decoding never stops at the first problem: every unknown key,
// missing key and wrong type becomes a [Finding] with file, line and column,
// and what could be read is still filled in, so that later checks can go on.
//
// The accepted YAML is the plain part of the language: no aliases, anchors or
// merge keys (a few bytes of them can grow without limit), no duplicate keys,
// one document a file.
package strictyaml

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxSize is the largest file that is read, in bytes.
const MaxSize = 4 << 20

// Severity says whether a finding stops the start.
type Severity string

// The severities.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Pos is a place in a file; lines and columns count from 1.
type Pos struct {
	File string `json:"file" yaml:"-"`
	Line int    `json:"line" yaml:"-"`
	Col  int    `json:"col" yaml:"-"`
}

func (p Pos) String() string {
	if p.Line == 0 {
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Line) + ":" + strconv.Itoa(p.Col)
}

// Finding is one problem in a file, with what to do about it.
type Finding struct {
	Pos
	Severity Severity `json:"severity"`
	Message  string   `json:"message"`
	Hint     string   `json:"hint,omitempty"`
}

func (f Finding) String() string {
	s := f.Pos.String() + ": "
	if f.Severity == Warning {
		s += "warning: "
	}
	s += f.Message
	if f.Hint != "" {
		s += "\n    hint: " + f.Hint
	}
	return s
}

// Findings are the problems of one or more files.
type Findings []Finding

// Failed reports whether any finding is an error.
func (fs Findings) Failed() bool {
	for _, f := range fs {
		if f.Severity != Warning {
			return true
		}
	}
	return false
}

// Err returns nil when nothing failed, otherwise an error that lists every
// error, a line each; warnings are left out.
func (fs Findings) Err() error {
	if !fs.Failed() {
		return nil
	}
	var lines []string
	for _, f := range fs {
		if f.Severity != Warning {
			lines = append(lines, f.String())
		}
	}
	return errors.New(strings.Join(lines, "\n"))
}

// Sort puts findings in the order of files, lines and columns, so that a
// person goes through each file once. Findings of one place keep their order.
func (fs Findings) Sort() {
	sort.SliceStable(fs, func(i, j int) bool {
		a, b := fs[i].Pos, fs[j].Pos
		if a.File != b.File {
			return a.File < b.File
		}
		return a.Line < b.Line || a.Line == b.Line && a.Col < b.Col
	})
}

// Add records an error at a place.
func (fs *Findings) Add(p Pos, hint, format string, args ...any) {
	*fs = append(*fs, Finding{Pos: p, Severity: Error, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// Warn records a warning at a place.
func (fs *Findings) Warn(p Pos, hint, format string, args ...any) {
	*fs = append(*fs, Finding{Pos: p, Severity: Warning, Message: fmt.Sprintf(format, args...), Hint: hint})
}

// File is a parsed file.
type File struct {
	Name string
	Root *yaml.Node // a mapping node
}

var yamlLine = regexp.MustCompile(`line (\d+):? ?(.*)`)

// Parse reads one file. The returned file is nil when it cannot be read at
// all; otherwise the findings name what was refused in it.
func Parse(name string, data []byte) (*File, Findings) {
	var fs Findings
	at := Pos{File: name, Line: 1, Col: 1}
	if len(data) > MaxSize {
		fs.Add(at, "split it, or move data into its own file", "the file has %d bytes; %d are the limit", len(data), MaxSize)
		return nil, fs
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(strings.NewReader(string(data)))
	if err := dec.Decode(&doc); err != nil {
		msg := strings.TrimPrefix(err.Error(), "yaml: ")
		if m := yamlLine.FindStringSubmatch(msg); m != nil {
			at.Line, _ = strconv.Atoi(m[1])
			msg = m[2]
		}
		if strings.Contains(err.Error(), "EOF") {
			fs.Add(at, "write at least its first key", "the file is empty")
		} else {
			fs.Add(at, "check indentation, quotes and colons near this line", "not valid YAML: %s", msg)
		}
		return nil, fs
	}
	var more yaml.Node
	if dec.Decode(&more) == nil {
		fs.Add(Pos{name, more.Line, more.Column}, "put it into a file of its own", "a second YAML document in the same file")
	}
	f := &File{Name: name, Root: doc.Content[0]}
	if f.Root.Kind != yaml.MappingNode {
		fs.Add(f.Pos(f.Root), "a file is a list of `key: value` lines", "expected a mapping, found %s", kindName(f.Root))
		return nil, fs
	}
	n := len(fs)
	f.refuse(f.Root, &fs)
	if fs[n:].Failed() {
		return nil, fs
	}
	return f, fs
}

// Pos returns the place of a node in the file.
func (f *File) Pos(n *yaml.Node) Pos { return Pos{File: f.Name, Line: n.Line, Col: n.Column} }

// refuse reports aliases, anchors, merge keys and duplicate keys.
func (f *File) refuse(n *yaml.Node, fs *Findings) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		fs.Add(f.Pos(n), "write the value out where it is needed", "YAML anchors and aliases are not accepted")
		return
	}
	if n.Kind == yaml.MappingNode {
		seen := map[string]int{}
		for i := 0; i < len(n.Content); i += 2 {
			k := n.Content[i]
			if k.Kind != yaml.ScalarNode {
				fs.Add(f.Pos(k), "", "a key must be plain text")
				continue
			}
			if first, ok := seen[k.Value]; ok {
				fs.Add(f.Pos(k), fmt.Sprintf("it stands in line %d already", first), "the key %q appears twice", k.Value)
			}
			seen[k.Value] = k.Line
		}
	}
	for _, c := range n.Content {
		f.refuse(c, fs)
	}
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode:
		switch n.Tag {
		case "!!null":
			return "nothing"
		case "!!bool":
			return "the boolean " + n.Value
		case "!!int", "!!float":
			return "the number " + n.Value
		}
		return strconv.Quote(n.Value)
	}
	return "something else"
}

// WithoutPath returns what went wrong with a file without the path that errors
// of fs and os repeat: a finding names the file already.
func WithoutPath(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
