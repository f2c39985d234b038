// Package direct runs checked mappings over JSON bytes, without building the
// documents in between.
//
// A [Machine] is made of the same rules as a [program.Program] and gives the same
// results, byte for byte. It reads the source once, into a record whose members
// have fixed places because the schema of the source is known; evaluates
// expressions that were compiled to closures over such records; keeps the result
// as a record too; checks the target's constraints on it; and writes it down once.
//
// It knows only how things go right. Whatever is unusual makes it give up, and the
// program is run by the interpreter instead, which decides what the document
// deserves and words the error: a value of the wrong type, a code that is not in
// its list, a number with too many digits, a result that may break the schema.
// So there is one place that says what is wrong, and the fast way never has to be
// trusted with it. What remains to be compared is what both call right, and tests
// do that over generated documents and expressions.
//
// Expressions that a Machine cannot compile make the whole mapping one for the
// interpreter; [New] says which.
package direct

import (
	"context"
	"fmt"
	"sync"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/form"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Machine runs one mapping. It may run any number of times at once.
type Machine struct {
	p        *program.Program
	settings language.Settings
	source   *shape
	shapes   []*shape
	lets     []binding
	root     *rule
	asserts  []fn
	valid    *constraint // nil when the target's schema is not at hand
	vars     int
	frames   sync.Pool
}

// New compiles a program. The error says what the machine cannot do, with the
// place of the rule; it is no defect of the mapping.
func New(p *program.Program, s language.Settings, target *jsonschema.Schema) (*Machine, error) {
	m := &Machine{p: p, settings: s}
	c := newCompiler(m)
	if err := c.program(); err != nil {
		return nil, fmt.Errorf("%s%w", c.where, err)
	}
	m.valid = constraints(target, len(m.shapes))
	m.frames.New = func() any { return &frame{m: m, vars: make([]value, m.vars)} }
	return m, nil
}

// frame is one run. It is used again by later ones.
type frame struct {
	m    *Machine
	ctx  context.Context
	in   program.Facts
	runs int
	// gaveUp says that the interpreter must decide.
	gaveUp bool
	// counted says that steps are those of an expression with loops inside of loops.
	counted bool
	steps   int

	read    form.Scanner
	arena   []value // of records and lists
	stack   []value // items of lists that are not complete
	vars    []value
	out     value
	scratch []byte // of texts that are made
	json    []byte
}

// giveUp leaves the document to the interpreter.
func (f *frame) giveUp() value {
	f.gaveUp = true
	return value{}
}

// Run makes the target document of a source document. ok is false when the
// interpreter must decide; nothing has happened then. The document must not
// change meanwhile.
func (m *Machine) Run(ctx context.Context, doc []byte, in program.Facts) (out []byte, ok bool) {
	if len(doc) > document.MaxDocument || !utf8.Valid(doc) {
		return nil, false
	}
	f := m.frames.Get().(*frame)
	defer f.release()
	f.ctx, f.in = ctx, in
	// Texts of the record are parts of the document. None of them outlives the
	// run: the result is a copy.
	if !f.parse(unsafe.String(unsafe.SliceData(doc), len(doc))) {
		return nil, false
	}
	for _, b := range m.lets {
		f.vars[b.slot] = b.value(f)
	}
	f.out = value{}
	result := f.run(m.root)
	if f.gaveUp || result.kind != object {
		return nil, false
	}
	for _, a := range m.asserts {
		if v := a(f); v.kind != boolean || v.n == 0 || f.gaveUp {
			return nil, false
		}
	}
	f.json = f.append(f.json[:0], result)
	if len(f.json) > program.MaxOutput || f.gaveUp {
		return nil, false
	}
	if (m.valid == nil || m.valid.check(f, result) != fits) && !f.fits() {
		return nil, false
	}
	out = make([]byte, len(f.json))
	copy(out, f.json)
	return out, true
}

// fits asks the schema itself, where the compiled constraints could not say.
func (f *frame) fits() bool {
	n, err := document.Parse(f.json, language.NameOut)
	if err != nil {
		return false
	}
	broken, err := f.m.p.Valid(n, f.json)
	return err == nil && len(broken) == 0
}

// largestKept is how much memory a frame may keep for the next run, in values
// and bytes.
const largestKept = 1 << 20

func (f *frame) release() {
	// References into the document must not keep it alive.
	clear(f.arena)
	clear(f.stack[:cap(f.stack)])
	clear(f.vars)
	f.arena, f.stack = f.arena[:0], f.stack[:0]
	f.scratch = f.scratch[:0]
	if cap(f.arena) > largestKept || cap(f.json) > 16*largestKept || cap(f.scratch) > 16*largestKept {
		f.arena, f.stack, f.json, f.scratch = nil, nil, nil, nil
	}
	f.ctx, f.in, f.out, f.gaveUp, f.counted, f.runs = nil, program.Facts{}, value{}, false, false, 0
	f.read = form.Scanner{}
	f.m.frames.Put(f)
}

// tick counts rules, so that a run that takes too long ends.
func (f *frame) tick() bool {
	f.runs++
	if f.runs > program.MaxRuns || f.runs&255 == 0 && f.ctx.Err() != nil {
		f.gaveUp = true
	}
	return !f.gaveUp
}

func (f *frame) now() value {
	at := len(f.scratch)
	f.scratch = f.in.Now.UTC().AppendFormat(f.scratch, time.RFC3339Nano)
	return f.made(at)
}

// made is the text that was appended to the scratch space from at on. When the
// space grows, earlier texts keep the old one.
func (f *frame) made(at int) value {
	if len(f.scratch) == at {
		return value{kind: text}
	}
	return value{kind: text, s: unsafe.String(&f.scratch[at], len(f.scratch)-at)}
}

// unsupported is the error of what cannot be compiled.
var unsupported = fmt.Errorf
