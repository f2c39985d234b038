package rest

import (
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/sdk"
)

func sinking(t *testing.T, cfg Config) *sink {
	t.Helper()
	env, _ := testEnv()
	cfg = withDefaults(cfg)
	if problems := validate(cfg, "sink"); len(problems) > 0 {
		t.Fatal(errors.Join(problems...))
	}
	s, err := newSink(cfg, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func order(n int) sdk.Record {
	return sdk.Record{ID: fmt.Sprintf("shop/%d#r@t", n), Key: fmt.Sprint(n), Payload: fmt.Appendf(nil, `{"number":%d}`, n)}
}

func classOf(err error) sdk.Class {
	var e *sdk.Error
	if errors.As(err, &e) {
		return e.Class
	}
	return sdk.Unclassified
}

func TestStatuses(t *testing.T) {
	for _, test := range []struct {
		status int
		retry  string
		given  map[string]string
		ok     bool
		class  sdk.Class
	}{
		{status: 200, ok: true},
		{status: 204, ok: true},
		{status: 400, class: sdk.Permanent},
		{status: 401, class: sdk.Auth},
		{status: 403, class: sdk.Auth},
		{status: 404, class: sdk.Permanent},
		{status: 408, class: sdk.Retryable},
		{status: 409, class: sdk.Permanent},
		{status: 409, given: map[string]string{"409": "duplicate"}, class: sdk.Duplicate},
		{status: 409, given: map[string]string{"4xx": "retryable", "409": "ok"}, ok: true},
		{status: 422, given: map[string]string{"4xx": "retryable", "409": "ok"}, class: sdk.Retryable},
		{status: 429, retry: "3", class: sdk.Throttled},
		{status: 500, class: sdk.Retryable},
		{status: 503, class: sdk.Retryable},
		{status: 503, retry: "3", class: sdk.Throttled},
		{status: 202, given: map[string]string{"202": "retryable"}, class: sdk.Retryable},
		{status: 302, class: sdk.BadConfig},
		{status: 303, given: map[string]string{"303": "ok"}, ok: true},
	} {
		t.Run(fmt.Sprint(test.status, test.retry, test.given), func(t *testing.T) {
			base, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Retry-After", test.retry)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(test.status)
			})
			got := sinking(t, Config{URL: base, Statuses: test.given}).Write(context.Background(), []sdk.Record{order(1)})[0]
			if (got.Err == nil) != test.ok || (!test.ok && classOf(got.Err) != test.class) {
				t.Errorf("got %v (class %d), expected ok %v, class %d", got.Err, classOf(got.Err), test.ok, test.class)
			}
		})
	}
}

func TestRequest(t *testing.T) {
	var body []byte
	base, asked := server(t, func(w http.ResponseWriter, r *http.Request) {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		body, _ = io.ReadAll(z)
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"data":{"id":991}}`)
	})
	s := sinking(t, Config{
		Base: base + "/api", URL: "/orders/{/number}?ref={@id}", Method: "PUT", Gzip: true, ContentType: "application/vnd.shop+json",
		Headers: map[string]string{"X-Shop": "berlin"}, Query: map[string]string{"v": "2"}, IdempotencyHeader: "Idempotency-Key", ExternalID: "/data/id",
	})
	got := s.Write(context.Background(), []sdk.Record{order(7)})[0]
	r := (*asked)[0]
	if got.Err != nil || got.ExternalID != "991" || string(got.Response) != `{"data":{"id":991}}` {
		t.Errorf("the result is %+v", got)
	}
	if r.Method != "PUT" || r.URL.Path != "/api/orders/7" || r.URL.Query().Get("ref") != "shop/7#r@t" || r.URL.Query().Get("v") != "2" ||
		r.Header.Get("X-Shop") != "berlin" || r.Header.Get("Content-Type") != "application/vnd.shop+json" || r.Header.Get("Idempotency-Key") != "shop/7#r@t" {
		t.Errorf("asked %s %s with %v", r.Method, r.URL, r.Header)
	}
	if string(body) != `{"number":7}` {
		t.Errorf("the body is %s", body)
	}
}

func TestIdempotencyKeys(t *testing.T) {
	cfg := Config{IdempotencyHeader: "K"}
	for id, want := range map[string]string{
		"shop/1#r@t":              "shop/1#r@t",
		"Bestellung Ä":            "sha256",
		strings.Repeat("x", 256):  "sha256",
		"line\r\nX-Injected: yes": "sha256",
	} {
		got := idempotency(cfg, id)["K"]
		if want == "sha256" {
			want = fingerprint([]byte(id))
		}
		if got != want {
			t.Errorf("%q: got %q, expected %q", id, got, want)
		}
	}
	cfg.IdempotencyFormat = "uuid"
	a, b := idempotency(cfg, "1")["K"], idempotency(cfg, "2")["K"]
	if a == b || len(a) != 36 || a[14] != '8' || !strings.ContainsRune("89ab", rune(a[19])) {
		t.Errorf("the UUIDs are %s and %s", a, b)
	}
}

func TestNoAnswer(t *testing.T) {
	stop := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	}))
	defer slow.Close()
	defer close(stop)
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }))
	defer cut.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	secure.Config.ErrorLog = nil
	defer secure.Close()
	for _, test := range []struct {
		name, url, code string
		class           sdk.Class
	}{
		{"refused", "http://" + freePort(t), "http.connect", sdk.NotConnected},
		{"unknown host", "http://shop.invalid", "http.resolve", sdk.NotConnected},
		{"wrong certificate", secure.URL, "tls.certificate", sdk.NotConnected},
		{"timeout", slow.URL, "http.timeout", sdk.Retryable},
		{"cut", cut.URL, "http.interrupted", sdk.Retryable},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := sinking(t, Config{URL: test.url + "/x?token=s3cret", Timeout: 100 * time.Millisecond, Auth: Auth{Kind: "apiKey", In: "query", Name: "key", Key: "k3y-secret"}})
			err := s.Write(context.Background(), []sdk.Record{order(1)})[0].Err
			var e *sdk.Error
			if !errors.As(err, &e) || e.Class != test.class || e.Code != test.code {
				t.Errorf("got %v, expected class %d and code %s", err, test.class, test.code)
			}
			if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "k3y-secret") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestAuth(t *testing.T) {
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("me:pass"))
	for _, test := range []struct {
		auth Auth
		good func(r *http.Request) bool
	}{
		{Auth{Kind: "bearer", Token: "t0ken-value"}, func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer t0ken-value" }},
		{Auth{Kind: "basic", User: "me", Password: "pass"}, func(r *http.Request) bool { return r.Header.Get("Authorization") == basic }},
		{Auth{Kind: "apiKey", Name: "X-Api-Key", Key: "k3y-value", In: "header"}, func(r *http.Request) bool { return r.Header.Get("X-Api-Key") == "k3y-value" }},
		{Auth{Kind: "apiKey", Name: "key", Key: "k3y-value", In: "query"}, func(r *http.Request) bool {
			return r.URL.Query().Get("key") == "k3y-value" && r.URL.Query().Get("a") == "b"
		}},
	} {
		base, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
			if !test.good(r) {
				w.WriteHeader(http.StatusUnauthorized)
				// Some APIs quote what they refuse.
				_, _ = fmt.Fprintf(w, "%s %s", r.Header, r.URL)
			}
		})
		if got := sinking(t, Config{URL: base + "?a=b", Auth: test.auth}).Write(context.Background(), []sdk.Record{order(1)})[0]; got.Err != nil {
			t.Errorf("%s: %v", test.auth.Kind, got.Err)
		}
		wrong := test.auth
		wrong.Token, wrong.Password, wrong.Key = "wr0ng-value", "wr0ng-value", "wr0ng-value"
		got := sinking(t, Config{URL: base + "?a=b", Auth: wrong}).Write(context.Background(), []sdk.Record{order(1)})[0]
		if classOf(got.Err) != sdk.Auth || strings.Contains(got.Err.Error(), "wr0ng-value") {
			t.Errorf("%s: %v", test.auth.Kind, got.Err)
		}
	}
}

// What goes along with every request stays out of errors, whichever way the other
// side quotes it: they are kept in dead letters and shown to many.
func TestQuotedCredentialsAreHidden(t *testing.T) {
	base, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, "refused: %s %s %s", r.Header, r.URL, r.URL.Query())
	})
	for name, cfg := range map[string]Config{
		"query": {Query: map[string]string{"api key": "s3cret/value+"}}, "header": {Headers: map[string]string{"X-Key": "s3cret/value+"}},
		"basic": {Auth: Auth{Kind: "basic", User: "me", Password: "s3cret/value+"}},
	} {
		cfg.URL = base
		got := sinking(t, cfg).Write(context.Background(), []sdk.Record{order(1)})[0]
		if got.Err == nil || !strings.Contains(got.Err.Error(), "refused") {
			t.Fatalf("%s: %v", name, got.Err)
		}
		for _, secret := range []string{"s3cret/value+", url.QueryEscape("s3cret/value+"), base64.StdEncoding.EncodeToString([]byte("me:s3cret/value+"))} {
			if strings.Contains(got.Err.Error(), secret) {
				t.Errorf("%s: the error says %s: %v", name, secret, got.Err)
			}
		}
	}
}

func TestOAuth2(t *testing.T) {
	var issued, revoked atomic.Int64
	tokens, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		if id != "me" || secret != "client%2Bsecret" || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "read write" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"error":"invalid_client","error_description":"no client with wr0ng+secret"}`)
			return
		}
		_, _ = fmt.Fprintf(w, `{"access_token":"token-%d","token_type":"Bearer","expires_in":3600}`, issued.Add(1))
	})
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != fmt.Sprintf("Bearer token-%d", revoked.Load()+1) {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer api.Close()
	auth := Auth{Kind: "oauth2", TokenURL: tokens, ClientID: "me", ClientSecret: "client+secret", Scopes: []string{"read", "write"}}
	s := sinking(t, Config{URL: api.URL, Auth: auth})
	var recs []sdk.Record
	for n := range 8 {
		recs = append(recs, order(n))
	}
	for _, r := range s.Write(context.Background(), recs) {
		if r.Err != nil {
			t.Error(r.Err)
		}
	}
	if n := issued.Load(); n != 1 {
		t.Errorf("%d tokens were fetched for one", n)
	}
	revoked.Store(1)
	if got := s.Write(context.Background(), recs[:1])[0]; got.Err != nil || issued.Load() != 2 {
		t.Errorf("after the token was revoked: %v, %d tokens", got.Err, issued.Load())
	}
	revoked.Store(9)
	if got := s.Write(context.Background(), recs[:1])[0]; classOf(got.Err) != sdk.Auth || issued.Load() != 3 {
		t.Errorf("with tokens that are never good: %v, %d tokens, expected one more", got.Err, issued.Load())
	}
	auth.ClientSecret = "wr0ng+secret"
	got := sinking(t, Config{URL: api.URL, Auth: auth}).Write(context.Background(), recs[:1])[0]
	if classOf(got.Err) != sdk.Auth || !strings.Contains(got.Err.Error(), "oauth2.invalid_client") || strings.Contains(got.Err.Error(), "wr0ng") {
		t.Errorf("with a wrong secret: %v", got.Err)
	}
}

func TestRedirects(t *testing.T) {
	var reached atomic.Int64
	other, _ := server(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	base, asked := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other+"/x?secret=1", http.StatusTemporaryRedirect)
		case "/get":
			http.Redirect(w, r, "/done", http.StatusFound)
		case "/moved":
			http.Redirect(w, r, "/done", http.StatusPermanentRedirect)
		}
	})
	for path, ok := range map[string]bool{"/away": false, "/get": false, "/moved": true} {
		err := sinking(t, Config{URL: base + path}).Write(context.Background(), []sdk.Record{order(1)})[0].Err
		if (err == nil) != ok || (!ok && (classOf(err) != sdk.BadConfig || !strings.Contains(err.Error(), "not followed"))) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if reached.Load() > 0 {
		t.Error("a redirect to another host was followed")
	}
	if last := (*asked)[len(*asked)-1]; last.URL.Path == "/done" && last.Method != http.MethodPost {
		t.Errorf("a redirect made a %s of a POST", last.Method)
	}
}

func TestReadBeforeWrite(t *testing.T) {
	status, body := 404, ""
	base, asked := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	})
	for _, test := range []struct {
		status int
		body   string
		class  sdk.Class
		posts  int
	}{
		{404, "", sdk.Unclassified, 1},
		{200, `{"results":[]}`, sdk.Unclassified, 1},
		{200, `{"results":[{"id":5}]}`, sdk.Duplicate, 0},
		{200, `<html>`, sdk.Retryable, 0},
		{500, "", sdk.Retryable, 0},
		{401, "", sdk.Auth, 0},
		{400, "", sdk.BadConfig, 0},
	} {
		status, body, *asked = test.status, test.body, nil
		s := sinking(t, Config{Base: base, URL: "/orders", ExternalID: "/results/0/id", ReadBeforeWrite: &ReadBeforeWrite{URL: "/orders?number={/number}", Found: "/results/0"}})
		got := s.Write(context.Background(), []sdk.Record{order(1)})[0]
		if classOf(got.Err) != test.class || len(*asked)-1 != test.posts {
			t.Errorf("%d %s: got %v and %d writes, expected class %d and %d", test.status, test.body, got.Err, len(*asked)-1, test.class, test.posts)
		}
		if test.class == sdk.Duplicate && got.ExternalID != "5" {
			t.Errorf("the id of the document is %q", got.ExternalID)
		}
	}
}

func TestFailuresStopTheRest(t *testing.T) {
	for _, test := range []struct {
		status int
		asked  int
	}{{429, 1}, {401, 1}, {500, 4}, {422, 4}} {
		base, asked := server(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "5")
			w.WriteHeader(test.status)
		})
		recs := []sdk.Record{order(1), order(2), order(3), order(4)}
		got := sinking(t, Config{URL: base, Concurrency: 1}).Write(context.Background(), recs)
		if len(*asked) != test.asked || slices.ContainsFunc(got, func(r sdk.Result) bool { return r.Err == nil }) {
			t.Errorf("%d: %d requests, expected %d; results %v", test.status, len(*asked), test.asked, got)
		}
	}
}

func TestOneKeyStaysInOrder(t *testing.T) {
	base, asked := server(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	a, b := order(1), order(1)
	b.ID = "later"
	got := sinking(t, Config{URL: base}).Write(context.Background(), []sdk.Record{a, b})
	if len(*asked) != 1 || !strings.Contains(got[1].Err.Error(), "same key before it") || classOf(got[1].Err) != sdk.Retryable {
		t.Errorf("%d requests, %v", len(*asked), got[1].Err)
	}
}

func TestBatch(t *testing.T) {
	var mu sync.Mutex
	var bodies []string
	base, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		bodies = append(bodies, string(body))
		mu.Unlock()
		if r.URL.Path == "/strict" && strings.Contains(string(body), "2") {
			w.WriteHeader(http.StatusUnprocessableEntity)
		}
		if r.URL.Path == "/results" {
			_, _ = io.WriteString(w, `{"r":[{"status":201,"id":"x1"},{"status":422,"why":"no"},{"status":"409"}]}`)
		}
	})
	three := []sdk.Record{order(1), order(2), order(3)}
	classes := func(results []sdk.Result) (out []sdk.Class) {
		for _, r := range results {
			out = append(out, classOf(r.Err))
		}
		return out
	}
	got := sinking(t, Config{URL: base + "/all", Batch: &Batch{Size: 2, Field: "orders"}}).Write(context.Background(), three)
	if want := []string{`{"orders":[{"number":1},{"number":2}]}`, `{"orders":[{"number":3}]}`}; !reflect.DeepEqual(bodies, want) || got[2].Err != nil {
		t.Errorf("sent %q, results %v", bodies, got)
	}
	bodies = nil
	got = sinking(t, Config{URL: base + "/strict", Batch: &Batch{Size: 10}}).Write(context.Background(), three)
	if want := []sdk.Class{0, sdk.Permanent, 0}; !reflect.DeepEqual(classes(got), want) || len(bodies) != 4 {
		t.Errorf("one wrong document among three: %v after %q", got, bodies)
	}
	got = sinking(t, Config{
		URL: base + "/results", ExternalID: "/id", Statuses: map[string]string{"409": "duplicate"},
		Batch: &Batch{Size: 10, Results: "/r", Status: "/status"},
	}).Write(context.Background(), three)
	if want := []sdk.Class{0, sdk.Permanent, sdk.Duplicate}; !reflect.DeepEqual(classes(got), want) || got[0].ExternalID != "x1" {
		t.Errorf("results by document: %v", got)
	}
	got = sinking(t, Config{URL: base + "/all", Batch: &Batch{Size: 10, Results: "/r", Status: "/status"}}).Write(context.Background(), three)
	if want := []sdk.Class{sdk.Retryable, sdk.Retryable, sdk.Retryable}; !reflect.DeepEqual(classes(got), want) {
		t.Errorf("an answer without results: %v", got)
	}
}

func TestLongAnswerIsStillSuccess(t *testing.T) {
	base, _ := server(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 5000)) })
	if got := sinking(t, Config{URL: base, MaxResponse: 1024}).Write(context.Background(), []sdk.Record{order(1)})[0]; got.Err != nil {
		t.Errorf("got %v: the document would be sent again", got.Err)
	}
}
