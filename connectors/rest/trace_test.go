package rest

import (
	"net/http"
	"testing"
)

func TestTraceContextGoesThrough(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	w := &webhook{}
	d, refused := w.read(http.Header{"Traceparent": {parent}}, []byte(`{"id":1}`))
	if refused != nil {
		t.Fatal(refused)
	}
	meta := d.records[0].Meta
	if meta["traceparent"] != parent {
		t.Errorf("the record's metadata is %v", meta)
	}
	if h := traced(map[string]string{"Idempotency-Key": "a"}, meta); h["traceparent"] != parent || h["Idempotency-Key"] != "a" {
		t.Errorf("the sink's headers are %v", h)
	}
}
