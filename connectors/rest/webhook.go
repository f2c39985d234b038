package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/crossdock/crossdock/connectors/jsonpointer"
	"github.com/crossdock/crossdock/connectors/rest/internal/listener"
	"github.com/crossdock/crossdock/connectors/rest/internal/signature"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// webhook is a source that listens. Each request waits until its records are
// acknowledged.
type webhook struct {
	cfg      Config
	shape    shape
	records  jsonpointer.Pointer
	verifier *signature.Verifier // nil: unsigned
	log      *slog.Logger
	ports    *listener.Ports
	port     *listener.Port

	queue  chan *delivery
	closed chan struct{}
	once   sync.Once

	mu     sync.Mutex
	seq    uint64
	flying map[string]*delivery // given to the core and not yet acknowledged, by position
}

// delivery is one request that waits for its records to be durable.
type delivery struct {
	records []sdk.Record
	state   atomic.Int32
	done    chan error // has room for the one outcome
}

const (
	waiting int32 = iota
	taken
	abandoned
)

func newWebhook(cfg Config, env sdk.Env, p *listener.Ports, now func() time.Time) (*webhook, error) {
	s, err := newShape(cfg)
	if err != nil {
		return nil, sdk.Fail(sdk.BadConfig, "config.value", err)
	}
	w := &webhook{
		cfg: cfg, shape: s, records: jsonpointer.Must(cfg.Records), log: env.Log, ports: p,
		queue: make(chan *delivery, cfg.MaxWaiting), closed: make(chan struct{}), flying: map[string]*delivery{},
	}
	if cfg.Signature != nil {
		if w.verifier, err = signature.New(*cfg.Signature, now); err != nil {
			return nil, &sdk.Error{Class: sdk.BadConfig, Code: "config.value", Field: "/signature", Err: err}
		}
	}
	if w.port, err = p.Join(listener.Address{Listen: cfg.Listen, Path: cfg.Path, Cert: cfg.Cert, CertKey: cfg.CertKey}, w, env.Log); err != nil {
		return nil, err
	}
	return w, nil
}

// ServeHTTP takes one event. Nothing but a 2xx means that it was accepted.
func (w *webhook) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, refused := w.body(rw, r)
	if refused == nil && w.verifier != nil {
		if err := w.verifier.Check(r.Header, body); err != nil {
			w.log.Warn("a webhook was refused: its signature is wrong", "path", w.cfg.Path, "remote", r.RemoteAddr, "reason", err.Error())
			refused = &refusal{http.StatusUnauthorized, "signature", err.Error()}
		}
	}
	var d *delivery
	if refused == nil {
		d, refused = w.read(r.Header, body)
	}
	if refused != nil {
		if refused.status != http.StatusUnauthorized {
			w.log.Info("a webhook was refused", "path", w.cfg.Path, "remote", r.RemoteAddr, "status", refused.status, "reason", refused.message)
		}
		listener.Refuse(rw, refused.status, refused.code, refused.message)
		return
	}
	if len(d.records) > 0 {
		if err := w.store(r.Context(), d); err != nil {
			w.unavailable(rw, err)
			return
		}
	}
	listener.Reply(rw, http.StatusOK, map[string]int{"accepted": len(d.records)})
}

// refusal is why a request is not accepted.
type refusal struct {
	status        int
	code, message string
}

// body reads the body, unless its outside is wrong already.
func (w *webhook) body(rw http.ResponseWriter, r *http.Request) ([]byte, *refusal) {
	method := w.cfg.Method
	if method == "" {
		method = http.MethodPost
	}
	if r.Method != method {
		rw.Header().Set("Allow", method)
		return nil, &refusal{http.StatusMethodNotAllowed, "method", "send events with " + method}
	}
	if !w.accepts(r.Header.Get("Content-Type")) {
		return nil, &refusal{http.StatusUnsupportedMediaType, "content_type", fmt.Sprintf("the content type %q is not accepted; send application/json", r.Header.Get("Content-Type"))}
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, &refusal{http.StatusUnsupportedMediaType, "content_encoding", fmt.Sprintf("the content encoding %q is not accepted; send the body uncompressed", e)}
	}
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, w.cfg.MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, &refusal{http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("the body is larger than %d bytes; send fewer records at once", w.cfg.MaxBody)}
	case err != nil:
		return nil, &refusal{http.StatusBadRequest, "incomplete", "the body ended too early; send it again"}
	}
	return body, nil
}

func (w *webhook) accepts(contentType string) bool {
	t, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	if len(w.cfg.ContentTypes) > 0 {
		return slices.ContainsFunc(w.cfg.ContentTypes, func(c string) bool { return strings.EqualFold(c, t) })
	}
	return t == "application/json" || strings.HasSuffix(t, "+json")
}

// read makes the records of a body: all of them or none.
func (w *webhook) read(h http.Header, body []byte) (*delivery, *refusal) {
	doc, err := jsonpointer.Decode(body)
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, "not_json", "the body is no JSON: " + err.Error()}
	}
	id := fingerprint(body)
	if w.cfg.IDHeader != "" {
		if id = h.Get(w.cfg.IDHeader); id == "" {
			return nil, &refusal{http.StatusBadRequest, "no_id", fmt.Sprintf("the header %s with the identity of the event is missing", w.cfg.IDHeader)}
		}
	}
	meta := map[string]string{}
	// W3C Trace Context: the sender's trace goes on through Crossdock.
	for _, name := range []string{"traceparent", "tracestate"} {
		if v := h.Get(name); v != "" {
			meta[name] = strings.ToValidUTF8(v, "�")
		}
	}
	for name, header := range w.cfg.Meta {
		if v := h.Get(header); v != "" {
			meta[name] = strings.ToValidUTF8(v, "�")
		}
	}
	d := &delivery{done: make(chan error, 1)}
	if w.cfg.Records == "" {
		r, err := w.shape.record(body, doc, id, meta)
		if err != nil {
			return nil, unusable("", err)
		}
		d.records = []sdk.Record{r}
		return d, nil
	}
	part, _ := w.records.Raw(body)
	decoded, _ := w.records.Find(doc)
	list, ok := decoded.([]any)
	var items []json.RawMessage
	if !ok || json.Unmarshal(part, &items) != nil || len(items) != len(list) {
		return nil, &refusal{http.StatusUnprocessableEntity, "no_records", fmt.Sprintf("the body has no array at %s", w.cfg.Records)}
	}
	for i, item := range items {
		// Two equal items of one body are two records, and a body that comes
		// again has the same ones.
		r, err := w.shape.record(item, list[i], id+"/"+strconv.Itoa(i), maps.Clone(meta))
		if err != nil {
			return nil, unusable(fmt.Sprintf("%s/%d: ", w.cfg.Records, i), err)
		}
		d.records = append(d.records, r)
	}
	return d, nil
}

func unusable(where string, err error) *refusal {
	return &refusal{http.StatusUnprocessableEntity, "unusable", where + plain(err)}
}

// plain is an error's words without its code, for people outside.
func plain(err error) string {
	var e *sdk.Error
	if errors.As(err, &e) && e.Err == nil {
		return e.Message
	}
	return err.Error()
}

var (
	errBusy    = errors.New("too many events are waiting")
	errSlow    = errors.New("the event could not be stored in time")
	errClosing = errors.New("this endpoint is closing")
)

// store hands the records over and waits until they are durable.
func (w *webhook) store(ctx context.Context, d *delivery) error {
	select {
	case <-w.closed:
		return errClosing
	default:
	}
	select {
	case w.queue <- d:
	default:
		return errBusy
	}
	timer := time.NewTimer(w.cfg.AckTimeout)
	defer timer.Stop()
	err := errSlow
	select {
	case err := <-d.done:
		return err
	case <-timer.C:
	case <-ctx.Done():
		err = context.Cause(ctx)
	case <-w.closed:
		err = errClosing
	}
	// What the core has not been given yet, it never will; what it has may still
	// become durable, and the sender's next attempt is then a duplicate.
	d.state.CompareAndSwap(waiting, abandoned)
	select {
	case err := <-d.done:
		return err
	default:
		return err
	}
}

func (w *webhook) unavailable(rw http.ResponseWriter, err error) {
	wait := time.Second
	var e *sdk.Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		wait = e.RetryAfter
	}
	w.log.Warn("a webhook could not be stored; its sender was told to send it again", "path", w.cfg.Path, "error", err)
	rw.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	listener.Refuse(rw, http.StatusServiceUnavailable, "not_stored", "the event is not stored; send it again after the time in Retry-After")
}

// Read returns the next request and blocks while there is none. Each is a batch
// of its own, which the SDK joins with others on the way: so each is answered as
// soon as its own records are durable.
func (w *webhook) Read(ctx context.Context) (sdk.Batch, error) {
	for {
		select {
		case d := <-w.queue:
			if d.state.CompareAndSwap(waiting, taken) {
				return w.give(d), nil
			}
		case <-ctx.Done():
			return sdk.Batch{}, context.Cause(ctx)
		case <-w.closed:
			return sdk.Batch{}, io.EOF
		}
	}
}

func (w *webhook) give(d *delivery) sdk.Batch {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seq++
	position := strconv.FormatUint(w.seq, 10)
	w.flying[position] = d
	return sdk.Batch{Records: d.records, Position: []byte(position)}
}

// Ack answers a request.
func (w *webhook) Ack(_ context.Context, position []byte) error {
	return w.finish(position, nil)
}

// Nack tells the sender of a request to send again.
func (w *webhook) Nack(_ context.Context, position []byte, reason error) error {
	if reason == nil {
		reason = errors.New("the core could not store the event")
	}
	return w.finish(position, reason)
}

func (w *webhook) finish(position []byte, outcome error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	d, ok := w.flying[string(position)]
	if !ok {
		return fmt.Errorf("no request %q waits for an outcome", position)
	}
	delete(w.flying, string(position))
	d.done <- outcome
	return nil
}

// Check says whether the port is open; a source that exists has opened it.
func (w *webhook) Check(context.Context) []sdk.Step {
	return []sdk.Step{{Name: "listen on " + w.port.Listener.Addr().String() + w.cfg.Path}}
}

// Close answers everyone who waits that the event is not stored.
func (w *webhook) Close() error {
	w.once.Do(func() {
		close(w.closed)
		w.ports.Leave(w.port, w.cfg.Path)
	})
	return nil
}
