package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/crossdock/crossdock/core/config"
	"github.com/crossdock/crossdock/core/node"
	"github.com/crossdock/crossdock/examples/retail"
	"github.com/crossdock/crossdock/examples/retail/estate"
)

// startWith starts the retail project with one connector behind a shell script,
// which is given the real command.
func startWith(t *testing.T, script string) (log string, err error) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the connector that fails is a shell script")
	}
	dir := t.TempDir()
	if err := retail.Write(dir); err != nil {
		t.Fatal(err)
	}
	files := filepath.Join(dir, "estate")
	if err := os.Mkdir(files, 0o755); err != nil {
		t.Fatal(err)
	}
	e, err := estate.Start(t.Context(), estate.Options{Dir: files})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	env := e.Env()
	env["HTTP_LISTEN"] = "off"
	project, fs := config.Load(dir, func(k string) string { return env[k] })
	if err := fs.Err(); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	plugins := map[string][]string{"rest": {"sh", "-c", script, filepath.Join(dir, "marker"), self, "plugin", "serve", "rest"}}
	for _, name := range []string{"soap", "sftp", "edi", "database"} {
		plugins[name] = []string{self, "plugin", "serve", name}
	}
	var out bytes.Buffer
	n, err := node.Start(t.Context(), node.Options{Project: project, FirstParty: plugins, Log: slog.New(slog.NewTextHandler(&out, nil)), Version: "test"})
	if err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := n.Stop(ctx); err != nil {
			t.Error(err)
		}
	}
	return out.String(), err
}

// TestConnectorEndsDuringTheStart: a connector that is killed while the node
// starts says nothing about the project, and is asked again.
func TestConnectorEndsDuringTheStart(t *testing.T) {
	log, err := startWith(t, `if mkdir "$0" 2>/dev/null; then exit 1; fi; exec "$@"`)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if !strings.Contains(log, "is asked again") {
		t.Errorf("the first process did not end, so the test proves nothing:\n%s", log)
	}
}

// TestConnectorThatAlwaysEnds: nothing is started, and the error names the
// connector and the place where it is used.
func TestConnectorThatAlwaysEnds(t *testing.T) {
	_, err := startWith(t, `exit 1`)
	if err == nil {
		t.Fatal("it was started")
	}
	for _, want := range []string{"nothing was started", "connections/shop.yaml:2:12", "the connector rest could not check"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}
