package direct

import (
	"math"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"github.com/crossdock/crossdock/core/mapping/internal/form"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/govalues/decimal"
)

// settled compiles the functions that depend on the mapping's settings, and those
// over decimals.
func (x *expression) settled(name string, in []fn, args []ast.Expr) (fn, error) {
	s := x.m.settings
	switch {
	case name == "money" && len(in) <= 2:
		return decimals(in, 1, s.Scale, func(d [2]decimal.Decimal, scale int) (decimal.Decimal, error) { return s.Rounding.Round(d[0], scale) }), nil
	case name == "dmul" && len(in) <= 3:
		return decimals(in, 2, s.Scale, func(d [2]decimal.Decimal, scale int) (decimal.Decimal, error) {
			return language.Product(d[0], d[1], scale, s.Rounding)
		}), nil
	case name == "dadd" && len(in) == 2:
		return decimals(in, 2, s.Scale, func(d [2]decimal.Decimal, scale int) (decimal.Decimal, error) { return language.Sum(d[:], scale) }), nil
	case name == "dsub" && len(in) == 2:
		return decimals(in, 2, s.Scale, func(d [2]decimal.Decimal, scale int) (decimal.Decimal, error) {
			d[1] = d[1].Neg()
			return language.Sum(d[:], scale)
		}), nil
	case name == "ddiv" && len(in) <= 3:
		return decimals(in, 2, s.Scale, func(d [2]decimal.Decimal, scale int) (decimal.Decimal, error) {
			if d[1].IsZero() {
				return d[0].Quo(d[1]) // the error of a division by zero
			}
			return language.Quotient(d[0], d[1], scale, s.Rounding)
		}), nil
	case name == "formatTime" && (len(in) == 2 || len(in) == 3):
		return x.formatTime(in, args)
	case name == "dcmp" && len(in) == 2:
		return strict2(in[0], in[1], func(f *frame, a, b value) value {
			d, ok := f.decimal(a)
			e, ok2 := f.decimal(b)
			if !ok || !ok2 {
				return f.giveUp()
			}
			return value{kind: integer, n: int64(d.Cmp(e))}
		}), nil
	case name == "dsum" && len(in) == 1:
		return x.sum(in[0]), nil
	case name == "ts" && (len(in) == 2 || len(in) == 3):
		return x.timestamp(in, args)
	}
	return nil, nil
}

// decimal reads a decimal as the language does.
func (f *frame) decimal(v value) (decimal.Decimal, bool) {
	switch v.kind {
	case text:
		return form.Decimal(v.s)
	case integer:
		d, err := decimal.New(v.n, 0)
		return d, err == nil
	case double:
		s, ok := f.digits(v)
		if !ok {
			return decimal.Decimal{}, false
		}
		d, err := language.ParseDecimal(s)
		return d, err == nil
	}
	return decimal.Decimal{}, false
}

func (f *frame) decimalText(d decimal.Decimal, err error) value {
	if err != nil {
		return f.giveUp()
	}
	at := len(f.scratch)
	if f.scratch, err = d.AppendText(f.scratch); err != nil {
		return f.giveUp()
	}
	return f.made(at)
}

// decimals compiles a function of one or two decimals, and a scale if there is one
// more argument.
func decimals(in []fn, n, scale int, do func([2]decimal.Decimal, int) (decimal.Decimal, error)) fn {
	return func(f *frame) value {
		var d [2]decimal.Decimal
		digits := scale
		for i, a := range in {
			v := a(f)
			if v.kind == absent {
				return v
			}
			if i == n {
				if v.kind != integer || v.n < 0 || v.n > decimal.MaxScale {
					return f.giveUp()
				}
				digits = int(v.n)
				continue
			}
			var ok bool
			if d[i], ok = f.decimal(v); !ok {
				return f.giveUp()
			}
		}
		return f.decimalText(do(d, digits))
	}
}

func (x *expression) sum(in fn) fn {
	scale := x.m.settings.Scale
	return strict1(in, func(f *frame, l value) value {
		if l.kind != list {
			return f.giveUp()
		}
		total, digits := decimal.MustNew(0, 0), scale
		for pass := range 2 {
			// The result has as many digits as the most exact part, which the first
			// pass finds.
			for i := range int(l.n & math.MaxUint32) {
				d, ok := f.decimal(f.items(l)[i])
				if !ok {
					return f.giveUp()
				}
				if pass == 0 {
					digits = max(digits, d.Scale())
					continue
				}
				var err error
				if total, err = total.AddExact(d, digits); err != nil {
					return f.giveUp()
				}
			}
		}
		return f.decimalText(total.Pad(digits), nil)
	})
}

// timestamp compiles ts() of a fixed zone.
func (x *expression) timestamp(in []fn, args []ast.Expr) (fn, error) {
	zone, err := x.zone(args)
	if err != nil {
		return nil, err
	}
	return strict2(in[0], in[1], func(f *frame, date, clock value) value {
		if date.kind != text || clock.kind != text {
			return f.giveUp()
		}
		t, ok := form.Moment(date.s, clock.s, zone)
		if !ok {
			return f.giveUp()
		}
		return f.timeText(t, time.RFC3339)
	}), nil
}

// zone is the one that a third argument names, or that of the settings.
func (x *expression) zone(args []ast.Expr) (*time.Location, error) {
	if len(args) < 3 {
		return x.m.settings.Zone, nil
	}
	name, ok := constant(args[2]).(types.String)
	if !ok {
		return nil, unsupported("a time zone that an expression makes")
	}
	var zones language.Zones
	return zones.Load(string(name))
}

func (x *expression) formatTime(in []fn, args []ast.Expr) (fn, error) {
	zone, err := x.zone(args)
	if err != nil {
		return nil, err
	}
	pattern, ok := constant(args[1]).(types.String)
	if !ok {
		return nil, unsupported("a date layout that an expression makes")
	}
	layout, err := language.ParseLayout(string(pattern))
	if err != nil {
		return nil, err
	}
	return strict1(in[0], onText(func(f *frame, s string) value {
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return f.giveUp()
		}
		return f.timeText(t.In(zone), layout.Go())
	})), nil
}

func (f *frame) timeText(t time.Time, layout string) value {
	at := len(f.scratch)
	f.scratch = t.AppendFormat(f.scratch, layout)
	return f.made(at)
}
