package compose

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The limits of a document. A set of a hundred thousand lines stays below them;
// what is larger comes in parts.
const (
	MaxDocument = 64 << 20 // bytes
	maxDepth    = 64       // objects and lists in each other
	maxValues   = 3 << 20
)

// Document is a set as named JSON, in the form that package shape writes.
type Document struct {
	root *value
}

// Read reads a document. Members keep their order. What hides something is an
// error: a member that comes twice, text that is not UTF-8, anything behind the
// document.
func Read(doc []byte) (*Document, error) {
	if len(doc) > MaxDocument {
		return nil, fmt.Errorf("the document has %d bytes, the limit is %d: hand it over in parts", len(doc), MaxDocument)
	}
	if !utf8.Valid(doc) {
		return nil, errors.New("the document is not UTF-8 text")
	}
	if !json.Valid(doc) {
		var syntax *json.SyntaxError
		if err := json.Unmarshal(doc, new(json.RawMessage)); errors.As(err, &syntax) {
			return nil, fmt.Errorf("the document is no JSON: byte %d: %w", syntax.Offset, syntax)
		}
		return nil, errors.New("the document is no JSON")
	}
	r := reader{text: doc}
	root := r.value(&value{}, 0)
	if r.err != nil {
		return nil, r.err
	}
	if root.kind != object {
		return nil, fmt.Errorf("the document is %s; a set is an object such as {\"purchase_order\": {…}}", root.kind)
	}
	return &Document{root: root}, nil
}

type kind uint8

const (
	null kind = iota
	text
	number
	boolean
	object
	list
)

func (k kind) String() string {
	return [...]string{"null", "text", "a number", "true or false", "an object", "a list"}[k]
}

// value is a JSON value that knows its place.
type value struct {
	kind    kind
	text    string // of text, numbers and booleans
	members []member
	items   []*value
	up      *value
	name    string // of the member
	index   int    // of the item
}

type member struct {
	value *value
	taken int // above 0: written; of segments, how many items of the list
}

// absent tells that a value says nothing: mappings write null and "" for what a
// source does not have.
func (v *value) absent() bool { return v == nil || v.kind == null || v.kind == text && v.text == "" }

// member returns the member of a name, nil when there is none.
func (v *value) member(name string) *member {
	if v == nil {
		return nil
	}
	for i := range v.members {
		if v.members[i].value.name == name {
			return &v.members[i]
		}
	}
	return nil
}

// get returns the value of a member, nil when it is absent.
func (v *value) get(name string) *value {
	if m := v.member(name); m != nil && !m.value.absent() {
		return m.value
	}
	return nil
}

// untaken forgets what was written before.
func (v *value) untaken() {
	for i := range v.members {
		v.members[i].taken = 0
		v.members[i].value.untaken()
	}
	for _, one := range v.items {
		one.untaken()
	}
}

// pointer is the place in the document (RFC 6901).
func (v *value) pointer() string {
	if v == nil || v.up == nil {
		return ""
	}
	if v.up.kind == list {
		return v.up.pointer() + "/" + strconv.Itoa(v.index)
	}
	return v.up.pointer() + "/" + escaped(v.name)
}

// latin tells whether the value's document was read in ISO 8859-1. The parts of
// a set can differ: the first characters that are not UTF-8 may come late.
func (v *value) latin() bool {
	if v == nil {
		return false
	}
	for v.up != nil {
		v = v.up
	}
	charset := v.get("interchange").get("charset")
	return charset != nil && charset.text == latin1
}

func escaped(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}

// same compares two values; the order of members does not matter, nor do those
// named in but.
func same(a, b *value, but ...string) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.kind != b.kind || a.text != b.text || len(a.items) != len(b.items) {
		return false
	}
	for i := range a.items {
		if !same(a.items[i], b.items[i]) {
			return false
		}
	}
	return within(a, b, but) && within(b, a, but)
}

// within tells whether b has all members of a.
func within(a, b *value, but []string) bool {
	for _, m := range a.members {
		if slices.Contains(but, m.value.name) {
			continue
		}
		other := b.member(m.value.name)
		if other == nil || !same(m.value, other.value) {
			return false
		}
	}
	return true
}

// reader reads JSON that is known to be valid.
type reader struct {
	text   []byte
	at     int
	values int
	err    error
}

func (r *reader) fail(v *value, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %s", orRoot(v.pointer()), fmt.Sprintf(format, args...))
	}
}

func orRoot(pointer string) string {
	if pointer == "" {
		return "the document"
	}
	return pointer
}

// next returns the next character that is no blank, without taking it.
func (r *reader) next() byte {
	for {
		switch c := r.text[r.at]; c {
		case ' ', '\t', '\r', '\n':
			r.at++
		default:
			return c
		}
	}
}

// value reads into v, which knows its place already.
func (r *reader) value(v *value, depth int) *value {
	if r.values++; r.values > maxValues {
		r.fail(v, "the document has more than %d values: hand it over in parts", maxValues)
		return v
	}
	if depth > maxDepth {
		r.fail(v, "objects and lists are nested deeper than %d", maxDepth)
		return v
	}
	switch c := r.next(); c {
	case '{':
		v.kind = object
		r.object(v, depth)
	case '[':
		v.kind = list
		r.list(v, depth)
	case '"':
		v.kind, v.text = text, r.string(v)
	case 't', 'f', 'n':
		v.kind, v.text = boolean, r.word()
		if c == 'n' {
			v.kind = null
		}
	default:
		v.kind, v.text = number, r.word()
	}
	return v
}

func (r *reader) object(v *value, depth int) {
	const few = 16
	var seen map[string]bool
	for r.at++; r.next() != '}' && r.err == nil; {
		if r.text[r.at] == ',' {
			r.at++
			r.next()
		}
		name := r.string(v)
		double := seen[name]
		if seen == nil {
			double = v.member(name) != nil
		}
		if double {
			r.fail(v, "the member %q comes twice", name)
			return
		}
		r.next()
		r.at++ // the colon
		v.members = append(v.members, member{value: r.value(&value{up: v, name: name}, depth+1)})
		switch {
		case seen != nil:
			seen[name] = true
		case len(v.members) == few:
			seen = make(map[string]bool, 2*few)
			for _, m := range v.members {
				seen[m.value.name] = true
			}
		}
	}
	r.at++
}

func (r *reader) list(v *value, depth int) {
	for r.at++; r.next() != ']' && r.err == nil; {
		if r.text[r.at] == ',' {
			r.at++
		}
		v.items = append(v.items, r.value(&value{up: v, index: len(v.items)}, depth+1))
	}
	r.at++
}

func (r *reader) word() string {
	from := r.at
	for r.at < len(r.text) && !strings.ContainsRune(",]} \t\r\n", rune(r.text[r.at])) {
		r.at++
	}
	return string(r.text[from:r.at])
}

// string reads text. Half of a surrogate pair is no character, and would be
// replaced silently.
func (r *reader) string(v *value) string {
	from, plain := r.at, true
	for r.at++; r.text[r.at] != '"'; r.at++ {
		if r.text[r.at] == '\\' {
			plain = false
			r.at++
		}
	}
	r.at++
	raw := r.text[from:r.at]
	if plain {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		r.fail(v, "%v", err)
	}
	const replaced = "\ufffd"
	if strings.Count(s, replaced) > strings.Count(string(raw), replaced)+strings.Count(strings.ToLower(string(raw)), `\ufffd`) {
		r.fail(v, "the text %s has half of a surrogate pair in it", raw)
	}
	return s
}
