package mapping

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

type kind uint8

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString
	kindObject
	kindArray
)

func (k kind) String() string {
	return [...]string{"null", "true or false", "a number", "text", "an object", "a list"}[k]
}

// node is one JSON value that knows where it stands. Numbers keep their text.
// A node never changes once its document is complete.
type node struct {
	kind   kind
	truth  bool
	text   string // of a string, or the digits of a number
	keys   []string
	kids   []*node
	index  map[string]int // of keys, for large objects
	parent *node
	key    string // in a parent object, or the name of the root: "src"
	pos    int    // in a parent array
	origin any    // what made the node, for those who build documents
}

// largeObject is the number of members from which a map is faster than a scan.
const largeObject = 12

func (n *node) get(key string) *node {
	if n.index != nil {
		if i, ok := n.index[key]; ok {
			return n.kids[i]
		}
		return nil
	}
	for i, k := range n.keys {
		if k == key {
			return n.kids[i]
		}
	}
	return nil
}

func (n *node) put(key string, kid *node) {
	if n.keys == nil {
		const usual = 8 // members of an object
		n.keys, n.kids = make([]string, 0, usual), make([]*node, 0, usual)
	}
	n.keys = append(n.keys, key)
	n.kids = append(n.kids, kid)
	switch {
	case n.index != nil:
		n.index[key] = len(n.keys) - 1
	case len(n.keys) > largeObject:
		n.index = make(map[string]int, 2*largeObject)
		for i, k := range n.keys {
			n.index[k] = i
		}
	}
}

// path is the node's place, such as src.po1[3].ids.UP.
func (n *node) path() string {
	if n.parent == nil {
		return n.key
	}
	if n.parent.kind == kindArray {
		return n.parent.path() + "[" + strconv.Itoa(n.pos) + "]"
	}
	return n.parent.path() + "." + n.key
}

// adopt sets the places of all nodes below n.
func (n *node) adopt() {
	for i, k := range n.kids {
		k.parent, k.pos = n, i
		if n.kind == kindObject {
			k.key = n.keys[i]
		}
		k.adopt()
	}
}

// copied returns the value without its place, so that it can stand elsewhere.
func (n *node) copied() *node {
	c := *n
	c.parent, c.key, c.pos = nil, "", 0
	if len(n.kids) > 0 {
		c.kids = make([]*node, len(n.kids))
		for i, k := range n.kids {
			kid := k.copied()
			kid.parent, kid.key, kid.pos = &c, k.key, i
			c.kids[i] = kid
		}
	}
	return &c
}

func textNode(s string) *node      { return &node{kind: kindString, text: s} }
func numberNode(s string) *node    { return &node{kind: kindNumber, text: s} }
func boolNode(b bool) *node        { return &node{kind: kindBool, truth: b} }
func objectNode(name string) *node { return &node{kind: kindObject, key: name} }

// any returns the value as encoding/json would decode it with UseNumber.
func (n *node) any() any {
	switch n.kind {
	case kindBool:
		return n.truth
	case kindNumber:
		return json.Number(n.text)
	case kindString:
		return n.text
	case kindObject:
		m := make(map[string]any, len(n.keys))
		for i, k := range n.keys {
			m[k] = n.kids[i].any()
		}
		return m
	case kindArray:
		l := make([]any, len(n.kids))
		for i, k := range n.kids {
			l[i] = k.any()
		}
		return l
	}
	return nil
}

// fromAny is the inverse of any, with members in alphabetical order.
func fromAny(v any) (*node, error) {
	switch v := v.(type) {
	case nil:
		return &node{kind: kindNull}, nil
	case bool:
		return boolNode(v), nil
	case string:
		return textNode(v), nil
	case int:
		return numberNode(strconv.Itoa(v)), nil
	case int64:
		return numberNode(strconv.FormatInt(v, 10)), nil
	case json.Number:
		return numberNode(v.String()), nil
	case float64:
		return numberNode(strconv.FormatFloat(v, 'f', -1, 64)), nil
	case []any:
		n := &node{kind: kindArray}
		for _, e := range v {
			k, err := fromAny(e)
			if err != nil {
				return nil, err
			}
			n.kids = append(n.kids, k)
		}
		return n, nil
	case map[string]any:
		n := objectNode("")
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, key := range keys {
			k, err := fromAny(v[key])
			if err != nil {
				return nil, err
			}
			n.put(key, k)
		}
		return n, nil
	}
	return nil, fmt.Errorf("a value of type %T is not JSON", v)
}

// appendJSON writes the value without spaces.
func (n *node) appendJSON(b []byte) []byte {
	switch n.kind {
	case kindNull:
		return append(b, "null"...)
	case kindBool:
		return strconv.AppendBool(b, n.truth)
	case kindNumber:
		return append(b, n.text...)
	case kindString:
		return appendText(b, n.text)
	case kindArray:
		b = append(b, '[')
		for i, k := range n.kids {
			if i > 0 {
				b = append(b, ',')
			}
			b = k.appendJSON(b)
		}
		return append(b, ']')
	}
	b = append(b, '{')
	for i, k := range n.kids {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(b, n.keys[i])
		b = append(b, ':')
		b = k.appendJSON(b)
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

// short shows a value in an error.
func (n *node) short() string {
	const most = 80
	s := n.text
	if n.kind != kindString && n.kind != kindNumber {
		s = string(n.appendJSON(nil))
	}
	return shorten(s, most)
}

func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
