package partner

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/crossdock/crossdock/connectors/edi/finding"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/grammars"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

// sample is what a file of the partner tells about an agreement. It is a
// validate.Handler; the first interchange counts.
type sample struct {
	validate.Ignore
	standard         syntax.Standard
	d                syntax.Delimiters
	sender, receiver validate.Party
	usage, version   string
	groups           [2]string // of the sender and the receiver, GS02 and GS03
	newline          bool
	ours             bool // it is one of what we send
	sets             []sampleSet

	interchanges int
	problem      *finding.Finding
}

type sampleSet struct {
	id, release, association, name string
}

// acknowledgements are sets that answer others; no agreement lists them.
var acknowledgements = []string{"997", "999", "CONTRL"}

// takeSample reads a sample. It may be broken, as long as its header is not.
func takeSample(name string) (*sample, error) {
	content, err := readSample(name)
	if err != nil {
		return nil, err
	}
	s := &sample{}
	if err := (&validate.Validator{Grammars: grammar.Open(grammars.FS())}).Run(bytes.NewReader(content), s); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	switch {
	case s.interchanges == 0 && s.problem != nil:
		return nil, fmt.Errorf("%s: %s", name, s.problem)
	case s.interchanges == 0:
		return nil, fmt.Errorf("%s: the file is empty", name)
	case s.standard == syntax.TRADACOMS:
		return nil, fmt.Errorf("%s: a TRADACOMS file; agreements are about X12 and EDIFACT", name)
	}
	for _, text := range []string{s.sender.Qualifier, s.sender.ID, s.receiver.Qualifier, s.receiver.ID, s.groups[0], s.groups[1]} {
		// It would be taken for a reference to a secret.
		if strings.Contains(text, "${") || !printable(text) {
			return nil, fmt.Errorf("%s: the identifier %q cannot be one; name both sides with --theirs and --ours", name, finding.Clip([]byte(text)))
		}
	}
	s.newline = lineFeeds(content, s.d.Segment)
	return s, nil
}

func printable(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r != sign(r) }) < 0
}

// lineFeeds tells whether segments stand in lines of their own.
func lineFeeds(content []byte, terminator byte) bool {
	i := bytes.IndexByte(content, terminator)
	return terminator != '\n' && i >= 0 && i+1 < len(content) && (content[i+1] == '\n' || content[i+1] == '\r')
}

// BeginInterchange implements validate.Handler.
func (s *sample) BeginInterchange(ic *validate.Interchange) error {
	if s.interchanges++; s.interchanges == 1 {
		s.standard, s.d, s.sender, s.receiver = ic.Standard, ic.Delimiters, ic.Sender, ic.Receiver
		s.usage, s.version = ic.Usage, ic.Version
		if s.standard == syntax.EDIFACT {
			s.usage = map[string]string{"1": "T"}[s.usage]
		}
	}
	return nil
}

// BeginGroup implements validate.Handler.
func (s *sample) BeginGroup(g *validate.Group) error {
	if s.interchanges == 1 && s.groups[0] == "" {
		s.groups = [2]string{g.Sender, g.Receiver}
	}
	return nil
}

// BeginSet implements validate.Handler.
func (s *sample) BeginSet(v *validate.Set) error {
	one := sampleSet{id: v.ID, release: v.Release, association: v.Association}
	if v.Grammar == nil || slices.Contains(acknowledgements, v.ID) {
		return nil // hostile or unknown names make no keys
	}
	one.name = v.Grammar.Name
	const most = 50
	if !slices.Contains(s.sets, one) && len(s.sets) < most {
		s.sets = append(s.sets, one)
	}
	return nil
}

// Finding implements validate.Handler.
func (s *sample) Finding(f finding.Finding) error {
	if s.problem == nil && f.Severity == finding.Reject {
		s.problem = &f
	}
	return nil
}

// groupOf is a group's identifier when it is not that of the interchange.
func groupOf(group string, p validate.Party) string {
	if group == p.ID {
		return ""
	}
	return group
}
