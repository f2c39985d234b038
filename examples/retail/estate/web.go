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

// lossy lets every n-th change take effect and then cuts the connection
// instead of answering, so that the caller cannot know.
func lossy(n int, h http.Handler) http.Handler {
	if n <= 0 {
		return h
	}
	var calls atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		if r.Method != http.MethodGet && calls.Add(1)%int64(n) == 0 {
			panic(http.ErrAbortHandler) // net/http's way to cut a connection
		}
	})
}

// effects is what a receiver booked: how often each document, and what the
// last one said.
type effects struct {
	mu   sync.Mutex
	n    map[string]int
	says map[string]content
}

func (e *effects) add(id string, c content) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.n == nil {
		e.n, e.says = map[string]int{}, map[string]content{}
	}
	e.n[id]++
	e.says[id] = c
}

func (e *effects) copy() receiver {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := receiver{make(map[string]int, len(e.n)), make(map[string]content, len(e.n))}
	for k, v := range e.n {
		out.times[k], out.says[k] = v, e.says[k]
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

func startShop(loseAnswers int) (*shop, error) {
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
			Lines      []struct {
				Quantity int `json:"quantity"`
			} `json:"line_items"`
		}
		if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&f); err != nil || f.ShipmentID == "" {
			http.Error(w, `{"error":"shipment_id is missing"}`, http.StatusUnprocessableEntity)
			return
		}
		b := s.replies.once(r.Header.Get("Idempotency-Key"), func() []byte {
			c := content{lines: len(f.Lines)}
			for _, l := range f.Lines {
				c.pieces += l.Quantity
			}
			s.fulfilled.add(f.ShipmentID, c)
			return []byte(`{"id":"F-` + strings.TrimPrefix(f.ShipmentID, "shipment:erp:") + `"}`)
		})
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(b)
	})
	var err error
	s.web, err = startWeb(lossy(loseAnswers, mux))
	return s, err
}

// restless is the least time between two moments at which the marketplace is
// too busy; it limits what a load test can move, and should not be all of it.
const restless = 4 * time.Second

// marketplace takes stock levels. After 40 of them it is too busy and says for
// how long.
type marketplace struct {
	web
	stock   effects
	replies answered
	mu      sync.Mutex
	calls   int            // since it was busy last
	rested  time.Time      // when it was busy last
	newest  map[string]int // SKU: revision applied last
	stale   []string       // revisions applied after a newer one
}

func startMarketplace(loseAnswers int) (*marketplace, error) {
	m := &marketplace{}
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /offers/{sku}/stock", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Api-Key") != marketplaceKey {
			http.Error(w, `{"error":"wrong key"}`, http.StatusUnauthorized)
			return
		}
		m.mu.Lock()
		m.calls++
		busy := m.calls >= 40 && time.Since(m.rested) > restless
		if busy {
			m.calls, m.rested = 0, time.Now()
		}
		m.mu.Unlock()
		if busy {
			w.Header().Set("Retry-After", "1")
			http.Error(w, `{"error":"too many requests"}`, http.StatusTooManyRequests)
			return
		}
		var v struct {
			SKU      string `json:"sku"`
			Revision int    `json:"revision"`
			Quantity int    `json:"quantity"`
		}
		if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&v); err != nil || v.SKU != r.PathValue("sku") {
			http.Error(w, `{"error":"sku does not match the address"}`, http.StatusUnprocessableEntity)
			return
		}
		_, _ = w.Write(m.replies.once(r.Header.Get("Idempotency-Key"), func() []byte {
			m.apply(v.SKU, v.Revision, v.Quantity)
			return []byte(`{"accepted":true}`)
		}))
	})
	var err error
	m.web, err = startWeb(lossy(loseAnswers, mux))
	return m, err
}

// apply books a stock level and notes whether it overtook an older one.
func (m *marketplace) apply(sku string, revision, quantity int) {
	id := sku + "-" + strconv.Itoa(revision)
	m.stock.add(id, content{pieces: quantity})
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
