package rest

import (
	"maps"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// Every connection and every signature in the README is a valid configuration.
func TestReadmeExamples(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for n, block := range strings.Split(string(readme), "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		if strings.Contains(block, "signature: {") {
			for line := range strings.Lines(block) {
				if strings.HasPrefix(line, "signature:") {
					checkExample(t, "source", "listen: 127.0.0.1:8080", line)
					checked++
				}
			}
			continue
		}
		var c struct {
			Config                map[string]any
			Sources, Sinks, Calls map[string]map[string]any
		}
		if err := yaml.Unmarshal([]byte(block), &c); err != nil {
			t.Fatalf("example %d: %v", n, err)
		}
		for role, endpoints := range map[string]map[string]map[string]any{"source": c.Sources, "sink": c.Sinks, "call": c.Calls} {
			for _, e := range endpoints {
				merged := maps.Clone(c.Config)
				maps.Copy(merged, e)
				text, err := yaml.Marshal(merged)
				if err != nil {
					t.Fatal(err)
				}
				checkExample(t, role, string(text))
				checked++
			}
		}
	}
	if checked < 10 {
		t.Errorf("the README has only %d examples", checked)
	}
}

func checkExample(t *testing.T, role string, lines ...string) {
	t.Helper()
	// The core fills in secrets before a connector sees them.
	text := strings.ReplaceAll(strings.Join(lines, "\n"), "${env:SECRET}", "c2VjcmV0")
	var cfg map[string]any
	if err := yaml.Unmarshal([]byte(text), &cfg); err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	encoded, err := structpb.NewStruct(cfg)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	r, err := sdk.Server(Connector()).Validate(t.Context(), &protocol.ValidateRequest{Role: role, Config: encoded})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range r.Diagnostics {
		t.Errorf("%s\n%s %s (%s)", text, d.Problem.GetField(), d.Problem.GetMessage(), d.Hint)
	}
}
