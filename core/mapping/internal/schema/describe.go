package schema

import (
	"encoding/json"
	"slices"
)

// About is what the schema says of the value in words, "" for nothing. What a
// reference says goes before what it refers to.
func (s *Schema) About() string {
	for ; s != nil; s = s.ref {
		if s.about != "" {
			return s.about
		}
	}
	return ""
}

// Allowed are the values of enum or const as JSON, nil when any may stand there.
func (s *Schema) Allowed() []json.RawMessage {
	if s = s.Resolved(); s == nil {
		return nil
	}
	var out []json.RawMessage
	for _, n := range s.enum {
		out = append(out, n.AppendJSON(nil))
	}
	return out
}

// Demands lists the members that must be there, in alphabetical order.
func (s *Schema) Demands() []string {
	if s = s.Resolved(); s == nil {
		return nil
	}
	var out []string
	for name, must := range s.Required {
		if must {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
