package conformance

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"google.golang.org/protobuf/proto"

	"github.com/crossdock/crossdock/plugins/protocol"
)

func describeChecks() []check {
	return []check{
		{name: "describe/stable", run: describeStable},
		{name: "describe/roles", run: describeRoles},
		{name: "describe/schema", run: describeSchema},
		{name: "validate/accepts", run: validateAccepts},
		{name: "validate/required", run: validateRequired},
		{name: "validate/unknown key", run: validateUnknown},
		{name: "validate/wrong type", run: validateType},
		{name: "validate/all at once", run: validateAll},
		{name: "validate/no secrets", run: validateSecrets},
	}
}

func (h *host) describe() *protocol.DescribeResponse {
	h.t.Helper()
	ctx, cancel := h.context()
	defer cancel()
	d, err := h.client.Describe(ctx, &protocol.DescribeRequest{HostMinor: protocol.Minor})
	if err != nil {
		h.t.Fatalf("Describe: %v", err)
	}
	return d
}

func describeStable(h *host) {
	a, b := h.describe(), h.describe()
	if !proto.Equal(a, b) {
		h.t.Errorf("Describe answered differently the second time; the host caches it:\n%v\n%v", a, b)
	}
	if a.Name == "" || a.Name != strings.ToLower(a.Name) || strings.ContainsAny(a.Name, " ./") {
		h.t.Errorf("name %q: expected a lower-case word as written in connections/*.yaml", a.Name)
	}
	if a.Version == "" {
		h.t.Error("the version is empty; the lock file and support need it")
	}
	if a.Summary == "" {
		h.t.Error("the summary is empty; it is what the connector list shows")
	}
}

func describeRoles(h *host) {
	got := h.describe().Capabilities
	for role := range h.roles() {
		if !slices.Contains(got, role) {
			h.t.Errorf("capabilities %v do not name the role %q, which the target tests", got, role)
		}
	}
}

type configSchema struct {
	Properties map[string]struct {
		Type       any    `json:"type"`
		Secret     bool   `json:"x-secret"`
		Title      string `json:"title"`
		HasDefault any    `json:"default"`
	} `json:"properties"`
	Required []string `json:"required"`
}

func (h *host) schema() configSchema {
	h.t.Helper()
	var s configSchema
	if err := json.Unmarshal(h.describe().ConfigSchema, &s); err != nil {
		h.t.Fatalf("the configuration schema is not JSON: %v", err)
	}
	return s
}

func describeSchema(h *host) {
	raw := h.describe().ConfigSchema
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		h.t.Fatalf("the configuration schema is not JSON: %v", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("config.json", doc); err != nil {
		h.t.Fatalf("the configuration schema: %v", err)
	}
	compiled, err := c.Compile("config.json")
	if err != nil {
		h.t.Fatalf("the configuration schema is not valid JSON Schema 2020-12: %v", err)
	}
	for role, cfg := range h.roles() {
		if err := compiled.Validate(plain(h, cfg)); err != nil {
			h.t.Errorf("the %s configuration that Open accepts does not fit the connector's own schema: %v", role, err)
		}
	}
}

// plain sends a configuration through JSON, as the schema sees it.
func plain(h *host, cfg map[string]any) any {
	b, err := json.Marshal(cfg)
	if err != nil {
		h.t.Fatalf("the target's configuration is not JSON: %v", err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		h.t.Fatalf("the target's configuration is not JSON: %v", err)
	}
	return v
}

func validateAccepts(h *host) {
	for role, cfg := range h.roles() {
		for _, d := range h.validate(role, cfg) {
			if d.Severity == protocol.Diagnostic_ERROR {
				h.t.Errorf("%s: the target's configuration was refused: %s %s", role, d.Problem.GetField(), d.Problem.GetMessage())
			}
		}
	}
}

func validateRequired(h *host) {
	role, cfg := h.anyRole()
	for _, name := range h.schema().Required {
		broken := maps.Clone(cfg)
		delete(broken, name)
		h.expectField(h.validate(role, broken), name, "the required key "+name+" is missing")
	}
}

func validateUnknown(h *host) {
	role, cfg := h.anyRole()
	broken := maps.Clone(cfg)
	broken["noSuchKey"] = "x"
	h.expectField(h.validate(role, broken), "noSuchKey", "the configuration has an unknown key")
}

func validateType(h *host) {
	role, cfg := h.anyRole()
	for name, p := range h.schema().Properties {
		wrong := map[string]any{"string": []any{1.0}, "integer": "no number", "boolean": []any{}, "array": true, "object": "text"}
		t, _ := p.Type.(string)
		if _, inUse := cfg[name]; !inUse || wrong[t] == nil {
			continue
		}
		broken := maps.Clone(cfg)
		broken[name] = wrong[t]
		h.expectField(h.validate(role, broken), name, "the key "+name+" has a value of the wrong type")
	}
}

func validateAll(h *host) {
	role, cfg := h.anyRole()
	broken := maps.Clone(cfg)
	broken["noSuchKey"], broken["noOtherKey"] = "x", "y"
	found := h.validate(role, broken)
	h.expectField(found, "noSuchKey", "two keys are unknown")
	h.expectField(found, "noOtherKey", "two keys are unknown")
}

func validateSecrets(h *host) {
	const secret = "conformance-secret-7391"
	role, cfg := h.anyRole()
	for name, p := range h.schema().Properties {
		if !p.Secret {
			continue
		}
		if p.HasDefault != nil {
			h.t.Errorf("the secret %s has a default in the schema", name)
		}
		broken := maps.Clone(cfg)
		broken[name] = secret
		broken["noSuchKey"] = "x"
		for _, d := range h.validate(role, broken) {
			if strings.Contains(d.String(), secret) {
				h.t.Errorf("a diagnostic shows the value of the secret %s: %s", name, d.Problem.GetMessage())
			}
		}
	}
}

// expectField wants an error diagnostic that points at the key.
func (h *host) expectField(found []*protocol.Diagnostic, name, situation string) {
	h.t.Helper()
	var seen []string
	for _, d := range found {
		if d.Severity != protocol.Diagnostic_ERROR {
			continue
		}
		if d.Problem.GetField() == "/"+name {
			if d.Problem.Class != protocol.Problem_CONFIG {
				h.t.Errorf("%s: the error has class %s, expected CONFIG", situation, d.Problem.Class)
			}
			if d.Problem.Message == "" {
				h.t.Errorf("%s: the error has no message", situation)
			}
			return
		}
		seen = append(seen, d.Problem.GetField()+": "+d.Problem.GetMessage())
	}
	h.t.Errorf("%s, but Validate found no error at /%s; it found %q", situation, name, seen)
}
