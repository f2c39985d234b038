package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// Instance is one configured source, sink or call. It is opened when it is
// first used, and again whenever its connector's process was started again.
type Instance struct {
	h         *Host
	connector string
	id        string
	role      string
	cfg       map[string]any

	mu     sync.Mutex
	writer *writer
}

// opened is an instance within one process.
type opened struct {
	source bool
	once   sync.Once
	done   chan struct{}
	err    error
	batch  *protocol.BatchHint
}

// Instance describes an instance; nothing is started. id is unique in the host,
// "<connection>.<endpoint>"; role is source, sink or call.
func (h *Host) Instance(connector, id, role string, cfg map[string]any) *Instance {
	return &Instance{h: h, connector: connector, id: id, role: role, cfg: cfg}
}

// use returns a process in which the instance is open.
func (i *Instance) use(ctx context.Context) (*connector, *process, *opened, error) {
	c, err := i.h.connector(i.connector)
	if err != nil {
		return nil, nil, nil, err
	}
	p, err := c.process(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	p.mu.Lock()
	o := p.open[i.id]
	if o == nil {
		o = &opened{done: make(chan struct{}), source: i.role == "source"}
		p.open[i.id] = o
	}
	p.mu.Unlock()
	o.once.Do(func() {
		go func() {
			defer close(o.done)
			// One caller opens for all; its own deadline must not fail the others.
			o.err = i.openOn(context.WithoutCancel(ctx), c, p, o)
		}()
	})
	select {
	case <-o.done:
	case <-ctx.Done():
		return nil, nil, nil, ctx.Err()
	}
	if o.err != nil {
		i.forget(p, o) // the next use tries again
		return nil, nil, nil, o.err
	}
	return c, p, o, nil
}

func (i *Instance) forget(p *process, o *opened) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open[i.id] == o {
		delete(p.open, i.id)
	}
}

func (i *Instance) openOn(ctx context.Context, c *connector, p *process, o *opened) error {
	config, err := toStruct(i.cfg)
	if err != nil {
		return err
	}
	dir := filepath.Join(i.h.o.DataDir, strings.ReplaceAll(i.id, string(filepath.Separator), "_"))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the data folder of %s: %w", i.id, err)
	}
	var r *protocol.OpenResponse
	err = c.controlOn(ctx, p, i.id, func(ctx context.Context, p *process) (err error) {
		r, err = p.client.Open(ctx, &protocol.OpenRequest{InstanceId: i.id, Role: i.role, Config: config, DataDir: dir})
		return err
	})
	if err != nil {
		return err
	}
	for _, d := range r.GetDiagnostics() {
		if d.GetSeverity() == protocol.Diagnostic_ERROR {
			return &ProblemError{Connector: c.name, Instance: i.id, Problem: d.GetProblem()}
		}
		c.log.Warn(d.GetProblem().GetMessage(), "instance", i.id, "field", d.GetProblem().GetField())
	}
	o.batch = r.GetBatch()
	return nil
}

// lostInstance reports that the process does not know the instance any more.
func lostInstance(err error) bool { return status.Code(err) == codes.NotFound }

// control makes one control call on the open instance, opening it again once
// when the process has forgotten it.
func (i *Instance) control(ctx context.Context, call func(context.Context, *process) error) error {
	for again := false; ; again = true {
		c, p, o, err := i.use(ctx)
		if err != nil {
			return err
		}
		var raw error
		err = c.controlOn(ctx, p, i.id, func(ctx context.Context, p *process) error {
			raw = call(ctx, p)
			return raw
		})
		if !lostInstance(raw) || again {
			return err
		}
		i.forget(p, o)
	}
}

// Check goes online and returns every step as it went.
func (i *Instance) Check(ctx context.Context) ([]*protocol.CheckResponse_Step, error) {
	var r *protocol.CheckResponse
	err := i.control(ctx, func(ctx context.Context, p *process) (err error) {
		r, err = p.client.Check(ctx, &protocol.CheckRequest{InstanceId: i.id})
		return err
	})
	return r.GetSteps(), err
}

// Discover lists what the other side offers.
func (i *Instance) Discover(ctx context.Context, filter string, withSchema bool) (entities []*protocol.EntitySpec, operations []*protocol.OperationSpec, err error) {
	err = i.control(ctx, func(ctx context.Context, p *process) error {
		entities, operations = nil, nil
		stream, err := p.client.Discover(ctx, &protocol.DiscoverRequest{InstanceId: i.id, Filter: filter, WithSchema: withSchema})
		if err != nil {
			return err
		}
		for {
			r, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			entities, operations = append(entities, r.GetEntities()...), append(operations, r.GetOperations()...)
		}
	})
	return entities, operations, err
}

// Call makes one request. A failure of the other side is a *ProblemError.
func (i *Instance) Call(ctx context.Context, op string, in *protocol.Record, idempotencyKey string) (*protocol.Record, error) {
	var r *protocol.CallResponse
	err := i.control(ctx, func(ctx context.Context, p *process) (err error) {
		r, err = p.client.Call(ctx, &protocol.CallRequest{InstanceId: i.id, Operation: op, Input: in, IdempotencyKey: idempotencyKey})
		return err
	})
	if err == nil && r.GetProblem() != nil {
		err = &ProblemError{Connector: i.connector, Instance: i.id, Problem: r.GetProblem()}
	}
	return r.GetOutput(), err
}

// ReadOptions configure one Read.
type ReadOptions struct {
	// From is the position to resume after; nil reads from the start.
	From []byte
	// Credit is how many batches may be on their way; default 4.
	Credit uint32
	// MaxRecords and MaxBytes bound a batch; 0 leaves it to the connector.
	MaxRecords, MaxBytes uint32
}

// Read runs one read stream until ctx ends, the source is finished (nil), or
// the stream breaks. handle is called for one batch after the other; nil
// acknowledges the batch, an error refuses it and ends the stream, and the
// caller reads again from its last position.
func (i *Instance) Read(ctx context.Context, o ReadOptions, handle func(context.Context, *protocol.ReadBatch) error) error {
	c, p, open, err := i.use(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := p.client.Read(ctx)
	if err != nil {
		return c.failed(i.id, p, err)
	}
	start := &protocol.ReadControl_Start{InstanceId: i.id, FromPosition: o.From, CreditBatches: o.Credit, MaxRecords: o.MaxRecords, MaxBytes: o.MaxBytes}
	if start.CreditBatches == 0 {
		start.CreditBatches = 4
	}
	// A failed Send is explained by the Recv that follows it.
	_ = stream.Send(&protocol.ReadControl{Msg: &protocol.ReadControl_Start_{Start: start}})
	for {
		b, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			// Only a batch that says so ends a source for good.
			return c.problem(protocol.Problem_RETRYABLE, CodeEnded, i.id, "the read stream ended before the source did")
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			if lostInstance(err) {
				i.forget(p, open)
			}
			return c.failed(i.id, p, err)
		}
		if err := handle(ctx, b); err != nil {
			problem := &protocol.Problem{Class: protocol.Problem_RETRYABLE, Code: "host.refused", Message: err.Error()}
			_ = stream.Send(&protocol.ReadControl{Msg: &protocol.ReadControl_Nack_{Nack: &protocol.ReadControl_Nack{Seq: b.GetSeq(), Problem: problem}}})
			i.finish(stream, cancel)
			return err
		}
		_ = stream.Send(&protocol.ReadControl{Msg: &protocol.ReadControl_Ack_{Ack: &protocol.ReadControl_Ack{UpToSeq: b.GetSeq(), Credit: 1}}})
		if b.GetEnd() {
			i.finish(stream, cancel)
			return nil
		}
	}
}

// finish lets the plugin end the stream in its own way, so that it has seen the
// last acknowledgement or refusal, within the deadline for draining.
func (i *Instance) finish(stream protocol.Connector_ReadClient, cancel context.CancelFunc) {
	defer time.AfterFunc(i.h.o.Deadlines.Drain, cancel).Stop()
	_ = stream.CloseSend()
	for {
		if _, err := stream.Recv(); err != nil {
			return
		}
	}
}

// Close releases the instance in the process that holds it.
func (i *Instance) Close(ctx context.Context) error {
	c, err := i.h.connector(i.connector)
	if err != nil {
		return nil //nolint:nilerr // a closed host holds no instance
	}
	p := c.running()
	if p == nil {
		return nil
	}
	p.mu.Lock()
	open := p.open[i.id]
	p.mu.Unlock()
	if open == nil {
		return nil
	}
	defer i.forget(p, open) // it may still note something while it closes
	return c.controlOn(ctx, p, i.id, func(ctx context.Context, p *process) error {
		_, err := p.client.Close(ctx, &protocol.CloseRequest{InstanceId: i.id})
		return err
	})
}
