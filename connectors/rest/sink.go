package rest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/crossdock/crossdock/connectors/httpexchange"
	"github.com/crossdock/crossdock/connectors/jsonpointer"
	"github.com/crossdock/crossdock/connectors/rest/internal/template"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// sink sends documents.
type sink struct {
	cfg        Config
	client     *client
	url        template.Template
	look       template.Template // of readBeforeWrite
	found      jsonpointer.Pointer
	externalID jsonpointer.Pointer
	log        *slog.Logger
}

func newSink(cfg Config, env sdk.Env) (*sink, error) {
	c, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	s := &sink{cfg: cfg, client: c, externalID: jsonpointer.Must(cfg.ExternalID), log: env.Log}
	if s.url, err = template.Parse(cfg.URL); err != nil {
		return nil, &sdk.Error{Class: sdk.BadConfig, Code: "config.value", Field: "/url", Err: err}
	}
	if r := cfg.ReadBeforeWrite; r != nil {
		if s.look, err = template.Parse(r.URL); err != nil {
			return nil, &sdk.Error{Class: sdk.BadConfig, Code: "config.value", Field: "/readBeforeWrite/url", Err: err}
		}
		s.found = jsonpointer.Must(r.Found)
	}
	return s, nil
}

// Write sends records of different keys at the same time, and those of one key
// one after the other.
func (s *sink) Write(ctx context.Context, recs []sdk.Record) []sdk.Result {
	results := make([]sdk.Result, len(recs))
	run := &round{}
	if s.cfg.Batch != nil {
		for from := 0; from < len(recs); from += s.cfg.Batch.Size {
			to := min(from+s.cfg.Batch.Size, len(recs))
			if err := run.stopped(); err != nil {
				fill(results[from:to], err)
				continue
			}
			s.together(ctx, recs[from:to], results[from:to])
			for _, r := range results[from:to] {
				run.note(r.Err)
			}
		}
		return results
	}
	var wg sync.WaitGroup
	slots := make(chan struct{}, s.cfg.Concurrency)
	for _, group := range byKey(recs) {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			s.inOrder(ctx, run, recs, group, results)
		})
	}
	wg.Wait()
	return results
}

// inOrder sends the records of one key. After one that will be sent again, those
// behind it wait too: they must not overtake.
func (s *sink) inOrder(ctx context.Context, run *round, recs []sdk.Record, group []int, results []sdk.Result) {
	var behind error
	for _, i := range group {
		if behind == nil {
			behind = run.stopped()
		}
		if behind != nil {
			results[i].Err = behind
			continue
		}
		results[i] = s.one(ctx, &recs[i])
		run.note(results[i].Err)
		if again(results[i].Err) {
			behind = sdk.Failf(sdk.Retryable, "rest.behind", "not sent: the record %s of the same key before it must be sent again first", recs[i].ID)
		}
	}
}

// again says whether the core will send a failed record once more.
func again(err error) bool {
	if err == nil {
		return false
	}
	var e *sdk.Error
	if !errors.As(err, &e) {
		return true
	}
	return e.Class != sdk.Permanent && e.Class != sdk.Duplicate && e.Class != sdk.Bug
}

func byKey(recs []sdk.Record) [][]int {
	at := map[string]int{}
	var groups [][]int
	for i := range recs {
		g, ok := at[recs[i].Key]
		if !ok {
			g = len(groups)
			at[recs[i].Key] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	return groups
}

// round is one Write. A failure that concerns the other side as a whole spares
// it the rest of the records.
type round struct {
	mu  sync.Mutex
	err error
}

func (r *round) note(err error) {
	var e *sdk.Error
	if !errors.As(err, &e) {
		return
	}
	switch e.Class {
	case sdk.Throttled, sdk.Auth, sdk.BadConfig, sdk.NotConnected:
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.err == nil {
			r.err = e
		}
	}
}

func (r *round) stopped() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

func fill(results []sdk.Result, err error) {
	for i := range results {
		results[i] = sdk.Result{Err: err}
	}
}

// one sends one record.
func (s *sink) one(ctx context.Context, r *sdk.Record) sdk.Result {
	var doc any
	if s.url.NeedsDocument() || s.look.NeedsDocument() {
		var err error
		if doc, err = jsonpointer.Decode(r.Payload); err != nil {
			return sdk.Result{Err: sdk.Failf(sdk.Permanent, "rest.not_json", "the payload is no JSON: %w", err)}
		}
	}
	if s.cfg.ReadBeforeWrite != nil {
		there, err := s.there(ctx, doc, r)
		if err != nil {
			return sdk.Result{Err: err}
		}
		if there != nil {
			return sdk.Result{
				Err:        sdk.Failf(sdk.Duplicate, "rest.exists", "the document is there already"),
				ExternalID: s.idOf(there), Response: capture(there),
			}
		}
	}
	address, err := s.address(s.url, doc, r)
	if err != nil {
		return sdk.Result{Err: err}
	}
	contentType := s.cfg.ContentType
	if contentType == "" {
		contentType = r.ContentType
	}
	return s.post(ctx, outgoing{
		method: s.method(), url: address, body: r.Payload, contentType: orJSON(contentType),
		headers: traced(idempotency(s.cfg, r.ID), r.Meta), gzip: s.cfg.Gzip,
	})
}

// traced adds the record's W3C trace context, so that the other side's spans
// join the document's trace.
func traced(headers, meta map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range headers {
		out[k] = v
	}
	for _, name := range []string{"traceparent", "tracestate"} {
		if v := meta[name]; v != "" {
			out[name] = v
		}
	}
	return out
}

func (s *sink) post(ctx context.Context, out outgoing) sdk.Result {
	a, err := s.client.send(ctx, out)
	if err != nil {
		return sdk.Result{Err: err}
	}
	_, err = s.client.judge(out.method, a)
	if err == nil && a.short != nil {
		// The status has said that the effect is made; sending again would make
		// it twice.
		s.log.Warn("an answer could not be read to its end; its status says success", "status", a.status, "error", s.client.hide(httpexchange.Cause(a.short).Error()))
	}
	return sdk.Result{Err: err, ExternalID: s.idOf(a), Response: capture(a)}
}

func (s *sink) method() string {
	if s.cfg.Method != "" {
		return s.cfg.Method
	}
	return http.MethodPost
}

func (s *sink) address(t template.Template, doc any, r *sdk.Record) (string, error) {
	filled, err := t.Address(doc, r)
	if err != nil {
		return "", err
	}
	u, err := template.Resolve(s.cfg.Base, filled)
	if err != nil {
		return "", sdk.Fail(sdk.BadConfig, "rest.address", err)
	}
	return u.String(), nil
}

// there returns the answer that shows the document, or nil.
func (s *sink) there(ctx context.Context, doc any, r *sdk.Record) (*answer, error) {
	address, err := s.address(s.look, doc, r)
	if err != nil {
		return nil, err
	}
	a, err := s.client.send(ctx, outgoing{method: http.MethodGet, url: address})
	if err != nil {
		return nil, err
	}
	if a.status == http.StatusNotFound || a.status == http.StatusGone {
		return nil, nil
	}
	if err := lookError(a); err != nil {
		return nil, err
	}
	if a.short != nil {
		return nil, incomplete(a, s.client)
	}
	if s.found == nil {
		return a, nil
	}
	answered, err := jsonpointer.Decode(a.body)
	if err != nil {
		return nil, sdk.Failf(sdk.Retryable, "rest.not_json", "looking for the document: the answer is no JSON: %w", err)
	}
	if v, ok := s.found.Find(answered); !ok || v == nil {
		return nil, nil
	}
	return a, nil
}

// lookError classifies the answer to a look. The configured meanings are those
// of the write, so they do not apply; and nothing that a look answers proves
// that the document itself is wrong.
func lookError(a *answer) error {
	err := sdk.FromHTTP(a.status, a.header.Get("Retry-After"), nil)
	var e *sdk.Error
	if !errors.As(err, &e) {
		return nil
	}
	if e.Class == sdk.Permanent {
		e.Class = sdk.BadConfig
	}
	e.Message = fmt.Sprintf("looking for the document (readBeforeWrite) at %s: %s", httpexchange.Address(a.url.String()), e.Message)
	return e
}

// maxCapture is what the SDK keeps of an answer.
const maxCapture = 64 << 10

func capture(a *answer) []byte { return a.body[:min(len(a.body), maxCapture)] }

func (s *sink) idOf(a *answer) string {
	if s.cfg.ExternalIDHeader != "" {
		return a.header.Get(s.cfg.ExternalIDHeader)
	}
	if s.externalID == nil {
		return ""
	}
	doc, err := jsonpointer.Decode(a.body)
	if err != nil {
		return "" // an answer without an id is still an answer
	}
	v, _ := s.externalID.Find(doc)
	id, _ := jsonpointer.Text(v)
	return id
}

func orJSON(contentType string) string {
	if contentType == "" {
		return "application/json"
	}
	return contentType
}

// idempotency is the header with a record's id, the same whenever the record is
// sent.
func idempotency(cfg Config, id string) map[string]string {
	if cfg.IdempotencyHeader == "" || id == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(id))
	switch {
	case cfg.IdempotencyFormat == "uuid":
		// Version 8: made by a rule of one's own (RFC 9562, 5.8).
		sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80
		h := hex.EncodeToString(sum[:16])
		id = strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
	case !fitsHeader(id):
		id = hex.EncodeToString(sum[:])
	}
	return map[string]string{cfg.IdempotencyHeader: id}
}

// fitsHeader allows what every server and proxy leaves as it is; 255 bytes is the
// limit that most APIs with such keys state.
func fitsHeader(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) <= 255
}

// Check says whether the other side is there and lets us in.
func (s *sink) Check(ctx context.Context) []sdk.Step {
	return s.client.check(ctx, s.cfg, checkable(s.cfg.Base, s.cfg.URL))
}

// checkable is the literal part of an address: its path up to the first
// placeholder.
func checkable(base, address string) string {
	if i := strings.IndexByte(address, '{'); i >= 0 {
		address = address[:strings.LastIndexByte(address[:i], '/')+1]
	}
	u, err := template.Resolve(base, address)
	if err != nil {
		return base
	}
	return u.String()
}

// Close ends the connections.
func (s *sink) Close() error {
	s.client.close()
	return nil
}
