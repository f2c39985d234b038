package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// folderConfig configures the sample: a folder is the other side of all roles.
type folderConfig struct {
	Dir   string        `json:"dir" doc:"Folder to read from or write to" required:"true"`
	Poll  time.Duration `json:"poll" doc:"How often to look" default:"2ms"`
	Token string        `json:"token" doc:"Not used" secret:"true"`
	Limit int           `json:"limit" doc:"Files per look" default:"100" min:"1"`
}

// fault makes the sample break one promise.
type fault string

const (
	none          fault = ""
	ackEarly      fault = "tells the other side before the host has acknowledged"
	newIDs        fault = "gives a document another id each time"
	ignoreResult  fault = "reports success for what it refused"
	twice         fault = "makes the effect again for the same id"
	loses         fault = "forgets what was read and not acknowledged"
	slow          fault = "ignores deadlines"
	breaksOnCheck fault = "fails its own check"
)

func sample(f fault) sdk.Plugin {
	return sdk.Connector[folderConfig]{
		Spec: sdk.Spec{Name: "folder", Version: "1.0.0", Summary: "Reads and writes files", Effect: "file named by the record id"},
		Source: func(_ context.Context, cfg folderConfig, _ []byte, env sdk.Env) (sdk.Source, error) {
			env.Log.Info("source opened", "dir", cfg.Dir)
			return &folderSource{cfg: cfg, fault: f, offered: map[string]bool{}}, nil
		},
		Sink: func(_ context.Context, cfg folderConfig, _ sdk.Env) (sdk.Sink, error) {
			return &folderSink{cfg: cfg, fault: f}, nil
		},
		Call: func(context.Context, folderConfig, sdk.Env) (sdk.Caller, error) { return echo{}, nil },
	}
}

type folderSource struct {
	cfg     folderConfig
	fault   fault
	offered map[string]bool
}

func (s *folderSource) Read(ctx context.Context) (sdk.Batch, error) {
	for {
		files, err := filepath.Glob(filepath.Join(s.cfg.Dir, "*.json"))
		if err != nil {
			return sdk.Batch{}, err
		}
		for _, file := range files {
			if s.offered[file] || strings.HasPrefix(filepath.Base(file), ".") {
				continue // handed over before, or somebody is still writing it
			}
			s.offered[file] = true
			return s.batch(file)
		}
		select {
		case <-ctx.Done():
			return sdk.Batch{}, ctx.Err()
		case <-time.After(s.cfg.Poll):
		}
	}
}

func (s *folderSource) batch(file string) (sdk.Batch, error) {
	doc, err := os.ReadFile(file)
	if err != nil {
		return sdk.Batch{}, err
	}
	id := filepath.Base(file)
	switch s.fault {
	case newIDs:
		id += time.Now().String()
	case ackEarly:
		err = s.Ack(context.Background(), []byte(file))
	case loses:
		err = os.Remove(file)
	}
	return sdk.Batch{Records: []sdk.Record{{ID: id, Payload: doc, Position: []byte(file)}}}, err
}

func (s *folderSource) Ack(_ context.Context, position []byte) error {
	file := string(position)
	err := os.Rename(file, strings.TrimSuffix(file, ".json")+".done")
	if errors.Is(err, os.ErrNotExist) && s.fault != none {
		return nil
	}
	return err
}

func (s *folderSource) Check(context.Context) []sdk.Step {
	_, err := os.ReadDir(s.cfg.Dir)
	if s.fault == breaksOnCheck {
		err = errors.New("out of order")
	}
	return []sdk.Step{{Name: "list folder", Err: err}}
}

func (s *folderSource) Close() error { return nil }

type folderSink struct {
	cfg   folderConfig
	fault fault
}

func (s *folderSink) Write(_ context.Context, recs []sdk.Record) []sdk.Result {
	out := make([]sdk.Result, len(recs))
	if s.fault == slow {
		time.Sleep(50 * time.Millisecond) // ignores its context
	}
	for i, r := range recs {
		out[i].Err = s.write(r)
	}
	return out
}

func (s *folderSink) write(r sdk.Record) error {
	var doc struct{ Panic, Bad bool }
	if err := json.Unmarshal(r.Payload, &doc); err != nil {
		return sdk.Fail(sdk.Permanent, "folder.json", err)
	}
	if doc.Panic {
		panic("asked to")
	}
	if doc.Bad {
		if s.fault == ignoreResult {
			return nil
		}
		return sdk.Failf(sdk.Permanent, "folder.bad", "the document says it is bad")
	}
	name := filepath.Join(s.cfg.Dir, url.PathEscape(r.ID))
	if s.fault == twice {
		name += fmt.Sprint(time.Now().UnixNano())
	}
	if _, err := os.Stat(name); err == nil {
		return sdk.Failf(sdk.Duplicate, "folder.duplicate", "written before")
	}
	return os.WriteFile(name, r.Payload, 0o600)
}

func (s *folderSink) Close() error { return nil }

type echo struct{}

func (echo) Call(_ context.Context, operation string, in sdk.Record) (sdk.Record, error) {
	if operation != "echo" {
		return sdk.Record{}, sdk.Failf(sdk.Permanent, "folder.operation", "no operation %q; there is echo", operation)
	}
	return in, nil
}

func (echo) Close() error { return nil }

// sampleTarget puts a folder behind each role.
func sampleTarget() Target {
	return Target{
		Source: func(t testing.TB) Source {
			dir := t.TempDir()
			n := 0
			return Source{
				Config: map[string]any{"dir": dir},
				Fill: func(more int) {
					for range more {
						n++
						writeFile(t, dir, fmt.Sprintf("doc-%04d.json", n), fmt.Sprintf(`{"n":%d,"text":"Ä注🛒"}`, n))
					}
				},
				Acked: func() int { return count(t, dir, "*.done") },
			}
		},
		Sink: func(t testing.TB) Sink {
			dir := t.TempDir()
			return Sink{
				Config:  map[string]any{"dir": dir, "limit": 10, "token": "s3cret-value"},
				Effects: func() int { return count(t, dir, "*") },
				Bad:     func() sdk.Record { return sdk.Record{ID: "bad", Payload: []byte(`{"Bad":true}`)} },
				Panics:  func() sdk.Record { return sdk.Record{ID: "panic", Payload: []byte(`{"Panic":true}`)} },
			}
		},
		Call: func(t testing.TB) Call {
			return Call{
				Config: map[string]any{"dir": t.TempDir()}, Operation: "echo",
				Input: sdk.Record{Payload: []byte(`{"sku":"A-1"}`)},
				Output: func(t testing.TB, out sdk.Record) {
					if string(out.Payload) != `{"sku":"A-1"}` {
						t.Errorf("echo replied %s", out.Payload)
					}
				},
			}
		},
	}
}

// writeFile appears at once, as a well-behaved partner's file does.
func writeFile(t testing.TB, dir, name, content string) {
	t.Helper()
	temp := filepath.Join(dir, "."+name)
	if err := os.WriteFile(temp, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(temp, filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func count(t testing.TB, dir, pattern string) int {
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return len(files)
}
