// Package document holds JSON documents as mappings see them: values that know
// where they stand (src.po1[3].ids.UP), members in their order, and numbers with
// the digits they arrived with.
package document

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of one document. They bound what a hostile partner can make a mapping
// do; real orders of 20,000 lines stay far below them.
const (
	// MaxDocument is the largest source document in bytes.
	MaxDocument = 32 << 20
	// MaxDepth is how deep objects and arrays may nest.
	MaxDepth = 64
)

// Kind is the JSON type of a value.
type Kind uint8

// The JSON types.
const (
	Null Kind = iota
	Bool
	Number
	Text
	Object
	List
)

// String names the kind in messages.
func (k Kind) String() string {
	return [...]string{"null", "true or false", "a number", "text", "an object", "a list"}[k]
}

// Node is one JSON value that knows where it stands. Numbers keep their text.
// A node never changes once its document is complete.
type Node struct {
	Kind   Kind
	Truth  bool
	Text   string // of a string, or the digits of a number
	Keys   []string
	Kids   []*Node
	index  map[string]int // of keys, for large objects
	Parent *Node
	Key    string // in a parent object, or the name of the root: "src"
	Pos    int    // in a parent array
	Origin any    // what made the node, for those who build documents
}

// largeObject is the number of members from which a map is faster than a scan.
const largeObject = 12

// Get returns a member of an object, nil when it is not there.
func (n *Node) Get(key string) *Node {
	if n.index != nil {
		if i, ok := n.index[key]; ok {
			return n.Kids[i]
		}
		return nil
	}
	for i, k := range n.Keys {
		if k == key {
			return n.Kids[i]
		}
	}
	return nil
}

// Put adds a member to an object, behind the others.
func (n *Node) Put(key string, kid *Node) {
	if n.Keys == nil {
		const usual = 8 // members of an object
		n.Keys, n.Kids = make([]string, 0, usual), make([]*Node, 0, usual)
	}
	n.Keys = append(n.Keys, key)
	n.Kids = append(n.Kids, kid)
	switch {
	case n.index != nil:
		n.index[key] = len(n.Keys) - 1
	case len(n.Keys) > largeObject:
		n.index = make(map[string]int, 2*largeObject)
		for i, k := range n.Keys {
			n.index[k] = i
		}
	}
}

// Path is the node's place, such as src.po1[3].ids.UP.
func (n *Node) Path() string {
	if n.Parent == nil {
		return n.Key
	}
	if n.Parent.Kind == List {
		return n.Parent.Path() + "[" + strconv.Itoa(n.Pos) + "]"
	}
	return n.Parent.Path() + "." + n.Key
}

// Adopt sets the places of all nodes below n.
func (n *Node) Adopt() {
	for i, k := range n.Kids {
		k.Parent, k.Pos = n, i
		if n.Kind == Object {
			k.Key = n.Keys[i]
		}
		k.Adopt()
	}
}

// Copied returns the value without its place, so that it can stand elsewhere.
func (n *Node) Copied() *Node {
	c := *n
	c.Parent, c.Key, c.Pos = nil, "", 0
	if len(n.Kids) > 0 {
		c.Kids = make([]*Node, len(n.Kids))
		for i, k := range n.Kids {
			kid := k.Copied()
			kid.Parent, kid.Key, kid.Pos = &c, k.Key, i
			c.Kids[i] = kid
		}
	}
	return &c
}

// NewText makes a string.
func NewText(s string) *Node { return &Node{Kind: Text, Text: s} }

// NewNumber makes a number of its digits, which must be those of JSON.
func NewNumber(digits string) *Node { return &Node{Kind: Number, Text: digits} }

// NewBool makes true or false.
func NewBool(b bool) *Node { return &Node{Kind: Bool, Truth: b} }

// NewObject makes an object without members; name is what paths call it.
func NewObject(name string) *Node { return &Node{Kind: Object, Key: name} }

// Any returns the value as encoding/json would decode it with UseNumber.
func (n *Node) Any() any {
	switch n.Kind {
	case Bool:
		return n.Truth
	case Number:
		return json.Number(n.Text)
	case Text:
		return n.Text
	case Object:
		m := make(map[string]any, len(n.Keys))
		for i, k := range n.Keys {
			m[k] = n.Kids[i].Any()
		}
		return m
	case List:
		l := make([]any, len(n.Kids))
		for i, k := range n.Kids {
			l[i] = k.Any()
		}
		return l
	}
	return nil
}

// FromAny is the inverse of any, with members in alphabetical order.
func FromAny(v any) (*Node, error) {
	switch v := v.(type) {
	case nil:
		return &Node{Kind: Null}, nil
	case bool:
		return NewBool(v), nil
	case string:
		return NewText(v), nil
	case int:
		return NewNumber(strconv.Itoa(v)), nil
	case int64:
		return NewNumber(strconv.FormatInt(v, 10)), nil
	case json.Number:
		return NewNumber(v.String()), nil
	case float64:
		return NewNumber(strconv.FormatFloat(v, 'f', -1, 64)), nil
	case []any:
		n := &Node{Kind: List}
		for _, e := range v {
			k, err := FromAny(e)
			if err != nil {
				return nil, err
			}
			n.Kids = append(n.Kids, k)
		}
		return n, nil
	case map[string]any:
		n := NewObject("")
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, key := range keys {
			k, err := FromAny(v[key])
			if err != nil {
				return nil, err
			}
			n.Put(key, k)
		}
		return n, nil
	}
	return nil, fmt.Errorf("a value of type %T is not JSON", v)
}

// AppendJSON writes the value without spaces.
func (n *Node) AppendJSON(b []byte) []byte {
	switch n.Kind {
	case Null:
		return append(b, "null"...)
	case Bool:
		return strconv.AppendBool(b, n.Truth)
	case Number:
		return append(b, n.Text...)
	case Text:
		return appendText(b, n.Text)
	case List:
		b = append(b, '[')
		for i, k := range n.Kids {
			if i > 0 {
				b = append(b, ',')
			}
			b = k.AppendJSON(b)
		}
		return append(b, ']')
	}
	b = append(b, '{')
	for i, k := range n.Kids {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, n.Keys[i])
		b = append(b, ':')
		b = k.AppendJSON(b)
	}
	return append(b, '}')
}

func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[start:i]...), `\ufffd`...)
				start = i + 1
			}
			i += size
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

// Short shows a value in an error.
func (n *Node) Short() string {
	const most = 80
	s := n.Text
	if n.Kind != Text && n.Kind != Number {
		s = string(n.AppendJSON(nil))
	}
	return Shorten(s, most)
}

// Shorten cuts text at most bytes, between characters.
func Shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
