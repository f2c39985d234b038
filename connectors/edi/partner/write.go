package partner

import (
	"github.com/crossdock/crossdock/connectors/edi/compose"
	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
)

// Agreement is how a set is written to the partner, checked against the guides.
func (p *Partner) Agreement(set *grammar.Set, g *Guides) compose.Agreement {
	out := p.Send[set.ID]
	a := compose.Agreement{
		Standard: p.StandardOf(), Delimiters: p.delimiters(),
		Sender: compose.Party{Qualifier: p.Ours.Qualifier, ID: p.Ours.ID}, Receiver: compose.Party{Qualifier: p.Theirs.Qualifier, ID: p.Theirs.ID},
		GroupSender: p.Ours.Group, GroupReceiver: p.Theirs.Group,
		Set: set.ID, Release: set.Version, Association: out.Association, Syntax: p.Separators.Syntax, Usage: p.Usage, Overlays: g.Sent,
	}
	if p.Newline {
		a.Suffix = "\n"
	}
	if a.Standard == syntax.EDIFACT {
		a.Usage = ""
		if p.Usage == "T" {
			a.Usage = "1"
		}
	}
	for _, k := range p.Expect.Kinds {
		a.AckWanted = a.AckWanted || k == "TA1" || k == "CONTRL"
	}
	return a
}

func (p *Partner) delimiters() syntax.Delimiters {
	one := func(s string) byte {
		if s == "" {
			return 0
		}
		return s[0]
	}
	return syntax.Delimiters{
		Segment: one(p.Separators.Segment), Element: one(p.Separators.Element), Component: one(p.Separators.Component), Repetition: one(p.Separators.Repetition),
	}
}
