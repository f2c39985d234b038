// Package language is what mapping expressions can say: CEL with the schemas as
// its types, documents as its values, and functions for decimals, dates and
// identifiers. Nothing in it converts a value unasked.
package language

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
	"github.com/govalues/decimal"
)

// This file shows nodes to CEL. A value is converted when an expression reads
// it, with the schema's type: text where the schema says number is an error
// there and not a silent conversion.

// missingError says that an expression read something that is not there. Such
// an expression has no value.
type missingError struct{ what string }

// Missing is the error of an expression that has no value.
func Missing(what string) error { return &missingError{what} }

func (e *missingError) Error() string { return e.what }

// IsMissing tells that an expression has no value, as against a wrong one.
func IsMissing(err error) bool {
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

// ValueOf converts a node to what CEL computes with. s is nil where the schema
// does not say.
func ValueOf(n *document.Node, s *schema.Schema) ref.Val {
	s = s.Resolved()
	if n.Kind == document.Null {
		if s == nil || s.Kind == schema.Any || s.Nullable {
			return types.NullValue
		}
		return missing("%s is null", n.Path())
	}
	if s != nil && !s.Kind.Holds(n) {
		return types.NewErr("%s is %s, but the schema says %s", n.Path(), n.Kind, s.Kind)
	}
	switch n.Kind {
	case document.Bool:
		return types.Bool(n.Truth)
	case document.Text:
		return types.String(n.Text)
	case document.Number:
		return numberValue(n, s)
	case document.List:
		return &listValue{Node: n, items: s.ItemSchema()}
	}
	return &objectValue{Node: n, Schema: s}
}

func numberValue(n *document.Node, s *schema.Schema) ref.Val {
	if s == nil || s.Kind != schema.Number {
		i, err := strconv.ParseInt(n.Text, 10, 64)
		if err == nil {
			return types.Int(i)
		}
		if d, derr := decimal.Parse(n.Text); derr == nil && d.IsInt() {
			if i, err = strconv.ParseInt(d.Trunc(0).String(), 10, 64); err == nil {
				return types.Int(i)
			}
		}
		if s != nil && s.Kind == schema.Integer {
			return types.NewErr("%s is %s, which is no whole number of 64 bits", n.Path(), document.Shorten(n.Text, 40))
		}
	}
	if significant(n.Text) > exactDigits {
		return types.NewErr("%s is %s: a number with more than %d digits loses some in calculation; use the path alone, or decimal", n.Path(), document.Shorten(n.Text, 40), exactDigits)
	}
	f, err := strconv.ParseFloat(n.Text, 64)
	if err != nil {
		return types.NewErr("%s is %s, which is out of range", n.Path(), document.Shorten(n.Text, 40))
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

// NodeOf converts the result of an expression back.
func NodeOf(v ref.Val) (*document.Node, error) {
	switch v := v.(type) {
	case types.String:
		return document.NewText(string(v)), nil
	case types.Int:
		return document.NewNumber(strconv.FormatInt(int64(v), 10)), nil
	case types.Uint:
		return document.NewNumber(strconv.FormatUint(uint64(v), 10)), nil
	case types.Bool:
		return document.NewBool(bool(v)), nil
	case types.Null:
		return &document.Node{Kind: document.Null}, nil
	case types.Double:
		s, err := doubleText(float64(v))
		return document.NewNumber(s), err
	case *objectValue:
		return v.Node.Copied(), nil
	case *listValue:
		return v.Node.Copied(), nil
	case *types.Err:
		return nil, v
	case *types.Optional:
		if !v.HasValue() {
			return nil, &missingError{"the optional has no value"}
		}
		return NodeOf(v.GetValue())
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

func nodeOfList(l traits.Lister) (*document.Node, error) {
	n := &document.Node{Kind: document.List}
	for it := l.Iterator(); it.HasNext() == types.True; {
		kid, err := NodeOf(it.Next())
		if err != nil {
			return nil, err
		}
		n.Kids = append(n.Kids, kid)
	}
	return n, nil
}

func nodeOfMap(m traits.Mapper) (*document.Node, error) {
	byKey := map[string]any{}
	kids := map[string]*document.Node{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		k := it.Next()
		key, ok := k.(types.String)
		if !ok {
			return nil, fmt.Errorf("a member name must be text, found %s", k.Type().TypeName())
		}
		kid, err := NodeOf(m.Get(k))
		if err != nil {
			return nil, err
		}
		kids[string(key)], byKey[string(key)] = kid, nil
	}
	n, err := document.FromAny(byKey) // sorts the keys
	for i, k := range n.Keys {
		n.Kids[i] = kids[k]
	}
	return n, err
}

type adapter struct{ types.Adapter }

func (a adapter) NativeToValue(v any) ref.Val {
	if n, ok := v.(*document.Node); ok {
		return ValueOf(n, nil)
	}
	return a.Adapter.NativeToValue(v)
}

// Adapter lets CEL see nodes wherever it expects native values.
var Adapter = adapter{types.DefaultTypeAdapter}

// objectValue is an object in CEL.
type objectValue struct {
	Node   *document.Node
	Schema *schema.Schema
}

func (o *objectValue) ConvertToNative(t reflect.Type) (any, error) {
	if v := reflect.ValueOf(o.Node.Any()); v.CanConvert(t) {
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
	for _, k := range o.Node.Keys {
		theirs, found := m.Find(types.String(k))
		if !found || types.Equal(o.Get(types.String(k)), theirs) != types.True {
			return types.False
		}
	}
	return types.True
}

func (o *objectValue) Type() ref.Type { return types.MapType }
func (o *objectValue) Value() any     { return o.Node }
func (o *objectValue) Size() ref.Val  { return types.Int(len(o.Node.Keys)) }

func (o *objectValue) Contains(key ref.Val) ref.Val {
	_, found := o.Find(key)
	return types.Bool(found)
}

func (o *objectValue) Find(key ref.Val) (ref.Val, bool) {
	k, ok := key.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(key), false
	}
	kid := o.Node.Get(string(k))
	if kid == nil {
		return nil, false
	}
	return ValueOf(kid, o.Schema.Member(string(k))), true
}

func (o *objectValue) Get(key ref.Val) ref.Val {
	v, found := o.Find(key)
	if v == nil && !found {
		return missing("%s.%v is missing", o.Node.Path(), key.Value())
	}
	return v
}

func (o *objectValue) Iterator() traits.Iterator {
	return &iterator{size: len(o.Node.Keys), at: func(i int) ref.Val { return types.String(o.Node.Keys[i]) }}
}

// listValue is a list in CEL.
type listValue struct {
	Node  *document.Node
	items *schema.Schema
}

func (l *listValue) ConvertToNative(t reflect.Type) (any, error) {
	elems := make([]ref.Val, len(l.Node.Kids))
	for i := range elems {
		elems[i] = l.item(i)
	}
	return types.NewRefValList(Adapter, elems).ConvertToNative(t)
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
	for i := range l.Node.Kids {
		if types.Equal(l.item(i), o.Get(types.Int(i))) != types.True {
			return types.False
		}
	}
	return types.True
}

func (l *listValue) Type() ref.Type     { return types.ListType }
func (l *listValue) Value() any         { return l.Node }
func (l *listValue) Size() ref.Val      { return types.Int(len(l.Node.Kids)) }
func (l *listValue) item(i int) ref.Val { return ValueOf(l.Node.Kids[i], l.items) }

func (l *listValue) Get(index ref.Val) ref.Val {
	i, err := types.IndexOrError(index)
	if err != nil {
		return types.WrapErr(err)
	}
	if i < 0 || i >= len(l.Node.Kids) {
		return missing("%s[%d] is missing: the list has %d items", l.Node.Path(), i, len(l.Node.Kids))
	}
	return l.item(i)
}

func (l *listValue) Contains(v ref.Val) ref.Val {
	for i := range l.Node.Kids {
		if types.Equal(l.item(i), v) == types.True {
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
	for i := range l.Node.Kids {
		elems = append(elems, l.item(i))
	}
	for it := o.Iterator(); it.HasNext() == types.True; {
		elems = append(elems, it.Next())
	}
	return types.NewRefValList(Adapter, elems)
}

func (l *listValue) Iterator() traits.Iterator {
	return &iterator{size: len(l.Node.Kids), at: l.item}
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

// ObjectOf shows an object that is still being made.
func ObjectOf(n *document.Node, s *schema.Schema) ref.Val { return &objectValue{n, s} }

// NodeBehind returns the node that a value shows, nil for a computed value.
func NodeBehind(v ref.Val) *document.Node {
	switch v := v.(type) {
	case *objectValue:
		return v.Node
	case *listValue:
		return v.Node
	}
	return nil
}

// ErrNoList says that a value has no items.
var ErrNoList = errors.New("`each` wants a list")

// Items returns the items of a list. A null or an optional without value is a
// missing list.
func Items(v ref.Val) ([]ref.Val, error) {
	switch l := v.(type) {
	case *types.Err:
		return nil, l
	case *listValue:
		out := make([]ref.Val, len(l.Node.Kids))
		for i := range out {
			out[i] = l.item(i)
		}
		return out, nil
	case types.Null:
		return nil, Missing("the list is null")
	case traits.Lister:
		var out []ref.Val
		for it := l.Iterator(); it.HasNext() == types.True; {
			e := it.Next()
			if err, ok := e.(*types.Err); ok {
				return nil, err
			}
			out = append(out, e)
		}
		return out, nil
	case *types.Optional:
		if !l.HasValue() {
			return nil, Missing("the list is missing")
		}
		return Items(l.GetValue())
	}
	return nil, ErrNoList
}
