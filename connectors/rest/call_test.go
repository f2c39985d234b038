package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/sdk"
)

func calling(t *testing.T, cfg Config) *caller {
	t.Helper()
	env, _ := testEnv()
	cfg = withDefaults(cfg)
	if problems := validate(cfg, "call"); len(problems) > 0 {
		t.Fatal(errors.Join(problems...))
	}
	c, err := newCaller(cfg, env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestCalls(t *testing.T) {
	base, _ := server(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/none":
			w.WriteHeader(http.StatusNotFound)
		case "/void":
			w.WriteHeader(http.StatusNoContent)
		case "/html":
			_, _ = io.WriteString(w, "<html>")
		default:
			_, _ = fmt.Fprintf(w, `{"asked":%q}`, r.Method+" "+r.URL.String()+" "+string(body)+" "+r.Header.Get("Idempotency-Key"))
		}
	})
	named := map[string]Operation{"price": {URL: "/prices/{/sku}"}, "none": {URL: "/none"}, "void": {URL: "/void"}, "html": {URL: "/html"}}
	for _, test := range []struct {
		name      string
		cfg       Config
		operation string
		in        string
		want      string
		class     sdk.Class
	}{
		{"by name", Config{Operations: named}, "price", `{"sku":"A 1","tag":["x","y"],"o":{}}`, `{"asked":"GET /prices/A%201?tag=x&tag=y  "}`, 0},
		{"by method and path", Config{IdempotencyHeader: "Idempotency-Key"}, "POST /quotes/{/sku}", `{"sku":"A"}`, `{"asked":"POST /quotes/A {\"sku\":\"A\"} call-1"}`, 0},
		{"the endpoint's url", Config{URL: "/stock/{/sku}"}, "stock", `{"sku":"A"}`, `{"asked":"GET /stock/A  "}`, 0},
		{"nothing there", Config{Operations: named, Statuses: map[string]string{"404": "empty"}}, "none", `{}`, `null`, 0},
		{"nothing there, unexpected", Config{Operations: named}, "none", `{}`, "", sdk.Permanent},
		{"no content", Config{Operations: named}, "void", `{}`, `null`, 0},
		{"no JSON", Config{Operations: named}, "html", `{}`, "", sdk.Permanent},
		{"unknown name", Config{Operations: named}, "GET /prices", `{}`, "", sdk.BadConfig},
		{"other host", Config{}, "GET //evil.example/x", `{}`, "", sdk.BadConfig},
		{"other scheme", Config{}, "GET https://evil.example/x", `{}`, "", sdk.BadConfig},
		{"unknown method", Config{}, "BREW /coffee", `{}`, "", sdk.BadConfig},
		{"missing field", Config{Operations: named}, "price", `{}`, "", sdk.Permanent},
		{"input that is no JSON", Config{Operations: named}, "price", `{`, "", sdk.Permanent},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.cfg.Base = base
			got, err := calling(t, test.cfg).Call(context.Background(), test.operation, sdk.Record{ID: "call-1", Payload: []byte(test.in)})
			if string(got.Payload) != test.want || classOf(err) != test.class || (err == nil) != (test.class == 0) {
				t.Errorf("got %s, %v, expected %s, class %d", got.Payload, err, test.want, test.class)
			}
		})
	}
}

func TestDiscover(t *testing.T) {
	c := calling(t, Config{Base: "https://a", Operations: map[string]Operation{"price": {URL: "/prices/{/sku}", Method: "GET", Doc: "Price of an article"}, "order": {URL: "/orders", Method: "POST"}}})
	d, err := c.Discover(context.Background(), "pri")
	if err != nil || len(d.Operations) != 1 || !d.Operations[0].Idempotent || !strings.Contains(string(d.Operations[0].Input), `"required":["sku"]`) {
		t.Errorf("got %+v, %v", d, err)
	}
}

func TestCheck(t *testing.T) {
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t0ken-value" {
			w.WriteHeader(http.StatusUnauthorized)
		} else if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
	}))
	secure.Config.ErrorLog = nil
	defer secure.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pemOf(secure.Certificate().Raw), 0o600); err != nil {
		t.Fatal(err)
	}
	good := Auth{Kind: "bearer", Token: "t0ken-value"}
	for _, test := range []struct {
		name, want string
		cfg        Config
		class      sdk.Class
	}{
		{"good", "resolve connect TLS authenticate", Config{URL: secure.URL + "/orders/{/n}", CA: ca, Auth: good}, 0},
		{"own address", "resolve connect TLS authenticate", Config{Base: secure.URL, URL: "/orders", Check: "/health", CA: ca, Auth: good}, 0},
		{"wrong token", "resolve connect TLS authenticate", Config{URL: secure.URL, CA: ca, Auth: Auth{Kind: "bearer", Token: "other-value"}}, sdk.Auth},
		{"unknown authority", "resolve connect TLS", Config{URL: secure.URL, Auth: good}, sdk.NotConnected},
		{"nobody there", "resolve connect", Config{URL: "http://" + freePort(t)}, sdk.NotConnected},
		{"no such name", "resolve", Config{URL: "http://shop.invalid"}, sdk.NotConnected},
	} {
		t.Run(test.name, func(t *testing.T) {
			steps := sinking(t, test.cfg).Check(context.Background())
			var names []string
			for _, s := range steps {
				names = append(names, s.Name)
			}
			if got := strings.Join(names, " "); got != test.want || classOf(steps[len(steps)-1].Err) != test.class {
				t.Errorf("steps %q, the last with %v; expected %q, class %d", got, steps[len(steps)-1].Err, test.want, test.class)
			}
		})
	}
}
