package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sort"
	"strings"

	"github.com/crossdock/crossdock/connectors/httpexchange"
	"github.com/crossdock/crossdock/connectors/jsonpointer"
	"github.com/crossdock/crossdock/connectors/rest/internal/template"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// caller asks questions.
type caller struct {
	cfg    Config
	client *client
}

func newCaller(cfg Config, _ sdk.Env) (*caller, error) {
	c, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	return &caller{cfg: cfg, client: c}, nil
}

// Call asks one question: operation is a configured name, "METHOD path", or
// empty for the endpoint's own url. The fields of the input fill the address;
// those left over are the query of a GET or DELETE. Other methods send the input
// as their body.
func (c *caller) Call(ctx context.Context, operation string, in sdk.Record) (sdk.Record, error) {
	op, err := c.operation(operation)
	if err != nil {
		return sdk.Record{}, err
	}
	t, err := template.Parse(op.URL)
	if err != nil {
		return sdk.Record{}, sdk.Fail(sdk.BadConfig, "rest.operation", err)
	}
	var doc any
	if len(in.Payload) > 0 {
		if doc, err = jsonpointer.Decode(in.Payload); err != nil {
			return sdk.Record{}, sdk.Failf(sdk.Permanent, "rest.not_json", "the input of %s is no JSON: %w", operation, err)
		}
	}
	filled, err := t.Address(doc, &in)
	if err != nil {
		return sdk.Record{}, err
	}
	u, err := template.Resolve(c.cfg.Base, filled)
	if err != nil {
		return sdk.Record{}, sdk.Fail(sdk.BadConfig, "rest.operation", err)
	}
	out := outgoing{method: op.Method, url: u.String()}
	if op.Method == http.MethodGet || op.Method == http.MethodDelete || op.Method == http.MethodHead {
		out.url = withQuery(u, t, doc)
	} else {
		out.body, out.contentType = in.Payload, orJSON(c.cfg.ContentType)
		out.headers = idempotency(c.cfg, in.ID)
	}
	return c.ask(ctx, out)
}

func (c *caller) ask(ctx context.Context, out outgoing) (sdk.Record, error) {
	a, err := c.client.send(ctx, out)
	if err != nil {
		return sdk.Record{}, err
	}
	empty, err := c.client.judge(out.method, a)
	if err != nil {
		return sdk.Record{}, err
	}
	reply := sdk.Record{ContentType: "application/json", Meta: map[string]string{"http.status": fmt.Sprint(a.status)}}
	if empty || (len(a.body) == 0 && a.short == nil) {
		reply.Payload = []byte("null")
		return reply, nil
	}
	if a.short != nil {
		return sdk.Record{}, incomplete(a, c.client)
	}
	if _, err := jsonpointer.Decode(a.body); err != nil {
		return sdk.Record{}, sdk.Failf(sdk.Permanent, "rest.not_json", "the answer of %s is no JSON: %w", httpexchange.Address(out.url), err)
	}
	reply.Payload = a.body
	return reply, nil
}

func (c *caller) operation(name string) (Operation, error) {
	if op, ok := c.cfg.Operations[name]; ok {
		if op.Method == "" {
			op.Method = http.MethodGet
		}
		return op, nil
	}
	if len(c.cfg.Operations) > 0 {
		return Operation{}, sdk.Failf(sdk.BadConfig, "rest.operation", "there is no operation %q; there are: %s", name, strings.Join(c.names(), ", "))
	}
	if c.cfg.URL != "" && !strings.Contains(name, " ") {
		method := c.cfg.Method
		if method == "" {
			method = http.MethodGet
		}
		return Operation{URL: c.cfg.URL, Method: method}, nil
	}
	method, path, ok := strings.Cut(name, " ")
	path = strings.TrimSpace(path)
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		ok = false
	}
	// Only below base: an operation comes from a route, and credentials belong to
	// this connection.
	if !ok || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return Operation{}, sdk.Failf(sdk.BadConfig, "rest.operation", "%q is no operation; write a method and a path such as GET /prices/{/sku}, or name operations in the endpoint", name)
	}
	return Operation{URL: path, Method: method}, nil
}

func (c *caller) names() []string {
	names := make([]string, 0, len(c.cfg.Operations))
	for n := range c.cfg.Operations {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// withQuery adds the fields that the address has not used. Lists repeat their
// parameter; objects have no agreed notation and are left out.
func withQuery(u *url.URL, t template.Template, doc any) string {
	fields, _ := doc.(map[string]any)
	used := map[string]bool{}
	for _, p := range t.Parts {
		if len(p.Path) > 0 {
			used[p.Path[0]] = true
		}
	}
	q := u.Query()
	for name, v := range fields {
		if used[name] {
			continue
		}
		values, isList := v.([]any)
		if !isList {
			values = []any{v}
		}
		for _, one := range values {
			if text, ok := jsonpointer.Text(one); ok {
				q.Add(name, text)
			}
		}
	}
	return pageAddress(u, q)
}

// Discover lists the operations.
func (c *caller) Discover(_ context.Context, filter string) (sdk.Discovery, error) {
	var d sdk.Discovery
	for _, n := range c.names() {
		if !strings.Contains(n, filter) {
			continue
		}
		op := c.cfg.Operations[n]
		d.Operations = append(d.Operations, sdk.Operation{
			Name: n, Kind: op.Method, Summary: op.Doc, Input: inputSchema(op.URL), Idempotent: op.Method != http.MethodPost && op.Method != http.MethodPatch,
		})
	}
	return d, nil
}

// inputSchema describes what an address needs from the input, where it takes
// fields of the first level.
func inputSchema(address string) []byte {
	t, err := template.Parse(address)
	if err != nil {
		return nil
	}
	properties := map[string]any{}
	required := []string{}
	for _, p := range t.Parts {
		if len(p.Path) == 1 {
			properties[p.Path[0]] = map[string]any{"type": []string{"string", "number", "boolean"}}
			required = append(required, p.Path[0])
		}
	}
	schema, err := json.Marshal(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"type":    "object", "properties": properties, "required": required,
	})
	if err != nil {
		return nil
	}
	return schema
}

// Check says whether the other side is there and lets us in.
func (c *caller) Check(ctx context.Context) []sdk.Step {
	address := c.cfg.URL
	if address == "" {
		address = "/"
		for _, n := range c.names() {
			address = c.cfg.Operations[n].URL
			break
		}
	}
	return c.client.check(ctx, c.cfg, checkable(c.cfg.Base, address))
}

// Close ends the connections.
func (c *caller) Close() error {
	c.client.close()
	return nil
}
