package soap

import (
	"maps"
	"os"
	"regexp"
	"testing"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// Every connection in the guide is one that the connector accepts.
func TestGuideIsValid(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		var c struct {
			Connection            string
			Config                map[string]any
			Sources, Sinks, Calls map[string]map[string]any
		}
		if err := yaml.Unmarshal([]byte(m[1]), &c); err != nil {
			t.Fatal(err)
		}
		for role, endpoints := range map[string]map[string]map[string]any{"source": c.Sources, "sink": c.Sinks, "call": c.Calls} {
			for name, endpoint := range endpoints {
				cfg := maps.Clone(c.Config)
				maps.Copy(cfg, endpoint)
				fields, err := structpb.NewStruct(cfg)
				if err != nil {
					t.Fatal(err)
				}
				r, err := sdk.Server(Connector()).Validate(t.Context(), &protocol.ValidateRequest{Config: fields, Role: role})
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range r.GetDiagnostics() {
					t.Errorf("%s.%s: %s %s (%s)", c.Connection, name, d.Problem.GetField(), d.Problem.GetMessage(), d.Hint)
				}
				checked++
			}
		}
	}
	if checked < 4 {
		t.Errorf("only %d endpoints were checked", checked)
	}
}
