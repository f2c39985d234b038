package sftp_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"github.com/crossdock/crossdock/connectors/conformance"
	"github.com/crossdock/crossdock/connectors/filedrop/sftptest"
	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/connectors/sftp"
	"github.com/crossdock/crossdock/plugins/protocol"
)

func TestMain(m *testing.M) {
	if os.Getenv(protocol.CookieKey) != "" {
		sdk.Serve(sftp.Connector())
		return
	}
	goleak.VerifyTestMain(m)
}

// partner is the other side: a directory, behind an SFTP server or not.
type partner struct {
	dir    string
	server *sftptest.Server
	config map[string]any
}

func newPartner(t testing.TB, transport string) *partner {
	t.Helper()
	p := &partner{dir: t.TempDir()}
	for _, folder := range []string{"in", "out"} {
		must(t, os.Mkdir(filepath.Join(p.dir, folder), 0o755))
	}
	if transport == "folder" {
		p.config = map[string]any{"transport": "folder", "root": p.dir}
		return p
	}
	server, err := sftptest.Start(sftptest.Options{Users: []sftptest.User{{Name: "acme", Password: "secret", Root: p.dir}}})
	must(t, err)
	t.Cleanup(func() { must(t, server.Close()) })
	p.server = server
	p.config = map[string]any{
		"transport": "sftp", "host": server.Host(), "port": server.Port(), "user": "acme", "password": "secret",
		"hostKeys": []any{server.Fingerprint()}, "timeout": "5s",
	}
	return p
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// with adds settings to the partner's.
func (p *partner) with(settings map[string]any) map[string]any {
	out := map[string]any{}
	for _, m := range []map[string]any{p.config, settings} {
		for key, value := range m {
			out[key] = value
		}
	}
	return out
}

// drop puts a file into the inbound folder whole, as careful partners do.
func (p *partner) drop(t testing.TB, name, content string) {
	t.Helper()
	hidden := filepath.Join(p.dir, "in", "."+name)
	must(t, os.WriteFile(hidden, []byte(content), 0o644))
	must(t, os.Rename(hidden, filepath.Join(p.dir, "in", name)))
}

// files lists what is below a folder; hidden names are left out.
func (p *partner) files(t testing.TB, folder string) []string {
	t.Helper()
	var out []string
	must(t, filepath.WalkDir(filepath.Join(p.dir, folder), func(name string, entry os.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil // moved on while we look
		}
		if err == nil && !entry.IsDir() && !strings.HasPrefix(entry.Name(), ".") && !strings.HasSuffix(name, ".part") {
			rel, _ := filepath.Rel(p.dir, name)
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	}))
	return out
}

// lines counts the lines of all files below a folder.
func (p *partner) lines(t testing.TB, folder string) int {
	t.Helper()
	n := 0
	for _, name := range p.files(t, folder) {
		content, err := os.ReadFile(filepath.Join(p.dir, name))
		must(t, err)
		n += bytes.Count(content, []byte("\n"))
	}
	return n
}

// quick are waiting times for tests.
var quick = map[string]any{"folder": "in", "stableFor": "10ms", "every": "10ms"}

func target(transport string) conformance.Target {
	return conformance.Target{
		Source: func(t testing.TB) conformance.Source {
			p := newPartner(t, transport)
			var number atomic.Int64
			settings := p.with(quick)
			settings["format"] = "ndjson"
			return conformance.Source{
				Config: settings,
				Fill: func(n int) {
					for range n {
						at := number.Add(1)
						p.drop(t, fmt.Sprintf("%06d.ndjson", at), fmt.Sprintf("{\"number\":%d}\n", at))
					}
				},
				Acked: func() int { return p.lines(t, "in/archive") },
			}
		},
		Sink: func(t testing.TB) conformance.Sink {
			p := newPartner(t, transport)
			return conformance.Sink{
				Config:  p.with(map[string]any{"folder": "out", "format": "csv"}),
				Effects: func() int { return len(p.files(t, "out")) },
				Bad: func() sdk.Record {
					return sdk.Record{ID: "bad", Payload: []byte(`{"nested":{"a":1}}`), ContentType: "application/json"}
				},
			}
		},
	}
}

func TestConformanceSFTP(t *testing.T) {
	t.Parallel()
	c := target("sftp")
	c.Plugin = sftp.Connector()
	conformance.Run(t, c)
}

func TestConformanceFolder(t *testing.T) {
	t.Parallel()
	c := target("folder")
	c.Plugin = sftp.Connector()
	conformance.Run(t, c)
}

func TestConformanceAsProcess(t *testing.T) {
	t.Parallel()
	c := target("sftp")
	c.Command = []string{os.Args[0]}
	conformance.Run(t, c)
}

// A sink that collects records into one file keeps the same promises.
func TestConformanceBatchSink(t *testing.T) {
	t.Parallel()
	c := target("sftp")
	c.Source = nil
	c.Plugin = sftp.Connector()
	c.Sink = func(t testing.TB) conformance.Sink {
		p := newPartner(t, "sftp")
		return conformance.Sink{
			Config:  p.with(map[string]any{"folder": "out", "format": "ndjson", "per": "batch"}),
			Effects: func() int { return p.lines(t, "out") },
		}
	}
	conformance.Run(t, c)
}
