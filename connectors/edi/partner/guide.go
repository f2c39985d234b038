package partner

import (
	"errors"
	"fmt"

	"github.com/crossdock/crossdock/connectors/edi/grammar"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/edi/validate"
)

// Guides are the compiled implementation guides of an agreement: its overlays.
// They are immutable.
type Guides struct {
	received map[guideID]*grammar.Set
	sent     map[string]*grammar.Set // by set
	doubts   []string
}

type guideID struct {
	std          syntax.Standard
	release, set string
}

// Guides compiles the overlays of the agreement. The error lists everything that
// is wrong with them, by key and line.
func (p *Partner) Guides(lib *grammar.Library) (*Guides, error) {
	g := &Guides{received: map[guideID]*grammar.Set{}, sent: map[string]*grammar.Set{}}
	var all []error
	for _, id := range sorted(p.Receive) {
		set, err := guide(lib, "receive", id, p.Receive[id].Overlay)
		if set != nil {
			g.received[guideID{set.Standard, set.Version, set.ID}] = set
			g.doubts = append(g.doubts, set.Doubts...)
		}
		all = append(all, err)
	}
	for _, id := range sorted(p.Send) {
		set, err := guide(lib, "send", id, p.Send[id].Overlay)
		if set != nil {
			g.sent[id] = set
			g.doubts = append(g.doubts, set.Doubts...)
		}
		all = append(all, err)
	}
	return g, errors.Join(all...)
}

func guide(lib *grammar.Library, side, id, overlay string) (*grammar.Set, error) {
	if overlay == "" {
		return nil, nil
	}
	name := side + "." + id + ".overlay"
	set, err := lib.Overlay(name, []byte(overlay))
	if err == nil && set.ID != id {
		return nil, fmt.Errorf("%s: it extends the set %s, not %s", name, set.ID, id)
	}
	return set, err
}

// Received is the guide of a set that comes; nil when there is none. It is what
// validate.Validator asks for.
func (g *Guides) Received(std syntax.Standard, release, set string) *grammar.Set {
	return g.received[guideID{std, release, set}]
}

// Doubts are what of the guides may be a mistake, by key and line as the error of
// [Partner.Guides].
func (g *Guides) Doubts() []string { return g.doubts }

// Sent is the guide of a set that we write, as a validator asks for it; nil when
// there is none.
func (g *Guides) Sent(_ syntax.Standard, _, set string) *grammar.Set { return g.sent[set] }

// Validator judges what the partner sends.
func (p *Partner) Validator(lib *grammar.Library, g *Guides) *validate.Validator {
	return &validate.Validator{Grammars: lib, Overlays: g.Received, Policy: p.Policy()}
}
