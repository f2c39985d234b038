package edi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/shape"
)

// compare pairs the sets of two files and compares each pair.
func compare(old, current []*document, envelope bool) []change {
	partner := map[*document]*document{}
	for _, id := range []func(*document) string{
		func(d *document) string {
			if d.key == "" {
				return ""
			}
			return d.set + "\x00" + d.key
		},
		func(d *document) string { return d.set + "\x00" + d.control },
	} {
		waiting := map[string][]*document{}
		for _, d := range current {
			if k := id(d); k != "" && !d.paired {
				waiting[k] = append(waiting[k], d)
			}
		}
		for _, d := range old {
			if k := id(d); !d.paired && k != "" && len(waiting[k]) > 0 {
				partner[d] = waiting[k][0]
				waiting[k] = waiting[k][1:]
				d.paired, partner[d].paired = true, true
			}
		}
	}
	var out []change
	for _, d := range old {
		c := &comparison{old: d, current: partner[d], envelope: envelope}
		if c.current == nil {
			c.add(d.root, nil)
		} else {
			c.trees(d.root, c.current.root)
		}
		out = append(out, c.changes...)
	}
	for _, d := range current {
		if !d.paired {
			c := &comparison{old: d, current: d, envelope: envelope}
			c.add(nil, d.root)
			out = append(out, c.changes...)
		}
	}
	return out
}

// comparison is that of one pair of sets.
type comparison struct {
	old, current *document
	envelope     bool
	changes      []change
}

// add tells one change; what is nil was not there.
func (c *comparison) add(old, current *tree) {
	out := change{Set: c.old.set, Key: c.old.key, Control: c.old.control}
	at, places := old, c.old.places
	if old == nil {
		at, places = current, c.current.places
	}
	out.Path = at.path
	if o, ok := at.origin(places); ok {
		out.Position, out.Place = o.Position, o.Segment
		if at.kind == leaf && o.Element > 0 {
			out.Place += fmt.Sprintf("%02d", o.Element)
			if o.Component > 0 {
				out.Place += fmt.Sprintf("-%d", o.Component)
			}
		}
	}
	if old != nil {
		out.Old = old.raw
	}
	if current != nil {
		out.New = current.raw
	}
	c.changes = append(c.changes, out)
}

// unlike are members of envelopes that differ from file to file.
var unlike = []string{"control_number", "date", "time", "separators", "header", "una", "charset"}

func (c *comparison) skipped(at *tree) bool {
	if c.envelope {
		return false
	}
	top, rest, _ := strings.Cut(strings.TrimPrefix(at.path, "/"), "/")
	return (top == "interchange" || top == "group" || top == "transaction") && slices.Contains(unlike, rest)
}

func (c *comparison) trees(old, current *tree) {
	switch {
	case bytes.Equal(old.raw, current.raw) || c.skipped(old):
	case old.kind != current.kind || old.kind == leaf:
		c.add(old, current)
	case old.kind == listed:
		c.lists(old.children, current.children)
	default:
		c.objects(old, current)
	}
}

func (c *comparison) objects(old, current *tree) {
	for _, m := range old.children {
		if other := current.child(m.name); other != nil {
			c.trees(m, other)
		} else if !c.skipped(m) {
			c.add(m, nil)
		}
	}
	for _, m := range current.children {
		if old.child(m.name) == nil && !c.skipped(m) {
			c.add(nil, m)
		}
	}
}

// lists compares items in their order. Those that are the same on both sides are
// found first; between them, items are compared one by one, and what is left over
// was added or left out.
func (c *comparison) lists(old, current []*tree) {
	for len(old) > 0 && len(current) > 0 && bytes.Equal(old[0].raw, current[0].raw) {
		old, current = old[1:], current[1:]
	}
	for len(old) > 0 && len(current) > 0 && bytes.Equal(old[len(old)-1].raw, current[len(current)-1].raw) {
		old, current = old[:len(old)-1], current[:len(current)-1]
	}
	i, k := 0, 0
	for _, p := range append(common(old, current), [2]*tree{}) {
		to, until := len(old), len(current)
		if p[0] != nil {
			to, until = slices.Index(old, p[0]), slices.Index(current, p[1])
		}
		c.between(old[i:to], current[k:until])
		i, k = min(to+1, len(old)), min(until+1, len(current))
	}
}

// between compares items of which none are the same: those that have most values
// in common are one item that was changed.
func (c *comparison) between(old, current []*tree) {
	for len(old) > 0 && len(current) > 0 {
		switch {
		case len(old) > len(current) && !old[0].like(current[0]):
			c.add(old[0], nil)
			old = old[1:]
		case len(current) > len(old) && !old[0].like(current[0]):
			c.add(nil, current[0])
			current = current[1:]
		default:
			c.trees(old[0], current[0])
			old, current = old[1:], current[1:]
		}
	}
	for _, one := range old {
		c.add(one, nil)
	}
	for _, one := range current {
		c.add(nil, one)
	}
}

// common finds the longest sequence of items that are on both sides, unless there
// are too many.
func common(old, current []*tree) [][2]*tree {
	const most = 4 << 20
	if len(old)*len(current) > most || len(old) == 0 || len(current) == 0 {
		return nil
	}
	// length[i][k] is that of the items from i and k on.
	length := make([][]int32, len(old)+1)
	for i := range length {
		length[i] = make([]int32, len(current)+1)
	}
	for i := len(old) - 1; i >= 0; i-- {
		for k := len(current) - 1; k >= 0; k-- {
			if bytes.Equal(old[i].raw, current[k].raw) {
				length[i][k] = length[i+1][k+1] + 1
			} else {
				length[i][k] = max(length[i+1][k], length[i][k+1])
			}
		}
	}
	var out [][2]*tree
	for i, k := 0, 0; i < len(old) && k < len(current); {
		switch {
		case bytes.Equal(old[i].raw, current[k].raw):
			out = append(out, [2]*tree{old[i], current[k]})
			i, k = i+1, k+1
		case length[i+1][k] >= length[i][k+1]:
			i++
		default:
			k++
		}
	}
	return out
}

type treeKind uint8

const (
	leaf treeKind = iota
	objects
	listed
)

// tree is a JSON value with its text and its path.
type tree struct {
	kind     treeKind
	name     string
	path     string
	raw      json.RawMessage
	children []*tree
}

// readTree reads JSON that package shape wrote.
func readTree(doc []byte) (*tree, error) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	return treeOf(dec, bytes.Clone(doc), "", "")
}

func treeOf(dec *json.Decoder, doc []byte, name, path string) (*tree, error) {
	out := &tree{name: name, path: path}
	from := dec.InputOffset()
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		out.kind = objects
	case json.Delim('['):
		out.kind = listed
	}
	for n := 0; out.kind != leaf && dec.More(); n++ {
		member := strconv.Itoa(n)
		if out.kind == objects {
			t, err := dec.Token()
			if err != nil {
				return nil, err
			}
			var ok bool
			if member, ok = t.(string); !ok {
				return nil, errors.New("a member has no name")
			}
		}
		escaped := strings.ReplaceAll(strings.ReplaceAll(member, "~", "~0"), "/", "~1")
		one, err := treeOf(dec, doc, member, path+"/"+escaped)
		if err != nil {
			return nil, err
		}
		out.children = append(out.children, one)
	}
	if out.kind != leaf {
		if _, err := dec.Token(); err != nil {
			return nil, err
		}
	}
	out.raw = bytes.TrimLeft(doc[from:dec.InputOffset()], ",: ")
	return out, nil
}

func (t *tree) child(name string) *tree {
	for _, c := range t.children {
		if c.name == name {
			return c
		}
	}
	return nil
}

// like tells that at least half of the members are the same.
func (t *tree) like(other *tree) bool {
	same := 0
	for _, c := range t.children {
		if o := other.child(c.name); o != nil && bytes.Equal(c.raw, o.raw) {
			same++
		}
	}
	return 2*same >= max(len(t.children), len(other.children))
}

// origin is the place of a value, or of the first one in it.
func (t *tree) origin(places map[string]shape.Origin) (shape.Origin, bool) {
	if o, ok := places[t.path]; ok {
		return o, true
	}
	for _, c := range t.children {
		if o, ok := c.origin(places); ok {
			return o, true
		}
	}
	return shape.Origin{}, false
}
