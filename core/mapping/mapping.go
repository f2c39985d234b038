package mapping

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// Mapping is a checked mapping, ready to run. It never changes and may be used
// by any number of goroutines at once.
type Mapping struct {
	name, version, owner, description  string
	target, sourceEntity, sourceFormat string
	path                               string

	settings settings
	onError  policy
	empty    emptiness
	src, dst *Schema
	lets     []binding
	root     *rule
	asserts  []assertion
	valid    validator
	cases    []testCase
	lineage  map[string][]string
	unread   []string
}

// MaxOutput is the largest result of a mapping in bytes.
const MaxOutput = 64 << 20

// Input is what a run knows besides the document.
type Input struct {
	// MessageID is messageId in expressions, and is named in errors.
	MessageID string
	// Meta is meta["…"] in expressions.
	Meta map[string]string
	// Now is what now() gives, so that a replay gives what the first run gave.
	Now time.Time
	// Lookup answers table lookups; nil fails them.
	Lookup LookupFunc
}

// Output is the result of a run.
type Output struct {
	// Doc is the JSON of the result, members in the order of the rules.
	Doc []byte
	// Warnings come from rules with `onError: warn`.
	Warnings []Finding
}

// Check reads a mapping file of fsys and checks it against the schemas of its
// source and target. It returns all findings, in the order of the file, and nil
// instead of a mapping when any of them is an error.
func Check(fsys fs.FS, path string) (*Mapping, []Finding) {
	file, found := readSource(fsys, path)
	if file == nil {
		return nil, found
	}
	c := &compiler{fsys: fsys, file: file, found: found, reads: map[string]bool{}, wholes: map[string]bool{}}
	c.m = &Mapping{path: path, lineage: map[string][]string{}}
	c.compile()
	c.m.src, c.m.dst = c.src, c.dst
	out := c.sorted()
	if slices.ContainsFunc(out, func(f Finding) bool { return f.Severity != SeverityWarning }) {
		return nil, out
	}
	return c.m, out
}

func (c *compiler) sorted() []Finding {
	sort.SliceStable(c.found, func(i, j int) bool {
		a, b := c.found[i], c.found[j]
		if a.File != b.File {
			// The mapping itself comes before its fragments.
			return a.File == c.file.name || b.File != c.file.name && a.File < b.File
		}
		if a.Line != b.Line {
			return a.Line < b.Line
		}
		return a.Col < b.Col
	})
	return slices.Compact(c.found)
}

// Name is the name that the file gives itself.
func (m *Mapping) Name() string { return m.name }

// Version is the mapping's own version, such as 3.2.0.
func (m *Mapping) Version() string { return m.version }

// Owner is who answers for the mapping.
func (m *Mapping) Owner() string { return m.owner }

// Description says what the mapping is for.
func (m *Mapping) Description() string { return m.description }

// Path is the file within the configuration folder.
func (m *Mapping) Path() string { return m.path }

// Target is the canonical entity that the mapping makes, as the file spells it,
// or "" when the target is the format of another system.
func (m *Mapping) Target() string { return m.target }

// SourceEntity is the canonical entity that the mapping begins at, or "".
func (m *Mapping) SourceEntity() string { return m.sourceEntity }

// SourceFormat is the format of the source, such as x12/850, or "".
func (m *Mapping) SourceFormat() string { return m.sourceFormat }

// Lineage tells for every field of the result from which members of the source
// it is computed: lines[].sku from src.po1[].ids.UP.
func (m *Mapping) Lineage() map[string][]string {
	out := make(map[string][]string, len(m.lineage))
	for k, v := range m.lineage {
		out[k] = slices.Clone(v)
	}
	return out
}

// Unread lists the members of the source that no expression reads and `ignore`
// does not name.
func (m *Mapping) Unread() []string { return slices.Clone(m.unread) }

func (m *Mapping) errorAt(p place, messageID string) *Error {
	return &Error{Mapping: m.name, Version: m.version, File: p.file, Line: p.line, Col: p.col, MessageID: messageID}
}

// Map makes the target document of one source document. The error is an
// [*Error]. ctx ends a run that takes too long.
func (m *Mapping) Map(ctx context.Context, doc []byte, in Input) (Output, error) {
	src, err := parse(doc, nameSrc)
	if err != nil {
		e := m.errorAt(place{m.path, 1, 1}, in.MessageID)
		e.Source, e.Reason = nameSrc, err.Error()
		return Output{}, e
	}
	f := &frame{ctx: ctx, m: m, in: in, src: src, metaValue: metaValue(in.Meta)}
	f.srcValue = value(src, m.src)
	if bad, ok := f.srcValue.(*types.Err); ok {
		e := m.errorAt(place{m.path, 1, 1}, in.MessageID)
		e.Source, e.Reason = nameSrc, bad.String()
		return Output{}, e
	}
	for _, b := range m.lets {
		v, err := f.bind(b)
		if err != nil {
			// The rules that use the variable decide what that means.
			v = variable{val: types.WrapErr(err)}
		}
		v.name = b.name
		f.vars = append(f.vars, v)
	}
	n, _, err := f.run(m.root)
	if err != nil {
		return Output{}, f.fail(m.root, nil, err)
	}
	n.origin = nil
	return m.finish(f, n)
}

// finish checks a result.
func (m *Mapping) finish(f *frame, n *node) (Output, error) {
	for _, a := range m.asserts {
		ok, err := f.truth(a.that)
		if err == nil && ok {
			continue
		}
		e := m.errorAt(a.at, f.in.MessageID)
		e.Reason = "the assertion failed: " + a.message
		if err != nil {
			e.Reason = fmt.Sprintf("the assertion %q could not be checked: %v", a.message, err)
		}
		f.blame(e, a.that)
		return Output{}, e
	}
	doc := n.appendJSON(nil)
	if len(doc) > MaxOutput {
		e := m.errorAt(m.root.at, f.in.MessageID)
		e.Reason = fmt.Sprintf("the result has %d bytes; %d are the limit", len(doc), MaxOutput)
		return Output{}, e
	}
	all, err := m.valid(n, doc)
	if err != nil {
		e := m.errorAt(m.root.at, f.in.MessageID)
		e.Reason, e.Err = "the result could not be validated: "+err.Error(), err
		return Output{}, e
	}
	if len(all) > 0 {
		return Output{}, m.invalid(n, all, f.in.MessageID)
	}
	return Output{Doc: doc, Warnings: f.warnings}, nil
}

// metaValue shows metadata to CEL.
func metaValue(meta map[string]string) ref.Val {
	if meta == nil {
		meta = map[string]string{}
	}
	return types.NewStringStringMap(defaultAdapter, meta)
}
