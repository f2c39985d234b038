package rest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/rest/internal/listener"
	"github.com/crossdock/crossdock/connectors/rest/internal/signature"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// testLog keeps what was logged.
type testLog struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *testLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *testLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func testEnv() (sdk.Env, *testLog) {
	l := &testLog{}
	return sdk.Env{Instance: "shop.orders", Log: slog.New(slog.NewTextHandler(l, nil))}, l
}

// withDefaults gives cfg what the SDK's decoding gives it.
func withDefaults(cfg Config) Config {
	cfg.Timeout = orDuration(cfg.Timeout, 5*time.Second)
	cfg.ConnectTimeout = orDuration(cfg.ConnectTimeout, 5*time.Second)
	cfg.AckTimeout = orDuration(cfg.AckTimeout, 5*time.Second)
	cfg.Interval = orDuration(cfg.Interval, time.Millisecond)
	if cfg.MaxResponse == 0 {
		cfg.MaxResponse = 1 << 20
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = 1 << 10
	}
	if cfg.MaxWaiting == 0 {
		cfg.MaxWaiting = 16
	}
	if cfg.Path == "" {
		cfg.Path = "/"
	}
	if cfg.Concurrency == 0 {
		cfg.Concurrency = 4
	}
	return cfg
}

func orDuration(d, other time.Duration) time.Duration {
	if d == 0 {
		return other
	}
	return d
}

// listening is a webhook with a core that stores everything, unless it is told
// otherwise.
type listening struct {
	*webhook
	t       *testing.T
	log     *testLog
	address string
	stored  chan sdk.Record
}

func listen(t *testing.T, p *listener.Ports, cfg Config) *listening {
	t.Helper()
	env, log := testEnv()
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	cfg = withDefaults(cfg)
	w, err := newWebhook(cfg, env, p, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return &listening{webhook: w, t: t, log: log, address: "http://" + w.port.Listener.Addr().String() + cfg.Path, stored: make(chan sdk.Record, 100)}
}

func (l *listening) store() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			b, err := l.Read(ctx)
			if err != nil {
				return
			}
			for _, r := range b.Records {
				l.stored <- r
			}
			if err := l.Ack(ctx, b.Position); err != nil {
				l.t.Error(err)
			}
		}
	}()
	l.t.Cleanup(func() { cancel(); <-done })
}

type sent struct {
	status int
	body   string
	header http.Header
}

func send(t *testing.T, method, address, body string, headers map[string]string) sent {
	t.Helper()
	r, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return sent{resp.StatusCode, string(b), resp.Header}
}

func TestWebhookRefusals(t *testing.T) {
	l := listen(t, listener.New(), Config{
		Path: "/orders", Key: "/order_number", MaxBody: 100,
		Signature: &signature.Config{Header: "X-Sig", Secrets: []string{"topsecret"}, Separator: ","},
	})
	l.store()
	signed := func(body string) map[string]string {
		return map[string]string{"X-Sig": hex.EncodeToString(sign(sha256.New, "topsecret", body))}
	}
	with := func(h map[string]string, k, v string) map[string]string { h[k] = v; return h }
	for _, test := range []struct {
		name, method, body string
		headers            map[string]string
		status             int
		want               string
	}{
		{"wrong method", "PUT", `{}`, signed(`{}`), 405, "send events with POST"},
		{"wrong type", "POST", `{}`, with(signed(`{}`), "Content-Type", "text/plain"), 415, "send application/json"},
		{"packed", "POST", `{}`, with(signed(`{}`), "Content-Encoding", "gzip"), 415, "uncompressed"},
		{"too large", "POST", `{"x":"` + strings.Repeat("x", 100) + `"}`, nil, 413, "larger than 100 bytes"},
		{"unsigned", "POST", `{}`, nil, 401, "X-Sig with the signature is missing"},
		{"wrong signature", "POST", `{"a":1}`, signed(`{}`), 401, "does not match the body"},
		{"no JSON", "POST", "{\n \"a\": x}", signed("{\n \"a\": x}"), 400, "line 2, column 8"},
		{"half a document", "POST", `{"a":`, signed(`{"a":`), 400, "ends too early"},
		{"two documents", "POST", `{} {}`, signed(`{} {}`), 400, "goes on after the end"},
		{"nothing", "POST", ``, signed(``), 400, "is empty"},
		{"not UTF-8", "POST", "\"\xff\"", signed("\"\xff\""), 400, "not UTF-8"},
		{"no key", "POST", `{}`, signed(`{}`), 422, "nothing at /order_number"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := send(t, test.method, l.address, test.body, test.headers)
			var answer struct {
				Error struct{ Code, Message string }
			}
			if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
				t.Fatalf("the answer is %q", got.body)
			}
			if got.status != test.status || !strings.Contains(answer.Error.Message, test.want) || answer.Error.Code == "" {
				t.Errorf("got %d %s, expected %d with %q", got.status, got.body, test.status, test.want)
			}
		})
	}
	if got := send(t, "POST", l.address+"/x", `{}`, nil); got.status != 404 {
		t.Errorf("an unknown path is answered %d", got.status)
	}
	if n := len(l.stored); n > 0 {
		t.Errorf("%d refused events were accepted", n)
	}
	if log := l.log.String(); !strings.Contains(log, "its signature is wrong") || strings.Contains(log, "topsecret") {
		t.Errorf("the log is:\n%s", log)
	}
	body := `{"order_number":"4711"}`
	if got := send(t, "POST", l.address, body, signed(body)); got.status != 200 || len(l.stored) != 1 {
		t.Errorf("a good event is answered %d %s", got.status, got.body)
	}
}

func TestWebhookRecords(t *testing.T) {
	l := listen(t, listener.New(), Config{
		Records: "/events", ID: "{/id}@{/at}", Key: "/order", Keys: map[string]string{"order": "/order", "none": "/none"},
		Entity: "order", Operation: "upsert", EventTime: "/at", Meta: map[string]string{"topic": "X-Topic"},
	})
	l.store()
	body := `{"events":[{"id":7,"at":"2026-11-23T10:00:00Z","order":"4711","sum":1.10},{"id":8,"at":"later","order":"4712"}]}`
	if got := send(t, "POST", l.address, body, map[string]string{"X-Topic": "orders/paid"}); got.status != 200 || got.body != `{"accepted":2}`+"\n" {
		t.Fatalf("got %d %s", got.status, got.body)
	}
	a, b := <-l.stored, <-l.stored
	if a.ID != "7@2026-11-23T10:00:00Z" || a.Key != "4711" || a.Meta["key.order"] != "4711" || a.Meta["topic"] != "orders/paid" ||
		a.Entity != "order" || a.Operation != "upsert" || !a.EventTime.Equal(time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("the first record is %+v", a)
	}
	if want := `{"id":7,"at":"2026-11-23T10:00:00Z","order":"4711","sum":1.10}`; string(a.Payload) != want {
		t.Errorf("the payload is %s, expected it as it was sent: %s", a.Payload, want)
	}
	if b.ID != "8@later" || !b.EventTime.IsZero() || b.Meta["key.order"] != "4712" {
		t.Errorf("the second record is %+v", b)
	}
	if got := send(t, "POST", l.address, `{"events":{}}`, nil); got.status != 422 {
		t.Errorf("a body without the array is answered %d %s", got.status, got.body)
	}
	if got := send(t, "POST", l.address, `{"events":[{"id":9,"at":"x","order":"1"},{}]}`, nil); got.status != 422 || !strings.Contains(got.body, "/events/1") {
		t.Errorf("a body with a wrong item is answered %d %s", got.status, got.body)
	}
	if got := send(t, "POST", l.address, `{"events":[]}`, nil); got.status != 200 || len(l.stored) != 0 {
		t.Errorf("a body without events is answered %d, %d records", got.status, len(l.stored))
	}
}

func TestWebhookIDs(t *testing.T) {
	p := listener.New()
	byHeader := listen(t, p, Config{Path: "/h", IDHeader: "X-Event-Id"})
	byHeader.store()
	if got := send(t, "POST", byHeader.address, `{}`, nil); got.status != 400 || !strings.Contains(got.body, "X-Event-Id") {
		t.Errorf("an event without id is answered %d %s", got.status, got.body)
	}
	send(t, "POST", byHeader.address, `{}`, map[string]string{"X-Event-Id": "e-1"})
	if r := <-byHeader.stored; r.ID != "e-1" {
		t.Errorf("the id is %q", r.ID)
	}
	byContent := listen(t, p, Config{Path: "/c", Records: "/l"})
	byContent.store()
	for range 2 {
		send(t, "POST", byContent.address, `{"l":[{"a":1},{"a":1}]}`, nil)
	}
	var ids []string
	for range 4 {
		ids = append(ids, (<-byContent.stored).ID)
	}
	if ids[0] == ids[1] || ids[0] != ids[2] || ids[1] != ids[3] {
		t.Errorf("equal items must have ids of their own, the same when they come again: %q", ids)
	}
}

func TestWebhookNotStored(t *testing.T) {
	t.Run("in time", func(t *testing.T) {
		l := listen(t, listener.New(), Config{AckTimeout: 10 * time.Millisecond})
		got := send(t, "POST", l.address, `{}`, nil)
		if got.status != 503 || got.header.Get("Retry-After") != "1" {
			t.Errorf("got %d, Retry-After %q", got.status, got.header.Get("Retry-After"))
		}
		// Its sender was told that it is not stored: it must not be offered.
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		defer cancel()
		if b, err := l.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Read gives %v, %v", b, err)
		}
	})
	t.Run("refused by the core", func(t *testing.T) {
		l := listen(t, listener.New(), Config{})
		go func() {
			b, err := l.Read(context.Background())
			if err == nil {
				err = l.Nack(context.Background(), b.Position, &sdk.Error{Class: sdk.Throttled, Message: "full", RetryAfter: 7 * time.Second})
			}
			if err != nil {
				t.Error(err)
			}
		}()
		if got := send(t, "POST", l.address, `{}`, nil); got.status != 503 || got.header.Get("Retry-After") != "7" {
			t.Errorf("got %d, Retry-After %q", got.status, got.header.Get("Retry-After"))
		}
	})
	t.Run("when closing", func(t *testing.T) {
		l := listen(t, listener.New(), Config{})
		go func() {
			if _, err := l.Read(context.Background()); err != nil {
				t.Error(err)
			}
			_ = l.Close()
		}()
		if got := send(t, "POST", l.address, `{}`, nil); got.status != 503 {
			t.Errorf("got %d", got.status)
		}
		if _, err := l.Read(context.Background()); !errors.Is(err, io.EOF) {
			t.Errorf("Read after Close: %v", err)
		}
	})
	t.Run("when too many wait", func(t *testing.T) {
		l := listen(t, listener.New(), Config{MaxWaiting: 1})
		first := make(chan sent, 1)
		go func() { first <- send(t, "POST", l.address, `{"n":1}`, nil) }()
		for len(l.queue) == 0 {
			time.Sleep(time.Millisecond) // until the first request waits
		}
		if got := send(t, "POST", l.address, `{"n":2}`, nil); got.status != 503 {
			t.Errorf("got %d", got.status)
		}
		l.store()
		if got := <-first; got.status != 200 {
			t.Errorf("the first request is answered %d", got.status)
		}
	})
}

func TestSharedListener(t *testing.T) {
	p := listener.New()
	a := listen(t, p, Config{Path: "/a"})
	b := listen(t, p, Config{Path: "/b"})
	a.store()
	b.store()
	if a.port != b.port {
		t.Fatal("two endpoints with one address have two listeners")
	}
	env, _ := testEnv()
	_, err := newWebhook(withDefaults(Config{Listen: "127.0.0.1:0", Path: "/a"}), env, p, time.Now)
	if err == nil || !strings.Contains(err.Error(), "already takes /a") {
		t.Errorf("a path that is taken gives %v", err)
	}
	send(t, "POST", a.address, `{"to":"a"}`, nil)
	send(t, "POST", b.address, `{"to":"b"}`, nil)
	if r := <-b.stored; string(r.Payload) != `{"to":"b"}` {
		t.Errorf("b got %s", r.Payload)
	}
	_ = a.Close()
	if got := send(t, "POST", b.address, `{}`, nil); got.status != 200 {
		t.Errorf("after a closed, b answers %d", got.status)
	}
	_ = b.Close()
	c := listen(t, p, Config{Listen: b.port.Listener.Addr().String(), Path: "/c"})
	if len(p.Open) != 1 {
		t.Errorf("%d listeners are open", len(p.Open))
	}
	_, err = newWebhook(withDefaults(Config{Listen: c.port.Listener.Addr().String(), Path: "/"}), env, listener.New(), time.Now)
	if err == nil || !strings.Contains(err.Error(), "another program has this port") {
		t.Errorf("a port that is taken gives %v", err)
	}
}

// The time from the first byte of a request to its answer, without a core.
func BenchmarkWebhook(b *testing.B) {
	env, _ := testEnv()
	w, err := newWebhook(withDefaults(Config{Listen: "127.0.0.1:0", ID: "/id", MaxWaiting: 1024}), env, listener.New(), time.Now)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = w.Close() }()
	go func() {
		for {
			batch, err := w.Read(context.Background())
			if err != nil {
				return
			}
			_ = w.Ack(context.Background(), batch.Position)
		}
	}()
	address := "http://" + w.port.Listener.Addr().String() + "/"
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	defer client.CloseIdleConnections()
	body := `{"id":"1","text":"` + strings.Repeat("x", 900) + `"}`
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := client.Post(address, "application/json", strings.NewReader(body))
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	})
}
