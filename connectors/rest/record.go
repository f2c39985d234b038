package rest

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/crossdock/crossdock/connectors/jsonpointer"
	"github.com/crossdock/crossdock/connectors/rest/internal/template"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// shape makes records from documents, the same way for both kinds of source.
type shape struct {
	id, key   template.Template
	keys      map[string]jsonpointer.Pointer
	entity    string
	operation string
	eventTime jsonpointer.Pointer
}

func newShape(cfg Config) (shape, error) {
	s := shape{entity: cfg.Entity, operation: cfg.Operation, keys: map[string]jsonpointer.Pointer{}}
	var err error
	if s.id, err = template.ParseValue(cfg.ID); err != nil {
		return s, err
	}
	if s.key, err = template.ParseValue(cfg.Key); err != nil {
		return s, err
	}
	for name, path := range cfg.Keys {
		if s.keys[name], err = jsonpointer.Parse(path); err != nil {
			return s, err
		}
	}
	s.eventTime, err = jsonpointer.Parse(cfg.EventTime)
	return s, err
}

// record makes the record of raw, which doc is the decoded form of. id is used
// where the configuration names no place in the document.
func (s shape) record(raw []byte, doc any, id string, meta map[string]string) (sdk.Record, error) {
	r := sdk.Record{
		ID: id, Entity: s.entity, Operation: s.operation,
		Payload: raw, ContentType: "application/json", Meta: meta,
	}
	var err error
	if s.id.Varies() {
		if r.ID, err = s.id.Fill(doc, &r, nil); err != nil {
			return r, err
		}
	}
	if s.key.Varies() {
		if r.Key, err = s.key.Fill(doc, &r, nil); err != nil {
			return r, err
		}
	}
	for name, path := range s.keys {
		v, _ := path.Find(doc)
		if text, ok := jsonpointer.Text(v); ok && text != "" {
			if r.Meta == nil {
				r.Meta = map[string]string{}
			}
			r.Meta["key."+name] = text
		}
	}
	if s.eventTime != nil {
		v, _ := s.eventTime.Find(doc)
		if text, ok := v.(string); ok {
			// A time in another notation is the mapping's to read; the record
			// then has the time of its receipt.
			if at, err := time.Parse(time.RFC3339, text); err == nil {
				r.EventTime = at
			}
		}
	}
	return r, nil
}

// fingerprint is the identity of content without one of its own.
func fingerprint(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
