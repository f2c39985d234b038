package cursor

import (
	"unicode/utf8"

	"github.com/crossdock/crossdock/core/mapping/internal/editor"
	"go.yaml.in/yaml/v3"
)

// spot is a place in the tree of a YAML file.
type spot struct {
	trail []step // from the root
	key   *yaml.Node
	value *yaml.Node // nil when there is none
	onKey bool
}

// step is one way down: a key of a mapping, or an entry of a list (key nil).
type step struct {
	owner, key *yaml.Node
}

// path is the trail as the schema of the language counts it.
func (s *spot) path() []string {
	var out []string
	for _, t := range s.trail {
		if t.key == nil {
			out = append(out, editor.Entry)
			continue
		}
		out = append(out, t.key.Value)
	}
	return out
}

// owner is the YAML mapping that the key at the place belongs to.
func (s *spot) owner() *yaml.Node {
	for i := len(s.trail) - 1; i >= 0; i-- {
		if s.trail[i].key != nil {
			return s.trail[i].owner
		}
	}
	return nil
}

func starts(n *yaml.Node, at Place) bool {
	return n.Line < at.Line || n.Line == at.Line && n.Column <= at.Col
}

// locate finds the key or value at a place; nil outside of everything.
func locate(root *yaml.Node, at Place) *spot {
	s := &spot{}
	for n := root; ; {
		switch n.Kind {
		case yaml.MappingNode:
			i := last(n, at, 2)
			if i < 0 {
				return s.orNil()
			}
			key, value := n.Content[i], n.Content[i+1]
			s.trail, s.key, s.value, s.onKey = append(s.trail, step{n, key}), key, value, covers(key, at)
			if s.onKey || !starts(value, at) {
				return s
			}
			n = value
		case yaml.SequenceNode:
			i := last(n, at, 1)
			if i < 0 {
				return s.orNil()
			}
			s.trail, s.value, s.onKey = append(s.trail, step{n, nil}), n.Content[i], false
			n = n.Content[i]
		default:
			return s
		}
	}
}

func (s *spot) orNil() *spot {
	if s.key == nil {
		return nil
	}
	s.onKey = false
	return s
}

// last is the index of the last key or entry that begins at or before a place.
func last(n *yaml.Node, at Place, width int) int {
	found := -1
	for i := 0; i < len(n.Content); i += width {
		if !starts(n.Content[i], at) {
			break
		}
		found = i
	}
	return found
}

// covers tells whether the place is in a key, or directly behind it.
func covers(n *yaml.Node, at Place) bool {
	return n.Line == at.Line && n.Column <= at.Col && at.Col <= n.Column+width(n)
}

// width is how many characters a scalar of one line takes.
func width(n *yaml.Node) int {
	w := utf8.RuneCountInString(n.Value)
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		w += 2
	}
	return w
}

func spanOf(file string, n *yaml.Node) Span {
	return Span{File: file, Line: n.Line, From: n.Column, To: n.Column + width(n)}
}

func placeOf(file string, n *yaml.Node) Place {
	return Place{File: file, Line: n.Line, Col: n.Column}
}

func child(n *yaml.Node, key string) *yaml.Node {
	_, v := entry(n, key)
	return v
}

func entry(n *yaml.Node, key string) (k, v *yaml.Node) {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}
