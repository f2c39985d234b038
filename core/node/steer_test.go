package node

import (
	"testing"

	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/core/engine"
	"github.com/crossdock/crossdock/core/intake"
	"github.com/crossdock/crossdock/core/routing"
)

// What a source calls its metadata does not decide which way a message goes: a
// header named like one of routing's own marks would lose it without a trace.
func TestSourcesDoNotSteerRouting(t *testing.T) {
	leaks(t)
	for _, name := range []string{
		routing.MetaPart, routing.MetaOnly, engine.MetaRoute, engine.MetaClass, engine.MetaPartition, engine.MetaCausation, engine.MetaEvent, engine.MetaSchema,
	} {
		if !intake.Reserved(name) {
			t.Errorf("%s may come from a source", name)
		}
	}
	dir, w, log := project(t), newWorld(), &logged{}
	_, stop := start(t, dir, w, log)
	defer stop()
	w.mu.Lock()
	w.offered = append(w.offered, sdk.Record{
		ID: "1", Payload: []byte(`{"id": "1"}`), Position: []byte("1"),
		Meta: map[string]string{routing.MetaOnly: "another", routing.MetaPart: "7", engine.MetaClass: "critical", "file": "a.csv"},
	})
	w.signal()
	w.mu.Unlock()
	w.wait(t, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if m := w.written[0].Meta; m["file"] != "a.csv" || m[engine.MetaClass] != "normal" {
		t.Errorf("metadata %v", m)
	}
}
