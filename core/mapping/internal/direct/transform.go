package direct

import (
	"strconv"
	"time"

	"github.com/crossdock/crossdock/core/mapping/internal/form"
	"github.com/crossdock/crossdock/core/mapping/internal/program"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// transforms compiles map, lookup, decimal and date, in this order.
func (c *compiler) transforms(r *program.Rule) ([]func(*frame, value) value, error) {
	var out []func(*frame, value) value
	if r.Codes != nil {
		do, err := c.codes(r.Codes)
		if err != nil {
			return nil, err
		}
		out = append(out, do)
	}
	if r.Lookup != nil {
		do, err := c.lookup(r.Lookup)
		if err != nil {
			return nil, err
		}
		out = append(out, do)
	}
	if r.Decimal != nil {
		out = append(out, c.decimalRule(r))
	}
	if r.Date != nil {
		out = append(out, dateRule(r.Date))
	}
	return out, nil
}

// key is a value as a key of a table.
func (f *frame) key(v value) (string, bool) {
	if v.kind == boolean {
		return strconv.FormatBool(v.n == 1), true
	}
	return f.digits(v)
}

func (c *compiler) codes(t *program.CodeTable) (func(*frame, value) value, error) {
	codes := make(map[string]value, len(t.Codes))
	for code, n := range t.Codes {
		v, err := c.fixed(n)
		if err != nil {
			return nil, err
		}
		codes[code] = v
	}
	var other value
	if t.Other != nil {
		var err error
		if other, err = c.fixed(t.Other); err != nil {
			return nil, err
		}
	}
	return func(f *frame, v value) value {
		key, ok := f.key(v)
		if !ok {
			return f.giveUp()
		}
		if v, ok := codes[key]; ok {
			return v
		}
		if other.kind == absent {
			return f.giveUp()
		}
		return other
	}, nil
}

func (c *compiler) lookup(l *program.Lookup) (func(*frame, value) value, error) {
	var other value
	if l.OnMiss == program.UseDefault {
		var err error
		if other, err = c.fixed(l.Other); err != nil {
			return nil, err
		}
	}
	return func(f *frame, v value) value {
		key, ok := f.key(v)
		if !ok {
			return f.giveUp()
		}
		var found bool
		var got string
		if l.Table == "" {
			got, found = l.Rows[key]
		} else {
			if f.in.Lookup == nil {
				return f.giveUp()
			}
			var err error
			if got, found, err = f.in.Lookup(f.ctx, l.Name, key); err != nil {
				return f.giveUp()
			}
		}
		switch {
		case found:
			return value{kind: text, s: got}
		case l.OnMiss == program.UseDefault:
			return other
		case l.OnMiss == program.OnSkip:
			return value{}
		}
		return f.giveUp()
	}, nil
}

func (c *compiler) decimalRule(r *program.Rule) func(*frame, value) value {
	d := r.Decimal
	kind := schema.Text
	if t := r.Schema.Resolved(); t != nil {
		kind = t.Kind
	}
	return func(f *frame, v value) value {
		s, ok := f.digits(v)
		if !ok {
			return f.giveUp()
		}
		n, ok := form.Decimal(s)
		if !ok {
			return f.giveUp()
		}
		var err error
		if d.Scale >= 0 {
			n, err = d.Rounding.Round(n, d.Scale)
		}
		if kind == schema.Integer {
			if err != nil || !n.IsInt() {
				return f.giveUp()
			}
			n = n.Trunc(0)
		}
		out := f.decimalText(n, err)
		if kind == schema.Integer || kind == schema.Number {
			out.kind = number
		}
		return out
	}
}

func dateRule(d *program.DateRule) func(*frame, value) value {
	digits := 0
	if d.From != nil {
		digits = d.From.Digits()
	}
	return func(f *frame, v value) value {
		if v.kind != text {
			return f.giveUp()
		}
		var t time.Time
		ok := false
		if digits > 0 && len(v.s) == digits {
			const date = 8
			t, ok = form.Moment(v.s[:date], v.s[date:], d.Zone)
		}
		if !ok {
			var err error
			if d.From != nil {
				t, err = d.From.Parse(v.s, d.Zone)
			} else {
				t, err = time.Parse(time.RFC3339Nano, v.s)
			}
			if err != nil {
				return f.giveUp()
			}
		}
		if d.To == nil {
			return f.timeText(t, time.RFC3339Nano)
		}
		if d.From == nil || d.From.Clock {
			t = t.In(d.Zone)
		}
		return f.timeText(t, d.To.Go())
	}
}
