package soap

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"

	"github.com/crossdock/crossdock/connectors/jsonpointer"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// source polls an operation. A document is read again until the watermark has
// passed it; its id, taken from the document, makes that harmless.
type source struct {
	*endpoint
	env       sdk.Env
	watermark string
	// seen are the ids of the last poll: what the service repeats, because its
	// "since" includes the value itself, is not handed over again.
	seen map[string]bool
	next time.Time
}

// position is what a source resumes from.
type position struct {
	Watermark string `json:"watermark"`
}

func newSource(ctx context.Context, cfg Config, from []byte, env sdk.Env) (*source, error) {
	e, err := open(ctx, cfg, env)
	if err != nil {
		return nil, err
	}
	s := &source{endpoint: e, env: env, watermark: cfg.Start, seen: map[string]bool{}}
	if len(from) > 0 {
		var p position
		if err := json.Unmarshal(from, &p); err != nil {
			return nil, sdk.Fail(sdk.BadConfig, "soap.position", fmt.Errorf("the stored position %q cannot be read: %w", from, err))
		}
		s.watermark = p.Watermark
	}
	return s, nil
}

func (s *source) Read(ctx context.Context) (sdk.Batch, error) {
	for {
		if wait := time.Until(s.next); wait > 0 {
			select {
			case <-ctx.Done():
				return sdk.Batch{}, ctx.Err()
			case <-time.After(wait):
			}
		}
		s.next = time.Now().Add(s.cfg.Interval)
		b, err := s.poll(ctx)
		if err != nil || len(b.Records) > 0 || len(b.Unreadable) > 0 {
			return b, err
		}
	}
}

func (s *source) poll(ctx context.Context) (sdk.Batch, error) {
	request := map[string]string{}
	for k, v := range s.cfg.Request {
		request[k] = strings.ReplaceAll(v, "{watermark}", s.watermark)
	}
	b, err := json.Marshal(request)
	if err != nil {
		return sdk.Batch{}, err
	}
	reply, err := s.client.call(ctx, s.cfg.Operation, b, "")
	if err != nil {
		return sdk.Batch{}, err
	}
	doc, err := jsonpointer.Decode(reply)
	if err != nil {
		return sdk.Batch{}, sdk.Failf(sdk.Retryable, "soap.reply", "the reply is no JSON: %w", err)
	}
	list, _ := jsonpointer.Must(s.cfg.Items).Find(doc)
	items, _ := list.([]any)
	return s.batch(items)
}

func (s *source) batch(items []any) (sdk.Batch, error) {
	var out sdk.Batch
	seen, highest := map[string]bool{}, s.watermark
	for _, item := range items {
		payload, err := json.Marshal(item)
		if err != nil {
			return out, err
		}
		id, missing := s.identify(item)
		if missing != "" {
			id = "unreadable/" + digest(payload)
			if seen[id] = true; s.seen[id] {
				continue
			}
			out.Unreadable = append(out.Unreadable, sdk.Unreadable{
				ID: id, Content: payload, ContentType: "application/json",
				Err: sdk.Failf(sdk.Permanent, "soap.id", "a document of %s has no value at %s, which identifies it", s.cfg.Operation, missing),
			})
			continue
		}
		seen[id] = true
		if s.cfg.Watermark != "" {
			if w := textAt(item, s.cfg.Watermark); later(w, highest) {
				highest = w
			}
		}
		if s.seen[id] {
			continue
		}
		r := sdk.Record{ID: id, Entity: s.cfg.Entity, Operation: "event", Payload: payload, ContentType: "application/json", Meta: map[string]string{}}
		if s.cfg.Key != "" {
			r.Key = textAt(item, s.cfg.Key)
		}
		for name, p := range s.cfg.Keys {
			if v := textAt(item, p); v != "" {
				r.Meta["key."+name] = v
			}
		}
		out.Records = append(out.Records, r)
	}
	s.seen, s.watermark = seen, highest
	pos, err := json.Marshal(position{Watermark: highest})
	out.Position = pos
	return out, err
}

// later compares watermarks as what they are: times, numbers, or text.
func later(a, b string) bool {
	if ta, err := time.Parse(time.RFC3339Nano, a); err == nil {
		if tb, err := time.Parse(time.RFC3339Nano, b); err == nil {
			return ta.After(tb)
		}
	}
	if na, _, err := apd.NewFromString(a); err == nil {
		if nb, _, err := apd.NewFromString(b); err == nil {
			return na.Cmp(nb) > 0
		}
	}
	return a > b
}

// identify joins the id fields with a digest of the document, so that a
// document that changed is a new event and one that did not is the same.
func (s *source) identify(item any) (id, missing string) {
	var parts []string
	for _, p := range s.cfg.ID {
		v := textAt(item, p)
		if v == "" {
			return "", p
		}
		parts = append(parts, v)
	}
	b, err := json.Marshal(item)
	if err != nil {
		return "", "/"
	}
	return strings.Join(parts, "/") + "@" + digest(b)[:12], ""
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
