package conformance

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/crossdock/crossdock/plugins/protocol"
)

func lifeChecks() []check {
	return []check{
		{name: "open/refuses bad configuration", run: openRefuses},
		{name: "open/reopen after close", run: openReopen},
		{name: "open/replaces", run: openReplaces},
		{name: "close/idempotent", run: closeIdempotent},
		{name: "instance/unknown", run: instanceUnknown},
		{name: "check/steps", run: checkSteps},
		{name: "discover/answers", run: discoverAnswers},
		{name: "drain/idle", run: drainIdle},
	}
}

const instanceID = "conformance.endpoint"

func (h *host) check(id string) (*protocol.CheckResponse, error) {
	ctx, cancel := h.context()
	defer cancel()
	return h.client.Check(ctx, &protocol.CheckRequest{InstanceId: id})
}

func openRefuses(h *host) {
	role, cfg := h.anyRole()
	broken := maps.Clone(cfg)
	broken["noSuchKey"] = "x"
	h.expectField(h.tryOpen(instanceID, role, broken), "noSuchKey", "Open was given an unknown key")
	if _, err := h.check(instanceID); status.Code(err) != codes.NotFound {
		h.t.Errorf("after a refused Open the instance answers %v, expected NotFound", err)
	}
}

func openReopen(h *host) {
	for role, cfg := range h.roles() {
		h.open(instanceID, role, cfg)
		h.close(instanceID)
		h.open(instanceID, role, cfg)
		if _, err := h.check(instanceID); err != nil {
			h.t.Errorf("%s: Check after reopening: %v", role, err)
		}
		h.close(instanceID)
	}
}

func openReplaces(h *host) {
	role, cfg := h.anyRole()
	h.open(instanceID, role, cfg)
	h.open(instanceID, role, cfg)
	if _, err := h.check(instanceID); err != nil {
		h.t.Errorf("Check after opening twice: %v", err)
	}
	h.close(instanceID)
	if _, err := h.check(instanceID); status.Code(err) != codes.NotFound {
		h.t.Errorf("one Close after two Opens leaves the instance answering %v, expected NotFound", err)
	}
}

func closeIdempotent(h *host) {
	role, cfg := h.anyRole()
	h.close("conformance.never-opened")
	h.open(instanceID, role, cfg)
	h.close(instanceID)
	h.close(instanceID)
}

func instanceUnknown(h *host) {
	const id = "conformance.unknown"
	ctx, cancel := h.context()
	defer cancel()
	expect := func(what string, err error) {
		h.t.Helper()
		if status.Code(err) != codes.NotFound {
			h.t.Errorf("%s on an instance that was never opened: %v, expected status NotFound", what, err)
		}
	}
	_, err := h.check(id)
	expect("Check", err)
	_, err = h.client.Drain(ctx, &protocol.DrainRequest{InstanceId: id, Deadline: durationpb.New(time.Second)})
	expect("Drain", err)
	_, err = h.client.Call(ctx, &protocol.CallRequest{InstanceId: id, Operation: "x", Input: &protocol.Record{}})
	expect("Call", err)

	discover, err := h.client.Discover(ctx, &protocol.DiscoverRequest{InstanceId: id})
	if err == nil {
		_, err = discover.Recv()
	}
	expect("Discover", err)
	expect("Read", h.read(id, nil, 1, 0, 0).waitEnd())
	_, err = h.write(id, 1).stream.Recv()
	expect("Write", err)
}

func checkSteps(h *host) {
	for role, cfg := range h.roles() {
		h.open(instanceID, role, cfg)
		r, err := h.check(instanceID)
		if err != nil {
			h.t.Errorf("%s: Check: %v", role, err)
			continue
		}
		if len(r.Steps) == 0 {
			h.t.Errorf("%s: Check reports no step; the user sees nothing", role)
		}
		for _, s := range r.Steps {
			switch {
			case s.Name == "":
				h.t.Errorf("%s: a step has no name", role)
			case !s.Ok && s.Problem == nil:
				h.t.Errorf("%s: step %q failed without saying why", role, s.Name)
			case !s.Ok:
				h.t.Errorf("%s: step %q failed on the target's own configuration: %s", role, s.Name, s.Problem.Message)
			}
		}
		h.close(instanceID)
	}
}

func discoverAnswers(h *host) {
	role, cfg := h.anyRole()
	h.open(instanceID, role, cfg)
	ctx, cancel := h.context()
	defer cancel()
	stream, err := h.client.Discover(ctx, &protocol.DiscoverRequest{InstanceId: instanceID, WithSchema: true})
	for err == nil {
		var m *protocol.DiscoverResponse
		if m, err = stream.Recv(); err != nil {
			break
		}
		for _, e := range m.Entities {
			if e.Entity == "" || len(e.Schema) > 0 && !json.Valid(e.Schema) {
				h.t.Errorf("entity %q has no name or a schema that is not JSON", e.Entity)
			}
		}
		for _, o := range m.Operations {
			if o.Name == "" {
				h.t.Error("an operation has no name")
			}
		}
	}
	if !errors.Is(err, io.EOF) && status.Code(err) != codes.Unimplemented {
		h.t.Errorf("Discover: %v", err)
	}
}

func drainIdle(h *host) {
	for role, cfg := range h.roles() {
		h.open(instanceID, role, cfg)
		ctx, cancel := h.context()
		_, err := h.client.Drain(ctx, &protocol.DrainRequest{InstanceId: instanceID, Deadline: durationpb.New(2 * time.Second)})
		cancel()
		if err != nil {
			h.t.Errorf("Drain of an idle %s: %v", role, err)
		}
		h.close(instanceID)
	}
}
