package mapping

import (
	"fmt"
	"io/fs"
	"path"

	"github.com/crossdock/crossdock/core/strictyaml"
	"go.yaml.in/yaml/v3"
)

// RoundTrip is a mapping with the mapping that leads back, as its `inverse`
// says: what survives the way there and back, and what does not.
type RoundTrip struct {
	There, Back *Mapping
	// Rules are those of the mapping that was asked for, then those of the
	// other, in the order of the files.
	Rules []RuleTrip
}

// RuleTrip says whether the inverse mapping undoes what a rule does.
type RuleTrip struct {
	File       string `json:"file"`
	Line       int    `json:"line"`
	Col        int    `json:"col"`
	Target     string `json:"target"`           // lines[].sku
	Source     string `json:"source,omitempty"` // po1[].ids.UP; empty when nothing of the source is in it
	Reversible bool   `json:"reversible"`
	// Reason says what is lost, or what undoes the rule.
	Reason string `json:"reason"`
	// Declared tells that the mapping file says so itself (`lossy`).
	Declared bool `json:"declared,omitempty"`
}

// String is one line for a person.
func (r RuleTrip) String() string {
	word := "lossy"
	switch {
	case r.Reversible:
		word = "invertible"
	case r.Declared:
		word = "lossy (declared)"
	}
	return fmt.Sprintf("%s:%d:%d: %s: %s: %s", r.File, r.Line, r.Col, r.Target, word, r.Reason)
}

// Count returns how many rules come back as they were, how many do not, and how
// many of these the files declare lossy.
func (t *RoundTrip) Count() (invertible, lossy, declared int) {
	for _, r := range t.Rules {
		switch {
		case r.Reversible:
			invertible++
		default:
			lossy++
			if r.Declared {
				declared++
			}
		}
	}
	return invertible, lossy, declared
}

// Inverse is the file of the mapping that leads back, "" when the file names
// none.
func (m *Mapping) Inverse() string { return m.inverse }

// inverse reads `inverse`: a mapping file, relative to this one.
func (c *compiler) inverse(root *yaml.Node) {
	name, at := c.text(c.file, root, "inverse", "a mapping", false)
	if at == nil {
		return
	}
	file := path.Join(path.Dir(c.file.name), name)
	switch {
	case !fs.ValidPath(file):
		c.fail(c.file.at(at), CodeUnknown, "", "the path %q leads out of the configuration folder", name)
	case file == c.file.name:
		c.fail(c.file.at(at), CodeValue, "name the mapping that leads back", "a mapping is not its own inverse")
	default:
		if _, err := fs.Stat(c.fsys, file); err != nil {
			c.fail(c.file.at(at), CodeUnknown, "paths are relative to the mapping file", "inverse: the file %s cannot be read: %v", file, strictyaml.WithoutPath(err))
			return
		}
		c.m.inverse, c.m.inverseAt = file, c.file.at(at)
	}
}

// maxCompared is how many rules of a mapping are compared with those of its
// inverse, each with each.
const maxCompared = 5000

// RoundTrip compares a mapping with the one that leads back; nil when it names
// none. What does not fit between the two is a finding, as is an inverse that
// cannot be used; what is lost is none.
func (l *Library) RoundTrip(reference string) (*RoundTrip, []Finding) {
	there, _ := l.Mapping(reference)
	if there == nil || there.inverse == "" {
		return nil, nil
	}
	var found []Finding
	report := func(at strictyaml.Pos, hint, format string, args ...any) {
		found = append(found, Finding{File: at.File, Line: at.Line, Col: at.Col, Severity: SeverityError, Code: CodeInverse, Message: fmt.Sprintf(format, args...), Hint: hint})
	}
	back, _ := l.Mapping(there.inverse)
	if back == nil {
		report(there.inverseAt, "mend it; see crossdock map check "+there.inverse, "inverse: the mapping %s has errors", there.inverse)
		return nil, found
	}
	if back.inverse != "" && back.inverse != there.path {
		report(there.inverseAt, "let the two name each other, or only one of them the other", "inverse: %s names another inverse, %s", back.path, back.inverse)
	}
	for _, ends := range []struct{ what, mine, other string }{
		{"begins at %s, but its inverse makes %s", there.shapes["source"], back.shapes["target"]},
		{"makes %s, but its inverse begins at %s", there.shapes["target"], back.shapes["source"]},
	} {
		if ends.mine != ends.other {
			report(there.inverseAt, "name the mapping that leads back", "inverse: this mapping "+ends.what, ends.mine, ends.other)
		}
	}
	if len(found) > 0 {
		return nil, found
	}
	if len(there.moves) > maxCompared || len(back.moves) > maxCompared {
		report(there.inverseAt, "split the mapping", "inverse: more than %d rules are not compared", maxCompared)
		return nil, found
	}
	t := &RoundTrip{There: there, Back: back}
	t.Rules = append(judged(there, back), judged(back, there)...)
	return t, nil
}
