package mapping

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
)

// provider shows schemas to CEL as struct types, so that its checker knows
// every member of the documents. It serves one compilation; the programs made
// with it only read it.
type provider struct {
	types.Provider
	structs map[string]*Schema
	byName  map[*Schema]string
	// unknown collects the members that expressions asked for in vain, with what
	// there is, so that a finding can offer the right name.
	unknown map[string][]string
}

func newProvider(next types.Provider) *provider {
	return &provider{Provider: next, structs: map[string]*Schema{}, byName: map[*Schema]string{}, unknown: map[string][]string{}}
}

// typeMark begins the names of struct types.
const typeMark = "@"

// celType is the CEL type of a schema.
func (p *provider) celType(s *Schema) *cel.Type {
	s = s.resolved()
	if s == nil {
		return cel.DynType
	}
	t := cel.DynType
	switch s.kind {
	case typeObject:
		if s.open() {
			return cel.MapType(cel.StringType, p.celType(s.extra))
		}
		return cel.ObjectType(p.register(s))
	case typeArray:
		return cel.ListType(p.celType(s.items))
	case typeInteger:
		t = cel.IntType
	case typeNumber:
		t = cel.DoubleType
	case typeBoolean:
		t = cel.BoolType
	case typeString:
		t = cel.StringType
	default:
		return t
	}
	if s.nullable {
		return cel.NullableType(t)
	}
	return t
}

func (p *provider) register(s *Schema) string {
	if name, ok := p.byName[s]; ok {
		return name
	}
	// The mark keeps the name of a type apart from a path that reads alike.
	name := typeMark + s.name
	for n := 2; p.structs[name] != nil; n++ {
		name = fmt.Sprintf("%s%s~%d", typeMark, s.name, n)
	}
	p.structs[name], p.byName[s] = s, name
	return name
}

// schemaOf is the inverse of celType for objects and lists of them; nil for
// every other type.
func (p *provider) schemaOf(t *cel.Type) *Schema {
	if t == nil || t.Kind() != types.StructKind {
		return nil
	}
	return p.structs[t.TypeName()]
}

func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := p.structs[name]; ok {
		return types.NewTypeTypeWithParam(cel.ObjectType(name)), true
	}
	return p.Provider.FindStructType(name)
}

func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	if s, ok := p.structs[name]; ok {
		return s.names(), true
	}
	return p.Provider.FindStructFieldNames(name)
}

func (p *provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	s, ok := p.structs[name]
	if !ok {
		return p.Provider.FindStructFieldType(name, field)
	}
	c := s.member(field)
	if c == nil {
		p.unknown[field] = s.names()
		return nil, false
	}
	get := func(target any) (any, error) {
		n, ok := target.(*node)
		if !ok {
			if err, isErr := target.(error); isErr {
				return nil, err
			}
			return nil, &missingError{fmt.Sprintf("%s is missing", field)}
		}
		if kid := n.get(field); kid != nil {
			return value(kid, c), nil
		}
		return nil, &missingError{n.path() + "." + field + " is missing"}
	}
	return &types.FieldType{
		Type: p.celType(c),
		IsSet: func(target any) bool {
			n, ok := target.(*node)
			if !ok {
				return false
			}
			kid := n.get(field)
			return kid != nil && kid.kind != kindNull
		},
		GetFrom: get,
	}, true
}
