package mapping

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/crossdock/crossdock/core/mapping/internal/check"
	"github.com/crossdock/crossdock/core/mapping/internal/direct"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// Mapping is a checked mapping, ready to run. It never changes and may be used
// by any number of goroutines at once.
type Mapping struct {
	checked *check.Mapping // what the check made of the file
	// direct runs documents that have nothing unusual; nil, with the reason, when
	// the mapping needs the interpreter for all.
	direct      *direct.Machine
	interpreted error
}

// MaxOutput is the largest result of a mapping in bytes.
const MaxOutput = program.MaxOutput

// Ignored is a member of the source that nobody reads on purpose.
type Ignored = check.Ignored

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
	return checked(fsys, schema.NewCatalog(fsys), path)
}

func checked(fsys fs.FS, schemas *schema.Catalog, path string) (*Mapping, []Finding) {
	file, found := check.File(fsys, schemas, path)
	if file == nil || check.Failed(found) {
		return nil, found
	}
	m := &Mapping{checked: file}
	m.direct, m.interpreted = direct.New(&file.Program, file.Settings, file.Constraints)
	return m, found
}

// Name is the name that the file gives itself.
func (m *Mapping) Name() string { return m.checked.Name }

// Version is the mapping's own version, such as 3.2.0.
func (m *Mapping) Version() string { return m.checked.Version }

// Owner is who answers for the mapping.
func (m *Mapping) Owner() string { return m.checked.Owner }

// Description says what the mapping is for.
func (m *Mapping) Description() string { return m.checked.Description }

// Path is the file within the configuration folder.
func (m *Mapping) Path() string { return m.checked.Path }

// Target is the canonical entity that the mapping makes, as the file spells it,
// or "" when the target is the format of another system.
func (m *Mapping) Target() string { return m.checked.Target }

// SourceEntity is the canonical entity that the mapping begins at, or "".
func (m *Mapping) SourceEntity() string { return m.checked.SourceEntity }

// SourceFormat is the format of the source, such as x12/850, or "".
func (m *Mapping) SourceFormat() string { return m.checked.SourceFormat }

// Lineage tells for every field of the result from which members of the source
// it is computed: lines[].sku from src.po1[].ids.UP. Derivations tells more.
func (m *Mapping) Lineage() map[string][]string { return m.checked.Explained().Lineage() }

// Unread lists the members of the source that no expression reads and `ignore`
// does not name.
func (m *Mapping) Unread() []string { return slices.Clone(m.checked.Unread) }

// Interpreted says why the interpreter runs all documents of the mapping, nil when
// it runs only those that have something unusual. The results are the same; the
// interpreter takes ten times as long.
func (m *Mapping) Interpreted() error { return m.interpreted }

// Ignored lists the members of the source that nobody reads on purpose, in the
// order of the file.
func (m *Mapping) Ignored() []Ignored { return slices.Clone(m.checked.Ignored) }

// Map makes the target document of one source document. The error is an
// [*Error]. ctx ends a run that takes too long.
func (m *Mapping) Map(ctx context.Context, doc []byte, in Input) (Output, error) {
	return m.run(ctx, doc, in, nil)
}

func (m *Mapping) run(ctx context.Context, doc []byte, in Input, observe func(program.Step)) (Output, error) {
	known := program.Facts{MessageID: in.MessageID, Meta: in.Meta, Now: in.Now, Observe: observe}
	if in.Lookup != nil {
		known.Lookup = func(ctx context.Context, name, key string) (string, bool, error) {
			return in.Lookup(ctx, m.checked.Lookups[name], key)
		}
	}
	made, ok, defect := m.runDirect(ctx, doc, known)
	if ok {
		return Output{Doc: made}, nil
	}
	result, warnings, failed := m.checked.Program.Run(ctx, doc, known)
	if failed != nil {
		at := failed.At
		if at.File == "" {
			at = strictyaml.Pos{File: m.checked.Path, Line: 1, Col: 1}
		}
		return Output{}, &Error{
			Mapping: m.checked.Name, Version: m.checked.Version, File: at.File, Line: at.Line, Col: at.Col,
			Target: failed.Target, Source: failed.Source, Value: failed.Value, MessageID: in.MessageID, Reason: failed.Reason, Err: failed.Err,
		}
	}
	out := Output{Doc: result}
	if defect != "" {
		out.Warnings = append(out.Warnings, Finding{File: m.checked.Path, Line: 1, Col: 1, Severity: SeverityWarning, Code: CodeRuntime, Message: defect})
	}
	for _, w := range warnings {
		out.Warnings = append(out.Warnings, Finding{
			File: w.At.File, Line: w.At.Line, Col: w.At.Col, Severity: SeverityWarning, Code: CodeRuntime, Message: w.Text,
		})
	}
	return out, nil
}

// runDirect runs a document without the interpreter, when nothing is unusual about
// it. A defect of the machine must not end the process that other documents pass
// through, as long as the interpreter can do without it; it is told as a warning
// that goes with the message.
func (m *Mapping) runDirect(ctx context.Context, doc []byte, known program.Facts) (out []byte, ok bool, defect string) {
	if m.direct == nil || known.Observe != nil {
		return nil, false, "" // the machine does not tell what rules do
	}
	defer func() {
		if r := recover(); r != nil {
			out, ok = nil, false
			defect = fmt.Sprintf("a defect of Crossdock made the interpreter map this document: %v; the result is not affected, please report it with the document", r)
		}
	}()
	out, ok = m.direct.Run(ctx, doc, known)
	return out, ok, ""
}
