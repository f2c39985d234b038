package estate

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// web is an HTTP server on a free loopback port.
type web struct {
	srv *http.Server
	l   net.Listener
}

func startWeb(h http.Handler) (web, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return web{}, err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.Serve(l) }() // ends with ErrServerClosed
	return web{s, l}, nil
}

func (w web) url() string  { return "http://" + w.l.Addr().String() }
func (w web) close() error { return w.srv.Close() }

// effects counts how often each document was applied.
type effects struct {
	mu sync.Mutex
	n  map[string]int
}

func (e *effects) add(id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.n == nil {
		e.n = map[string]int{}
	}
	e.n[id]++
}

func (e *effects) copy() map[string]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := make(map[string]int, len(e.n))
	for k, v := range e.n {
		out[k] = v
	}
	return out
}

// answered remembers replies by idempotency key, as careful APIs do.
type answered struct {
	mu   sync.Mutex
	byID map[string][]byte
}

func (a *answered) once(key string, apply func() []byte) []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byID == nil {
		a.byID = map[string][]byte{}
	}
	if key != "" {
		if b, ok := a.byID[key]; ok {
			return b
		}
	}
	b := apply()
	if key != "" {
		a.byID[key] = b
	}
	return b
}

// shop sends order webhooks and takes fulfilments. Every so often it fails
// once.
type shop struct {
	web
	fulfilled effects
	replies   answered
	calls     atomic.Int64
}

func startShop() (*shop, error) {
	s := &shop{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /fulfilments", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+shopToken {
			http.Error(w, `{"error":"wrong token"}`, http.StatusUnauthorized)
			return
		}
		if s.calls.Add(1)%25 == 0 {
			http.Error(w, `{"error":"something went wrong, try again"}`, http.StatusInternalServerError)
			return
		}
		var f struct {
			ShipmentID string `json:"shipment_id"`
		}
		if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&f); err != nil || f.ShipmentID == "" {
			http.Error(w, `{"error":"shipment_id is missing"}`, http.StatusUnprocessableEntity)
			return
		}
		b := s.replies.once(r.Header.Get("Idempotency-Key"), func() []byte {
			s.fulfilled.add(f.ShipmentID)
			return []byte(`{"id":"F-` + strings.TrimPrefix(f.ShipmentID, "shipment:erp:") + `"}`)
		})
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(b)
	})
	var err error
	s.web, err = startWeb(mux)
	return s, err
}

// marketplace takes stock levels. Every so often it is too busy and says for
// how long.
type marketplace struct {
	web
	stock   effects
	replies answered
	mu      sync.Mutex
	calls   int
	newest  map[string]int // SKU: revision applied last
	stale   []string       // revisions applied after a newer one
}

func startMarketplace() (*marketplace, error) {
	m := &marketplace{}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /offers/{sku}/stock", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Api-Key") != marketplaceKey {
			http.Error(w, `{"error":"wrong key"}`, http.StatusUnauthorized)
			return
		}
		m.mu.Lock()
		m.calls++
		busy := m.calls%40 == 0
		m.mu.Unlock()
		if busy {
			w.Header().Set("Retry-After", "1")
			http.Error(w, `{"error":"too many requests"}`, http.StatusTooManyRequests)
			return
		}
		var v struct {
			SKU      string `json:"sku"`
			Revision int    `json:"revision"`
		}
		if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&v); err != nil || v.SKU != r.PathValue("sku") {
			http.Error(w, `{"error":"sku does not match the address"}`, http.StatusUnprocessableEntity)
			return
		}
		_, _ = w.Write(m.replies.once(r.Header.Get("Idempotency-Key"), func() []byte {
			m.apply(v.SKU, v.Revision)
			return []byte(`{"accepted":true}`)
		}))
	})
	var err error
	m.web, err = startWeb(mux)
	return m, err
}

// apply books a stock level and notes whether it overtook an older one.
func (m *marketplace) apply(sku string, revision int) {
	id := sku + "-" + strconv.Itoa(revision)
	m.stock.add(id)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.newest == nil {
		m.newest = map[string]int{}
	}
	if revision < m.newest[sku] {
		m.stale = append(m.stale, id)
	}
	m.newest[sku] = revision
}

// OutOfOrder lists the stock levels that the marketplace got after a newer one
// of the same SKU.
func (e *Estate) OutOfOrder() []string {
	e.mkt.mu.Lock()
	defer e.mkt.mu.Unlock()
	return append([]string(nil), e.mkt.stale...)
}

// webhook is an order as the shop sends it.
func webhook(number string, lines []line, at time.Time) []byte {
	type li struct {
		ID       string `json:"id"`
		SKU      string `json:"sku"`
		Title    string `json:"title"`
		Quantity int    `json:"quantity"`
		Price    string `json:"price"`
	}
	items := make([]li, len(lines))
	for i, l := range lines {
		items[i] = li{strconv.Itoa(l.number), l.sku, l.title, l.quantity, l.price}
	}
	b, err := json.Marshal(map[string]any{
		"order_number": number, "created_at": stamp(at), "currency": "USD", "financial_status": "paid", "email": "buyer@example.com",
		"shipping_address": map[string]string{"name": "Robin Buyer", "address1": "12 Harbor St", "city": "Portland", "zip": "97201", "country_code": "US"},
		"line_items":       items, "total_price": total(lines),
	})
	if err != nil {
		panic(err) // strings and numbers only
	}
	return b
}

// post sends a webhook until it is accepted, as a shop does: without a 2xx it
// sends again.
func (e *Estate) post(ctx context.Context, body []byte) error {
	mac := hmac.New(sha256.New, []byte(webhookSecret))
	mac.Write(body)
	signature := "sha256=" + hex.EncodeToString(mac.Sum(nil))
	var last error
	for wait := 100 * time.Millisecond; ; wait = min(wait*2, 2*time.Second) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+e.hook+"/webhooks/orders", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("X-Shop-Signature", signature)
		res, err := e.client.Do(req)
		if err == nil {
			b, _ := io.ReadAll(io.LimitReader(res.Body, 1024))
			_ = res.Body.Close()
			if res.StatusCode/100 == 2 {
				return nil
			}
			err = fmt.Errorf("webhook answered %d: %s", res.StatusCode, b)
		}
		last = err
		select {
		case <-ctx.Done():
			return fmt.Errorf("the webhook was never accepted: %w", last)
		case <-time.After(wait):
		}
	}
}
