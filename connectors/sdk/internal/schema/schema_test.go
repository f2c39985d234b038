package schema

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "rewrite golden files")

type auth struct {
	User     string `json:"user" doc:"Account" required:"true"`
	Password string `json:"password" doc:"Password" secret:"true"`
}

type paging struct {
	Size int           `json:"size" default:"100" min:"1" max:"1000"`
	Wait time.Duration `json:"wait" doc:"Pause between pages" default:"90s" min:"1s" max:"1h"`
}

type shared struct {
	Timeout time.Duration `json:"timeout" default:"30s"`
}

type fullConfig struct {
	shared
	URL      string            `json:"url" doc:"Address" required:"true" format:"uri" example:"https://shop.example/api"`
	Mode     string            `json:"mode" enum:"poll,push" default:"poll"`
	Auth     *auth             `json:"auth" doc:"Credentials"`
	Paging   paging            `json:"paging"`
	Statuses []string          `json:"statuses" enum:"open,paid,closed" max:"3"`
	Headers  map[string]string `json:"headers"`
	Limit    int64             `json:"limit" format:"bytes" default:"16MiB" max:"1GiB"`
	Ratio    float64           `json:"ratio" min:"0" max:"1"`
	Strict   bool              `json:"strict" default:"true"`
	Query    string            `json:"query" required:"true" role:"source"`
	Steps    []step            `json:"steps"`
	Extra    json.RawMessage   `json:"extra"`
	Anything any               `json:"anything"`
	Count    uint8             `json:"count"`
	Hidden   string            `json:"-"`
}

type step struct {
	Name  string `json:"name" required:"true"`
	Retry int    `json:"retry" default:"3"`
}

func roles() []string { return []string{"source", "sink", "call"} }

func full(t testing.TB) *Config {
	t.Helper()
	c, err := Of(reflect.TypeFor[fullConfig](), roles())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func fullDefaults() fullConfig {
	return fullConfig{Headers: map[string]string{"Accept": "application/json"}, Paging: paging{Size: 50}}
}

func fullJSON(t testing.TB) []byte {
	t.Helper()
	text, err := full(t).JSON(reflect.ValueOf(fullDefaults()), "full")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func decode(t testing.TB, role string, in map[string]any, cfg *fullConfig) Decoded {
	t.Helper()
	return full(t).Decode(role, in, reflect.ValueOf(cfg).Elem())
}

// decodeFull decodes over the defaults, for a source.
func decodeFull(t testing.TB, in map[string]any) (fullConfig, Decoded) {
	t.Helper()
	cfg := fullDefaults()
	return cfg, decode(t, "source", in, &cfg)
}

func TestSchemaGolden(t *testing.T) {
	got := append(fullJSON(t), '\n')
	const file = "testdata/full.schema.json"
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the schema changed; run with -update and read the difference:\n%s", got)
	}
}

// The schema and the decoder are made from the same struct and must agree.
func TestSchemaAgreesWithDecode(t *testing.T) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(fullJSON(t)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	if err := compiler.AddResource("c.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("c.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		`{"url":"https://a.example"}`,
		`{"url":"https://a.example","mode":"push","timeout":"5s","limit":"2MiB","statuses":["open"],"count":3}`,
		`{"url":"https://a.example","mode":"pull"}`,
		`{"url":"https://a.example","unknown":1}`,
		`{"url":"https://a.example","auth":{"password":"x"}}`,
		`{"url":"https://a.example","steps":[{"retry":1}]}`,
		`{"url":"https://a.example","paging":{"size":0}}`,
		`{"url":"https://a.example","timeout":"soon"}`,
		`{"url":"https://a.example","limit":"lots"}`,
		`{"url":"https://a.example","statuses":["open","lost"]}`,
		`{"url":"https://a.example","statuses":["open","paid","closed","open"]}`,
		`{"url":"https://a.example","headers":{"A":1}}`,
		`{"url":"https://a.example","ratio":1.5}`,
		`{"mode":"push"}`,
	} {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		var in map[string]any
		if err := json.Unmarshal([]byte(text), &in); err != nil {
			t.Fatal(err)
		}
		cfg := fullDefaults()
		d := decode(t, "sink", in, &cfg)
		if bySchema := schema.Validate(value); (bySchema == nil) != (len(d.Problems) == 0) {
			t.Errorf("%s\n the schema says %v\n the decoder says %v", text, bySchema, d.Problems)
		}
	}
}

func TestDecode(t *testing.T) {
	cfg := fullDefaults()
	d := decode(t, "source", map[string]any{
		"url": "https://a.example", "timeout": "1m30s", "limit": "64KiB", "count": "7", "strict": "false",
		"auth": map[string]any{"user": "u", "password": "pa55word"}, "paging": map[string]any{"wait": "2s"},
		"steps": []any{map[string]any{"name": "a"}, map[string]any{"name": "b", "retry": 0.0}},
		"extra": map[string]any{"a": 1.0}, "anything": []any{"x", nil}, "query": "select 1",
	}, &cfg)
	if len(d.Problems) > 0 {
		t.Fatal(d.Problems)
	}
	want := fullConfig{
		shared: shared{Timeout: 90 * time.Second}, URL: "https://a.example", Mode: "poll",
		Auth: &auth{User: "u", Password: "pa55word"}, Paging: paging{Size: 50, Wait: 2 * time.Second},
		Headers: map[string]string{"Accept": "application/json"}, Limit: 64 << 10, Strict: false, Count: 7,
		Query: "select 1", Steps: []step{{"a", 3}, {"b", 0}}, Extra: json.RawMessage(`{"a":1}`), Anything: []any{"x", nil},
	}
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("decoded\n%+v\nexpected\n%+v", cfg, want)
	}
	if !reflect.DeepEqual(d.Secrets, []string{"pa55word"}) {
		t.Errorf("secrets %q", d.Secrets)
	}
}

// Instances do not share what is behind a pointer in the defaults.
func TestDefaultsStay(t *testing.T) {
	defaults := fullDefaults()
	defaults.Auth = &auth{User: "default", Password: "p"}
	cfg := defaults
	d := decode(t, "sink", map[string]any{"url": "https://a.example", "auth": map[string]any{"user": "u"}}, &cfg)
	if len(d.Problems) > 0 || *cfg.Auth != (auth{"u", "p"}) || defaults.Auth.User != "default" {
		t.Errorf("decoded %+v, defaults %+v, %v", cfg.Auth, defaults.Auth, d.Problems)
	}
}

func TestDecodeProblems(t *testing.T) {
	valid := func(more map[string]any) map[string]any {
		out := map[string]any{"url": "https://a.example", "query": "q"}
		for k, v := range more {
			out[k] = v
		}
		return out
	}
	for name, test := range map[string]struct {
		in          map[string]any
		field, hint string
		message     string
	}{
		"missing":        {map[string]any{"query": "q"}, "/url", "for example https://shop.example/api", "url: is required and missing"},
		"empty":          {valid(map[string]any{"url": ""}), "/url", "", "required and empty"},
		"misspelt":       {valid(map[string]any{"statusses": []any{}}), "/statusses", "did you mean statuses?", "not a key"},
		"unknown":        {valid(map[string]any{"zzz": 1}), "/zzz", "known keys: timeout, url", "not a key"},
		"nested unknown": {valid(map[string]any{"auth": map[string]any{"user": "u", "usr": "x"}}), "/auth/usr", "did you mean user?", "auth.usr"},
		"nested missing": {valid(map[string]any{"auth": map[string]any{}}), "/auth/user", "Account", "auth.user: is required"},
		"in a list":      {valid(map[string]any{"steps": []any{map[string]any{"name": "a"}, map[string]any{}}}), "/steps/1/name", "", "steps[1].name"},
		"not a uri":      {valid(map[string]any{"url": "shop.example"}), "/url", "scheme and host", "not a valid uri"},
		"enum":           {valid(map[string]any{"mode": "pol"}), "/mode", "did you mean poll?", `"pol" is not an allowed value`},
		"enum in list":   {valid(map[string]any{"statuses": []any{"open", "lost"}}), "/statuses/1", "use one of: open, paid, closed", "not an allowed value"},
		"number as text": {valid(map[string]any{"query": 5.0}), "/query", `put it in quotes: "5"`, "expected text, found 5"},
		"duration":       {valid(map[string]any{"timeout": 30.0}), "/timeout", "500ms, 30s", "expected a duration, found 30"},
		"negative":       {valid(map[string]any{"timeout": "-5s"}), "/timeout", "", "expected a duration"},
		"below minimum":  {valid(map[string]any{"paging": map[string]any{"wait": "10ms"}}), "/paging/wait", "", "below the minimum of 1s"},
		"above maximum":  {valid(map[string]any{"limit": "2GiB"}), "/limit", "", "above the maximum of 1GiB"},
		"overflow":       {valid(map[string]any{"count": 300.0}), "/count", "", "outside the range of uint8"},
		"fraction":       {valid(map[string]any{"count": 1.5}), "/count", "", "expected a whole number, found 1.5"},
		"not a list":     {valid(map[string]any{"statuses": "open"}), "/statuses", "begin each entry", "expected a list"},
		"not an object":  {valid(map[string]any{"auth": "x"}), "/auth", "", "expected keys and values"},
		"slash in key":   {valid(map[string]any{"a/b~c": 1}), "/a~1b~0c", "", "a/b~c"},
	} {
		t.Run(name, func(t *testing.T) {
			_, d := decodeFull(t, test.in)
			if len(d.Problems) != 1 {
				t.Fatalf("expected one problem, found %v", d.Problems)
			}
			e := d.Problems[0]
			if e.Field != test.field || !strings.Contains(e.Hint, test.hint) || !strings.Contains(e.Message, test.message) {
				t.Errorf("field %q, message %q, hint %q", e.Field, e.Message, e.Hint)
			}
		})
	}
}

func TestDecodeFindsAllAtOnce(t *testing.T) {
	_, d := decodeFull(t, map[string]any{"mode": "x", "nope": 1, "count": "many", "timeout": true})
	var fields []string
	for _, p := range d.Problems {
		fields = append(fields, p.Field)
	}
	want := []string{"/nope", "/timeout", "/url", "/mode", "/query", "/count"}
	if !reflect.DeepEqual(fields, want) {
		t.Errorf("problems at %v, expected %v", fields, want)
	}
}

// A source's key in the shared part of a connection is no error for its sinks.
func TestKeyOfAnotherRole(t *testing.T) {
	cfg := fullDefaults()
	d := decode(t, "sink", map[string]any{"url": "https://a.example", "query": "q"}, &cfg)
	if len(d.Problems) > 0 || len(d.Warnings) != 1 || d.Warnings[0].Field != "/query" || !strings.Contains(d.Warnings[0].Hint, "sources") {
		t.Errorf("problems %v, warnings %v", d.Problems, d.Warnings)
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "512": 512, "64KiB": 64 << 10, "16 MiB": 16 << 20, "2GB": 2e9, "1.5k": 1500, "1TiB": 1 << 40, "10B": 10} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v, expected %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "many", "5 parsecs", "-1", "1..5", "99999999999TiB"} {
		if got, err := ParseSize(text); err == nil {
			t.Errorf("ParseSize(%q) = %d, expected an error", text, got)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"url":"https://a.example","paging":{"size":3},"steps":[{"name":"x"}]}`))
	f.Add([]byte(`{"limit":"99999999999999999999TiB","count":-1,"ratio":"NaN","timeout":"9999999h"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var in map[string]any
		if json.Unmarshal(text, &in) != nil {
			return
		}
		_, d := decodeFull(t, in)
		for _, p := range d.Problems {
			if p.Field == "" || p.Code == "" || p.Message == "" {
				t.Errorf("a problem without field, code or message: %+v", p)
			}
		}
	})
}
