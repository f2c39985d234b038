package telemetry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const upstream = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestTraceTravelsInMetadata(t *testing.T) {
	for name, opts := range map[string]TracingOptions{"exported": {Exporter: tracetest.NewNoopExporter()}, "not exported": {}} {
		t.Run(name, func(t *testing.T) {
			tr, err := NewTracing(t.Context(), opts)
			if err != nil {
				t.Fatal(err)
			}
			defer shutdown(t, tr)
			received := map[string]string{"traceparent": upstream, "tracestate": "vendor=1", "other": "x"}
			ctx, span := tr.Start(t.Context(), "route", received)
			canonical := map[string]string{}
			tr.Inject(ctx, canonical)
			span.End(nil)
			part := strings.Split(canonical["traceparent"], "-")
			if len(part) != 4 || part[1] != "0af7651916cd43dd8448eb211c80319c" || part[2] == "b7ad6b7169203331" {
				t.Errorf("traceparent %q, want the trace of the source and a new span", canonical["traceparent"])
			}
			if canonical["tracestate"] != "vendor=1" {
				t.Errorf("tracestate %q, want it passed on", canonical["tracestate"])
			}
			if span.TraceID() != "0af7651916cd43dd8448eb211c80319c" {
				t.Errorf("trace id %q", span.TraceID())
			}

			ctx, span = tr.Start(t.Context(), "intake", map[string]string{"traceparent": "garbage"})
			defer span.End(nil)
			fresh := map[string]string{"traceparent": "garbage"}
			tr.Inject(ctx, fresh)
			if !strings.Contains(fresh["traceparent"], span.TraceID()) || span.TraceID() == "" {
				t.Errorf("after a malformed traceparent: %q, want a new trace", fresh["traceparent"])
			}
		})
	}
}

func TestSpans(t *testing.T) {
	exporter := tracetest.NewInMemoryExporter()
	tr, err := NewTracing(t.Context(), TracingOptions{Exporter: exporter, Service: "crossdock", Instance: "node-1"})
	if err != nil {
		t.Fatal(err)
	}
	_, span := tr.Start(t.Context(), "deliver", map[string]string{"traceparent": upstream}, "crossdock.route", "shop-orders")
	span.Set("crossdock.outcome", "dead")
	span.End(errors.New("unknown SKU"))
	if err := tr.provider.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	spans := exporter.GetSpans()
	if len(spans) != 1 {
		t.Fatalf("%d spans exported, want 1", len(spans))
	}
	s := spans[0]
	if s.Name != "deliver" || s.Status.Description != "unknown SKU" || len(s.Attributes) != 2 || s.Parent.SpanID().String() != "b7ad6b7169203331" {
		t.Errorf("span %+v", s)
	}
	shutdown(t, tr)
}

func TestExportToCollector(t *testing.T) {
	got := make(chan string, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- fmt.Sprintf("%s %t", r.URL.Path, len(body) > 0)
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	defer collector.Close()
	tr, err := NewTracing(t.Context(), TracingOptions{Endpoint: collector.URL, Service: "crossdock"})
	if err != nil {
		t.Fatal(err)
	}
	_, span := tr.Start(t.Context(), "deliver", nil)
	span.End(nil)
	shutdown(t, tr)
	select {
	case request := <-got:
		if request != "/v1/traces true" {
			t.Errorf("the collector got %s, want spans at /v1/traces", request)
		}
	default:
		t.Error("the collector got nothing before Shutdown returned")
	}
	for _, endpoint := range []string{"localhost:4318", "ftp://host", "http://"} {
		if _, err := NewTracing(t.Context(), TracingOptions{Endpoint: endpoint}); err == nil || !strings.Contains(err.Error(), "write a URL such as") {
			t.Errorf("endpoint %q: %v, want an error that shows a correct one", endpoint, err)
		}
	}
}

func TestNilTracing(t *testing.T) {
	var tr *Tracing
	ctx, span := tr.Start(t.Context(), "x", nil)
	tr.Inject(ctx, map[string]string{})
	span.Set("a", "b")
	span.End(errors.New("x"))
	if span.TraceID() != "" {
		t.Error("a trace id without tracing")
	}
	shutdown(t, tr)
}

func shutdown(t *testing.T, tr *Tracing) {
	t.Helper()
	if err := tr.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}
