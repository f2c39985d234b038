package sftp_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/ssh"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/connectors/sftp"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// Every connection in the guide is one that the connector accepts.
func TestGuideIsValid(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	must(t, err)
	guide, err := os.ReadFile("README.md")
	must(t, err)
	server := sdk.Server(sftp.Connector())
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(guide), -1)
	if len(examples) < 3 {
		t.Fatalf("%d examples found", len(examples))
	}
	for _, example := range examples {
		var connection struct {
			Connection     string
			Config         map[string]any
			Sources, Sinks map[string]map[string]any
		}
		must(t, yaml.Unmarshal([]byte(example[1]), &connection))
		check := func(role, name string, endpoint map[string]any) {
			config := maps.Clone(connection.Config)
			maps.Copy(config, endpoint)
			if config["privateKey"] != nil {
				config["privateKey"] = string(pem.EncodeToMemory(block))
			}
			fields, err := structpb.NewStruct(config)
			must(t, err)
			response, err := server.Validate(t.Context(), &protocol.ValidateRequest{Config: fields, Role: role})
			must(t, err)
			for _, problem := range response.GetDiagnostics() {
				t.Errorf("%s.%s: %s %s", connection.Connection, name, strings.ToLower(role), problem)
			}
		}
		for name, endpoint := range connection.Sources {
			check("source", name, endpoint)
		}
		for name, endpoint := range connection.Sinks {
			check("sink", name, endpoint)
		}
	}
}
