package routing

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/crossdock/crossdock/core/delivery"
	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/plugins/host"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// Caller answers requests; *host.Instance does.
type Caller interface {
	Call(ctx context.Context, op string, in *protocol.Record, idempotencyKey string) (*protocol.Record, error)
}

// asker runs the enrich entries of a route or target.
type asker struct {
	// caller returns the instance of a call endpoint.
	caller func(endpoint string) (Caller, error)
}

// ask returns the message's metadata with every reply's scalars added.
func (a asker) ask(ctx context.Context, list []compiledEnrich, doc []byte, md message.Metadata, id string) (map[string]string, error) {
	if len(list) == 0 {
		return md, nil
	}
	out := make(map[string]string, len(md)+8)
	for k, v := range md {
		out[k] = v
	}
	for i, e := range list {
		err := a.one(ctx, e, doc, out, id+"@enrich"+strconv.Itoa(i))
		// An interrupted question is no answer, so that it cannot be skipped.
		if err != nil && (e.OnError != "skip" || ctx.Err() != nil) {
			return nil, fmt.Errorf("enrich %s (%s): %w", e.As, e.Call.Pos, err)
		}
	}
	return out, nil
}

func (a asker) one(ctx context.Context, e compiledEnrich, doc []byte, out map[string]string, idem string) error {
	caller, err := a.caller(e.Call.Value)
	if err != nil {
		return err
	}
	request := map[string]string{}
	for name, k := range e.with {
		if request[name], err = k.Eval(doc, out); err != nil {
			return fmt.Errorf("with.%s: %w", name, err)
		}
	}
	payload, err := json.Marshal(request)
	if err != nil {
		return err
	}
	reply, err := caller.Call(ctx, e.Operation, &protocol.Record{Id: idem, Payload: payload, ContentType: "application/json"}, idem)
	if err != nil {
		return outside("enrich", err)
	}
	return scalars(e.As, reply.GetPayload(), out)
}

// scalars adds the scalar fields of a reply under prefix; of a list of rows the
// first is taken.
func scalars(prefix string, doc []byte, out map[string]string) error {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return fmt.Errorf("the reply is not JSON: %w", err)
	}
	flatten(prefix, v, out)
	return nil
}

func flatten(prefix string, v any, out map[string]string) {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			flatten(prefix+"."+k, e, out)
		}
	case []any:
		if len(x) > 0 {
			flatten(prefix, x[0], out)
		}
	case string:
		out[prefix] = x
	case json.Number:
		out[prefix] = x.String()
	case bool:
		out[prefix] = strconv.FormatBool(x)
	}
}

// outside is the failure of a system that was asked. What it says itself has its
// class; without an answer (the connector cannot be started, the node stops) it
// may answer the next time.
func outside(code string, err error) *delivery.Failure {
	var f *delivery.Failure
	if errors.As(err, &f) {
		return f
	}
	f = &delivery.Failure{Class: protocol.Problem_RETRYABLE, Code: code, Err: err}
	var pe *host.ProblemError
	if errors.As(err, &pe) {
		p := delivery.FromProblem(pe.Problem)
		f.Class, f.RetryAfter, f.Stack = p.Class, p.RetryAfter, p.Stack
	}
	return f
}

// unmapped is the failure of a mapping: its own, which no repetition mends, or
// that of a table that it asked.
func unmapped(err error) *delivery.Failure {
	var me *mapping.Error
	if !errors.As(err, &me) || me.Err == nil {
		return &delivery.Failure{Class: protocol.Problem_PERMANENT, Code: "mapping", Err: err}
	}
	cause := outside("mapping.lookup", me.Err)
	return &delivery.Failure{Class: cause.Class, Code: "mapping.lookup", RetryAfter: cause.RetryAfter, Stack: cause.Stack, Err: err}
}

// passing reports whether a failure may be gone at the next try, so that the
// message waits rather than becomes a dead letter.
func passing(err error) bool {
	var f *delivery.Failure
	return errors.As(err, &f) && f.Class != protocol.Problem_PERMANENT && f.Class != protocol.Problem_BUG
}

// schemaOf reads the "schema" member that every canonical document begins with.
func schemaOf(doc []byte) string {
	var head struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(doc, &head); err != nil {
		return ""
	}
	return head.Schema
}
