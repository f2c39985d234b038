package sdk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/crossdock/crossdock/connectors/sdk/internal/session"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// The defaults of BatchLimits.
const (
	defaultBatchRecords = protocol.BatchRecords
	defaultBatchBytes   = protocol.BatchBytes
	defaultBatchWait    = 5 * time.Millisecond
	defaultInFlight     = 4
)

// closeGrace is how long the author's code may take to notice that its context
// has ended, before the SDK goes on without it.
const closeGrace = 5 * time.Second

// Server serves p inside this process, over any gRPC server that has
// protocol.ServerOptions. It is what Serve wraps in a process; tests of
// connectors and of the host use it directly. A session that breaks closes the
// instances it left.
func Server(p Plugin) protocol.ConnectorServer {
	return newServer(p, nil)
}

func newServer(p Plugin, lost func()) *server {
	s := &server{plugin: p, lost: lost, instances: map[string]*instance{}, session: &session.Session{}}
	s.log = s.newLogger("", redactor(nil))
	return s
}

func (s *server) newLogger(instance string, redact func(string) string) *slog.Logger {
	return s.session.Logger(instance, func(text string) string { return clean(cut(redact(text), maxMessage)) })
}

type server struct {
	protocol.UnimplementedConnectorServer
	plugin  Plugin
	session *session.Session
	log     *slog.Logger
	lost    func() // the session broke; nil in process

	mu        sync.Mutex
	instances map[string]*instance
}

// Describe implements the protocol.
func (s *server) Describe(context.Context, *protocol.DescribeRequest) (*protocol.DescribeResponse, error) {
	spec := s.plugin.Describe()
	schema, err := s.plugin.schema()
	if err == nil && spec.Name == "" {
		err = errors.New("the connector's Spec has no Name")
	}
	if err != nil {
		return nil, protocol.StatusError(encodeProblem(Fail(Bug, "sdk.describe", err), nil))
	}
	r := &protocol.DescribeResponse{
		Name: clean(spec.Name), Version: clean(spec.Version), Vendor: clean(spec.Vendor),
		Summary: clean(spec.Summary), License: clean(spec.License), Effect: clean(spec.Effect),
		ProtocolMinor: protocol.Minor,
		Capabilities:  append(s.plugin.roles(), "check", "discover", "drain"),
		ConfigSchema:  schema,
		Batch:         encodeLimits(spec.Batch),
	}
	r.Entities, r.Operations = encodeDiscovery(Discovery{Entities: spec.Entities, Operations: spec.Operations})
	return r, nil
}

func encodeLimits(l BatchLimits) *protocol.BatchHint {
	l = l.withDefaults()
	return &protocol.BatchHint{
		MaxRecords: uint32(l.MaxRecords), MaxBytes: uint32(l.MaxBytes),
		MaxWait: durationpb.New(l.MaxWait), MaxInFlight: uint32(l.MaxInFlight),
	}
}

func encodeDiscovery(d Discovery) (entities []*protocol.EntitySpec, operations []*protocol.OperationSpec) {
	for _, e := range d.Entities {
		entities = append(entities, &protocol.EntitySpec{
			Entity: clean(e.Name), Directions: e.Directions, Schema: e.Schema, Keys: e.Keys, Incremental: e.Incremental,
		})
	}
	for _, o := range d.Operations {
		operations = append(operations, &protocol.OperationSpec{
			Name: clean(o.Name), Kind: clean(o.Kind), Summary: clean(o.Summary),
			InputSchema: o.Input, OutputSchema: o.Output, Idempotent: o.Idempotent,
		})
	}
	return entities, operations
}

// Session implements the protocol. When it ends the host is gone: everything
// the host opened is closed, and a plugin process exits.
func (s *server) Session(stream protocol.Connector_SessionServer) error {
	err := s.session.Run(stream)
	if status.Code(err) != codes.FailedPrecondition { // not a second session
		s.closeAll(closeGrace)
		if s.lost != nil {
			s.lost()
		}
	}
	return err
}

// Validate implements the protocol.
func (s *server) Validate(_ context.Context, r *protocol.ValidateRequest) (*protocol.ValidateResponse, error) {
	cfg := r.GetConfig().AsMap()
	var problems, warnings []error
	if err := guard("Validate", func() error {
		problems, warnings = s.plugin.validate(cfg, r.Role)
		return nil
	}); err != nil {
		problems = append(problems, err)
	}
	redact := redactor(s.plugin.secrets(cfg))
	return &protocol.ValidateResponse{Diagnostics: append(
		diagnostics(protocol.Diagnostic_ERROR, problems, redact),
		diagnostics(protocol.Diagnostic_WARNING, warnings, redact)...)}, nil
}

// Open implements the protocol. Opening an id that is open replaces the
// instance: a host that lost an answer simply asks again.
func (s *server) Open(ctx context.Context, r *protocol.OpenRequest) (*protocol.OpenResponse, error) {
	if r.InstanceId == "" {
		return nil, status.Error(codes.InvalidArgument, "Open needs an instance_id")
	}
	s.remove(r.InstanceId).close(closeGrace)

	cfg := r.GetConfig().AsMap()
	redact := redactor(s.plugin.secrets(cfg))
	env := Env{
		Instance: r.InstanceId, DataDir: r.DataDir,
		Log:   s.newLogger(r.InstanceId, redact),
		State: instanceState{session: s.session, instance: r.InstanceId},
	}
	i := newInstance(s.plugin, r.Role, cfg, env, redact)
	resp := &protocol.OpenResponse{Batch: encodeLimits(i.limits)}
	problems, warnings := []error(nil), []error(nil)
	err := guard("Validate", func() error {
		problems, warnings = s.plugin.validate(cfg, r.Role)
		return nil
	})
	if err == nil && len(problems) == 0 {
		err = i.open(ctx)
	}
	resp.Diagnostics = append(
		diagnostics(protocol.Diagnostic_ERROR, append(problems, err), redact),
		diagnostics(protocol.Diagnostic_WARNING, warnings, redact)...)
	if err != nil || len(problems) > 0 {
		i.close(closeGrace)
		return resp, nil //nolint:nilerr // the diagnostics carry it
	}
	s.mu.Lock()
	previous := s.instances[r.InstanceId]
	s.instances[r.InstanceId] = i
	s.mu.Unlock()
	previous.close(closeGrace)
	return resp, nil
}

// Check implements the protocol.
func (s *server) Check(ctx context.Context, r *protocol.CheckRequest) (*protocol.CheckResponse, error) {
	i, err := s.find(r.InstanceId)
	if err != nil {
		return nil, err
	}
	resp := &protocol.CheckResponse{}
	for _, step := range i.check(ctx) {
		resp.Steps = append(resp.Steps, &protocol.CheckResponse_Step{
			Name: clean(step.Name), Ok: step.Err == nil,
			Problem: encodeProblem(step.Err, i.redact), Took: durationpb.New(step.Took),
		})
	}
	return resp, nil
}

// Discover implements the protocol.
func (s *server) Discover(r *protocol.DiscoverRequest, stream grpc.ServerStreamingServer[protocol.DiscoverResponse]) error {
	i, err := s.find(r.InstanceId)
	if err != nil {
		return err
	}
	d, err := i.discover(stream.Context(), r.Filter)
	if err != nil {
		return protocol.StatusError(encodeProblem(err, i.redact))
	}
	if !r.WithSchema {
		d = withoutSchemas(d)
	}
	m := &protocol.DiscoverResponse{}
	m.Entities, m.Operations = encodeDiscovery(d)
	return stream.Send(m)
}

func withoutSchemas(d Discovery) Discovery {
	var out Discovery
	for _, e := range d.Entities {
		e.Schema = nil
		out.Entities = append(out.Entities, e)
	}
	for _, o := range d.Operations {
		o.Input, o.Output = nil, nil
		out.Operations = append(out.Operations, o)
	}
	return out
}

// Call implements the protocol.
func (s *server) Call(ctx context.Context, r *protocol.CallRequest) (*protocol.CallResponse, error) {
	i, err := s.find(r.InstanceId)
	if err != nil {
		return nil, err
	}
	if d := r.GetDeadline().AsDuration(); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	var in Record
	decodeRecord(r.Input, &in)
	if r.IdempotencyKey != "" {
		in.ID = r.IdempotencyKey
	}
	out, err := i.call(ctx, r.Operation, in)
	if err != nil {
		return &protocol.CallResponse{Problem: encodeProblem(err, i.redact)}, nil
	}
	if out.ID == "" {
		out.ID = in.ID
	}
	if problem := checkReply(&out); problem != nil {
		return &protocol.CallResponse{Problem: encodeProblem(problem, i.redact)}, nil
	}
	resp := &protocol.CallResponse{Output: &protocol.Record{}}
	encodeRecord(&out, resp.Output)
	return resp, nil
}

// checkReply is checkRecord for replies, which need no ID.
func checkReply(r *Record) *Error {
	c := *r
	if c.ID == "" {
		c.ID = "reply"
	}
	return checkRecord(&c)
}

// Drain implements the protocol.
func (s *server) Drain(ctx context.Context, r *protocol.DrainRequest) (*protocol.DrainResponse, error) {
	i, err := s.find(r.InstanceId)
	if err != nil {
		return nil, err
	}
	wait := r.GetDeadline().AsDuration()
	if wait <= 0 {
		wait = closeGrace
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	position, seq := i.drain(ctx)
	return &protocol.DrainResponse{LastPosition: position, LastSeq: seq}, nil
}

// Close implements the protocol.
func (s *server) Close(_ context.Context, r *protocol.CloseRequest) (*protocol.CloseResponse, error) {
	s.remove(r.InstanceId).close(closeGrace)
	return &protocol.CloseResponse{}, nil
}

func (s *server) find(id string) (*instance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i, ok := s.instances[id]; ok {
		return i, nil
	}
	return nil, status.Error(codes.NotFound, fmt.Sprintf("this plugin process has no open instance %q; open it first", id))
}

// remove returns nil, on which close is harmless, when there is no such
// instance.
func (s *server) remove(id string) *instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.instances[id]
	delete(s.instances, id)
	return i
}

func (s *server) closeAll(grace time.Duration) {
	s.mu.Lock()
	all := s.instances
	s.instances = map[string]*instance{}
	s.mu.Unlock()
	var wg sync.WaitGroup
	for _, i := range all {
		wg.Go(func() { i.close(grace) })
	}
	wg.Wait()
}
