package conformance

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// Target is the connector under test. Set Plugin or Command, and a function
// for each role the connector plays.
type Target struct {
	// Plugin runs inside the test's process.
	Plugin sdk.Plugin
	// Command starts the plugin as a process: the program and its arguments.
	Command []string
	// Env is added to the process's environment, which is otherwise empty
	// except for PATH, HOME and TMPDIR.
	Env []string

	// Source, Sink and Call make a fresh other side for one check. t.Cleanup
	// takes it down.
	Source func(t testing.TB) Source
	Sink   func(t testing.TB) Sink
	Call   func(t testing.TB) Call

	// Skip names checks that cannot hold for this connector, with the reason,
	// which the test log shows.
	Skip map[string]string
	// Timeout bounds every single wait; default 10 s.
	Timeout time.Duration
}

// Source is one other side to read from.
type Source struct {
	// Config opens the connector on it.
	Config map[string]any
	// Fill makes n further documents, all different, ready to be read.
	Fill func(n int)
	// Acked counts the documents the other side knows to be safe (archived,
	// answered, deleted). Nil when it is never told.
	Acked func() int
	// Rereads says that documents may come again although they were
	// acknowledged, because the source has neither positions nor
	// acknowledgements. Their ids make that harmless.
	Rereads bool
}

// Sink is one other side to write to.
type Sink struct {
	Config map[string]any
	// Record makes the nth record to write, n from 0; the same n gives the
	// same record. Nil: small JSON documents.
	Record func(n int) sdk.Record
	// Effects counts the effects on the other side: rows, files, requests
	// that changed something. Nil leaves out the checks that count.
	Effects func() int
	// Bad makes a record that the sink must refuse with class Permanent.
	Bad func() sdk.Record
	// Panics makes a record on which the connector panics, to check that only
	// that batch suffers.
	Panics func() sdk.Record
}

// Call is one other side to ask.
type Call struct {
	Config    map[string]any
	Operation string
	Input     sdk.Record
	// Output looks at the reply; nil accepts any.
	Output func(t testing.TB, out sdk.Record)
	// AnyOperation says that the connector takes every operation's name.
	AnyOperation bool
}

func (s Sink) record(n int) sdk.Record {
	if s.Record != nil {
		return s.Record(n)
	}
	doc, _ := json.Marshal(map[string]any{"number": fmt.Sprintf("doc-%04d", n), "quantity": n})
	return sdk.Record{
		ID: fmt.Sprintf("conformance-%04d", n), Key: fmt.Sprintf("doc-%04d", n), Entity: "document",
		Operation: "upsert", Payload: doc, ContentType: "application/json",
	}
}

func (s Sink) records(from, n int) []sdk.Record {
	out := make([]sdk.Record, n)
	for i := range out {
		out[i] = s.record(from + i)
	}
	return out
}
