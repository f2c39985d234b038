package mapping

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"github.com/govalues/decimal"
)

// This file shows nodes to CEL. A value is converted when an expression reads
// it, with the schema's type: text where the schema says number is an error
// there and not a silent conversion.

// missingError says that an expression read something that is not there. Such
// an expression has no value.
type missingError struct{ what string }

func (e *missingError) Error() string { return e.what }

// isMissing tells that an expression has no value, as against a wrong one.
func isMissing(err error) bool {
	var m *missingError
	if errors.As(err, &m) {
		return true
	}
	s := err.Error()
	return strings.HasPrefix(s, "no such key: ") || strings.HasPrefix(s, "index out of bounds: ") || strings.HasPrefix(s, "optional.none() dereference")
}

func missing(format string, args ...any) ref.Val {
	return types.WrapErr(&missingError{fmt.Sprintf(format, args...)})
}

// exactDigits is how many decimal digits a binary float keeps.
const exactDigits = 15

// value converts a node to what CEL computes with. s is nil where the schema
// does not say.
func value(n *node, s *Schema) ref.Val {
	s = s.resolved()
	if n.kind == kindNull {
		if s == nil || s.kind == typeAny || s.nullable {
			return types.NullValue
		}
		return missing("%s is null", n.path())
	}
	if s != nil && !s.kind.holds(n) {
		return types.NewErr("%s is %s, but the schema says %s", n.path(), n.kind, s.kind)
	}
	switch n.kind {
	case kindBool:
		return types.Bool(n.truth)
	case kindString:
		return types.String(n.text)
	case kindNumber:
		return numberValue(n, s)
	case kindArray:
		return &listValue{n: n, items: s.itemSchema()}
	}
	return &objectValue{n: n, schema: s}
}

func numberValue(n *node, s *Schema) ref.Val {
	if s == nil || s.kind != typeNumber {
		i, err := strconv.ParseInt(n.text, 10, 64)
		if err == nil {
			return types.Int(i)
		}
		if d, derr := decimal.Parse(n.text); derr == nil && d.IsInt() {
			if i, err = strconv.ParseInt(d.Trunc(0).String(), 10, 64); err == nil {
				return types.Int(i)
			}
		}
		if s != nil && s.kind == typeInteger {
			return types.NewErr("%s is %s, which is no whole number of 64 bits", n.path(), shorten(n.text, 40))
		}
	}
	if significant(n.text) > exactDigits {
		return types.NewErr("%s is %s: a number with more than %d digits loses some in calculation; use the path alone, or decimal", n.path(), shorten(n.text, 40), exactDigits)
	}
	f, err := strconv.ParseFloat(n.text, 64)
	if err != nil {
		return types.NewErr("%s is %s, which is out of range", n.path(), shorten(n.text, 40))
	}
	return types.Double(f)
}

// significant counts the digits of a number without leading zeros.
func significant(text string) int {
	n := 0
	for i := range len(text) {
		switch c := text[i]; {
		case c == 'e' || c == 'E':
			return n
		case c >= '1' && c <= '9' || c == '0' && n > 0:
			n++
		}
	}
	return n
}

// nodeOf converts the result of an expression back.
func nodeOf(v ref.Val) (*node, error) {
	switch v := v.(type) {
	case types.String:
		return textNode(string(v)), nil
	case types.Int:
		return numberNode(strconv.FormatInt(int64(v), 10)), nil
	case types.Uint:
		return numberNode(strconv.FormatUint(uint64(v), 10)), nil
	case types.Bool:
		return boolNode(bool(v)), nil
	case types.Null:
		return &node{kind: kindNull}, nil
	case types.Double:
		s, err := doubleText(float64(v))
		return numberNode(s), err
	case *objectValue:
		return v.n.copied(), nil
	case *listValue:
		return v.n.copied(), nil
	case *types.Err:
		return nil, v
	case *types.Optional:
		if !v.HasValue() {
			return nil, &missingError{"the optional has no value"}
		}
		return nodeOf(v.GetValue())
	case traits.Lister:
		return nodeOfList(v)
	case traits.Mapper:
		return nodeOfMap(v)
	}
	return nil, fmt.Errorf("a value of type %s cannot be written as JSON; convert it with string()", v.Type().TypeName())
}

func doubleText(f float64) (string, error) {
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if f != f || s == "+Inf" || s == "-Inf" {
		return "", fmt.Errorf("the result %s is not a number that JSON can hold", s)
	}
	return s, nil
}

func nodeOfList(l traits.Lister) (*node, error) {
	n := &node{kind: kindArray}
	for it := l.Iterator(); it.HasNext() == types.True; {
		kid, err := nodeOf(it.Next())
		if err != nil {
			return nil, err
		}
		n.kids = append(n.kids, kid)
	}
	return n, nil
}

func nodeOfMap(m traits.Mapper) (*node, error) {
	byKey := map[string]any{}
	kids := map[string]*node{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		k := it.Next()
		key, ok := k.(types.String)
		if !ok {
			return nil, fmt.Errorf("a member name must be text, found %s", k.Type().TypeName())
		}
		kid, err := nodeOf(m.Get(k))
		if err != nil {
			return nil, err
		}
		kids[string(key)], byKey[string(key)] = kid, nil
	}
	n, err := fromAny(byKey) // sorts the keys
	for i, k := range n.keys {
		n.kids[i] = kids[k]
	}
	return n, err
}

// adapter lets CEL see nodes wherever it expects native values.
type adapter struct{ types.Adapter }

func (a adapter) NativeToValue(v any) ref.Val {
	if n, ok := v.(*node); ok {
		return value(n, nil)
	}
	return a.Adapter.NativeToValue(v)
}

var defaultAdapter = adapter{types.DefaultTypeAdapter}

// objectValue is an object in CEL.
type objectValue struct {
	n      *node
	schema *Schema
}

func (o *objectValue) ConvertToNative(t reflect.Type) (any, error) {
	if v := reflect.ValueOf(o.n.any()); v.CanConvert(t) {
		return v.Convert(t).Interface(), nil
	}
	return nil, fmt.Errorf("an object cannot become a %s", t)
}

func (o *objectValue) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case types.MapType:
		return o
	case types.TypeType:
		return types.MapType
	}
	return types.NewErr("an object cannot become a %s", t.TypeName())
}

func (o *objectValue) Equal(other ref.Val) ref.Val {
	m, ok := other.(traits.Mapper)
	if !ok || m.Size() != o.Size() {
		return types.False
	}
	for _, k := range o.n.keys {
		theirs, found := m.Find(types.String(k))
		if !found || types.Equal(o.Get(types.String(k)), theirs) != types.True {
			return types.False
		}
	}
	return types.True
}

func (o *objectValue) Type() ref.Type { return types.MapType }
func (o *objectValue) Value() any     { return o.n }
func (o *objectValue) Size() ref.Val  { return types.Int(len(o.n.keys)) }

func (o *objectValue) Contains(key ref.Val) ref.Val {
	_, found := o.Find(key)
	return types.Bool(found)
}

func (o *objectValue) Find(key ref.Val) (ref.Val, bool) {
	k, ok := key.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(key), false
	}
	kid := o.n.get(string(k))
	if kid == nil {
		return nil, false
	}
	return value(kid, o.schema.member(string(k))), true
}

func (o *objectValue) Get(key ref.Val) ref.Val {
	v, found := o.Find(key)
	if v == nil && !found {
		return missing("%s.%v is missing", o.n.path(), key.Value())
	}
	return v
}

func (o *objectValue) Iterator() traits.Iterator {
	return &iterator{size: len(o.n.keys), at: func(i int) ref.Val { return types.String(o.n.keys[i]) }}
}

// listValue is a list in CEL.
type listValue struct {
	n     *node
	items *Schema
}

func (l *listValue) ConvertToNative(t reflect.Type) (any, error) {
	elems := make([]ref.Val, len(l.n.kids))
	for i := range elems {
		elems[i] = l.at(i)
	}
	return types.NewRefValList(defaultAdapter, elems).ConvertToNative(t)
}

func (l *listValue) ConvertToType(t ref.Type) ref.Val {
	switch t {
	case types.ListType:
		return l
	case types.TypeType:
		return types.ListType
	}
	return types.NewErr("a list cannot become a %s", t.TypeName())
}

func (l *listValue) Equal(other ref.Val) ref.Val {
	o, ok := other.(traits.Lister)
	if !ok || o.Size() != l.Size() {
		return types.False
	}
	for i := range l.n.kids {
		if types.Equal(l.at(i), o.Get(types.Int(i))) != types.True {
			return types.False
		}
	}
	return types.True
}

func (l *listValue) Type() ref.Type   { return types.ListType }
func (l *listValue) Value() any       { return l.n }
func (l *listValue) Size() ref.Val    { return types.Int(len(l.n.kids)) }
func (l *listValue) at(i int) ref.Val { return value(l.n.kids[i], l.items) }

func (l *listValue) Get(index ref.Val) ref.Val {
	i, err := types.IndexOrError(index)
	if err != nil {
		return types.WrapErr(err)
	}
	if i < 0 || i >= len(l.n.kids) {
		return missing("%s[%d] is missing: the list has %d items", l.n.path(), i, len(l.n.kids))
	}
	return l.at(i)
}

func (l *listValue) Contains(v ref.Val) ref.Val {
	for i := range l.n.kids {
		if types.Equal(l.at(i), v) == types.True {
			return types.True
		}
	}
	return types.False
}

func (l *listValue) Add(other ref.Val) ref.Val {
	o, ok := other.(traits.Lister)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	var elems []ref.Val
	for i := range l.n.kids {
		elems = append(elems, l.at(i))
	}
	for it := o.Iterator(); it.HasNext() == types.True; {
		elems = append(elems, it.Next())
	}
	return types.NewRefValList(defaultAdapter, elems)
}

func (l *listValue) Iterator() traits.Iterator {
	return &iterator{size: len(l.n.kids), at: l.at}
}

// iterator walks over a fixed number of values. The embedded interface is nil:
// an iterator is never used as a value.
type iterator struct {
	ref.Val
	i, size int
	at      func(int) ref.Val
}

func (it *iterator) HasNext() ref.Val { return types.Bool(it.i < it.size) }

func (it *iterator) Next() ref.Val {
	if it.i >= it.size {
		return nil
	}
	it.i++
	return it.at(it.i - 1)
}
