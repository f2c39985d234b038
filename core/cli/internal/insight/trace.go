package insight

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/crossdock/crossdock/core/mapping"
)

// Trace is what `map run --trace --json` prints.
type Trace struct {
	Mapping string          `json:"mapping"`
	Version string          `json:"version"`
	Steps   []mapping.Step  `json:"steps"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   string          `json:"error,omitempty"`
}

// Show prints what each rule did.
func (t Trace) Show(out io.Writer) error {
	var b bytes.Buffer
	for _, s := range t.Steps {
		traceStep(&b, s)
	}
	b.WriteByte('\n')
	_, err := b.WriteTo(out)
	return err
}

func traceStep(b io.Writer, s mapping.Step) {
	name := s.Target
	switch s.Kind {
	case "assert":
		name = s.Kind // its message is for a failure
	case "let", "with":
		name = s.Kind + " " + s.Target
	}
	fmt.Fprintf(b, "%s %s  (%s:%d:%d)\n", name, came(s), s.File, s.Line, s.Col)
	if s.When != "" {
		fmt.Fprintf(b, "    when %s\n", oneLine(s.When))
	}
	if s.Expression != "" {
		how := oneLine(s.Expression)
		for _, p := range []struct{ what, name string }{{"code list", s.Codelist}, {"lookup", s.Lookup}} {
			if p.name != "" {
				how += ", " + p.what + " " + p.name
			}
		}
		fmt.Fprintf(b, "    %s\n", how)
	}
	for _, r := range s.Reads {
		if r.Value == "" {
			fmt.Fprintf(b, "    %s is missing\n", r.Path)
			continue
		}
		fmt.Fprintf(b, "    %s = %s\n", r.Path, r.Value)
	}
}

// came is what came of a step.
func came(s mapping.Step) string {
	why := s.Why
	if s.OnError != "" {
		why = "onError " + s.OnError + ": " + why
	}
	switch s.Outcome {
	case mapping.OutcomeFailed:
		if s.Kind == "assert" {
			return strings.TrimSuffix("FAILED: "+s.Target+": "+why, ": ")
		}
		return "FAILED: " + why
	case mapping.OutcomeLeftOut:
		if s.Kind != "rule" {
			return "has no value: " + why
		}
		return "left out: " + why
	case mapping.OutcomeDefault:
		return "= " + s.Result + ", the default: " + why
	}
	return "= " + s.Result
}
