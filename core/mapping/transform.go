package mapping

import (
	"errors"
	"fmt"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/traits"
)

// transform does to a value what its rule says: emptyAs, map, lookup, decimal,
// date, in this order.
func (f *frame) transform(r *rule, n *node) (*node, error) {
	if n.kind == kindString && n.text == "" {
		empty := r.empty
		if empty == emptyInherit {
			empty = f.p.empty
		}
		switch empty {
		case emptyMissing:
			return nil, &missingError{"the text is empty"}
		case emptyNull:
			return &node{kind: kindNull}, nil
		}
	}
	if n.kind == kindNull {
		return n, nil
	}
	var err error
	if r.codes != nil {
		code, err := keyText(n)
		if err != nil {
			return nil, err
		}
		to, err := r.codes.translate(code)
		if err != nil {
			return nil, err
		}
		n = to.copied()
	}
	if r.lookup != nil {
		if n, err = f.lookUp(r.lookup, n); err != nil {
			return nil, err
		}
	}
	if r.decimal != nil {
		if n, err = r.decimal.apply(n, r.schema); err != nil {
			return nil, err
		}
	}
	if r.date != nil {
		if n, err = r.date.apply(n); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// keyText is a value as a key of a table.
func keyText(n *node) (string, error) {
	switch n.kind {
	case kindString, kindNumber:
		return n.text, nil
	case kindBool:
		return n.short(), nil
	}
	return "", fmt.Errorf("a key must be text, found %s", n.kind)
}

func (f *frame) lookUp(l *lookup, n *node) (*node, error) {
	key, err := keyText(n)
	if err != nil {
		return nil, err
	}
	var value string
	var found bool
	if l.table == "" {
		value, found = l.rows[key]
	} else {
		if f.in.lookup == nil {
			return nil, stop{fmt.Errorf("the lookup %s needs the table %s, but no tables are available here; in tests of the mapping, give the rows under `lookups`", l.name, l.table)}
		}
		if value, found, err = f.in.lookup(f.ctx, l.name, key); err != nil {
			return nil, stop{fmt.Errorf("the lookup %s could not ask the table %s: %w", l.name, l.table, err)}
		}
	}
	switch {
	case found:
		return textNode(value), nil
	case l.onMiss == useDefault:
		return l.other.copied(), nil
	case l.onMiss == onSkip:
		return nil, &missingError{fmt.Sprintf("the lookup %s has no %s %q", l.name, l.key, key)}
	}
	return nil, fmt.Errorf("the lookup %s has no %s %q", l.name, l.key, shorten(key, 60))
}

// apply rounds decimal text. Where the target takes a number it becomes one,
// digit by digit.
func (d *decimalRule) apply(n *node, target *Schema) (*node, error) {
	if n.kind != kindString && n.kind != kindNumber {
		return nil, fmt.Errorf("a decimal number is expected, found %s", n.kind)
	}
	v, err := parseDecimal(n.text)
	if err != nil {
		return nil, err
	}
	if d.scale >= 0 {
		if v, err = d.rounding.round(v, d.scale); err != nil {
			return nil, err
		}
	}
	if t := target.resolved(); t != nil && (t.kind == typeNumber || t.kind == typeInteger) {
		if t.kind == typeInteger && !v.IsInt() {
			return nil, fmt.Errorf("%s is no whole number", v)
		}
		if t.kind == typeInteger {
			v = v.Trunc(0)
		}
		return numberNode(v.String()), nil
	}
	return textNode(v.String()), nil
}

func (d *dateRule) apply(n *node) (*node, error) {
	if n.kind != kindString {
		return nil, fmt.Errorf("a date as text is expected, found %s", n.kind)
	}
	var t time.Time
	var err error
	if d.from != nil {
		t, err = d.from.parse(n.text, d.zone)
	} else if t, err = time.Parse(time.RFC3339Nano, n.text); err != nil {
		err = fmt.Errorf("%q is not a time as RFC 3339 writes it (2026-05-12T00:00:00-05:00)", shorten(n.text, 40))
	}
	if err != nil {
		return nil, err
	}
	if d.to == nil {
		return textNode(t.Format(time.RFC3339Nano)), nil
	}
	// A date without a time of day has no zone to be moved to.
	if d.from == nil || d.from.clock {
		t = t.In(d.zone)
	}
	return textNode(t.Format(d.to.goes)), nil
}

// itemsOf returns the items that `each` walks over.
func itemsOf(list variable) ([]variable, error) {
	if err, ok := list.val.(*types.Err); ok {
		return nil, err
	}
	var out []variable
	switch l := list.val.(type) {
	case *listValue:
		for i, k := range l.n.kids {
			out = append(out, variable{n: k, val: l.at(i)})
		}
		return out, nil
	case types.Null:
		return nil, &missingError{"the list is null"}
	case traits.Lister:
		for it := l.Iterator(); it.HasNext() == types.True; {
			v := it.Next()
			if err, ok := v.(*types.Err); ok {
				return nil, err
			}
			out = append(out, variable{n: nodeBehind(v), val: v})
		}
		return out, nil
	case *types.Optional:
		if !l.HasValue() {
			return nil, &missingError{"the list is missing"}
		}
		return itemsOf(variable{val: l.GetValue()})
	}
	if list.n != nil {
		return nil, fmt.Errorf("%s is %s, `each` wants a list", list.n.path(), list.n.kind)
	}
	return nil, errors.New("`each` wants a list")
}
