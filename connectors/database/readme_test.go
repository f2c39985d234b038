package database

import (
	"context"
	"maps"
	"os"
	"regexp"
	"testing"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// TestReadmeIsRight: every configuration in the README is accepted.
func TestReadmeIsRight(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	server, n := sdk.Server(Connector()), 0
	for _, block := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1) {
		var c struct {
			Connection, Connector string
			Config                map[string]any
			Sources, Sinks, Calls map[string]map[string]any
		}
		if err := yaml.Unmarshal(block[1], &c); err != nil {
			t.Fatalf("%v in\n%s", err, block[1])
		}
		for role, endpoints := range map[string]map[string]map[string]any{"source": c.Sources, "sink": c.Sinks, "call": c.Calls} {
			for name, endpoint := range endpoints {
				n++
				cfg := maps.Clone(c.Config)
				maps.Copy(cfg, endpoint)
				in, err := structpb.NewStruct(cfg)
				if err != nil {
					t.Fatal(err)
				}
				res, err := server.Validate(context.Background(), &protocol.ValidateRequest{Config: in, Role: role})
				if err != nil || len(res.Diagnostics) > 0 {
					t.Errorf("%s.%s: %v %v", c.Connection, name, res, err)
				}
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d endpoints found in the README", n)
	}
}
