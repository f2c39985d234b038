package check

import (
	"maps"

	"cel.dev/cel-go/cel"
	"github.com/crossdock/crossdock/core/mapping/internal/expression"
	"github.com/crossdock/crossdock/core/mapping/internal/insight"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/source"
)

// scope is what an expression of a mapping can see, and where it stands.
type scope struct {
	expression.Scope
	// done are the top-level members of the result that earlier rules made; nil
	// where out is not restricted.
	done map[string]bool
	file *source.File
	frag *fragment
	// names are the variables, for lineage.
	names map[string]*insight.Named
	// For the way back: the reason why the rules may lose something, their
	// condition, and the lists of which a variable is one item.
	lossy, limit string
	only         map[string]string
}

// tested returns the scope inside of a rule with a condition.
func (s *scope) tested(when *program.Expression) *scope {
	c := *s
	c.Scope = *s.Tested(when)
	return &c
}

// with returns the scope with one more variable.
func (s *scope) with(name string, t *cel.Type, base string, sure bool) (*scope, error) {
	inner, err := s.With(name, t, base, sure)
	if err != nil {
		return nil, err
	}
	c := *s
	c.Scope, c.names = *inner, maps.Clone(s.names)
	if c.names == nil {
		c.names = map[string]*insight.Named{}
	}
	delete(c.names, name)
	return &c, nil
}
