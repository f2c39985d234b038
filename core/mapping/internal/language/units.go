package language

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/govalues/decimal"
)

// unit is how much of its dimension's first unit a unit is. The factors are exact
// by definition (international yard and pound of 1959, US gallon of 231 cubic
// inches).
type unit struct{ dimension, factor string }

// units are those of UN/ECE Recommendation 20 that goods are measured in.
var units = map[string]unit{
	"KGM": {"mass", "1"}, "GRM": {"mass", "0.001"}, "MGM": {"mass", "0.000001"}, "TNE": {"mass", "1000"},
	"LBR": {"mass", "0.45359237"}, "ONZ": {"mass", "0.028349523125"}, "STN": {"mass", "907.18474"},
	"MTR": {"length", "1"}, "CMT": {"length", "0.01"}, "MMT": {"length", "0.001"}, "KMT": {"length", "1000"},
	"INH": {"length", "0.0254"}, "FOT": {"length", "0.3048"}, "YRD": {"length", "0.9144"}, "SMI": {"length", "1609.344"},
	"MTK": {"area", "1"}, "CMK": {"area", "0.0001"}, "FTK": {"area", "0.09290304"}, "INK": {"area", "0.00064516"}, "YDK": {"area", "0.83612736"},
	"LTR": {"volume", "1"}, "MLT": {"volume", "0.001"}, "CLT": {"volume", "0.01"}, "MTQ": {"volume", "1000"}, "CMQ": {"volume", "0.001"}, "DMQ": {"volume", "1"},
	"INQ": {"volume", "0.016387064"}, "FTQ": {"volume", "28.316846592"}, "GLL": {"volume", "3.785411784"}, "QTL": {"volume", "0.946352946"},
	"PTL": {"volume", "0.473176473"}, "OZA": {"volume", "0.0295735295625"},
	"C62": {"count", "1"}, "EA": {"count", "1"}, "H87": {"count", "1"}, "PR": {"count", "2"}, "DZN": {"count", "12"}, "GRO": {"count", "144"}, "CEN": {"count", "100"}, "MIL": {"count", "1000"},
}

// Convert turns a measure from one unit into another of the same dimension. The
// result has up to 19 digits, before it is rounded to a scale.
func Convert(d decimal.Decimal, from, to string) (decimal.Decimal, error) {
	f, err := unitOf(from)
	if err != nil {
		return d, err
	}
	t, err := unitOf(to)
	if err != nil {
		return d, err
	}
	if f.dimension != t.dimension {
		return d, fmt.Errorf("%s measures %s and %s measures %s", from, f.dimension, to, t.dimension)
	}
	if d, err = d.Mul(decimal.MustParse(f.factor)); err != nil {
		return d, err
	}
	return d.Quo(decimal.MustParse(t.factor))
}

func unitOf(code string) (unit, error) {
	u, ok := units[code]
	if !ok {
		return u, fmt.Errorf("%q is no unit that can be converted; known are the codes %s (UN/ECE Recommendation 20): translate others with `map`",
			document.Shorten(code, 20), strings.Join(slices.Sorted(maps.Keys(units)), ", "))
	}
	return u, nil
}

// convertFunction declares convert(value, from, to) and convert(value, from, to,
// scale).
func (s Settings) convertFunction() cel.EnvOption {
	var opts []cel.FunctionOpt
	for n, t := range decimalTypes {
		in := []*cel.Type{t, cel.StringType, cel.StringType}
		opts = append(opts, cel.Overload("convert_"+n, in, cel.StringType), cel.Overload("convert_"+n+"_scale", append(in, cel.IntType), cel.StringType))
	}
	opts = append(opts, cel.SingletonFunctionBinding(func(vals ...ref.Val) ref.Val {
		scale := s.Scale
		if len(vals) > 3 {
			if scale = int(vals[3].(types.Int)); scale < 0 || scale > decimal.MaxScale {
				return types.NewErr("convert(): a scale is between 0 and %d, found %d", decimal.MaxScale, scale)
			}
		}
		d, err := decimalOf(vals[0])
		from, _ := vals[1].(types.String)
		to, _ := vals[2].(types.String)
		if err == nil {
			d, err = Convert(d, string(from), string(to))
		}
		if err == nil {
			d, err = s.Rounding.Round(d, scale)
		}
		if err != nil {
			return types.WrapErr(fmt.Errorf("convert(): %w", err))
		}
		return types.String(d.String())
	}))
	return cel.Function("convert", opts...)
}
