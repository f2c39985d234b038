package sdk

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"
)

type twoRoles struct {
	URL   string `json:"url" doc:"Address" required:"true" format:"uri"`
	Token string `json:"token" secret:"true"`
	Query string `json:"query" required:"true" role:"source"`
	Limit int64  `json:"limit" format:"bytes" default:"16MiB"`
}

func twoRoleConnector() Connector[twoRoles] {
	return Connector[twoRoles]{
		Spec:   Spec{Name: "two", Version: "1.0.0", Summary: "Reads and writes"},
		Source: func(context.Context, twoRoles, []byte, Env) (Source, error) { return nil, nil },
		Sink:   func(context.Context, twoRoles, Env) (Sink, error) { return nil, nil },
	}
}

// What is wrong in a configuration reaches the host as classified errors, and
// the connector's own Validate is asked only when nothing is.
func TestConfiguration(t *testing.T) {
	c := twoRoleConnector()
	c.Defaults.Token = "t0ken"
	asked := 0
	c.Validate = func(cfg twoRoles, role string) []error {
		asked++
		if cfg != (twoRoles{URL: "https://a.example", Token: "t0ken", Query: "q", Limit: 16 << 20}) || role != roleSource {
			t.Errorf("Validate was given %+v for %s", cfg, role)
		}
		return nil
	}
	problems, _ := c.validate(map[string]any{"url": "shop", "nope": 1}, roleSource)
	var got []Error
	for _, p := range problems {
		got = append(got, *classified(p))
	}
	want := []Error{
		{Class: BadConfig, Code: "config.unknown", Field: "/nope", Message: "nope: is not a key of this connector's configuration", Hint: "known keys: url, token, query, limit"},
		{Class: BadConfig, Code: "config.format", Field: "/url", Message: `url: "shop" is not a valid uri`, Hint: "write scheme and host: https://example.com/path"},
		{Class: BadConfig, Code: "config.required", Field: "/query", Message: "query: is required and missing"},
	}
	if !reflect.DeepEqual(got, want) || asked > 0 {
		t.Errorf("problems\n%+v\nexpected\n%+v\nValidate was asked %d times", got, want, asked)
	}
	if problems, _ := c.validate(map[string]any{"url": "https://a.example", "query": "q"}, roleSource); len(problems) > 0 || asked != 1 {
		t.Errorf("problems %v, Validate was asked %d times", problems, asked)
	}
	if secrets := c.secrets(map[string]any{"token": "pa55word"}); !reflect.DeepEqual(secrets, []string{"pa55word"}) {
		t.Errorf("secrets %q", secrets)
	}
}

// A source's key in the shared part of a connection is no error for its sinks.
func TestRoleOfKeys(t *testing.T) {
	problems, warnings := twoRoleConnector().validate(map[string]any{"url": "https://a.example", "query": "q"}, roleSink)
	if len(problems) > 0 || len(warnings) != 1 || classified(warnings[0]).Field != "/query" {
		t.Errorf("problems %v, warnings %v", problems, warnings)
	}
	problems, _ = twoRoleConnector().validate(map[string]any{"url": "https://a.example"}, roleCall)
	if len(problems) != 1 || !strings.Contains(problems[0].Error(), "cannot be a call; it can be: source, sink") {
		t.Errorf("problems %v", problems)
	}
}

func TestAuthorMistakes(t *testing.T) {
	type recursive struct {
		Inner []recursive `json:"inner"`
	}
	for name, test := range map[string]struct {
		plugin Plugin
		want   string
	}{
		"not a struct": {Connector[string]{Spec: Spec{Name: "x"}}, "is not a struct"},
		"channel":      {Connector[struct{ C chan int }]{Spec: Spec{Name: "x"}}, "cannot be read from a configuration"},
		"recursive":    {Connector[recursive]{Spec: Spec{Name: "x"}}, "contains itself"},
		"bad default": {Connector[struct {
			N int `default:"many"`
		}]{Spec: Spec{Name: "x"}}, `default "many"`},
		"default too big": {Connector[struct {
			N int `default:"9" max:"5"`
		}]{Spec: Spec{Name: "x"}}, `above the maximum`},
		"bad minimum": {Connector[struct {
			D time.Duration `min:"5"`
		}]{Spec: Spec{Name: "x"}}, `min or max "5"`},
		"bad role": {Connector[struct {
			S string `role:"reader"`
		}]{Spec: Spec{Name: "x"}}, `role "reader" is not one of source, sink, call`},
		"no name": {Connector[struct{}]{}, "has no Name"},
		"enum and default": {Connector[struct {
			S string `enum:"a,b" default:"c"`
		}]{Spec: Spec{Name: "x"}}, "not an allowed value"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newServer(test.plugin, nil).Describe(t.Context(), nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Describe: %v, expected an error with %q", err, test.want)
			}
		})
	}
}
