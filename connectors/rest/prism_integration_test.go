//go:build integration

package rest

import (
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/conformance/counterpart"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// prism mocks the API of testdata/prism/orders.yaml. The header Prefer picks
// the answer, and a request that the description does not allow is refused.
func prism(t *testing.T) string {
	t.Helper()
	dir := counterpart.Node(t, filepath.Join("testdata", "prism"))
	command := exec.Command("node", "node_modules/@stoplight/prism-cli/dist/index.js", "mock", "--host", "127.0.0.1", "--port", "0", "orders.yaml")
	command.Dir = dir
	return counterpart.Serve(t, regexp.MustCompile(`listening on (http://[0-9.:]+)`), command)
}

func TestPrismAnswersByClass(t *testing.T) {
	base := prism(t)
	for _, test := range []struct {
		prefer, text string
		class        sdk.Class
		wait         time.Duration
	}{
		{prefer: "code=201"},
		{prefer: "code=422", class: sdk.Permanent, text: "A-1 is not sold here"},
		{prefer: "code=429", class: sdk.Throttled, text: "slow down", wait: 7 * time.Second},
		{prefer: "code=503", class: sdk.Retryable, text: "maintenance"},
	} {
		t.Run(test.prefer, func(t *testing.T) {
			s := sinking(t, Config{Base: base, URL: "/orders", IdempotencyHeader: "Idempotency-Key", Headers: map[string]string{"Prefer": test.prefer}, ExternalID: "/id"})
			got := s.Write(t.Context(), []sdk.Record{{ID: "shop/1#r@t", Payload: []byte(`{"number":"4711","total":"9.90"}`), ContentType: "application/json"}})[0]
			if test.class == sdk.Unclassified {
				if got.Err != nil || got.ExternalID != "o-1" {
					t.Errorf("got %+v, want the order o-1", got)
				}
				return
			}
			var e *sdk.Error
			if !errors.As(got.Err, &e) || e.Class != test.class || !strings.Contains(got.Err.Error(), test.text) {
				t.Fatalf("got %v, want class %d with %q", got.Err, test.class, test.text)
			}
			if e.RetryAfter != test.wait {
				t.Errorf("told to wait %v, want %v", e.RetryAfter, test.wait)
			}
		})
	}
}

// What the API's description does not allow is a permanent failure of that
// record alone, and every request carries the idempotency key that it requires.
func TestPrismChecksRequests(t *testing.T) {
	s := sinking(t, Config{Base: prism(t), URL: "/orders", IdempotencyHeader: "Idempotency-Key"})
	results := s.Write(t.Context(), []sdk.Record{
		{ID: "1", Payload: []byte(`{"number":"4711"}`), ContentType: "application/json"},
		{ID: "2", Payload: []byte(`{"number":4712}`), ContentType: "application/json"},
		{ID: "3", Payload: []byte(`{"number":"4713","total":"9,90"}`), ContentType: "application/json"},
		{ID: "4", Payload: []byte(`{"number":"4714"}`), ContentType: "application/json"},
	})
	for i, want := range []sdk.Class{sdk.Unclassified, sdk.Permanent, sdk.Permanent, sdk.Unclassified} {
		if got := classOf(results[i].Err); got != want {
			t.Errorf("record %d: class %d (%v), want %d", i+1, got, results[i].Err, want)
		}
	}
}

func TestPrismIsPolled(t *testing.T) {
	env, _ := testEnv()
	cfg := withDefaults(Config{Base: prism(t), URL: "/orders", Items: "/orders", ID: "/id", Key: "/number", Once: true})
	src, err := newPoll(cfg, nil, env)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = src.Close() }()
	batch, err := src.Read(t.Context())
	if err != nil || len(batch.Records) != 2 || batch.Records[0].ID != "o-1" || batch.Records[1].Key != "4712" {
		t.Errorf("%+v, %v", batch, err)
	}
}
