package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// schema is the part of JSON Schema that becomes Go.
type schema struct {
	Ref         string       `json:"$ref"`
	Title       string       `json:"title"`
	Description string       `json:"description"`
	Type        string       `json:"type"`
	Format      string       `json:"format"`
	Enum        []string     `json:"enum"`
	Properties  properties   `json:"properties"`
	Required    []string     `json:"required"`
	Items       *schema      `json:"items"`
	Additional  *additional  `json:"additionalProperties"`
	Defs        properties   `json:"$defs"`
	Personal    bool         `json:"x-personal"`
	Key         *businessKey `json:"x-business-key"`
}

// businessKey is a string, or false to leave a field out of the keys.
type businessKey string

func (k *businessKey) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*k = businessKey(s)
	}
	return nil
}

// additional is false, true or the schema of further members.
type additional struct{ schema *schema }

func (a *additional) UnmarshalJSON(b []byte) error {
	if b = bytes.TrimSpace(b); len(b) > 0 && b[0] == '{' {
		a.schema = &schema{}
		return json.Unmarshal(b, a.schema)
	}
	return nil
}

// properties keeps the order in which the schema lists them.
type properties []property

type property struct {
	name   string
	schema *schema
}

func (p *properties) UnmarshalJSON(b []byte) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return err
		}
		name, ok := t.(string)
		if !ok {
			return fmt.Errorf("expected a member name, found %v", t)
		}
		s := &schema{}
		if err := dec.Decode(s); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		*p = append(*p, property{name, s})
	}
	return nil
}

func (p properties) get(name string) *schema {
	for _, x := range p {
		if x.name == name {
			return x.schema
		}
	}
	return nil
}

// readSchemas reads every schema file of dir by base name.
func readSchemas(dir fs.FS) (map[string]*schema, error) {
	matches, err := fs.Glob(dir, "v1/*.json")
	if err != nil {
		return nil, err
	}
	if len(matches) == 0 {
		return nil, fmt.Errorf("no schemas match v1/*.json: run in the directory canonical")
	}
	out := map[string]*schema{}
	for _, m := range matches {
		b, err := fs.ReadFile(dir, m)
		if err != nil {
			return nil, err
		}
		s := &schema{}
		if err := json.Unmarshal(b, s); err != nil {
			return nil, fmt.Errorf("%s: %w", m, err)
		}
		out[strings.TrimSuffix(path.Base(m), ".json")] = s
	}
	return out, nil
}
