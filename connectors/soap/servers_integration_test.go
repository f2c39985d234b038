//go:build integration

package soap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/conformance/counterpart"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// serving starts a server of testdata and returns its address.
func serving(t *testing.T, command *exec.Cmd) string {
	t.Helper()
	return counterpart.Serve(t, regexp.MustCompile(`ready at (http://\S+)`), command)
}

// nodeService is made with the npm package `soap`: SOAP 1.1, and faults with
// HTTP status 200.
func nodeService(t *testing.T) string {
	t.Helper()
	dir := counterpart.Node(t, filepath.Join("testdata", "node"))
	wsdl, err := filepath.Abs(filepath.Join("testdata", "orders.wsdl"))
	if err != nil {
		t.Fatal(err)
	}
	return serving(t, exec.Command("node", filepath.Join(dir, "server.js"), wsdl))
}

// spyneService is made with Python's spyne, which writes its own WSDL.
func spyneService(t *testing.T, version Version) string {
	t.Helper()
	python := counterpart.Python(t, "spyne", "lxml")
	return serving(t, exec.Command(python, filepath.Join("testdata", "spyne_server.py"), string(version)))
}

func opened(t *testing.T, cfg Config) *endpoint {
	t.Helper()
	cfg.Timeout = 20 * time.Second
	ep, err := open(t.Context(), cfg, sdk.Env{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ep.Close() })
	return ep
}

// wantClass wants an error of a class whose text has a part.
func wantClass(t *testing.T, err error, class sdk.Class, part string) *sdk.Error {
	t.Helper()
	var e *sdk.Error
	if !errors.As(err, &e) || e.Class != class || !strings.Contains(err.Error(), part) {
		t.Fatalf("got %v, want class %d and %q", err, class, part)
	}
	return e
}

func orderOf(number, sku string) sdk.Record {
	return sdk.Record{ID: "m-" + number, Payload: fmt.Appendf(nil, `{"orderNumber":%q,"line":[{"sku":%q,"quantity":"2.5"},{"sku":"B","quantity":"1"}]}`, number, sku)}
}

func TestNodeServiceTakesOrders(t *testing.T) {
	url := nodeService(t)
	s := &sink{opened(t, Config{WSDL: url + "?wsdl", Operation: "CreateOrder", ExternalID: "/id", Faults: map[string]string{"Client.Duplicate": "duplicate"}})}
	results := s.Write(t.Context(), []sdk.Record{orderOf("4711", "Ä<&>\"1"), orderOf("4712", "UNKNOWN-1"), orderOf("4711", "A"), orderOf("busy", "A")})
	if results[0].Err != nil || results[0].ExternalID != "SO-4711" || string(results[0].Response) != `{"id":"SO-4711","lines":2}` {
		t.Errorf("created: %+v %s", results[0], results[0].Response)
	}
	refused := wantClass(t, results[1].Err, sdk.Permanent, "no item UNKNOWN-1")
	if refused.Detail["status"] != "200" || refused.Detail["fault"] != "UnknownItem" || !strings.Contains(refused.Detail["content"], "UNKNOWN-1") {
		t.Errorf("the typed fault arrived as %v", refused.Detail)
	}
	wantClass(t, results[2].Err, sdk.Duplicate, "4711 exists")
	wantClass(t, results[3].Err, sdk.Retryable, "try again")
}

func TestNodeServiceIsPolled(t *testing.T) {
	url := nodeService(t)
	s := &sink{opened(t, Config{WSDL: url + "?wsdl", Operation: "CreateOrder"})}
	for _, number := range []string{"1", "2"} { // one after the other: the service lists them as they came
		if r := s.Write(t.Context(), []sdk.Record{orderOf(number, "A")}); r[0].Err != nil {
			t.Fatal(r[0].Err)
		}
	}
	cfg := Config{
		WSDL: url + "?wsdl", Timeout: 20 * time.Second, Operation: "GetShipments", Interval: time.Millisecond,
		Request: map[string]string{"since": "{watermark}"}, Items: "/shipment", ID: []string{"/number"}, Key: "/order",
		Watermark: "/shippedAt", Start: "1970-01-01T00:00:00Z",
	}
	src, err := newSource(t.Context(), cfg, nil, sdk.Env{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }()
	first, err := src.Read(t.Context())
	if err != nil || len(first.Records) != 2 || first.Records[1].Key != "2" {
		t.Fatalf("%+v, %v", first, err)
	}
	if r := s.Write(t.Context(), []sdk.Record{orderOf("3", "A")}); r[0].Err != nil {
		t.Fatal(r[0].Err)
	}
	second, err := src.Read(t.Context())
	if err != nil || len(second.Records) != 1 || second.Records[0].Key != "3" {
		t.Fatalf("%+v, %v", second, err)
	}
}

func TestSpyneService(t *testing.T) {
	for _, version := range []Version{V11, V12} {
		t.Run(string(version), func(t *testing.T) {
			url := spyneService(t, version)
			s := &sink{opened(t, Config{WSDL: url + "?wsdl", Operation: "SetLevel", Field: "level", ExternalID: "/SetLevelResult/id"})}
			if got := s.client.service.operations["SetLevel"].Version; got != version {
				t.Errorf("the WSDL was read as SOAP %s", got)
			}
			level := func(sku string) sdk.Record {
				return sdk.Record{ID: sku, Payload: []byte(`{"quantity":"7.50","sku":"` + sku + `"}`)}
			}
			results := s.Write(t.Context(), []sdk.Record{level("Ä<&>1"), level("UNKNOWN-1"), level("BUSY")})
			if results[0].Err != nil || results[0].ExternalID != "Ä<&>1" {
				t.Errorf("set: %+v", results[0])
			}
			wantClass(t, results[1].Err, sdk.Permanent, "no item UNKNOWN-1")
			wantClass(t, results[2].Err, sdk.Retryable, "try again")
			reply, err := (&caller{s.endpoint}).Call(t.Context(), "GetLevels", sdk.Record{Payload: []byte(`{}`)})
			if want := `{"GetLevelsResult":{"Level":[{"quantity":"7.50","sku":"Ä<&>1"}]}}`; err != nil || !sameJSON(t, reply.Payload, want) {
				t.Errorf("levels: %s, %v; want %s", reply.Payload, err, want)
			}
		})
	}
}

// sameJSON compares documents, not their spelling.
func sameJSON(t *testing.T, got []byte, want string) bool {
	t.Helper()
	var a, b any
	if err := json.Unmarshal(got, &a); err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	if err := json.Unmarshal([]byte(want), &b); err != nil {
		t.Fatal(err)
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// A service that is asked in the other version answers with a fault, not with
// silence; the error says so.
func TestSpyneServiceInTheWrongVersion(t *testing.T) {
	url := spyneService(t, V12)
	ep := opened(t, Config{WSDL: url + "?wsdl", Operation: "GetLevels"})
	ep.client.service.operations["GetLevels"].Version = V11
	_, err := ep.client.call(context.Background(), "GetLevels", []byte(`{}`), "")
	var e *sdk.Error
	if !errors.As(err, &e) || e.Class == sdk.Unclassified || e.Code == "" {
		t.Errorf("got %v, want a classified error", err)
	}
}
