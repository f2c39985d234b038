package sftp

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/filedrop"
	"github.com/crossdock/crossdock/connectors/formats"
	"github.com/crossdock/crossdock/connectors/sdk"
)

func (s *site) sink(t *testing.T, name string) *sink {
	t.Helper()
	s.cfg.Folder, s.cfg.Name = "out", name
	opened, err := openSink(t.Context(), s.cfg, s.env(t))
	must(t, err)
	t.Cleanup(func() { must(t, opened.Close()) })
	return opened.(*sink)
}

func order(n int) sdk.Record {
	return sdk.Record{
		ID: fmt.Sprintf("shop/%d#r@acme", n), Key: fmt.Sprint("k/", n), ContentType: "application/json",
		EventTime: time.Date(2026, 3, 14, 23, 0, 0, 0, time.UTC),
		Payload:   fmt.Appendf(nil, `{"number":"A/%d","day":"2026-04-01T10:00:00Z","sku":"s"}`, n),
		Meta:      map[string]string{"partner": "acme"},
	}
}

func class(err error) sdk.Class {
	var known *sdk.Error
	if errors.As(err, &known) {
		return known.Class
	}
	return 0
}

func TestSinkNames(t *testing.T) {
	for template, want := range map[string]string{
		"order-{/number}.csv":             "out/order-A-1.csv",
		"{date}/{key}.csv":                "out/20260314/k-1.csv",
		"{date:/day}-{meta:partner}-{id}": "out/20260401-acme-" + filedrop.Identity("shop/1#r@acme")[:16],
	} {
		s := newSite(t)
		result := s.sink(t, template).Write(t.Context(), []sdk.Record{order(1)})[0]
		must(t, result.Err)
		if result.ExternalID != want {
			t.Errorf("%s: written to %s, want %s", template, result.ExternalID, want)
		}
		content, err := os.ReadFile(filepath.Join(s.dir, want))
		must(t, err)
		if string(content) != "number,day,sku\nA/1,2026-04-01T10:00:00Z,s\n" {
			t.Errorf("content %q", content)
		}
	}
	for _, template := range []string{"{/absent}", "{meta:absent}", "{date:/number}"} {
		s := newSite(t)
		if result := s.sink(t, template).Write(t.Context(), []sdk.Record{order(1)})[0]; class(result.Err) != sdk.Permanent {
			t.Errorf("%s: %v, want Permanent", template, result.Err)
		}
	}
}

// A delivery that comes again has no second effect, although the partner took
// the file in between and the plugin was started anew.
func TestSinkRepetition(t *testing.T) {
	s := newSite(t)
	must(t, s.sink(t, "{id}.csv").Write(t.Context(), []sdk.Record{order(1)})[0].Err)
	files := s.find(t, "out/*")
	if len(files) != 1 {
		t.Fatalf("files %v", files)
	}
	must(t, os.Remove(files[0]))
	result := s.sink(t, "{id}.csv").Write(t.Context(), []sdk.Record{order(1)})[0]
	if class(result.Err) != sdk.Duplicate || len(s.find(t, "out/*")) != 0 {
		t.Errorf("result %+v, files %v", result, s.find(t, "out/*"))
	}
}

// Another document under a taken name is refused, not mixed up.
func TestSinkTakenName(t *testing.T) {
	s := newSite(t)
	k := s.sink(t, "{meta:partner}-{/number}.csv")
	other := order(1)
	other.ID, other.Payload = "other", []byte(`{"number":"A-1","sku":"other"}`)
	results := k.Write(t.Context(), []sdk.Record{order(1), other})
	if results[0].Err != nil || class(results[1].Err) != sdk.Permanent || !strings.Contains(results[1].Err.Error(), "acme-A-1.csv") {
		t.Errorf("results %+v", results)
	}
}

func TestSinkBatch(t *testing.T) {
	s := newSite(t)
	s.cfg.Per = PerBatch
	k := s.sink(t, "{id}.csv")
	broken := order(9)
	broken.Payload = []byte(`{"nested":{}}`)
	results := k.Write(t.Context(), []sdk.Record{order(1), broken, order(2), order(1)})
	if results[0].Err != nil || class(results[1].Err) != sdk.Permanent || results[2].Err != nil || results[3].Err != nil {
		t.Fatalf("results %+v", results)
	}
	files := s.find(t, "out/*")
	if len(files) != 1 {
		t.Fatalf("files %v", files)
	}
	content, err := os.ReadFile(files[0])
	must(t, err)
	if strings.Count(string(content), "\n") != 3 {
		t.Errorf("content %q, want a header and two lines", content)
	}
	results = k.Write(t.Context(), []sdk.Record{order(2), order(3)}) // another composition
	if class(results[0].Err) != sdk.Duplicate || results[1].Err != nil || len(s.find(t, "out/*")) != 2 {
		t.Errorf("results %+v, files %v", results, s.find(t, "out/*"))
	}
}

// The process ends after each write to the state; the next batch holds other
// records, and every record is in exactly one file.
func TestSinkBatchCrashes(t *testing.T) {
	for stopAt := 1; stopAt <= 5; stopAt++ {
		s := newSite(t)
		s.cfg.Per, s.cfg.Format = PerBatch, formats.NDJSON
		s.memory.stopAt = stopAt
		first := s.sink(t, "{id}.ndjson").Write(t.Context(), []sdk.Record{order(1), order(2), order(3)})
		if (first[0].Err == nil) != (stopAt == 6) {
			t.Fatalf("stop at %d: %+v", stopAt, first)
		}
		s.memory.stopAt = 0
		again := s.sink(t, "{id}.ndjson")
		for _, recs := range [][]sdk.Record{{order(3)}, {order(1), order(4)}, {order(2)}} {
			for _, result := range again.Write(t.Context(), recs) {
				if c := class(result.Err); result.Err != nil && c != sdk.Duplicate {
					t.Errorf("stop at %d: %v", stopAt, result.Err)
				}
			}
		}
		count := map[string]int{}
		for _, name := range s.find(t, "out/*.ndjson") {
			content, err := os.ReadFile(name)
			must(t, err)
			for line := range strings.Lines(string(content)) {
				count[line]++
			}
		}
		if len(count) != 4 {
			t.Errorf("stop at %d: records %v, want 4", stopAt, count)
		}
		for line, n := range count {
			if n != 1 {
				t.Errorf("stop at %d: %d times %s", stopAt, n, line)
			}
		}
	}
}

// What an unfinished batch ends with concerns its own records: those of the next
// batch, which only found it, are written.
func TestSinkBatchRefusedAfterACrash(t *testing.T) {
	s := newSite(t)
	s.cfg.Per, s.cfg.Format = PerBatch, formats.NDJSON
	s.memory.stopAt = 2 // the file is written, and not remembered
	if first := s.sink(t, "{id}.ndjson").Write(t.Context(), []sdk.Record{order(1)}); first[0].Err == nil {
		t.Fatal("the crash was not noticed")
	}
	s.memory.stopAt = 0
	files := s.find(t, "out/*.ndjson")
	if len(files) != 1 {
		t.Fatalf("files %v", files)
	}
	must(t, os.WriteFile(files[0], []byte("the partner wrote into it\n"), 0o644))
	again := s.sink(t, "{id}.ndjson")
	if results := again.Write(t.Context(), []sdk.Record{order(2), order(3)}); results[0].Err != nil || results[1].Err != nil {
		t.Errorf("records of another batch: %+v", results)
	}
	if results := again.Write(t.Context(), []sdk.Record{order(1)}); class(results[0].Err) != sdk.Permanent {
		t.Errorf("the record of the refused batch: %+v", results)
	}
}
