package conformance

import (
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/plugins/protocol"
)

func callChecks() []check {
	list := []check{
		{name: "call/replies", run: callReplies},
		{name: "call/unknown operation", run: callUnknown},
		{name: "call/deadline", run: callDeadline},
		{name: "call/concurrent", run: callConcurrent},
	}
	for i := range list {
		list[i].needs = needsCall
	}
	return list
}

func (h *host) openCall() Call {
	h.t.Helper()
	c := h.target.Call(h.t)
	h.open(instanceID, "call", c.Config)
	return c
}

func (h *host) ask(c Call, operation string, deadline time.Duration) (*protocol.CallResponse, error) {
	ctx, cancel := h.context()
	defer cancel()
	return h.client.Call(ctx, &protocol.CallRequest{
		InstanceId: instanceID, Operation: operation, Input: encode(&c.Input),
		Deadline: durationpb.New(deadline), IdempotencyKey: "conformance-call-1",
	})
}

func callReplies(h *host) {
	c := h.openCall()
	r, err := h.ask(c, c.Operation, h.wait)
	if err != nil {
		h.t.Fatalf("Call: %v", err)
	}
	if p := r.Problem; p != nil {
		h.t.Fatalf("Call of %q failed: %s %s", c.Operation, p.Code, p.Message)
	}
	if r.Output == nil || r.Output.ContentType == "" {
		h.t.Fatalf("the reply has no record or no content type: %v", r.Output)
	}
	if c.Output != nil {
		c.Output(h.t, sdk.Record{ID: r.Output.Id, Entity: r.Output.Entity, Payload: r.Output.Payload, ContentType: r.Output.ContentType})
	}
}

func callUnknown(h *host) {
	c := h.openCall()
	if c.AnyOperation {
		h.t.Skip("the target's Call takes every operation")
	}
	r, err := h.ask(c, "no such operation", h.wait)
	if err != nil {
		h.t.Fatalf("Call of an unknown operation broke the call: %v; expected a Problem in the response", err)
	}
	switch r.Problem.GetClass() {
	case protocol.Problem_PERMANENT, protocol.Problem_CONFIG:
	default:
		h.t.Errorf("an unknown operation gave %v, expected a Problem of class PERMANENT or CONFIG", r.Problem)
	}
}

func callDeadline(h *host) {
	c := h.openCall()
	start := time.Now()
	_, err := h.ask(c, c.Operation, time.Millisecond)
	if took := time.Since(start); took > 3*time.Second {
		h.t.Errorf("a call with a deadline of 1 ms took %v", took)
	}
	if err != nil && status.Code(err) != codes.DeadlineExceeded {
		h.t.Errorf("a call that ran out of time gave %v, expected a Problem or DeadlineExceeded", err)
	}
}

func callConcurrent(h *host) {
	c := h.openCall()
	errs := make(chan error, 8)
	for range cap(errs) {
		go func() {
			r, err := h.ask(c, c.Operation, h.wait)
			if err == nil && r.Problem != nil {
				err = protocol.StatusError(r.Problem)
			}
			errs <- err
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			h.t.Errorf("one of several calls at once: %v", err)
		}
	}
}
