package config

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/core/strictyaml"
)

var update = flag.Bool("update", false, "write golden files")

// project writes files, each "path" → content, and returns their folder.
func project(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	if _, ok := files[SettingsFile]; !ok {
		files[SettingsFile] = "name: test\n"
	}
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func env(m map[string]string) func(string) string { return func(k string) string { return m[k] } }

func load(t *testing.T, dir string, vars map[string]string) *Project {
	t.Helper()
	p, fs := Load(dir, env(vars))
	if err := fs.Err(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestDefaults(t *testing.T) {
	dir := project(t, map[string]string{})
	s := load(t, dir, nil).Settings
	if s.Data != filepath.Join(dir, "data") || s.Ledger.DSN != "sqlite://"+filepath.ToSlash(dir)+"/data/ledger.db" || s.HTTP.Listen != "127.0.0.1:8470" {
		t.Errorf("found %+v", s)
	}
}

// An endpoint's settings lie over its connection's, mapping by mapping; lists
// and scalars are replaced.
func TestEndpointOverConnection(t *testing.T) {
	dir := project(t, map[string]string{
		"partners/acme.yaml": "partner: acme\nisa: {id: '12345'}\n",
		"connections/c.yaml": `
connection: c
connector: sftp
partner: acme
limits: {rate: 600/m}
config:
  host: one
  csv: {delimiter: ";", trim: true}
  tags: [a, b]
sources:
  in: {host: two, csv: {trim: false}, tags: [c], count: 5}
sinks:
  out:
`,
	})
	p := load(t, dir, nil)
	in, err := p.Endpoint("c.in", Source)
	if err != nil {
		t.Fatal(err)
	}
	partner := map[string]any{"partner": "acme", "isa": map[string]any{"id": "12345"}}
	want := map[string]any{
		"host": "two", "csv": map[string]any{"delimiter": ";", "trim": false}, "tags": []any{"c"}, "count": 5.0, "partner": partner,
	}
	if !reflect.DeepEqual(in.Config, want) {
		t.Errorf("source:\n%v\nexpected:\n%v", in.Config, want)
	}
	out, err := p.Endpoint("c.out", Sink)
	if err != nil {
		t.Fatal(err)
	}
	want = map[string]any{"host": "one", "csv": map[string]any{"delimiter": ";", "trim": true}, "tags": []any{"a", "b"}, "partner": partner}
	if !reflect.DeepEqual(out.Config, want) {
		t.Errorf("the source changed its connection's settings:\n%v\nexpected:\n%v", out.Config, want)
	}
	if got := in.Connection.Limits.Rate; got != 10 {
		t.Errorf("600/m is %v a second", got)
	}
	// A connector's complaint is shown where the setting was written.
	for pointer, place := range map[string]string{
		"/csv/trim": "connections/c.yaml:11:25", "/csv/delimiter": "connections/c.yaml:8:9", "/count": "connections/c.yaml:11:50",
		"/csv/none": "connections/c.yaml:11:19", "/none": "connections/c.yaml:11:7", "": "connections/c.yaml:11:7",
		"/partner/isa/id": "partners/acme.yaml:2:7", "/partner/none": "partners/acme.yaml:1:10",
	} {
		if got := in.PosOf(pointer).String(); got != place {
			t.Errorf("%q stands at %s, expected %s", pointer, got, place)
		}
	}
}

func TestSecrets(t *testing.T) {
	dir := project(t, map[string]string{
		".env":        "# a comment = no\nPASSWORD = from-dotenv \nSHORT_KEY=abc\nBROKEN\n",
		"secrets/key": "line one\nline two\n\n",
		"connections/c.yaml": `
connection: c
connector: sftp
config:
  token: ${env:TOKEN}
  password: ${env:PASSWORD}
  key: ${file:secrets/key}
  short: ${env:SHORT_KEY}
  host: https://${env:HOST_NAME}:${env:PORT|8080}/a
  plain: "$5 and ${other}"
sources: {in: {}}
`,
	})
	p := load(t, dir, map[string]string{"TOKEN": "from-environment", "HOST_NAME": "shop.example.com"})
	got := p.Connections[0].Endpoints[0].Config
	want := map[string]any{
		"token": "from-environment", "password": "from-dotenv", "key": "line one\nline two", "short": "abc",
		"host": "https://shop.example.com:8080/a", "plain": "$5 and ${other}",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("found\n%v\nexpected\n%v", got, want)
	}
	// What is redacted: secrets, but no addresses, and nothing so short that
	// logs would become unreadable. The longest first.
	if want := []string{"line one\nline two", "from-environment", "from-dotenv"}; !reflect.DeepEqual(p.Secrets, want) {
		t.Errorf("redacted: %q, expected %q", p.Secrets, want)
	}
}

func TestEnvironmentGoesBeforeDotenv(t *testing.T) {
	dir := project(t, map[string]string{".env": "DSN=old-value", SettingsFile: "name: t\nledger: {dsn: \"${env:DSN}\"}\n"})
	if got := load(t, dir, map[string]string{"DSN": "sqlite:///new"}).Settings.Ledger.DSN; got != "sqlite:///new" {
		t.Errorf("found %q", got)
	}
}

// TestAllErrorsAtOnce compares every finding of a project where much is wrong
// with testdata/errors.golden.
func TestAllErrorsAtOnce(t *testing.T) {
	dir := project(t, map[string]string{
		SettingsFile:               "nmae: x\nengine: {durability: maybe, maxAge: 1000h}\nledger: {dsn: '${env:LEDGER_DSN}', retention: 1h}\n",
		"partners/acme.yaml":       "partner: acme\n",
		"partners/again.yaml":      "partner: acme\n",
		"partners/none.yaml":       "name: no id\n",
		"connections/a.yaml":       "connection: A b\nconnector: rest\nsources: {in: {token: '${file:gone}'}}\nsinks: {in: {}, Out: []}\n",
		"connections/b.yaml":       "connection: b\nconnector: rest\npartner: nobody\nlimits: {rate: fast, concurrency: many}\n",
		"connections/c.yaml":       "connection: b\nsources:\n  in: {}\n",
		"connections/d.yml":        "connection: d\n",
		"connections/.hidden.yaml": "not read",
		"connections/e.yaml":       "\tconnection: e\n",
		"routes/r.yaml":            "route: r\nto: [{endpoint: x.y, onError: ignore}]\nfrom: {entiy: order}\n",
	})
	p, fs := Load(dir, env(nil))
	if p == nil || !fs.Failed() {
		t.Fatalf("found %v, %v", p, fs)
	}
	golden(t, "errors", fs)
}

func golden(t *testing.T, name string, fs strictyaml.Findings) {
	t.Helper()
	var b strings.Builder
	for _, f := range fs {
		b.WriteString(f.String() + "\n")
	}
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("found:\n%s\nexpected:\n%s", b.String(), want)
	}
}

func TestNoProject(t *testing.T) {
	p, fs := Load(filepath.Join(t.TempDir(), "nowhere"), env(nil))
	if p != nil || len(fs) != 1 || !strings.Contains(fs[0].Hint, "crossdock init") {
		t.Errorf("found %v, %v", p, fs)
	}
}

func TestEndpoint(t *testing.T) {
	p := load(t, project(t, map[string]string{"connections/c.yaml": "connection: c\nconnector: rest\nsources: {in: {}}\n"}), nil)
	for _, c := range []struct {
		name string
		role Role
		want string
	}{
		{"in", Source, "written <connection>.<name>"},
		{"d.in", Source, `no connection "d"`},
		{"c.out", Source, `connection "c" has no source "out"`},
		{"c.in", Sink, `connection "c" has no sink "in"`},
	} {
		if _, err := p.Endpoint(c.name, c.role); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s as %s: found %v, expected %q", c.name, c.role, err, c.want)
		}
	}
}
