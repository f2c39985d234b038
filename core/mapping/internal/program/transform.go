package program

import (
	"errors"
	"fmt"
	"time"

	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// transform does to a value what its rule says: emptyAs, map, lookup, decimal,
// date, in this order.
func (f *frame) transform(r *Rule, n *document.Node) (*document.Node, error) {
	if n.Kind == document.Text && n.Text == "" {
		empty := r.Empty
		if empty == EmptyInherit {
			empty = f.p.Empty
		}
		switch empty {
		case EmptyMissing:
			return nil, language.Missing("the text is empty")
		case EmptyNull:
			return &document.Node{Kind: document.Null}, nil
		}
	}
	if n.Kind == document.Null {
		return n, nil
	}
	var err error
	if r.Codes != nil {
		code, err := keyText(n)
		if err != nil {
			return nil, err
		}
		to, err := r.Codes.translate(code)
		if err != nil {
			return nil, err
		}
		n = to.Copied()
	}
	if r.Lookup != nil {
		if n, err = f.lookUp(r.Lookup, n); err != nil {
			return nil, err
		}
	}
	if r.Decimal != nil {
		if n, err = r.Decimal.apply(n, r.Schema); err != nil {
			return nil, err
		}
	}
	if r.Date != nil {
		if n, err = r.Date.apply(n); err != nil {
			return nil, err
		}
	}
	return n, nil
}

// keyText is a value as a key of a table.
func keyText(n *document.Node) (string, error) {
	switch n.Kind {
	case document.Text, document.Number:
		return n.Text, nil
	case document.Bool:
		return n.Short(), nil
	}
	return "", fmt.Errorf("a key must be text, found %s", n.Kind)
}

func (f *frame) lookUp(l *Lookup, n *document.Node) (*document.Node, error) {
	key, err := keyText(n)
	if err != nil {
		return nil, err
	}
	var value string
	var found bool
	if l.Table == "" {
		value, found = l.Rows[key]
	} else {
		if f.in.Lookup == nil {
			return nil, stop{fmt.Errorf("the lookup %s needs the table %s, but no tables are available here; in tests of the mapping, give the rows under `lookups`", l.Name, l.Table)}
		}
		if value, found, err = f.in.Lookup(f.ctx, l.Name, key); err != nil {
			return nil, stop{fmt.Errorf("the lookup %s could not ask the table %s: %w", l.Name, l.Table, err)}
		}
	}
	switch {
	case found:
		return document.NewText(value), nil
	case l.OnMiss == UseDefault:
		return l.Other.Copied(), nil
	case l.OnMiss == OnSkip:
		return nil, language.Missing(fmt.Sprintf("the lookup %s has no %s %q", l.Name, l.Key, key))
	}
	return nil, fmt.Errorf("the lookup %s has no %s %q", l.Name, l.Key, document.Shorten(key, 60))
}

// apply rounds decimal text. Where the target takes a number it becomes one,
// digit by digit.
func (d *DecimalRule) apply(n *document.Node, target *schema.Schema) (*document.Node, error) {
	if n.Kind != document.Text && n.Kind != document.Number {
		return nil, fmt.Errorf("a decimal number is expected, found %s", n.Kind)
	}
	v, err := language.ParseDecimal(n.Text)
	if err != nil {
		return nil, err
	}
	if d.Scale >= 0 {
		if v, err = d.Rounding.Round(v, d.Scale); err != nil {
			return nil, err
		}
	}
	if t := target.Resolved(); t != nil && (t.Kind == schema.Number || t.Kind == schema.Integer) {
		if t.Kind == schema.Integer && !v.IsInt() {
			return nil, fmt.Errorf("%s is no whole number", v)
		}
		if t.Kind == schema.Integer {
			v = v.Trunc(0)
		}
		return document.NewNumber(v.String()), nil
	}
	return document.NewText(v.String()), nil
}

func (d *DateRule) apply(n *document.Node) (*document.Node, error) {
	if n.Kind != document.Text {
		return nil, fmt.Errorf("a date as text is expected, found %s", n.Kind)
	}
	var t time.Time
	var err error
	if d.From != nil {
		t, err = d.From.Parse(n.Text, d.Zone)
	} else if t, err = time.Parse(time.RFC3339Nano, n.Text); err != nil {
		err = fmt.Errorf("%q is not a time as RFC 3339 writes it (2026-05-12T00:00:00-05:00)", document.Shorten(n.Text, 40))
	}
	if err != nil {
		return nil, err
	}
	if d.To == nil {
		return document.NewText(t.Format(time.RFC3339Nano)), nil
	}
	// A date without a time of day has no zone to be moved to.
	if d.From == nil || d.From.Clock {
		t = t.In(d.Zone)
	}
	return document.NewText(d.To.Format(t)), nil
}

// itemsOf returns the items that `each` walks over.
func itemsOf(list variable) ([]variable, error) {
	vals, err := language.Items(list.val)
	if errors.Is(err, language.ErrNoList) && list.n != nil {
		return nil, fmt.Errorf("%s is %s, `each` wants a list", list.n.Path(), list.n.Kind)
	}
	if err != nil {
		return nil, err
	}
	out := make([]variable, len(vals))
	for i, v := range vals {
		out[i] = variable{n: language.NodeBehind(v), val: v}
	}
	return out, nil
}
