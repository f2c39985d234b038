// Package soap is the connector for SOAP services, version 1.1 and 1.2.
//
// It reads the service's WSDL when it starts and needs no generated code: a
// request is JSON in the shape of the operation's input, written as XML in the
// order and the namespaces of the schema; the reply comes back as JSON, with
// lists where the schema allows several and faults as typed errors. The
// document/literal style is supported, which is what services in use offer.
//
// A source polls an operation; a sink calls one for every record; a call
// answers lookups. See README.md for complete examples.
package soap

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/crossdock/crossdock/connectors/httpexchange"
	"github.com/crossdock/crossdock/connectors/jsonpointer"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// Config is the configuration of a SOAP connection and its endpoints.
type Config struct {
	WSDL    string            `json:"wsdl" doc:"Address or file of the service's WSDL" required:"true" example:"https://erp.example/orders?wsdl"`
	URL     string            `json:"url" doc:"Address of the service, when it is not the one in the WSDL"`
	Version string            `json:"version" doc:"SOAP version to prefer when the WSDL offers both" enum:"1.1,1.2"`
	User    string            `json:"user" doc:"User name for HTTP basic authentication or WS-Security"`
	Pass    string            `json:"password" doc:"Password" secret:"true"`
	WSSE    bool              `json:"wsSecurity" doc:"Send user and password as a WS-Security UsernameToken instead of HTTP basic authentication"`
	Headers map[string]string `json:"headers" doc:"Additional HTTP headers"`
	Timeout time.Duration     `json:"timeout" doc:"Longest time for one call" default:"30s"`

	Operation string            `json:"operation" doc:"Operation that is called" required:"true" role:"source,sink"`
	Faults    map[string]string `json:"faults" doc:"What a fault means, by the name of its detail element or its code: retryable, permanent, throttled, auth, duplicate"`

	Interval  time.Duration     `json:"interval" doc:"Time between polls" default:"30s" role:"source"`
	Request   map[string]string `json:"request" doc:"Fields of the polling request; {watermark} stands for the highest value seen" role:"source"`
	Items     string            `json:"items" doc:"JSON pointer to the list of documents in the reply" required:"true" role:"source"`
	ID        []string          `json:"id" doc:"JSON pointers in a document that together identify it" required:"true" role:"source"`
	Key       string            `json:"key" doc:"JSON pointer to the ordering key" role:"source"`
	Keys      map[string]string `json:"keys" doc:"Business keys for the trace: name to JSON pointer" role:"source"`
	Entity    string            `json:"entity" doc:"What the documents are" role:"source"`
	Watermark string            `json:"watermark" doc:"JSON pointer in a document to the value that grows" role:"source"`
	Start     string            `json:"start" doc:"Watermark of the first poll" role:"source"`

	Exists     *Exists `json:"exists" doc:"Ask before writing whether the document is there already" role:"sink"`
	ExternalID string  `json:"externalId" doc:"JSON pointer in the reply to the id that the service gave" role:"sink"`
	Field      string  `json:"field" doc:"Field of the operation's input that the document is put into, when it is not the whole input" role:"sink"`
}

// Exists is the business key check of a sink whose operation is not
// idempotent by itself.
type Exists struct {
	Operation string            `json:"operation" doc:"Operation that looks the document up" required:"true"`
	Request   map[string]string `json:"request" doc:"Its fields: JSON pointers into the document" required:"true"`
	Found     string            `json:"found" doc:"JSON pointer in the reply; a value other than empty, false or 0 means that it exists" required:"true"`
}

// Connector returns the SOAP connector.
func Connector() sdk.Plugin {
	return sdk.Connector[Config]{
		Spec: sdk.Spec{
			Name: "soap", Version: "1.0.0", Vendor: "Crossdock", License: "Apache-2.0",
			Summary: "SOAP 1.1 and 1.2 services described by a WSDL: poll, write, call",
			Effect:  "WS-Addressing MessageID on every request; the `exists` check or a fault declared `duplicate` when the service does not recognise repetitions",
		},
		Defaults: Config{Timeout: 30 * time.Second, Interval: 30 * time.Second},
		Validate: validate,
		Source: func(ctx context.Context, cfg Config, from []byte, env sdk.Env) (sdk.Source, error) {
			return newSource(ctx, cfg, from, env)
		},
		Sink: func(ctx context.Context, cfg Config, env sdk.Env) (sdk.Sink, error) {
			c, err := open(ctx, cfg, env)
			if err != nil {
				return nil, err
			}
			return &sink{endpoint: c}, nil
		},
		Call: func(ctx context.Context, cfg Config, env sdk.Env) (sdk.Caller, error) {
			c, err := open(ctx, cfg, env)
			if err != nil {
				return nil, err
			}
			return &caller{endpoint: c}, nil
		},
	}
}

func validate(cfg Config, role string) []error {
	var out []error
	bad := func(field, hint, format string, args ...any) {
		out = append(out, &sdk.Error{Class: sdk.BadConfig, Code: "config", Field: field, Hint: hint, Message: fmt.Sprintf(format, args...)})
	}
	for code, class := range cfg.Faults {
		if _, ok := classes[class]; !ok {
			bad("/faults/"+code, "one of retryable, permanent, throttled, auth, duplicate", "%q is not a class of fault", class)
		}
	}
	pointers := cfg.pointers()
	for _, field := range slices.Sorted(maps.Keys(pointers)) {
		if _, err := jsonpointer.Parse(pointers[field]); err != nil {
			bad(field, "", "%v", err)
		}
	}
	if role == "source" && cfg.Interval < 100*time.Millisecond {
		bad("/interval", "100ms is the shortest", "the interval %s is too short", cfg.Interval)
	}
	return out
}

// pointers are the settings that name a place in a document, by their field.
func (cfg Config) pointers() map[string]string {
	out := map[string]string{"/items": cfg.Items, "/key": cfg.Key, "/watermark": cfg.Watermark, "/externalId": cfg.ExternalID}
	for i, p := range cfg.ID {
		out["/id/"+strconv.Itoa(i)] = p
	}
	for name, p := range cfg.Keys {
		out["/keys/"+name] = p
	}
	if cfg.Exists != nil {
		out["/exists/found"] = cfg.Exists.Found
		for name, p := range cfg.Exists.Request {
			out["/exists/request/"+name] = p
		}
	}
	return out
}

// endpoint is an opened source, sink or call.
type endpoint struct {
	cfg    Config
	client *client
}

func open(ctx context.Context, cfg Config, env sdk.Env) (*endpoint, error) {
	h := newHTTP(cfg.Timeout)
	fetch := func(location string) ([]byte, error) { return fetchDocument(ctx, h, cfg, location) }
	doc, err := fetch(cfg.WSDL)
	if err != nil {
		return nil, err
	}
	service, err := Load(doc, cfg.WSDL, Version(cfg.Version), fetch)
	if err != nil {
		return nil, sdk.Fail(sdk.BadConfig, "soap.wsdl", err)
	}
	if cfg.Operation != "" {
		if _, err := service.Operation(cfg.Operation); err != nil {
			return nil, &sdk.Error{Class: sdk.BadConfig, Code: "soap.operation", Field: "/operation", Err: err}
		}
	}
	return &endpoint{cfg: cfg, client: &client{
		service: service, http: h, url: cfg.URL, headers: cfg.Headers, user: cfg.User, pass: cfg.Pass, wsse: cfg.WSSE, faults: cfg.Faults,
	}}, nil
}

// fetchDocument reads a WSDL or schema from its address or from a file.
func fetchDocument(ctx context.Context, h *http.Client, cfg Config, location string) ([]byte, error) {
	if !strings.HasPrefix(location, "http://") && !strings.HasPrefix(location, "https://") {
		b, err := os.ReadFile(location)
		if err != nil {
			return nil, &sdk.Error{Class: sdk.BadConfig, Code: "soap.wsdl", Field: "/wsdl", Err: err}
		}
		return b, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, location, nil)
	if err != nil {
		return nil, &sdk.Error{Class: sdk.BadConfig, Code: "soap.wsdl", Field: "/wsdl", Err: err}
	}
	if cfg.User != "" {
		req.SetBasicAuth(cfg.User, cfg.Pass)
	}
	res, err := httpexchange.Do(h, req, nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	b, err := httpexchange.Body(res.Body, maxDocument)
	if err != nil {
		return nil, sdk.Fail(sdk.Retryable, "soap.wsdl", err)
	}
	if err := sdk.FromHTTP(res.StatusCode, res.Header.Get("Retry-After"), b); err != nil {
		return nil, err
	}
	return b, nil
}

// Close releases idle connections.
func (e *endpoint) Close() error {
	e.client.http.CloseIdleConnections()
	return nil
}

// Check reports that the WSDL was read and that the service's address answers.
func (e *endpoint) Check(ctx context.Context) []sdk.Step {
	steps := []sdk.Step{{Name: "read the WSDL"}}
	began := time.Now()
	to := e.client.url
	for _, o := range e.client.service.operations {
		if to == "" {
			to = o.Address
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, to, nil)
	if err == nil {
		var res *http.Response
		if res, err = httpexchange.Do(e.client.http, req, nil); err == nil {
			err = res.Body.Close()
		}
	}
	return append(steps, sdk.Step{Name: "reach " + to, Err: err, Took: time.Since(began)})
}

// Discover lists the service's operations with the schemas of their messages.
func (e *endpoint) Discover(_ context.Context, filter string) (sdk.Discovery, error) {
	var d sdk.Discovery
	s := e.client.service
	for _, n := range s.names() {
		if filter != "" && !strings.Contains(strings.ToLower(n), strings.ToLower(filter)) {
			continue
		}
		o := s.operations[n]
		d.Operations = append(d.Operations, sdk.Operation{
			Name: n, Kind: "soap " + string(o.Version), Summary: o.Summary,
			Input: s.Schema(o, false), Output: s.Schema(o, true),
		})
	}
	return d, nil
}

// writesAtOnce bounds the calls under way for one batch.
const writesAtOnce = 8

// sink calls an operation for every record.
type sink struct{ *endpoint }

func (s *sink) Write(ctx context.Context, recs []sdk.Record) []sdk.Result {
	return sdk.Each(ctx, recs, writesAtOnce, s.one)
}

func (s *sink) one(ctx context.Context, r sdk.Record) sdk.Result {
	doc := r.Payload
	if s.cfg.Exists != nil {
		found, err := s.exists(ctx, doc, r.ID)
		if err != nil {
			return sdk.Result{Err: err}
		}
		if found {
			return sdk.Result{Err: sdk.Failf(sdk.Duplicate, "soap.exists", "the service has it already")}
		}
	}
	if s.cfg.Field != "" {
		doc, _ = json.Marshal(map[string]json.RawMessage{s.cfg.Field: doc})
	}
	reply, err := s.client.call(ctx, s.cfg.Operation, doc, r.ID)
	if err != nil {
		return sdk.Result{Err: err}
	}
	res := sdk.Result{Response: reply}
	if s.cfg.ExternalID != "" {
		res.ExternalID = textIn(reply, s.cfg.ExternalID)
	}
	return res
}

func (s *sink) exists(ctx context.Context, doc []byte, id string) (bool, error) {
	e := s.cfg.Exists
	request := map[string]string{}
	for k, p := range e.Request {
		request[k] = textIn(doc, p)
	}
	b, err := json.Marshal(request)
	if err != nil {
		return false, err
	}
	reply, err := s.client.call(ctx, e.Operation, b, id+"/exists")
	if err != nil {
		return false, err
	}
	switch textIn(reply, e.Found) {
	case "", "false", "0":
		return false, nil
	}
	return true, nil
}

// caller answers any operation of the service.
type caller struct{ *endpoint }

func (c *caller) Call(ctx context.Context, operation string, in sdk.Record) (sdk.Record, error) {
	if operation == "" {
		operation = c.cfg.Operation
	}
	out, err := c.client.call(ctx, operation, in.Payload, in.ID)
	return sdk.Record{ID: in.ID, Payload: out, ContentType: "application/json"}, err
}

// textIn is textAt for a document as it was written; empty when it is no JSON,
// which encoding a request reports better and a reply of the codec never is.
func textIn(doc []byte, pointer string) string {
	v, err := jsonpointer.Decode(doc)
	if err != nil {
		return ""
	}
	return textAt(v, pointer)
}

// textAt is the text at a JSON pointer; empty when there is nothing. An object
// or a list is its JSON, so that it can tell whether something is there.
func textAt(doc any, pointer string) string {
	v, _ := jsonpointer.Must(pointer).Find(doc)
	if v == nil {
		return ""
	}
	if t, ok := jsonpointer.Text(v); ok {
		return t
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
