package edi

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
	"github.com/crossdock/crossdock/plugins/protocol"
)

func readme(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	must(t, err)
	var out []string
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		out = append(out, m[1])
	}
	return out
}

// Every connection in the guide is one that the connector accepts together with
// its partner.
func TestGuideIsValid(t *testing.T) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	must(t, err)
	server := sdk.Server(Connector())
	partners := map[string]map[string]any{}
	checked := 0
	for _, text := range readme(t, "yaml") {
		var file map[string]any
		must(t, yaml.Unmarshal([]byte(text), &file))
		if file["connection"] == nil {
			partners[file["partner"].(string)] = file
			continue
		}
		var c struct {
			Partner        string
			Config         map[string]any
			Sources, Sinks map[string]map[string]any
		}
		must(t, yaml.Unmarshal([]byte(text), &c))
		for role, endpoints := range map[string]map[string]map[string]any{"source": c.Sources, "sink": c.Sinks} {
			for name, endpoint := range endpoints {
				cfg := maps.Clone(c.Config)
				maps.Copy(cfg, endpoint)
				// The core puts the partner's file and secrets in their places.
				cfg["partner"] = partners[c.Partner]
				if cfg["privateKey"] != nil {
					cfg["privateKey"] = string(pem.EncodeToMemory(block))
				}
				fields, err := structpb.NewStruct(cfg)
				must(t, err)
				r, err := server.Validate(t.Context(), &protocol.ValidateRequest{Config: fields, Role: role})
				must(t, err)
				for _, d := range r.GetDiagnostics() {
					t.Errorf("%s.%s: %s %s (%s)", file["connection"], name, d.Problem.GetField(), d.Problem.GetMessage(), d.Hint)
				}
				checked++
			}
		}
	}
	if checked < 5 || len(partners) < 2 {
		t.Errorf("only %d endpoints of %d partners were checked", checked, len(partners))
	}
}

// The documents that the guide shows for writing are ones that are written.
func TestGuideDocumentsAreWritten(t *testing.T) {
	p := newPartner(t)
	s := p.sink(t)
	written := 0
	for _, doc := range readme(t, "json") {
		if strings.Contains(doc, `"interchange"`) || strings.Contains(doc, `"acknowledgement"`) {
			continue // it shows what is read, or an event
		}
		must(t, s.Write(t.Context(), []sdk.Record{{ID: doc, Payload: []byte(doc)}})[0].Err)
		written++
	}
	if written != 2 {
		t.Errorf("%d documents were written, want 2", written)
	}
}
