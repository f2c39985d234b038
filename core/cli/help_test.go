package cli

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestHelp walks all commands: each explains itself and shows an example that
// begins with its own name, and takes --json and the project's folder.
func TestHelp(t *testing.T) {
	root := (&app{}).root()
	seen := 0
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			if sub.Name() != "completion" && sub.Name() != "help" {
				walk(sub)
			}
		}
		seen++
		path := c.CommandPath()
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: Short must be a phrase without a full stop, found %q", path, c.Short)
		}
		if c.Hidden {
			return
		}
		if !strings.Contains(c.Example, "  "+path) {
			t.Errorf("%s: the example does not show the command: %q", path, c.Example)
		}
		var out bytes.Buffer
		args := append(strings.Fields(path)[1:], "--help")
		if code := Run(context.Background(), args, Streams{In: strings.NewReader(""), Out: &out, Err: &out}, func(string) string { return "" }); code != 0 {
			t.Errorf("%s --help ends with %d", path, code)
		}
		for _, want := range []string{"Examples:", "--json", "--config"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%s --help does not show %q:\n%s", path, want, out.String())
			}
		}
	}
	walk(root)
	if seen < 25 {
		t.Fatalf("only %d commands were looked at", seen)
	}
}

func TestAttachments(t *testing.T) {
	for _, c := range []struct {
		value string
		want  map[string]string
		fails bool
	}{
		{value: "", want: map[string]string{}},
		{value: " ; ", want: map[string]string{}},
		{value: "rest=unix:/tmp/s", want: map[string]string{"rest": "unix:/tmp/s"}},
		{value: " rest = 1|2|unix|/tmp/a=b ;soap=unix:/t;", want: map[string]string{"rest": "1|2|unix|/tmp/a=b", "soap": "unix:/t"}},
		{value: "rest", fails: true},
		{value: "=unix:/t", fails: true},
		{value: "rest=", fails: true},
		{value: "rest= ", fails: true},
	} {
		got, err := attachments(c.value)
		if c.fails {
			if err == nil || !strings.Contains(err.Error(), "CROSSDOCK_ATTACH must be <connector>=<address>") {
				t.Errorf("%q: expected an error that names the form, found %v", c.value, err)
			}
			continue
		}
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%q: found %v, %v", c.value, got, err)
		}
		for k, v := range c.want {
			if got[k] != v {
				t.Errorf("%q: %s is %q, expected %q", c.value, k, got[k], v)
			}
		}
	}
}
