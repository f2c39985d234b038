package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// TracingOptions configure traces.
type TracingOptions struct {
	// Endpoint is the URL of an OTLP/HTTP collector, for example "http://localhost:4318"; without a path,
	// /v1/traces is added. Empty exports nothing.
	Endpoint string
	// Ratio of new traces that are exported, 0 to 1; 0 means 1. Traces that began elsewhere keep the decision
	// made there.
	Ratio float64
	// Service and Instance name this node in traces; Version is Crossdock's.
	Service, Instance, Version string
	// Exporter replaces the OTLP exporter, for tests.
	Exporter sdk.SpanExporter
}

// Tracing starts spans and carries their context in message metadata (keys "traceparent" and "tracestate" of W3C
// Trace Context). All methods may be called from several goroutines and on nil.
type Tracing struct {
	provider   *sdk.TracerProvider
	tracer     trace.Tracer
	propagator propagation.TraceContext
}

// NewTracing prepares tracing. The collector need not be reachable: spans that cannot be exported are dropped and
// never hold up a message.
func NewTracing(ctx context.Context, opts TracingOptions) (*Tracing, error) {
	exporter := opts.Exporter
	if exporter == nil && opts.Endpoint != "" {
		var err error
		if exporter, err = newExporter(ctx, opts.Endpoint); err != nil {
			return nil, fmt.Errorf("telemetry: OTLP endpoint %q: %w (write a URL such as http://localhost:4318)", opts.Endpoint, err)
		}
	}
	ratio := opts.Ratio
	if ratio == 0 {
		ratio = 1
	}
	settings := []sdk.TracerProviderOption{
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", opts.Service),
			attribute.String("service.instance.id", opts.Instance),
			attribute.String("service.version", opts.Version))),
	}
	if exporter == nil {
		// Ids are still made and passed on, but nothing is recorded.
		settings = append(settings, sdk.WithSampler(sdk.NeverSample()))
	} else {
		settings = append(settings, sdk.WithBatcher(exporter), sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(ratio))))
	}
	provider := sdk.NewTracerProvider(settings...)
	return &Tracing{provider: provider, tracer: provider.Tracer("github.com/crossdock/crossdock")}, nil
}

func newExporter(ctx context.Context, endpoint string) (sdk.SpanExporter, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("not an http or https URL")
	}
	// The exporter takes the path literally; the OTLP specification gives a base URL this path.
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	return otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(u.String()))
}

// Start begins a span that continues the trace in meta, or the one in ctx, or a new one. attributes are pairs of
// name and value ("crossdock.route", "shop-orders"); a name without value is ignored. End the span with Span.End.
func (t *Tracing) Start(ctx context.Context, name string, meta map[string]string, attributes ...string) (context.Context, Span) {
	if t == nil {
		return ctx, Span{noop.Span{}}
	}
	if meta["traceparent"] != "" {
		ctx = t.propagator.Extract(ctx, propagation.MapCarrier(meta))
	}
	list := make([]attribute.KeyValue, 0, len(attributes)/2)
	for i := 0; i+1 < len(attributes); i += 2 {
		list = append(list, attribute.String(attributes[i], attributes[i+1]))
	}
	ctx, span := t.tracer.Start(ctx, name, trace.WithAttributes(list...))
	return ctx, Span{span}
}

// Inject writes the trace context of ctx into meta, replacing what is there. Without a trace meta stays as it is.
func (t *Tracing) Inject(ctx context.Context, meta map[string]string) {
	if t == nil || meta == nil {
		return
	}
	t.propagator.Inject(ctx, propagation.MapCarrier(meta))
}

// Shutdown exports what is left, as far as ctx allows.
func (t *Tracing) Shutdown(ctx context.Context) error {
	if t == nil {
		return nil
	}
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("telemetry: export the last spans: %w", err)
	}
	return nil
}

// Span is one step of a trace.
type Span struct{ span trace.Span }

// End finishes the span; err, if any, is recorded as the reason of its failure.
func (s Span) End(err error) {
	if err != nil {
		s.span.RecordError(err)
		s.span.SetStatus(codes.Error, err.Error())
	}
	s.span.End()
}

// Set adds an attribute that is known only later.
func (s Span) Set(name, value string) { s.span.SetAttributes(attribute.String(name, value)) }

// TraceID returns the trace's id in hexadecimal, or "" without a trace. It is what the journal stores.
func (s Span) TraceID() string {
	if id := s.span.SpanContext().TraceID(); id.IsValid() {
		return id.String()
	}
	return ""
}
