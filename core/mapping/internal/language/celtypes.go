package language

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// Provider shows schemas to CEL as struct types, so that its checker knows
// every member of the documents. It serves one compilation; the programs made
// with it only read it.
type Provider struct {
	types.Provider
	structs map[string]*schema.Schema
	byName  map[*schema.Schema]string
	// unknown collects the members that expressions asked for in vain, with what
	// there is, so that a finding can offer the right name.
	Unknown map[string][]string
}

// NewProvider returns a provider that asks next about all types that are no
// schema.
func NewProvider(next types.Provider) *Provider {
	return &Provider{Provider: next, structs: map[string]*schema.Schema{}, byName: map[*schema.Schema]string{}, Unknown: map[string][]string{}}
}

// TypeMark begins the names of struct types.
const TypeMark = "@"

// CelType is the CEL type of a schema.
func (p *Provider) TypeOf(s *schema.Schema) *cel.Type {
	s = s.Resolved()
	if s == nil {
		return cel.DynType
	}
	t := cel.DynType
	switch s.Kind {
	case schema.Object:
		if s.Open() {
			return cel.MapType(cel.StringType, p.TypeOf(s.Extra))
		}
		return cel.ObjectType(p.register(s))
	case schema.List:
		return cel.ListType(p.TypeOf(s.Items))
	case schema.Integer:
		t = cel.IntType
	case schema.Number:
		t = cel.DoubleType
	case schema.Boolean:
		t = cel.BoolType
	case schema.Text:
		t = cel.StringType
	default:
		return t
	}
	if s.Nullable {
		return cel.NullableType(t)
	}
	return t
}

func (p *Provider) register(s *schema.Schema) string {
	if name, ok := p.byName[s]; ok {
		return name
	}
	// The mark keeps the name of a type apart from a path that reads alike.
	name := TypeMark + s.Name
	for n := 2; p.structs[name] != nil; n++ {
		name = fmt.Sprintf("%s%s~%d", TypeMark, s.Name, n)
	}
	p.structs[name], p.byName[s] = s, name
	return name
}

// SchemaOf is the inverse of celType for objects and lists of them; nil for
// every other type.
func (p *Provider) SchemaOf(t *cel.Type) *schema.Schema {
	if t == nil || t.Kind() != types.StructKind {
		return nil
	}
	return p.structs[t.TypeName()]
}

// FindStructType implements CEL's types.Provider.
func (p *Provider) FindStructType(name string) (*types.Type, bool) {
	if _, ok := p.structs[name]; ok {
		return types.NewTypeTypeWithParam(cel.ObjectType(name)), true
	}
	return p.Provider.FindStructType(name)
}

// FindStructFieldNames implements CEL's types.Provider.
func (p *Provider) FindStructFieldNames(name string) ([]string, bool) {
	if s, ok := p.structs[name]; ok {
		return s.Names(), true
	}
	return p.Provider.FindStructFieldNames(name)
}

// FindStructFieldType implements CEL's types.Provider: the type of a member, and
// how it is read from a document.
func (p *Provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	s, ok := p.structs[name]
	if !ok {
		return p.Provider.FindStructFieldType(name, field)
	}
	c := s.Member(field)
	if c == nil {
		p.Unknown[field] = s.Names()
		return nil, false
	}
	get := func(target any) (any, error) {
		n, ok := target.(*document.Node)
		if !ok {
			if err, isErr := target.(error); isErr {
				return nil, err
			}
			return nil, &missingError{fmt.Sprintf("%s is missing", field)}
		}
		if kid := n.Get(field); kid != nil {
			return ValueOf(kid, c), nil
		}
		return nil, &missingError{n.Path() + "." + field + " is missing"}
	}
	return &types.FieldType{
		Type: p.TypeOf(c),
		IsSet: func(target any) bool {
			n, ok := target.(*document.Node)
			if !ok {
				return false
			}
			kid := n.Get(field)
			return kid != nil && kid.Kind != document.Null
		},
		GetFrom: get,
	}, true
}

// PlainType removes "or null" and "optional" from a type.
func PlainType(t *cel.Type) *cel.Type {
	if t == nil {
		return cel.DynType
	}
	for _, p := range []*cel.Type{cel.StringType, cel.IntType, cel.DoubleType, cel.BoolType} {
		if t.IsExactType(cel.NullableType(p)) {
			return p
		}
	}
	if t.Kind() == cel.OpaqueKind && t.TypeName() == "optional_type" && len(t.Parameters()) == 1 {
		return PlainType(t.Parameters()[0])
	}
	return t
}

// TypeName is a CEL type in messages.
func TypeName(t *cel.Type) string {
	t = PlainType(t)
	switch t.Kind() {
	case cel.StructKind:
		return "an object (" + strings.TrimPrefix(t.TypeName(), TypeMark) + ")"
	case cel.ListKind:
		return "a list of " + TypeName(t.Parameters()[0])
	case cel.MapKind:
		return "an object"
	case cel.DynKind:
		return "anything"
	}
	return t.String()
}
