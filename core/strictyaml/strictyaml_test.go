package strictyaml

import (
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

type sample struct {
	Pos
	Name   Text              `yaml:"name,required"`
	Mode   string            `yaml:"mode" enum:"fast,safe"`
	Wait   time.Duration     `yaml:"wait"`
	Count  int               `yaml:"count"`
	Ratio  float64           `yaml:"ratio"`
	On     bool              `yaml:"on"`
	Tags   []string          `yaml:"tags"`
	Labels map[string]string `yaml:"labels"`
	Free   any               `yaml:"free"`
	Raw    yaml.Node         `yaml:"raw"`
	Inner  *inner            `yaml:"inner"`
	Steps  []inner           `yaml:"steps"`
	Level  level             `yaml:"level"`
}

type inner struct {
	ID string `yaml:"id,required"`
}

// level reads itself.
type level int

func (l *level) DecodeYAML(f *File, n *yaml.Node, fs *Findings) {
	v, ok := map[string]level{"low": 1, "high": 2}[n.Value]
	if !ok {
		fs.Add(f.Pos(n), "", "no level %q", n.Value)
	}
	*l = v
}

func decode(t *testing.T, text string) (sample, Findings) {
	t.Helper()
	var s sample
	f, fs := Parse("f.yaml", []byte(text))
	if f != nil {
		fs = append(fs, f.Decode(&s)...)
	}
	return s, fs
}

func TestDecodeFillsEverything(t *testing.T) {
	s, fs := decode(t, `
name: "a name"
mode: safe
wait: 1m30s
count: 3
ratio: 0.5
on: true
tags: [x, y]
labels: {a: b}
free: {deep: [1, two]}
raw: [1]
inner: {id: one}
steps:
  - id: first
  - id: second
level: high
`)
	if fs != nil {
		t.Fatal(fs)
	}
	if s.Name.Value != "a name" || s.Mode != "safe" || s.Wait != 90*time.Second || s.Count != 3 || s.Ratio != 0.5 || !s.On || s.Level != 2 {
		t.Errorf("scalars: %+v", s)
	}
	if len(s.Tags) != 2 || s.Labels["a"] != "b" || s.Inner.ID != "one" || len(s.Steps) != 2 || s.Steps[1].ID != "second" {
		t.Errorf("lists and mappings: %+v", s)
	}
	if s.Raw.Kind != yaml.SequenceNode || s.Free.(map[string]any)["deep"].([]any)[1] != "two" {
		t.Errorf("free values: %v, %+v", s.Free, s.Raw)
	}
	// The text begins after the quote, so that columns inside it can be counted.
	if want := (Pos{"f.yaml", 2, 8}); s.Name.Pos != want {
		t.Errorf("the name stands at %s, expected %s", s.Name.Pos, want)
	}
	if want := (Pos{"f.yaml", 2, 1}); s.Pos != want {
		t.Errorf("the struct stands at %s, expected %s", s.Pos, want)
	}
}

func TestFindings(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "f.yaml:1:1: the file is empty\n    hint: write at least its first key"},
		{"comment only", "# nothing\n", "f.yaml:1:1: the file is empty\n    hint: write at least its first key"},
		{"not YAML", "name: a\n  b: [", "f.yaml:2:1: not valid YAML: mapping values are not allowed in this context\n    hint: check indentation, quotes and colons near this line"},
		{"list at the top", "- a\n", "f.yaml:1:1: expected a mapping, found a list\n    hint: a file is a list of `key: value` lines"},
		{"null at the top", "~\n", "f.yaml:1:1: expected a mapping, found nothing\n    hint: a file is a list of `key: value` lines"},
		{"two documents", "name: a\n---\nname: b\n", "f.yaml:2:1: a second YAML document in the same file\n    hint: put it into a file of its own"},
		{"duplicate", "name: a\nname: b\n", "f.yaml:2:1: the key \"name\" appears twice\n    hint: it stands in line 1 already"},
		{"anchor", "name: &x a\n", "f.yaml:1:7: YAML anchors and aliases are not accepted\n    hint: write the value out where it is needed"},
		{"merge", "name: a\nfree: {<<: *x}\n", "f.yaml:1:1: not valid YAML: unknown anchor 'x' referenced\n    hint: check indentation, quotes and colons near this line"},
		{"key is no text", "? [a]\n: b\nname: a\n", "f.yaml:1:3: a key must be plain text"},
		{"missing", "mode: fast\n", "f.yaml:1:1: the key \"name\" is missing"},
		{"present and empty", "name:\n", "f.yaml:1:1: the key \"name\" is missing"},
		{"unknown", "name: a\nmod: fast\n", "f.yaml:2:1: unknown key \"mod\"\n    hint: did you mean \"mode\"?"},
		{"enum", "name: a\nmode: fasst\n", "f.yaml:2:7: \"fasst\" is not a value of mode\n    hint: did you mean \"fast\"?"},
		{"duration", "name: a\nwait: 5\n", "f.yaml:2:7: expected a duration, found the number 5\n    hint: write a number with a unit: \"200ms\", \"30s\", \"5m\", \"24h\""},
		{"number", "name: a\ncount: many\n", "f.yaml:2:8: expected a whole number, found \"many\""},
		{"fraction", "name: a\ncount: 1.5\n", "f.yaml:2:8: expected a whole number, found the number 1.5"},
		{"boolean", "name: a\non: perhaps\n", "f.yaml:2:5: expected true or false, found \"perhaps\""},
		{"list", "name: a\ntags: x\n", "f.yaml:2:7: expected a list, found \"x\"\n    hint: write one `- ` line for each entry"},
		{"mapping", "name: a\nlabels: [x]\n", "f.yaml:2:9: expected a mapping, found a list"},
		{"text", "name: [a]\n", "f.yaml:1:7: expected text, found a list"},
		{"inside a list", "name: a\nsteps:\n  - id: x\n  - {}\n", "f.yaml:4:5: the key \"id\" is missing"},
		{"decoder", "name: a\nlevel: top\n", "f.yaml:2:8: no level \"top\""},
		{"several", "mod: x\ncount: y\nwait: z\n", "f.yaml:1:1: unknown key \"mod\"\n    hint: did you mean \"mode\"?\n" +
			"f.yaml:2:8: expected a whole number, found \"y\"\n" +
			"f.yaml:3:7: expected a duration, found \"z\"\n    hint: write a number with a unit: \"200ms\", \"30s\", \"5m\", \"24h\"\n" +
			"f.yaml:1:1: the key \"name\" is missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, fs := decode(t, c.text)
			if !fs.Failed() {
				t.Fatal("no error was found")
			}
			if got := fs.Err().Error(); got != c.want {
				t.Errorf("found:\n%s\nexpected:\n%s", got, c.want)
			}
		})
	}
}

func TestTooLarge(t *testing.T) {
	if f, fs := Parse("big.yaml", make([]byte, MaxSize+1)); f != nil || !strings.Contains(fs.Err().Error(), "4194305 bytes; 4194304 are the limit") {
		t.Errorf("found %v, %v", f, fs)
	}
}

// What could be read is there in spite of the errors, so that later checks go on.
func TestDecodeGoesOn(t *testing.T) {
	s, fs := decode(t, "name: a\ncount: many\ntags: [x]\n")
	if !fs.Failed() || s.Name.Value != "a" || len(s.Tags) != 1 {
		t.Errorf("found %+v, %v", s, fs)
	}
}

func TestWarningsDoNotFail(t *testing.T) {
	var fs Findings
	fs.Warn(Pos{File: "f.yaml"}, "rename it", "not read")
	if fs.Failed() || fs.Err() != nil {
		t.Errorf("a warning failed: %v", fs.Err())
	}
	if got, want := fs[0].String(), "f.yaml: warning: not read\n    hint: rename it"; got != want {
		t.Errorf("found %q, expected %q", got, want)
	}
}

func TestSort(t *testing.T) {
	fs := Findings{{Pos: Pos{"b", 1, 1}}, {Pos: Pos{"a", 2, 5}}, {Pos: Pos{"a", 2, 1}, Message: "first"}, {Pos: Pos{"a", 2, 1}, Message: "second"}, {Pos: Pos{"a", 1, 9}}}
	fs.Sort()
	var got []string
	for _, f := range fs {
		got = append(got, f.Pos.String()+f.Message)
	}
	if s := strings.Join(got, " "); s != "a:1:9 a:2:1first a:2:1second a:2:5 b:1:1" {
		t.Error(s)
	}
}

func TestDidYouMean(t *testing.T) {
	for _, c := range []struct {
		name  string
		known []string
		want  string
	}{
		{"databse", []string{"rest", "database"}, `did you mean "database"?`},
		{"REST", []string{"rest", "soap"}, `did you mean "rest"?`},
		{"zzz", []string{"b", "a"}, "known: a, b"},
		{"zzz", nil, ""},
		{"zzzzzz", strings.Split("n m l k j i h g f e d c b a", " "), "known: a, b, c, d, e, f, g, h, i, j, k, l, …"},
	} {
		if got := DidYouMean(c.name, c.known); got != c.want {
			t.Errorf("%s among %v: found %q, expected %q", c.name, c.known, got, c.want)
		}
	}
}

// FuzzParse: whatever a file holds, reading it neither panics nor finds a
// problem without a place and a text, and nothing refused is decoded.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "name: a\n", "a: &x [*x]\n", "? {a: b}\n: c\n", "---\n---\n", "name: !!binary x\ncount: 0x10\n", "free: 2020-01-01\n", "name: \"\\x\"", "\xff", "%YAML 9\n---\na: b"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, fs := Parse("f.yaml", data)
		if file == nil && !fs.Failed() {
			t.Fatal("no file and no error")
		}
		if file != nil {
			var s sample
			fs = append(fs, file.Decode(&s)...)
		}
		for _, x := range fs {
			if x.Line < 1 || x.File == "" || x.Message == "" {
				t.Fatalf("a finding without place or text: %+v", x)
			}
		}
	})
}
