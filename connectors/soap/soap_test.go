package soap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// erp is a SOAP service: it answers what the test puts into reply and keeps
// what it was sent.
type erp struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	reply  string
	body   string
	header http.Header
}

func newERP(t *testing.T) *erp {
	t.Helper()
	wsdl, err := os.ReadFile("testdata/orders.wsdl")
	if err != nil {
		t.Fatal(err)
	}
	e := &erp{status: 200}
	e.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = w.Write(wsdl)
			return
		}
		b, _ := io.ReadAll(r.Body)
		e.mu.Lock()
		defer e.mu.Unlock()
		e.body, e.header = string(b), r.Header
		w.WriteHeader(e.status)
		_, _ = io.WriteString(w, e.reply)
	}))
	e.Start()
	t.Cleanup(e.Close)
	return e
}

func (e *erp) answer(status int, body string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status = status
	e.reply = `<s:Envelope xmlns:s="` + ns11 + `"><s:Body>` + body + `</s:Body></s:Envelope>`
}

func (e *erp) endpoint(t *testing.T, cfg Config) *endpoint {
	t.Helper()
	cfg.WSDL, cfg.URL, cfg.Timeout = e.URL+"?wsdl", e.URL, 5*time.Second
	ep, err := open(context.Background(), cfg, sdk.Env{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ep.Close() })
	return ep
}

const created = `<CreateOrderResponse xmlns="urn:erp:orders"><id>SO-1</id><lines>1</lines></CreateOrderResponse>`

func TestRequestFollowsTheSchema(t *testing.T) {
	e := newERP(t)
	ep := e.endpoint(t, Config{Operation: "CreateOrder"})
	e.answer(200, created)
	// The fields come in another order than the schema wants, and hold what XML
	// must escape.
	out, err := ep.client.call(context.Background(), "CreateOrder",
		[]byte(`{"line":[{"quantity":"2.50","sku":"A<&>\"1"}],"orderNumber":"4711"}`), "m-1")
	if err != nil {
		t.Fatal(err)
	}
	if got := string(out); got != `{"id":"SO-1","lines":1}` {
		t.Errorf("reply: %s", got)
	}
	want := `<CreateOrder xmlns="urn:erp:orders"><orderNumber xmlns="urn:erp:orders">4711</orderNumber>` +
		`<line xmlns="urn:erp:orders"><sku xmlns="urn:erp:orders">A&lt;&amp;&gt;&#34;1</sku><quantity xmlns="urn:erp:orders">2.50</quantity></line></CreateOrder>`
	if !strings.Contains(e.body, want) {
		t.Errorf("sent %s\nwant %s", e.body, want)
	}
	if !strings.Contains(e.body, "urn:crossdock:m-1") || e.header.Get("SOAPAction") != `"urn:create"` {
		t.Errorf("no message id or action: %s %v", e.body, e.header)
	}
}

func TestRequestErrorsNameTheField(t *testing.T) {
	ep := newERP(t).endpoint(t, Config{Operation: "CreateOrder"})
	tests := []struct{ name, doc, want string }{
		{"missing", `{"orderNumber":"1"}`, "/line: the WSDL requires it"},
		{"unknown", `{"orderNumber":"1","line":[{"sku":"A","quantity":"1"}],"nmbr":"1"}`, "has no field nmbr"},
		{"nested missing", `{"orderNumber":"1","line":[{"sku":"A"}]}`, "/line/0/quantity"},
		{"list where one is allowed", `{"orderNumber":["1","2"],"line":[]}`, "/orderNumber: the WSDL allows one value"},
		{"not an object", `[1]`, "one value here"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ep.client.call(context.Background(), "CreateOrder", []byte(tt.doc), "")
			var se *sdk.Error
			if !errors.As(err, &se) || se.Class != sdk.Permanent || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want a permanent error with %q", err, tt.want)
			}
		})
	}
}

func TestFaultsAreClassified(t *testing.T) {
	fault11 := func(code, detail string) string {
		return `<s:Fault><faultcode>s:` + code + `</faultcode><faultstring>no</faultstring><detail>` + detail + `</detail></s:Fault>`
	}
	fault12 := `<s:Fault><s:Code><s:Value>s:Receiver</s:Value><s:Subcode><s:Value>x:Busy</s:Value></s:Subcode></s:Code><s:Reason><s:Text>wait</s:Text></s:Reason></s:Fault>`
	tests := []struct {
		name   string
		status int
		body   string
		class  sdk.Class
		code   string
	}{
		{"client", 500, fault11("Client", ""), sdk.Permanent, "soap.fault.Client"},
		{"server", 500, fault11("Server", ""), sdk.Retryable, "soap.fault.Server"},
		{"fault with status 200", 200, fault11("Client", ""), sdk.Permanent, "soap.fault.Client"},
		{"declared by subcode", 500, fault11("Client.Duplicate", ""), sdk.Duplicate, "soap.fault.Client.Duplicate"},
		{"declared by detail", 500, fault11("Server", `<UnknownItem xmlns="urn:erp:orders"><sku>X1</sku></UnknownItem>`), sdk.Permanent, "soap.fault.Server"},
		{"SOAP 1.2", 500, fault12, sdk.Retryable, "soap.fault.Receiver.Busy"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newERP(t)
			ep := e.endpoint(t, Config{Operation: "CreateOrder", Faults: map[string]string{"Client.Duplicate": "duplicate", "UnknownItem": "permanent"}})
			e.answer(tt.status, tt.body)
			_, err := ep.client.call(context.Background(), "CreateOrder", []byte(`{"orderNumber":"1","line":[{"sku":"A","quantity":"1"}]}`), "")
			var se *sdk.Error
			if !errors.As(err, &se) {
				t.Fatal(err)
			}
			if se.Class != tt.class || se.Code != tt.code {
				t.Errorf("got class %d code %s, want %d %s", se.Class, se.Code, tt.class, tt.code)
			}
			if tt.name == "declared by detail" && se.Detail["content"] != `{"sku":"X1"}` {
				t.Errorf("the typed fault lost its content: %v", se.Detail)
			}
		})
	}
}

func TestNoServiceMeansNotConnected(t *testing.T) {
	e := newERP(t)
	ep := e.endpoint(t, Config{Operation: "CreateOrder"})
	e.Close()
	ep.client.http.CloseIdleConnections() // what is kept alive would say EOF first
	_, err := ep.client.call(context.Background(), "CreateOrder", []byte(`{"orderNumber":"1","line":[{"sku":"A","quantity":"1"}]}`), "")
	var se *sdk.Error
	if !errors.As(err, &se) || se.Class != sdk.NotConnected {
		t.Errorf("got %v, want class NotConnected", err)
	}
}

func TestGatewayErrorWithoutEnvelope(t *testing.T) {
	e := newERP(t)
	ep := e.endpoint(t, Config{Operation: "CreateOrder"})
	e.mu.Lock()
	e.status, e.reply = 503, "<html>maintenance</html>"
	e.mu.Unlock()
	_, err := ep.client.call(context.Background(), "CreateOrder", []byte(`{"orderNumber":"1","line":[{"sku":"A","quantity":"1"}]}`), "")
	var se *sdk.Error
	if !errors.As(err, &se) || se.Class != sdk.Retryable || se.Code != "http.503" {
		t.Errorf("got %v, want a retryable http.503", err)
	}
}

func TestSOAP12(t *testing.T) {
	e := newERP(t)
	ep := e.endpoint(t, Config{Operation: "CreateOrder", Version: "1.2"})
	e.mu.Lock()
	e.reply = `<e:Envelope xmlns:e="` + ns12 + `"><e:Body>` + created + `</e:Body></e:Envelope>`
	e.mu.Unlock()
	if _, err := ep.client.call(context.Background(), "CreateOrder", []byte(`{"orderNumber":"1","line":[{"sku":"A","quantity":"1"}]}`), ""); err != nil {
		t.Fatal(err)
	}
	if ct := e.header.Get("Content-Type"); !strings.HasPrefix(ct, "application/soap+xml") || !strings.Contains(ct, `action="urn:create12"`) {
		t.Errorf("content type %q", ct)
	}
}

func TestExistsMakesASinkIdempotent(t *testing.T) {
	e := newERP(t)
	ep := e.endpoint(t, Config{Operation: "CreateOrder", Exists: &Exists{
		Operation: "GetShipments", Request: map[string]string{"since": "/orderNumber"}, Found: "/shipment/0/number",
	}})
	e.answer(200, `<GetShipmentsResponse xmlns="urn:erp:orders"><shipment><number>S1</number><order>1</order><shippedAt>2026-01-01T00:00:00Z</shippedAt></shipment></GetShipmentsResponse>`)
	got := (&sink{ep}).Write(context.Background(), []sdk.Record{{ID: "a", Payload: []byte(`{"orderNumber":"1","line":[{"sku":"A","quantity":"1"}]}`)}})
	var se *sdk.Error
	if !errors.As(got[0].Err, &se) || se.Class != sdk.Duplicate {
		t.Errorf("got %v, want class Duplicate", got[0].Err)
	}
}

func TestSourceResumesAndDoesNotRepeat(t *testing.T) {
	e := newERP(t)
	shipments := func(n ...int) string {
		var b strings.Builder
		for _, i := range n {
			fmt.Fprintf(&b, "<shipment><number>S%d</number><order>O%d</order><shippedAt>2026-01-0%dT00:00:00Z</shippedAt></shipment>", i, i, i)
		}
		return `<GetShipmentsResponse xmlns="urn:erp:orders">` + b.String() + `</GetShipmentsResponse>`
	}
	cfg := Config{
		WSDL: e.URL, URL: e.URL, Timeout: time.Second, Operation: "GetShipments", Interval: time.Millisecond,
		Request: map[string]string{"since": "{watermark}"}, Items: "/shipment", ID: []string{"/number"}, Key: "/order",
		Watermark: "/shippedAt", Start: "1970-01-01T00:00:00Z", Keys: map[string]string{"order": "/order"},
	}
	e.answer(200, shipments(1))
	s, err := newSource(context.Background(), cfg, nil, sdk.Env{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	first, err := s.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(first.Records) != 1 || first.Records[0].Key != "O1" || first.Records[0].Meta["key.order"] != "O1" {
		t.Fatalf("%+v", first.Records)
	}
	if !strings.Contains(e.body, "1970-01-01") {
		t.Errorf("the first poll did not begin at start: %s", e.body)
	}
	e.answer(200, shipments(1, 2)) // the service's "since" includes the value itself
	second, err := s.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(second.Records) != 1 || !strings.HasPrefix(second.Records[0].ID, "S2@") {
		t.Fatalf("%+v", second.Records)
	}
	again, err := newSource(context.Background(), cfg, first.Position, sdk.Env{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Close() })
	b, err := again.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(e.body, "2026-01-01T00:00:00Z") || b.Records[0].ID != first.Records[0].ID {
		t.Errorf("resumed at %s with ids %v", e.body, b.Records[0].ID)
	}
}

func TestDiscoverDescribesMessages(t *testing.T) {
	ep := newERP(t).endpoint(t, Config{})
	d, err := ep.Discover(context.Background(), "create")
	if err != nil || len(d.Operations) != 1 {
		t.Fatal(d, err)
	}
	var schema struct {
		Required   []string
		Properties map[string]struct{ Type string }
	}
	if err := json.Unmarshal(d.Operations[0].Input, &schema); err != nil {
		t.Fatal(err)
	}
	if schema.Properties["line"].Type != "array" || schema.Properties["express"].Type != "boolean" || len(schema.Required) != 2 {
		t.Errorf("schema: %s", d.Operations[0].Input)
	}
	if d.Operations[0].Summary != "Enters an order." {
		t.Errorf("summary: %q", d.Operations[0].Summary)
	}
}

func FuzzReply(f *testing.F) {
	wsdl, err := os.ReadFile("testdata/orders.wsdl")
	if err != nil {
		f.Fatal(err)
	}
	s, err := Load(wsdl, "orders.wsdl", "", func(string) ([]byte, error) { return nil, errors.New("none") })
	if err != nil {
		f.Fatal(err)
	}
	o, err := s.Operation("CreateOrder")
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`<s:Envelope xmlns:s="` + ns11 + `"><s:Body>` + created + `</s:Body></s:Envelope>`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		out, err := s.reply(o, raw)
		if err == nil && !json.Valid(out) {
			t.Errorf("not JSON: %s", out)
		}
	})
}

func TestValidateChecksEveryPointer(t *testing.T) {
	cfg := Config{
		WSDL: "x", Interval: time.Second, Items: "/items", ID: []string{"/id", "number"}, Keys: map[string]string{"order": "/a~2"},
		Exists: &Exists{Request: map[string]string{"reference": "number"}, Found: "found"},
	}
	var fields []string
	for _, err := range validate(cfg, "source") {
		var e *sdk.Error
		if !errors.As(err, &e) || e.Class != sdk.BadConfig || !strings.Contains(e.Message, "no JSON pointer") {
			t.Errorf("got %v, want what is no JSON pointer", err)
			continue
		}
		fields = append(fields, e.Field)
	}
	if want := []string{"/exists/found", "/exists/request/reference", "/id/1", "/keys/order"}; !slices.Equal(fields, want) {
		t.Errorf("got %v, want %v", fields, want)
	}
}
