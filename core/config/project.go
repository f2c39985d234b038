package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/crossdock/crossdock/core/routing"
	"github.com/crossdock/crossdock/core/strictyaml"
)

// SettingsFile is the file that makes a folder a project.
const SettingsFile = "crossdock.yaml"

// defaultMaxAge is the engine's default for maxAge.
const defaultMaxAge = 7 * 24 * time.Hour

// Project is everything that was read from a project's folder.
type Project struct {
	// Dir is the project's folder, absolute.
	Dir         string
	Settings    Settings
	Connections []*Connection
	Partners    map[string]*Partner
	Routes      []*routing.Route
	// Secrets are the values that references resolved to, for redaction.
	Secrets []string
}

// Settings is crossdock.yaml.
type Settings struct {
	strictyaml.Pos
	// Name of the installation, shown in the console and in metrics. On an
	// external cluster it also tells this project's streams from those of others:
	// under another name the project has other streams, and what was unfinished in
	// the former ones stays there until it has its name back.
	Name string `yaml:"name,required"`
	// Node names this process among several; default: the host name.
	Node string `yaml:"node"`
	// Data is the folder for messages, ledger and sockets; default ./data.
	Data string `yaml:"data"`
	// Engine is the message store.
	Engine struct {
		// URLs of an external NATS cluster; empty means embedded.
		URLs []string `yaml:"urls"`
		// Durability: fsync (default when embedded), replicated (default on a
		// cluster) or relaxed (a power failure may lose the last seconds).
		Durability string `yaml:"durability" enum:"fsync,replicated,relaxed"`
		// Replicas of every stream on a cluster; default 3.
		Replicas int `yaml:"replicas"`
		// MaxBytes of each stream; intake stops reading when it is reached.
		MaxBytes int64 `yaml:"maxBytes"`
		// MaxAge of messages: how far back a replay reaches; default 168h.
		MaxAge time.Duration `yaml:"maxAge"`
	} `yaml:"engine"`
	// Ledger is the SQL database; default sqlite in the data folder.
	Ledger struct {
		// DSN: sqlite:///path/to/file.db or postgres://user@host/db.
		DSN string `yaml:"dsn"`
		// Retention of the journal; default 720h.
		Retention time.Duration `yaml:"retention"`
	} `yaml:"ledger"`
	// HTTP serves metrics, health and the API.
	HTTP struct {
		// Listen address, "off" for none; default 127.0.0.1:8470.
		Listen string `yaml:"listen"`
	} `yaml:"http"`
	Log struct {
		Level  string `yaml:"level" enum:"debug,info,warn,error"`
		Format string `yaml:"format" enum:"text,json"`
	} `yaml:"log"`
	// Plugins are third-party connectors.
	Plugins struct {
		// Dir holds crossdock-connector-<name> binaries; default ./plugins.
		Dir string `yaml:"dir"`
		// Lock is the file with their SHA-256; default ./plugins.lock.
		Lock string `yaml:"lock"`
	} `yaml:"plugins"`
	Telemetry struct {
		// OTLP is the OpenTelemetry collector's HTTP endpoint; empty for none.
		OTLP string `yaml:"otlp"`
	} `yaml:"telemetry"`
}

// Load reads the project in dir. With errors among the findings the project
// must not be started; it is returned as far as it could be read. getenv is
// usually os.Getenv.
func Load(dir string, getenv func(string) string) (*Project, strictyaml.Findings) {
	p, fs := LoadSettings(dir, getenv)
	if p == nil {
		return nil, fs
	}
	l := &loader{project: p, refs: newReferences(p.Dir, getenv)}
	l.each("partners", l.partner)
	l.each("connections", l.connection)
	l.each("routes", l.route)
	p.Secrets = append(p.Secrets, l.refs.values()...)
	fs = append(fs, l.fs...)
	fs = append(fs, p.unique()...)
	fs.Sort()
	return p, fs
}

// LoadSettings reads crossdock.yaml alone: enough for commands that look into
// the ledger.
func LoadSettings(dir string, getenv func(string) string) (*Project, strictyaml.Findings) {
	var fs strictyaml.Findings
	abs, err := filepath.Abs(dir)
	if err != nil {
		fs.Add(strictyaml.Pos{File: dir}, "", "%v", err)
		return nil, fs
	}
	data, err := os.ReadFile(filepath.Join(abs, SettingsFile))
	if err != nil {
		hint := "run `crossdock init " + dir + "` to make a project, or name its folder with -c"
		fs.Add(strictyaml.Pos{File: filepath.Join(dir, SettingsFile)}, hint, "cannot read the settings: %v", strictyaml.WithoutPath(err))
		return nil, fs
	}
	f, fs := strictyaml.Parse(SettingsFile, data)
	if f == nil {
		return nil, fs
	}
	p := &Project{Dir: abs, Partners: map[string]*Partner{}}
	refs := newReferences(abs, getenv)
	refs.resolve(f, f.Root, &fs)
	p.Secrets = refs.values()
	fs = append(fs, f.Decode(&p.Settings)...)
	p.Settings.defaults(abs)
	if s := p.Settings; s.Ledger.Retention < s.Engine.MaxAge || s.Engine.MaxAge == 0 && s.Ledger.Retention < defaultMaxAge {
		fs.Add(s.Pos, "a message that is replayed from the stream is recognised by its outcome in the ledger, so that must be kept longer",
			"ledger.retention (%s) is shorter than engine.maxAge (%s)", s.Ledger.Retention, max(s.Engine.MaxAge, defaultMaxAge))
	}
	return p, fs
}

func (s *Settings) defaults(dir string) {
	in := func(v *string, def string) {
		if *v == "" {
			*v = def
		}
		if !filepath.IsAbs(*v) {
			*v = filepath.Join(dir, *v)
		}
	}
	in(&s.Data, "data")
	in(&s.Plugins.Dir, "plugins")
	in(&s.Plugins.Lock, "plugins.lock")
	if s.Node == "" {
		s.Node, _ = os.Hostname()
	}
	if s.Ledger.DSN == "" {
		s.Ledger.DSN = "sqlite://" + filepath.ToSlash(filepath.Join(s.Data, "ledger.db"))
	}
	if s.Ledger.Retention == 0 {
		s.Ledger.Retention = 30 * 24 * time.Hour
	}
	if s.HTTP.Listen == "" {
		s.HTTP.Listen = "127.0.0.1:8470"
	}
}

type loader struct {
	project *Project
	refs    *references
	fs      strictyaml.Findings
}

// each calls read for every YAML file of a folder in the order of names.
func (l *loader) each(folder string, read func(name string, data []byte)) {
	entries, err := os.ReadDir(filepath.Join(l.project.Dir, folder))
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			l.fs.Add(strictyaml.Pos{File: folder}, "", "cannot list the folder: %v", strictyaml.WithoutPath(err))
		}
		return
	}
	for _, e := range entries {
		name := path.Join(folder, e.Name())
		ext := path.Ext(name)
		if e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if ext == ".yml" {
			l.fs.Warn(strictyaml.Pos{File: name}, "rename it to .yaml", "the file is not read")
		}
		if ext != ".yaml" {
			continue
		}
		data, err := os.ReadFile(filepath.Join(l.project.Dir, name))
		if err != nil {
			l.fs.Add(strictyaml.Pos{File: name}, "", "cannot read the file: %v", strictyaml.WithoutPath(err))
			continue
		}
		read(name, data)
	}
}

func (l *loader) route(name string, data []byte) {
	r, fs := routing.Parse(name, data)
	l.fs = append(l.fs, fs...)
	if r != nil {
		l.project.Routes = append(l.project.Routes, r)
	}
}

// unique reports names that are used twice.
func (p *Project) unique() strictyaml.Findings {
	var fs strictyaml.Findings
	seen := map[string]strictyaml.Pos{}
	for _, c := range p.Connections {
		if first, ok := seen[c.Name.Value]; ok && c.Name.Value != "" {
			fs.Add(c.Name.Pos, "rename one of them", "the connection %q is also defined in %s", c.Name.Value, first)
		}
		seen[c.Name.Value] = c.Name.Pos
	}
	return fs
}

// Endpoint finds "<connection>.<endpoint>" among those of a role.
func (p *Project) Endpoint(name string, role Role) (*Endpoint, error) {
	conn, rest, ok := strings.Cut(name, ".")
	if !ok {
		return nil, fmt.Errorf("an endpoint is written <connection>.<name>, found %q", name)
	}
	for _, c := range p.Connections {
		if c.Name.Value != conn {
			continue
		}
		for _, e := range c.Endpoints {
			if e.Name == rest && e.Role == role {
				return e, nil
			}
		}
		return nil, fmt.Errorf("connection %q has no %s %q", conn, role, rest)
	}
	return nil, fmt.Errorf("there is no connection %q", conn)
}
