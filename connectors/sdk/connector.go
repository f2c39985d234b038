package sdk

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/crossdock/crossdock/connectors/sdk/internal/schema"
)

// The roles an instance may be opened in.
const (
	roleSource = "source"
	roleSink   = "sink"
	roleCall   = "call"
)

// Describe returns the connector's Spec with the defaults of its limits.
func (c Connector[C]) Describe() Spec {
	s := c.Spec
	s.Batch = s.Batch.withDefaults()
	return s
}

// Schema returns the JSON Schema 2020-12 of C, or nil when C's tags are wrong;
// Describe then reports what is wrong with them.
func (c Connector[C]) Schema() []byte {
	schema, err := c.schema()
	if err != nil {
		return nil
	}
	return schema
}

func (c Connector[C]) schema() ([]byte, error) {
	s, err := c.config()
	if err != nil {
		return nil, err
	}
	return s.JSON(reflect.ValueOf(c.Defaults), c.Spec.Name)
}

func (c Connector[C]) config() (*schema.Config, error) {
	s, err := schema.Of(reflect.TypeFor[C](), []string{roleSource, roleSink, roleCall})
	if err != nil {
		return nil, fmt.Errorf("connector %s: %w", c.Spec.Name, err)
	}
	return s, nil
}

// ParseBytes reads a size: "512", "64KiB", "16 MiB", "2GB". Units with an i are
// powers of 1024, the others powers of 1000.
func ParseBytes(text string) (int64, error) { return schema.ParseSize(text) }

// decoded is a configuration with what was found while decoding it.
type decoded[C any] struct {
	cfg      C
	problems []error
	warnings []error
	secrets  []string
}

func (c Connector[C]) decode(in map[string]any, role string) (decoded[C], error) {
	out := decoded[C]{cfg: c.Defaults}
	s, err := c.config()
	if err != nil {
		return out, err
	}
	d := s.Decode(role, in, reflect.ValueOf(&out.cfg).Elem())
	out.problems, out.warnings, out.secrets = badConfig(d.Problems), badConfig(d.Warnings), d.Secrets
	if len(out.problems) == 0 && c.Validate != nil {
		out.problems = append(out.problems, c.Validate(out.cfg, role)...)
	}
	return out, nil
}

// Decode reads a configuration over its defaults without a connector around it,
// as strictly as a connector's own is read: for a command that looks at a part
// of one. Problems and warnings are *Error with the JSON pointer in Field.
func Decode[C any](in map[string]any, defaults C) (cfg C, problems, warnings []error) {
	d, err := Connector[C]{Defaults: defaults}.decode(in, "")
	if err != nil {
		return defaults, []error{Fail(Bug, "sdk.config_type", err)}, nil
	}
	return d.cfg, d.problems, d.warnings
}

func badConfig(list []schema.Problem) []error {
	var out []error
	for _, p := range list {
		out = append(out, &Error{Class: BadConfig, Code: p.Code, Message: p.Message, Field: p.Field, Hint: p.Hint})
	}
	return out
}

func (c Connector[C]) validate(in map[string]any, role string) (problems, warnings []error) {
	if role != "" && !slices.Contains(c.roles(), role) {
		return []error{c.noRole(role)}, nil
	}
	d, err := c.decode(in, role)
	if err != nil {
		return []error{Fail(Bug, "sdk.config_type", err)}, nil
	}
	return d.problems, d.warnings
}

func (c Connector[C]) secrets(in map[string]any) []string {
	d, err := c.decode(in, "")
	if err != nil {
		return nil
	}
	return d.secrets
}

func (c Connector[C]) open(ctx context.Context, role string, in map[string]any, from []byte, env Env) (any, error) {
	if !slices.Contains(c.roles(), role) {
		return nil, c.noRole(role)
	}
	d, err := c.decode(in, role)
	if err != nil {
		return nil, Fail(Bug, "sdk.config_type", err)
	}
	if len(d.problems) > 0 {
		return nil, errors.Join(d.problems...)
	}
	switch role {
	case roleSource:
		return notNil(c.Source(ctx, d.cfg, from, env))
	case roleSink:
		return notNil(c.Sink(ctx, d.cfg, env))
	default:
		return notNil(c.Call(ctx, d.cfg, env))
	}
}

// notNil turns (nil, nil) into an error: it would be a nil dereference later,
// far from its cause.
func notNil[T any](v T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	if any(v) == nil {
		return nil, Failf(Bug, "sdk.nil_instance", "the connector returned neither an instance nor an error")
	}
	return v, nil
}

func (c Connector[C]) roles() []string {
	var out []string
	if c.Source != nil {
		out = append(out, roleSource)
	}
	if c.Sink != nil {
		out = append(out, roleSink)
	}
	if c.Call != nil {
		out = append(out, roleCall)
	}
	return out
}

func (c Connector[C]) noRole(role string) error {
	e := Failf(BadConfig, "config.no_role", "the connector %s cannot be a %s; it can be: %s", c.Spec.Name, role, strings.Join(c.roles(), ", "))
	e.Hint = "use another connector for this endpoint, or move it to the list of another role"
	return e
}

func (l BatchLimits) withDefaults() BatchLimits {
	if l.MaxRecords <= 0 {
		l.MaxRecords = defaultBatchRecords
	}
	if l.MaxBytes <= 0 {
		l.MaxBytes = defaultBatchBytes
	}
	if l.MaxWait <= 0 {
		l.MaxWait = defaultBatchWait
	}
	if l.MaxInFlight <= 0 {
		l.MaxInFlight = defaultInFlight
	}
	return l
}
