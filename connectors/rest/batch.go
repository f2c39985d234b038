package rest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strconv"

	"github.com/crossdock/crossdock/connectors/httpexchange"
	"github.com/crossdock/crossdock/connectors/jsonpointer"
	"github.com/crossdock/crossdock/connectors/rest/internal/template"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// together sends several records in one request.
func (s *sink) together(ctx context.Context, recs []sdk.Record, results []sdk.Result) {
	out, err := s.joined(recs)
	if err != nil {
		fill(results, err)
		return
	}
	a, err := s.client.send(ctx, out)
	if err != nil {
		fill(results, err)
		return
	}
	_, err = s.client.judge(out.method, a)
	var e *sdk.Error
	if errors.As(err, &e) && e.Class == sdk.Permanent && len(recs) > 1 {
		// One wrong document refuses all. Each alone shows which it is.
		for i := range recs {
			s.together(ctx, recs[i:i+1], results[i:i+1])
		}
		return
	}
	for i := range results {
		results[i] = sdk.Result{Err: err, Response: capture(a)}
	}
	if err == nil && s.cfg.Batch.Results != "" {
		s.verdicts(out.method, a, results)
	}
}

func (s *sink) joined(recs []sdk.Record) (outgoing, error) {
	list := make([]json.RawMessage, len(recs))
	ids := sha256.New()
	for i := range recs {
		if !json.Valid(recs[i].Payload) {
			return outgoing{}, sdk.Failf(sdk.Permanent, "rest.not_json", "the record %s is no JSON and cannot be part of an array", recs[i].ID)
		}
		list[i] = recs[i].Payload
		ids.Write([]byte(recs[i].ID + "\x00"))
	}
	var body any = list
	if s.cfg.Batch.Field != "" {
		body = map[string]any{s.cfg.Batch.Field: list}
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return outgoing{}, sdk.Fail(sdk.Permanent, "rest.not_json", err)
	}
	u, err := template.Resolve(s.cfg.Base, s.cfg.URL)
	if err != nil {
		return outgoing{}, sdk.Fail(sdk.BadConfig, "rest.address", err)
	}
	id := hex.EncodeToString(ids.Sum(nil))
	if len(recs) == 1 {
		id = recs[0].ID
	}
	return outgoing{
		method: s.method(), url: u.String(), body: encoded, contentType: orJSON(s.cfg.ContentType),
		headers: idempotency(s.cfg, id), gzip: s.cfg.Gzip,
	}, nil
}

// verdicts reads the result of each record of a batch.
func (s *sink) verdicts(method string, a *answer, results []sdk.Result) {
	doc, err := jsonpointer.Decode(a.body)
	list, _ := jsonpointer.Must(s.cfg.Batch.Results).Find(doc)
	items, _ := list.([]any)
	if err != nil || a.short != nil || len(items) != len(results) {
		// Some may have been refused, and which is unknown: sending again is safe
		// where the other side knows documents again, which batches require.
		fill(results, sdk.Failf(sdk.Retryable, "rest.results", "the answer of %s has no array of %d results at %s", httpexchange.Address(a.url.String()), len(results), s.cfg.Batch.Results))
		return
	}
	for i, item := range items {
		encoded, err := json.Marshal(item)
		if err != nil {
			results[i].Err = sdk.Fail(sdk.Bug, "rest.results", err)
			continue
		}
		status, _ := jsonpointer.Must(s.cfg.Batch.Status).Find(item)
		text, _ := jsonpointer.Text(status)
		one := answer{header: a.header, url: a.url, body: encoded}
		if one.status, err = strconv.Atoi(text); err != nil {
			results[i].Err = sdk.Failf(sdk.Retryable, "rest.results", "result %d of %s has no status at %s", i, httpexchange.Address(a.url.String()), s.cfg.Batch.Status)
			continue
		}
		_, err = s.client.judge(method, &one)
		results[i] = sdk.Result{Err: err, ExternalID: s.idOf(&one), Response: encoded[:min(len(encoded), maxCapture)]}
	}
}
