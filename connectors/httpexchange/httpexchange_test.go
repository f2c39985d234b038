package httpexchange_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/crossdock/crossdock/connectors/httpexchange"
	"github.com/crossdock/crossdock/connectors/sdk"
)

func TestDoTellsWhetherAnythingWasSent(t *testing.T) {
	over := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	defer slow.Close()
	defer close(over) // before the server, which waits for its handlers
	cut := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer cut.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name, address, code string
		ctx                 context.Context
		class               sdk.Class
	}{
		{"refused", gone.URL, "http.connect", t.Context(), sdk.NotConnected},
		{"unknown name", "http://shop.invalid", "http.resolve", t.Context(), sdk.NotConnected},
		{"unknown certificate", secure.URL, "tls.certificate", t.Context(), sdk.NotConnected},
		{"no answer", slow.URL, "http.timeout", t.Context(), sdk.Retryable},
		{"cut", cut.URL, "http.interrupted", t.Context(), sdk.Retryable},
		{"cancelled", slow.URL, "http.cancelled", cancelled, sdk.Retryable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			address := strings.Replace(tt.address, "://", "://me:pa55word@", 1) + "/orders?key=s3cret"
			r, err := http.NewRequestWithContext(tt.ctx, http.MethodPost, address, strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			timeout := 30 * time.Second // on a busy machine a handshake takes its time
			if tt.code == "http.timeout" {
				timeout = 200 * time.Millisecond
			}
			client := &http.Client{Timeout: timeout, Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			res, err := httpexchange.Do(client, r, nil)
			if err == nil {
				res.Body.Close()
				t.Fatalf("answered %s", res.Status)
			}
			var e *sdk.Error
			if !errors.As(err, &e) || e.Class != tt.class || e.Code != tt.code {
				t.Errorf("got %v, want class %d and code %s", err, tt.class, tt.code)
			}
			if text := err.Error(); !strings.Contains(text, "POST http") || !strings.Contains(text, "/orders") ||
				strings.Contains(text, "s3cret") || strings.Contains(text, "pa55word") {
				t.Errorf("want method, host and path and no secret in: %s", text)
			}
		})
	}
}

func TestDoHidesWhatTheCauseQuotes(t *testing.T) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://shop.example/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: failing{errors.New("proxy refuses t0ken")}}
	_, err = httpexchange.Do(client, r, func(s string) string { return strings.ReplaceAll(s, "t0ken", "***") })
	if err == nil || !strings.Contains(err.Error(), "proxy refuses ***") {
		t.Errorf("got %v, want the cause without its secret", err)
	}
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

func TestBody(t *testing.T) {
	broken := errors.New("reset")
	for _, tt := range []struct {
		name  string
		in    io.Reader
		want  string
		cause error
	}{
		{"shorter", strings.NewReader("1234"), "1234", nil},
		{"as long as allowed", strings.NewReader("12345"), "12345", nil},
		{"longer", strings.NewReader("123456"), "12345", httpexchange.ErrTooLarge},
		{"broken", io.MultiReader(strings.NewReader("12"), iotest.ErrReader(broken)), "12", broken},
	} {
		got, err := httpexchange.Body(tt.in, 5)
		if string(got) != tt.want || !errors.Is(err, tt.cause) {
			t.Errorf("%s: %q, %v; want %q, %v", tt.name, got, err, tt.want, tt.cause)
		}
	}
}
