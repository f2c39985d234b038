package edi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crossdock/crossdock/connectors/edi/shape"
	"github.com/crossdock/crossdock/connectors/edi/validate"
	"github.com/crossdock/crossdock/core/cli/internal/exit"
)

func diffCommand() *cobra.Command {
	var dir string
	var envelope bool
	c := &cobra.Command{
		Use: "diff <old> <new>", Short: "Tell what changed between two EDI files, value by value",
		Long: `Compares two files set by set. Sets belong together when they have the same
document number, otherwise the same control number; lines that were added or left
out do not make the others different. Every change is told with its path, its
place in the file, the old and the new value.

Dates, control numbers and separators of envelopes are not compared, unless
--envelope. The exit status is 0 when nothing differs, 1 when something does, 2 on
wrong use or when a file has no sets.`,
		Example: "  crossdock edi diff yesterday.edi today.edi\n  crossdock edi diff --json sent.edi received.edi",
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			a := toolOf(cmd)
			v := &validate.Validator{Grammars: library(dir)}
			var sides [2][]*document
			for i, name := range args {
				var err error
				if sides[i], err = a.read(name, v); err != nil {
					return &exit.Error{Code: 2, Err: err}
				}
			}
			changes := compare(sides[0], sides[1], envelope)
			if err := a.tell(changes); err != nil {
				return exit.Fail(err)
			}
			if len(changes) > 0 {
				return &exit.Error{Code: 1, Err: fmt.Errorf("the files differ in %d places", len(changes))}
			}
			return nil
		},
	}
	c.Flags().BoolVar(&envelope, "envelope", false, "compare dates, control numbers and separators of envelopes, too")
	c.Flags().StringVar(&dir, "grammars", "", grammarsFlag)
	return c
}

// document is one set, with the place of every value.
type document struct {
	set, key, control string
	root              *tree
	places            map[string]shape.Origin
	paired            bool
}

func (a *tool) read(name string, v *validate.Validator) ([]*document, error) {
	r, done, err := a.open(name)
	if err != nil {
		return nil, err
	}
	defer done()
	var out []*document
	s := shape.New(shape.Options{Lineage: true, Each: func(d *shape.Document) error {
		root, err := readTree(d.JSON)
		if err != nil {
			return err
		}
		one := &document{set: d.Set.ID, key: d.Key, control: d.Set.Control, root: root, places: make(map[string]shape.Origin, len(d.Lineage))}
		for _, o := range d.Lineage {
			one.places[o.Path] = o
		}
		out = append(out, one)
		return nil
	}})
	if err := v.Run(r, s); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no set was found; `crossdock edi validate %s` says why", name, name)
	}
	return out, nil
}

// change is one difference. Scripts rely on its JSON. Old or New is absent where
// something was added or left out.
type change struct {
	Set      string          `json:"set"`
	Key      string          `json:"key,omitempty"`
	Control  string          `json:"control_number,omitempty"`
	Path     string          `json:"path"` // JSON pointer; that of the old file, of the new one for what was added
	Place    string          `json:"place,omitempty"`
	Position int             `json:"segment_pos,omitempty"`
	Old      json.RawMessage `json:"old,omitempty"`
	New      json.RawMessage `json:"new,omitempty"`
}

func (a *tool) tell(changes []change) error {
	if a.json {
		enc := json.NewEncoder(a.out)
		enc.SetEscapeHTML(false)
		for i := range changes {
			if err := enc.Encode(&changes[i]); err != nil {
				return err
			}
		}
		return nil
	}
	last := ""
	for _, c := range changes {
		if head := strings.TrimSpace(c.Set+" "+c.Key) + " (" + c.Control + ")"; head != last {
			fmt.Fprintln(a.out, head)
			last = head
		}
		place := ""
		if c.Place != "" {
			place = fmt.Sprintf(" (%s, segment %d)", c.Place, c.Position)
		}
		switch {
		case c.Old == nil:
			fmt.Fprintf(a.out, "  + %s%s: %s\n", c.Path, place, c.New)
		case c.New == nil:
			fmt.Fprintf(a.out, "  - %s%s: %s\n", c.Path, place, c.Old)
		default:
			fmt.Fprintf(a.out, "  %s%s: %s -> %s\n", c.Path, place, c.Old, c.New)
		}
	}
	return nil
}

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
