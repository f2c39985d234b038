package expression

import (
	"maps"

	"cel.dev/cel-go/cel"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// Scope is what an expression can see.
type Scope struct {
	Env *cel.Env
	// Bases maps a variable to the source path it stands for, for lineage.
	Bases map[string]string
	// Sure names the variables that always have a value.
	Sure map[string]bool
	// there are paths that a condition around has tested with has().
	there map[string]bool
}

// NewScope builds the environment of a mapping or of a route's expression.
func NewScope(src, dst *schema.Schema, s language.Settings) (*Scope, *language.Provider, error) {
	base, err := language.StandardEnv()
	if err != nil {
		return nil, nil, err
	}
	prov := language.NewProvider(base.CELTypeProvider())
	opts := append(s.Functions(), cel.CustomTypeProvider(prov), cel.CustomTypeAdapter(language.Adapter),
		cel.Variable(language.NameSrc, prov.TypeOf(src)), cel.Variable(language.NameOut, prov.TypeOf(dst)))
	env, err := base.Extend(opts...)
	if err != nil {
		return nil, nil, err
	}
	return &Scope{Env: env, Bases: map[string]string{language.NameSrc: language.NameSrc, language.NameOut: language.NameOut}, Sure: map[string]bool{language.NameSrc: true, language.NameOut: true}}, prov, nil
}

// Tested returns the scope inside of what runs under a condition.
func (s *Scope) Tested(when *program.Expression) *Scope {
	if when == nil || len(when.Tests) == 0 {
		return s
	}
	c := *s
	if c.there = maps.Clone(s.there); c.there == nil {
		c.there = map[string]bool{}
	}
	for _, p := range when.Tests {
		c.there[p] = true
	}
	return &c
}

// With returns the scope with one more variable.
func (s *Scope) With(name string, t *cel.Type, base string, sure bool) (*Scope, error) {
	env, err := s.Env.Extend(cel.Variable(name, t))
	if err != nil {
		return nil, err
	}
	c := *s
	c.Env, c.Bases, c.Sure = env, maps.Clone(s.Bases), maps.Clone(s.Sure)
	c.Bases[name], c.Sure[name] = base, sure
	return &c, nil
}
