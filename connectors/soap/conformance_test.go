package soap

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/crossdock/crossdock/connectors/conformance"
	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/plugins/protocol"
)

func TestMain(m *testing.M) {
	if os.Getenv(protocol.CookieKey) != "" {
		sdk.Serve(Connector())
		return
	}
	goleak.VerifyTestMain(m)
}

// orderService is the service of testdata/orders.wsdl: it creates an order
// once, refuses unknown items with a typed fault, and lists shipments.
type orderService struct {
	mu        sync.Mutex
	wsdl      string
	orders    map[string]bool
	shipments []string // the n-th left n seconds after 2026 began
}

func newOrderService(t testing.TB) (*orderService, string) {
	t.Helper()
	wsdl, err := os.ReadFile("testdata/orders.wsdl")
	if err != nil {
		t.Fatal(err)
	}
	s := &orderService{wsdl: string(wsdl), orders: map[string]bool{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server.URL
}

func (s *orderService) created() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.orders)
}

func (s *orderService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		_, _ = io.WriteString(w, s.wsdl)
		return
	}
	var in struct {
		Create *struct {
			Number string   `xml:"orderNumber"`
			SKUs   []string `xml:"line>sku"`
		} `xml:"Body>CreateOrder"`
		List *struct {
			Since time.Time `xml:"since"`
		} `xml:"Body>GetShipments"`
	}
	if err := xml.NewDecoder(r.Body).Decode(&in); err != nil || in.Create == nil && in.List == nil {
		s.reply(w, http.StatusInternalServerError, `<s:Fault><faultcode>s:Client</faultcode><faultstring>not understood</faultstring></s:Fault>`)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if in.List != nil {
		var b strings.Builder
		for n, number := range s.shipments {
			if at := time.Date(2026, 1, 1, 0, 0, n, 0, time.UTC); !at.Before(in.List.Since) {
				fmt.Fprintf(&b, "<shipment><number>%s</number><order>O-%s</order><shippedAt>%s</shippedAt></shipment>", number, number, at.Format(time.RFC3339))
			}
		}
		s.reply(w, http.StatusOK, `<GetShipmentsResponse xmlns="urn:erp:orders">`+b.String()+`</GetShipmentsResponse>`)
		return
	}
	switch {
	case len(in.Create.SKUs) > 0 && in.Create.SKUs[0] == "UNKNOWN":
		s.reply(w, http.StatusInternalServerError, `<s:Fault><faultcode>s:Client</faultcode><faultstring>no such item</faultstring><detail><UnknownItem xmlns="urn:erp:orders"><sku>UNKNOWN</sku></UnknownItem></detail></s:Fault>`)
	case s.orders[in.Create.Number]:
		s.reply(w, http.StatusInternalServerError, `<s:Fault><faultcode>s:Client.Duplicate</faultcode><faultstring>it exists</faultstring></s:Fault>`)
	default:
		s.orders[in.Create.Number] = true
		s.reply(w, http.StatusOK, `<CreateOrderResponse xmlns="urn:erp:orders"><id>SO-`+in.Create.Number+`</id><lines>1</lines></CreateOrderResponse>`)
	}
}

func (s *orderService) reply(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `<s:Envelope xmlns:s="`+ns11+`"><s:Body>`+body+`</s:Body></s:Envelope>`)
}

func creation(id, number, sku string) sdk.Record {
	return sdk.Record{
		ID: id, Key: number, ContentType: "application/json",
		Payload: fmt.Appendf(nil, `{"orderNumber":%q,"line":[{"sku":%q,"quantity":"1"}]}`, number, sku),
	}
}

func target() conformance.Target {
	return conformance.Target{
		Source: func(t testing.TB) conformance.Source {
			s, address := newOrderService(t)
			return conformance.Source{
				Config: map[string]any{
					"wsdl": address, "url": address, "operation": "GetShipments", "interval": "100ms",
					"request": map[string]any{"since": "{watermark}"}, "start": "2026-01-01T00:00:00Z",
					"items": "/shipment", "id": []any{"/number"}, "key": "/order", "watermark": "/shippedAt",
				},
				Fill: func(n int) {
					s.mu.Lock()
					defer s.mu.Unlock()
					for range n {
						s.shipments = append(s.shipments, fmt.Sprintf("S-%04d", len(s.shipments)))
					}
				},
				// "since" includes the moment itself.
				Rereads: true,
			}
		},
		Sink: func(t testing.TB) conformance.Sink {
			s, address := newOrderService(t)
			return conformance.Sink{
				Config: map[string]any{
					"wsdl": address, "url": address, "operation": "CreateOrder", "externalId": "/id",
					"user": "crossdock", "password": "s3cret-passw0rd",
					"faults": map[string]any{"Client.Duplicate": "duplicate", "UnknownItem": "permanent"},
				},
				Record:  func(n int) sdk.Record { return creation(fmt.Sprintf("m-%04d", n), fmt.Sprintf("O-%04d", n), "A") },
				Effects: s.created,
				Bad:     func() sdk.Record { return creation("bad", "bad", "UNKNOWN") },
			}
		},
		Call: func(t testing.TB) conformance.Call {
			s, address := newOrderService(t)
			s.shipments = []string{"S-1"}
			return conformance.Call{
				Config: map[string]any{"wsdl": address, "url": address}, Operation: "GetShipments",
				Input: sdk.Record{ID: "c", Payload: []byte(`{"since":"2026-01-01T00:00:00Z"}`)},
				Output: func(t testing.TB, out sdk.Record) {
					if want := `{"shipment":[{"number":"S-1","order":"O-S-1","shippedAt":"2026-01-01T00:00:00Z"}]}`; string(out.Payload) != want {
						t.Errorf("the reply is %s, want %s", out.Payload, want)
					}
				},
			}
		},
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	c := target()
	c.Plugin = Connector()
	conformance.Run(t, c)
}

func TestConformanceAsProcess(t *testing.T) {
	t.Parallel()
	c := target()
	c.Command = []string{os.Args[0]}
	conformance.Run(t, c)
}

func TestLater(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"2026-01-01T00:00:01Z", "2026-01-01T00:00:00Z", true},
		{"2026-01-01T00:00:00+01:00", "2026-01-01T00:00:00Z", false},
		{"2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00Z", true},
		{"10", "9", true},
		{"9", "10", false},
		{"10.50", "10.5", false},
		{"b", "a", true},
		{"1", "", true},
		{"", "1", false},
	} {
		if got := later(test.a, test.b); got != test.want {
			t.Errorf("later(%q, %q) is %v", test.a, test.b, got)
		}
	}
}
