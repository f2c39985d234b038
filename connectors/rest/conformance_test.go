package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/crossdock/crossdock/connectors/conformance"
	"github.com/crossdock/crossdock/connectors/sdk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformanceWebhook(t *testing.T) {
	conformance.Run(t, conformance.Target{Plugin: Connector(), Source: webhookSide})
}

func TestConformancePoll(t *testing.T) {
	conformance.Run(t, conformance.Target{Plugin: Connector(), Source: pollSide})
}

func TestConformanceSinkAndCall(t *testing.T) {
	conformance.Run(t, conformance.Target{Plugin: Connector(), Sink: sinkSide, Call: callSide})
}

func TestConformanceReadBeforeWrite(t *testing.T) {
	conformance.Run(t, conformance.Target{Plugin: Connector(), Sink: lookSide})
}

// freePort is a port that nobody listens on now.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// webhookSide is senders that send until they hear 200, as real ones do.
func webhookSide(t testing.TB) conformance.Source {
	address := freePort(t)
	stop := make(chan struct{})
	var senders sync.WaitGroup
	var acked atomic.Int64
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	t.Cleanup(func() {
		close(stop)
		senders.Wait()
	})
	send := func(n int) {
		body := fmt.Sprintf(`{"id":"doc-%04d","text":"Ä注🛒"}`, n)
		again := time.NewTicker(5 * time.Millisecond)
		defer again.Stop()
		for {
			r, err := http.NewRequest(http.MethodPost, "http://"+address+"/in", bytes.NewBufferString(body))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header.Set("Content-Type", "application/json")
			resp, err := client.Do(r)
			if err == nil {
				_ = resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					acked.Add(1)
					return
				}
			}
			select {
			case <-stop:
				return
			case <-again.C:
			}
		}
	}
	n := 0
	return conformance.Source{
		Config: map[string]any{"listen": address, "path": "/in", "id": "/id", "ackTimeout": "2s"},
		Fill: func(more int) {
			for range more {
				n++
				senders.Add(1)
				go func(n int) {
					defer senders.Done()
					send(n)
				}(n)
			}
		},
		Acked: func() int { return int(acked.Load()) },
	}
}

// pollSide is a list in pages of four, whose watermark includes its bound.
func pollSide(t testing.TB) conformance.Source {
	var filled atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		since, _ := strconv.Atoi(r.URL.Query().Get("since"))
		from, _ := strconv.Atoi(r.URL.Query().Get("after"))
		from = max(from+1, since, 1)
		items := []map[string]any{}
		var next any
		for n := from; n <= int(filled.Load()); n++ {
			if len(items) == 4 {
				next = strconv.Itoa(n - 1)
				break
			}
			items = append(items, map[string]any{"id": fmt.Sprintf("doc-%04d", n), "version": n})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"items": items, "next": next})
	}))
	t.Cleanup(server.Close)
	return conformance.Source{
		Config: map[string]any{
			"url": server.URL, "items": "/items", "id": "/id", "interval": "5ms",
			"pagination": map[string]any{"kind": "cursor", "next": "/next", "parameter": "after"},
			"since":      map[string]any{"parameter": "since", "field": "/version"},
		},
		Fill: func(more int) { filled.Add(int64(more)) },
	}
}

// shop is an API that knows idempotency keys.
type shop struct {
	mu     sync.Mutex
	byKey  map[string]bool
	orders map[string]bool
}

func (s *shop) effects() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byKey)
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodGet {
		if !s.orders[r.URL.Path] {
			w.WriteHeader(http.StatusNotFound)
		}
		return
	}
	var doc struct{ Number string }
	if err := json.NewDecoder(r.Body).Decode(&doc); err != nil || doc.Number == "bad" {
		w.WriteHeader(http.StatusUnprocessableEntity)
		return
	}
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		// Without keys each request has its effect.
		key = strconv.Itoa(len(s.byKey))
	}
	s.byKey[key] = true
	s.orders["/orders/"+doc.Number] = true
	w.WriteHeader(http.StatusCreated)
}

func newShop(t testing.TB) (*shop, string) {
	s := &shop{byKey: map[string]bool{}, orders: map[string]bool{}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return s, server.URL
}

func badOrder() sdk.Record {
	return sdk.Record{ID: "bad", Key: "bad", Payload: []byte(`{"number":"bad"}`)}
}

func sinkSide(t testing.TB) conformance.Sink {
	s, address := newShop(t)
	return conformance.Sink{
		Config: map[string]any{
			"url": address + "/orders", "maxResponse": "1MiB",
			"auth": map[string]any{"kind": "bearer", "token": "s3cret-t0ken-value"},
		},
		Effects: s.effects, Bad: badOrder,
	}
}

func lookSide(t testing.TB) conformance.Sink {
	s, address := newShop(t)
	return conformance.Sink{
		Config: map[string]any{
			"base": address, "url": "/orders", "idempotencyHeader": "",
			"readBeforeWrite": map[string]any{"url": "/orders/{/number}"},
		},
		Effects: s.effects, Bad: badOrder,
	}
}

func callSide(t testing.TB) conformance.Call {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"path":%q,"query":%q}`, r.URL.EscapedPath(), r.URL.RawQuery)
	}))
	t.Cleanup(server.Close)
	return conformance.Call{
		Config:    map[string]any{"base": server.URL, "operations": map[string]any{"price": map[string]any{"url": "/prices/{/sku}"}}},
		Operation: "price", Input: sdk.Record{Payload: []byte(`{"sku":"A/1","store":"berlin"}`)},
		Output: func(t testing.TB, out sdk.Record) {
			if want := `{"path":"/prices/A%2F1","query":"store=berlin"}`; string(out.Payload) != want {
				t.Errorf("the reply is %s, expected %s", out.Payload, want)
			}
		},
	}
}
