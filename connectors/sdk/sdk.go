// Package sdk is everything a connector author needs.
//
// A connector moves documents between Crossdock and one kind of system. It
// runs as a process of its own; the SDK speaks the protocol, and the author
// writes a configuration struct and up to three small types:
//
//   - a Source reads documents and is told when they are safe,
//   - a Sink writes documents and says of each how it went,
//   - a Caller answers one request with one reply.
//
// The configuration struct is the only description of the configuration: its
// tags become the JSON Schema, the documentation and the checks.
//
//	type Config struct {
//		URL   string `json:"url" doc:"Address that receives the documents" required:"true" format:"uri"`
//		Token string `json:"token" doc:"Bearer token" secret:"true"`
//	}
//
// Batching, credit, acknowledgement order, panics, logging, time-outs and size
// limits are the SDK's.
package sdk

import (
	"context"
	"log/slog"
	"time"
)

// Record is one document on its way in or out.
type Record struct {
	// ID is stable for one event of the source, however often it is read: it
	// is the idempotency key of everything that follows. Required of sources.
	ID string
	// Position is the checkpoint after this record, in the source's own
	// encoding. Set by sources that resume; empty on the sink side.
	Position []byte
	// Entity says what the payload is in the connector's own words ("order",
	// "x12.850").
	Entity string
	// Operation is upsert, delete, snapshot or event; empty means event.
	Operation string
	// Key orders: records of one key are processed one after the other, other
	// keys in parallel. Empty keeps the source's own order.
	Key string
	// Payload is the document, encoded as ContentType says. Everything that is
	// to be mapped is application/json, the default.
	Payload     []byte
	ContentType string
	// Meta travels with the record to the sink and into the trace. Keys that
	// begin with "key." are business keys: `crossdock trace` finds a message
	// by their values ("key.order", "key.interchange"). Of a source's record the
	// core leaves out the names that are its own: key, entity, event, operation,
	// schema, route, connection, source, class, partition, part, causation,
	// received, event_time, content_type, replay.route.
	Meta map[string]string
	// EventTime is when it happened at the source; zero when unknown.
	EventTime time.Time
}

// Unreadable is an input that never became a record. The core keeps it as a
// dead letter; the connector must have put the original aside first.
type Unreadable struct {
	// ID is stable like Record.ID.
	ID string
	// Err says what is wrong and where; it should wrap an *Error.
	Err error
	// Content is the input, cut at 32 MiB.
	Content     []byte
	ContentType string
	// Meta says where the original was kept, under "file" for files.
	Meta map[string]string
}

// Batch is what one Read returns.
type Batch struct {
	Records    []Record
	Unreadable []Unreadable
	// Position is the checkpoint after the whole batch. Empty: that of the
	// last record.
	Position []byte
	// Lag is how far behind the source the batch is; zero when unknown.
	Lag time.Duration
}

// Source reads documents. Its methods are called from one goroutine, except
// Ack and Nack, which may run while Read blocks.
type Source interface {
	// Read returns the next batch. It blocks until there is one or ctx ends.
	// io.EOF ends a bounded source. An *Error of class Retryable, Throttled or
	// NotConnected is waited out and Read called again; any other error closes
	// the stream, and the core opens it again with backoff. What Read returned
	// and has not been acknowledged is read again after a restart.
	Read(ctx context.Context) (Batch, error)
	// Close releases what the source holds. Read has returned by then.
	Close() error
}

// Acker is implemented by sources that must act when documents are safe:
// answer an HTTP request, archive a file, delete a message.
type Acker interface {
	// Ack is called in order, once per batch, after the core made it durable.
	// position is the batch's. An error is logged and the batch stays
	// acknowledged: it may be read once more after a restart, which its IDs
	// make harmless.
	Ack(ctx context.Context, position []byte) error
}

// Nacker is implemented by sources that must tell their own side that a batch
// could not be stored: answer 503, give a message back. A refusal always ends
// the stream, because acknowledgements are cumulative; Nack is then called, in
// order, for every batch that Read returned and the core did not store,
// followed by Close. The core reads again from its last stored position.
type Nacker interface {
	Nack(ctx context.Context, position []byte, reason error) error
}

// Sink writes documents.
type Sink interface {
	// Write makes the effect of every record, each at most once per record ID,
	// and returns one Result per record in order, or nil when all succeeded.
	// Several Writes may run at once, never with records of the same key. recs
	// and what they hold are the sink's to keep, not to change.
	Write(ctx context.Context, recs []Record) []Result
	Close() error
}

// Result is how one record went.
type Result struct {
	// Err is nil for success; otherwise it should wrap an *Error that gives
	// its class. An error without a class counts as Retryable.
	Err error
	// ExternalID is the id the other side gave, if any.
	ExternalID string
	// Response is the other side's answer, kept in the trace (64 KiB at most).
	Response []byte
}

// Caller answers requests.
type Caller interface {
	// Call answers one request. in.ID is the idempotency key: the same key
	// asks for the same effect again. Several Calls may run at once.
	Call(ctx context.Context, operation string, in Record) (Record, error)
	Close() error
}

// Checker is implemented by sources, sinks and callers that can test their
// connection. Each step is reported to the user as it went.
type Checker interface {
	Check(ctx context.Context) []Step
}

// Step is one step of a check: "resolve", "connect", "log in", "list folder".
type Step struct {
	Name string
	Err  error
	Took time.Duration
}

// Discoverer is implemented by sources, sinks and callers that can list what
// the other side offers.
type Discoverer interface {
	Discover(ctx context.Context, filter string) (Discovery, error)
}

// Discovery is what the other side offers.
type Discovery struct {
	Entities   []Entity
	Operations []Operation
}

// Entity is a kind of document.
type Entity struct {
	Name       string
	Directions []string // "source", "sink"
	Schema     []byte   // JSON Schema 2020-12, when known
	Keys       []string
	// Incremental says that a source can resume after a position.
	Incremental bool
}

// Operation is something a Caller can be asked for.
type Operation struct {
	Name, Kind, Summary string
	Input, Output       []byte // JSON Schema 2020-12, when known
	Idempotent          bool
}

// Spec describes a connector to its users.
type Spec struct {
	Name    string // lower case, as written in connections/*.yaml
	Version string // semantic version
	Vendor  string
	Summary string // one line
	License string
	// Effect tells how the sink makes an effect happen once.
	Effect     string
	Entities   []Entity
	Operations []Operation
	Batch      BatchLimits
}

// BatchLimits are a connector's wishes; the core may send less.
type BatchLimits struct {
	MaxRecords  int           // default 256
	MaxBytes    int           // default 1 MiB
	MaxWait     time.Duration // default 5 ms; a batch is sent at once when idle
	MaxInFlight int           // batches not yet acknowledged; default 4
}

// Env is what the SDK gives an instance.
type Env struct {
	// Instance names the connection and endpoint: "erp.orders".
	Instance string
	// DataDir is a directory of the instance's own for temporary files.
	DataDir string
	// Log goes to the core's log, with the instance's name.
	Log *slog.Logger
	// State remembers across restarts.
	State State
}

// Shared begins the State keys that all endpoints of a connection share: what a
// sink sent and a source gets answered, for instance. Other keys belong to one
// endpoint.
const Shared = "connection/"

// State is what a connector remembers: positions, duplicate hashes, control
// numbers. It is stored by the core; a connector owns no database. Sequences
// belong to the connection, and so do keys that begin with Shared.
type State interface {
	// Get returns the value and its revision; revision 0 means no such key.
	Get(ctx context.Context, key string) (value []byte, rev uint64, err error)
	// CompareAndSet stores value if the key is still at rev (0: absent) and
	// returns the new revision, or ErrConflict. A nil value deletes.
	CompareAndSet(ctx context.Context, key string, value []byte, rev uint64) (uint64, error)
	// Next draws the next number of a durable, gap-free sequence that starts
	// at 1. The same bind draws the same number again, so that a document
	// written twice keeps its control number.
	Next(ctx context.Context, sequence, bind string) (uint64, error)
}

// Connector ties a configuration struct to the types that use it. A nil
// function means that the connector does not play that role.
type Connector[C any] struct {
	Spec Spec
	// Defaults fills the configuration before it is decoded.
	Defaults C
	// Validate checks across fields, offline, and returns every problem found;
	// fields are named by JSON pointer in Error.Field. role is "source",
	// "sink" or "call".
	Validate func(cfg C, role string) []error
	// Source opens a source that resumes after from (nil: from the start).
	Source func(ctx context.Context, cfg C, from []byte, env Env) (Source, error)
	Sink   func(ctx context.Context, cfg C, env Env) (Sink, error)
	Call   func(ctx context.Context, cfg C, env Env) (Caller, error)
}

// Plugin is a connector without its type parameter: what Serve, the
// conformance suite and the crossdock binary take. Only Connector implements
// it.
type Plugin interface {
	// Describe returns the connector's Spec.
	Describe() Spec
	// Schema returns the JSON Schema 2020-12 of the configuration.
	Schema() []byte

	open(ctx context.Context, role string, cfg map[string]any, from []byte, env Env) (any, error)
	validate(cfg map[string]any, role string) (problems, warnings []error)
	schema() ([]byte, error)
	secrets(cfg map[string]any) []string
	roles() []string
}
