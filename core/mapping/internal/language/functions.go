package language

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/ext"
	"cel.dev/cel-go/parser"
	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/govalues/decimal"
)

// Limits of one expression. Cost is CEL's unit: about one read or comparison.
const (
	maxExpression = 8_192 // code points
	maxNesting    = 64
	maxLoops      = 4         // comprehensions inside each other
	MaxCost       = 1_000_000 // about half a second
)

// Names that the language itself gives.
const (
	NameSrc       = "src"
	NameOut       = "out"
	NameMeta      = "meta"
	NameMessageID = "messageId"
	NameNow       = "@now" // what the macro now() stands for
	FuncFirst     = "@first"
)

// StandardEnv has everything that depends neither on schemas nor on settings.
var StandardEnv = sync.OnceValues(func() (*cel.Env, error) {
	macros := []cel.Macro{
		cel.GlobalMacro("has", 1, expandHas),
		cel.GlobalMacro("now", 0, func(f cel.MacroExprFactory, _ ast.Expr, _ []ast.Expr) (ast.Expr, *common.Error) {
			return f.NewIdent(NameNow), nil
		}),
		cel.ReceiverMacro("first", 2, expandFirst),
	}
	for _, m := range cel.StandardMacros {
		if m.Function() != "has" {
			macros = append(macros, m)
		}
	}
	a := cel.TypeParamType("A")
	return cel.NewEnv(
		cel.ClearMacros(), cel.OptionalTypes(cel.OptionalTypesVersion(1)), ext.Strings(), cel.Macros(macros...),
		cel.ParserExpressionSizeLimit(maxExpression), cel.ParserRecursionLimit(maxNesting),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateComprehensionNestingLimit(maxLoops)),
		cel.Variable(NameMeta, cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable(NameMessageID, cel.StringType),
		cel.Variable(NameNow, cel.StringType),
		cel.Function(FuncFirst, cel.Overload("first_list", []*cel.Type{cel.ListType(a)}, a, cel.UnaryBinding(firstOf))),
		cel.Function("first", cel.MemberOverload("list_first", []*cel.Type{cel.ListType(a)}, a, cel.UnaryBinding(firstOf))),
		cel.Function("upper", cel.MemberOverload("string_upper", []*cel.Type{cel.StringType}, cel.StringType, onText(strings.ToUpper))),
		cel.Function("lower", cel.MemberOverload("string_lower", []*cel.Type{cel.StringType}, cel.StringType, onText(strings.ToLower))),
		cel.Function("gtin14", cel.Overload("gtin14_string", []*cel.Type{cel.StringType}, cel.StringType, cel.UnaryBinding(func(v ref.Val) ref.Val {
			return text(gtin14(string(v.(types.String))))
		}))),
	)
})

// expandFirst makes list.first(x, condition) of filter: the first item that
// fits; none is a missing value and not an error.
func expandFirst(f cel.MacroExprFactory, target ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
	found, err := parser.MakeFilter(f, target, args)
	if err != nil {
		return nil, err
	}
	return f.NewCall(FuncFirst, found), nil
}

// expandHas makes has(a.b.c) true only if a.b is there too. CEL's own macro
// fails on a missing a.b, which would force authors to write each step.
func expandHas(f cel.MacroExprFactory, _ ast.Expr, args []ast.Expr) (ast.Expr, *common.Error) {
	arg := args[0]
	MembersByIndex(arg)
	if arg.Kind() != ast.SelectKind {
		return nil, f.NewError(arg.ID(), "has() takes a member, as in has(src.member)")
	}
	s := arg.AsSelect()
	var steps []ast.Expr
	for o := s.Operand(); o.Kind() == ast.SelectKind && !o.AsSelect().IsTestOnly(); o = o.AsSelect().Operand() {
		steps = append(steps, o)
	}
	test := f.NewPresenceTest(s.Operand(), s.FieldName())
	for _, step := range steps {
		outer := step.AsSelect()
		test = f.NewCall("_&&_", f.NewPresenceTest(f.Copy(outer.Operand()), outer.FieldName()), test)
	}
	return test, nil
}

func firstOf(v ref.Val) ref.Val {
	l, ok := v.(traits.Lister)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	if l.Size() == types.IntZero {
		return missing("no item fits first()")
	}
	return l.Get(types.IntZero)
}

func onText(f func(string) string) cel.OverloadOpt {
	return cel.UnaryBinding(func(v ref.Val) ref.Val { return types.String(f(string(v.(types.String)))) })
}

func text(s string, err error) ref.Val {
	if err != nil {
		return types.WrapErr(err)
	}
	return types.String(s)
}

// gtin14 pads a GTIN-8, GTIN-12 (UPC) or GTIN-13 (EAN) to the 14 digits in which
// they are compared (GS1 General Specifications, section 7.12). The check digit
// is verified where a canonical document is validated.
func gtin14(s string) (string, error) {
	const width = 14
	if s == "" || len(s) > width || strings.Trim(s, "0123456789") != "" {
		return "", fmt.Errorf("%q is not a GTIN: 8, 12, 13 or 14 digits are expected", document.Shorten(s, 40))
	}
	return strings.Repeat("0", width-len(s)) + s, nil
}

// Settings are the parts of a mapping's `settings` that functions use.
type Settings struct {
	Zone     *time.Location // of dates that name none
	Scale    int            // digits after the point of decimal results
	Rounding Rounding
}

// DefaultSettings hold where a mapping says nothing, and in routes.
var DefaultSettings = Settings{Zone: time.UTC, Scale: DefaultScale}

// Zones remembers the zones of one mapping; loading one reads a file.
type Zones struct{ known sync.Map }

// Load returns the zone of an IANA name such as Europe/Berlin.
func (z *Zones) Load(name string) (*time.Location, error) {
	if l, ok := z.known.Load(name); ok {
		return l.(*time.Location), nil
	}
	l, err := loadZone(name)
	if err == nil {
		z.known.Store(name, l)
	}
	return l, err
}

var decimalTypes = map[string]*cel.Type{"string": cel.StringType, "int": cel.IntType, "double": cel.DoubleType}

// Functions returns the functions that depend on settings.
func (s Settings) Functions() []cel.EnvOption {
	z := &Zones{}
	str := cel.StringType
	at := func(v ref.Val) string { t, _ := v.(types.String); return string(t) }
	return []cel.EnvOption{
		s.decimals("money", 1, true, func(d []decimal.Decimal, scale int) (decimal.Decimal, error) { return s.Rounding.Round(d[0], scale) }),
		s.decimals("dmul", 2, true, s.multiply),
		s.decimals("ddiv", 2, true, s.divide),
		s.decimals("dadd", 2, false, func(d []decimal.Decimal, scale int) (decimal.Decimal, error) { return Sum(d, scale) }),
		s.decimals("dsub", 2, false, func(d []decimal.Decimal, scale int) (decimal.Decimal, error) {
			return Sum([]decimal.Decimal{d[0], d[1].Neg()}, scale)
		}),
		s.sumFunction(), compareFunction(), s.convertFunction(),
		cel.Function("ts",
			cel.Overload("ts_date_time_zone", []*cel.Type{str, str, str}, str, cel.FunctionBinding(func(a ...ref.Val) ref.Val {
				zone, err := z.Load(at(a[2]))
				if err != nil {
					return types.WrapErr(err)
				}
				return text(timestamp(at(a[0]), at(a[1]), zone))
			})),
			cel.Overload("ts_date_time", []*cel.Type{str, str}, str, cel.BinaryBinding(func(a, b ref.Val) ref.Val {
				return text(timestamp(at(a), at(b), s.Zone))
			}))),
		cel.Function("formatTime",
			cel.Overload("formatTime_layout", []*cel.Type{str, str}, str, cel.BinaryBinding(func(a, b ref.Val) ref.Val {
				return text(formatTime(at(a), at(b), s.Zone))
			})),
			cel.Overload("formatTime_layout_zone", []*cel.Type{str, str, str}, str, cel.FunctionBinding(func(a ...ref.Val) ref.Val {
				zone, err := z.Load(at(a[2]))
				if err != nil {
					return types.WrapErr(err)
				}
				return text(formatTime(at(a[0]), at(a[1]), zone))
			}))),
	}
}

func formatTime(s, pattern string, zone *time.Location) (string, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return "", fmt.Errorf("%q is not a time as RFC 3339 writes it (2026-05-12T00:00:00-05:00)", document.Shorten(s, 40))
	}
	l, err := ParseLayout(pattern)
	if err != nil {
		return "", err
	}
	return l.Format(t.In(zone)), nil
}

type decimalFunc func(args []decimal.Decimal, scale int) (decimal.Decimal, error)

// decimals declares a function over decimal text, whole numbers and JSON
// numbers; with scaled, a last argument sets the digits after the point.
func (s Settings) decimals(name string, args int, scaled bool, f decimalFunc) cel.EnvOption {
	var opts []cel.FunctionOpt
	var add func(id string, in []*cel.Type)
	add = func(id string, in []*cel.Type) {
		if len(in) < args {
			for n, t := range decimalTypes {
				add(id+"_"+n, append(append([]*cel.Type{}, in...), t))
			}
			return
		}
		opts = append(opts, cel.Overload(id, in, cel.StringType))
		if scaled {
			opts = append(opts, cel.Overload(id+"_scale", append(append([]*cel.Type{}, in...), cel.IntType), cel.StringType))
		}
	}
	add(name, nil)
	opts = append(opts, cel.SingletonFunctionBinding(func(vals ...ref.Val) ref.Val {
		scale := s.Scale
		if len(vals) > args {
			scale = int(vals[args].(types.Int))
			if scale < 0 || scale > decimal.MaxScale {
				return types.NewErr("%s(): a scale is between 0 and %d, found %d", name, decimal.MaxScale, scale)
			}
		}
		var room [2]decimal.Decimal
		in := room[:0]
		for _, v := range vals[:args] {
			d, err := decimalOf(v)
			if err != nil {
				return types.WrapErr(fmt.Errorf("%s(): %w", name, err))
			}
			in = append(in, d)
		}
		d, err := f(in, scale)
		if err != nil {
			return types.WrapErr(fmt.Errorf("%s(): %w", name, err))
		}
		return types.String(d.String())
	}))
	return cel.Function(name, opts...)
}

func decimalOf(v ref.Val) (decimal.Decimal, error) {
	switch v := v.(type) {
	case types.String:
		return ParseDecimal(string(v))
	case types.Int:
		return decimal.New(int64(v), 0)
	case types.Double:
		s, err := doubleText(float64(v))
		if err != nil {
			return decimal.Decimal{}, err
		}
		return ParseDecimal(s)
	}
	return decimal.Decimal{}, fmt.Errorf("%s is not a decimal number", v.Type().TypeName())
}

func (s Settings) multiply(d []decimal.Decimal, scale int) (decimal.Decimal, error) {
	return Product(d[0], d[1], scale, s.Rounding)
}

func (s Settings) divide(d []decimal.Decimal, scale int) (decimal.Decimal, error) {
	if d[1].IsZero() {
		return d[1], fmt.Errorf("division of %s by zero", d[0])
	}
	return Quotient(d[0], d[1], scale, s.Rounding)
}

// Sum adds exactly: the result has as many digits after the point as the most
// exact part, and at least scale.
func Sum(parts []decimal.Decimal, scale int) (decimal.Decimal, error) {
	for _, d := range parts {
		scale = max(scale, d.Scale())
	}
	total := decimal.MustNew(0, 0)
	for _, d := range parts {
		var err error
		if total, err = total.AddExact(d, scale); err != nil {
			return total, err
		}
	}
	return total.Pad(scale), nil
}

func (s Settings) sumFunction() cel.EnvOption {
	var opts []cel.FunctionOpt
	for n, t := range decimalTypes {
		opts = append(opts, cel.Overload("dsum_"+n, []*cel.Type{cel.ListType(t)}, cel.StringType))
	}
	opts = append(opts, cel.SingletonUnaryBinding(func(v ref.Val) ref.Val {
		l, ok := v.(traits.Lister)
		if !ok {
			return types.MaybeNoSuchOverloadErr(v)
		}
		var parts []decimal.Decimal
		for it := l.Iterator(); it.HasNext() == types.True; {
			e := it.Next()
			if types.IsError(e) {
				return e
			}
			d, err := decimalOf(e)
			if err != nil {
				return types.WrapErr(fmt.Errorf("dsum(): item %d: %w", len(parts), err))
			}
			parts = append(parts, d)
		}
		total, err := Sum(parts, s.Scale)
		if err != nil {
			return types.WrapErr(fmt.Errorf("dsum(): %w", err))
		}
		return types.String(total.String())
	}))
	return cel.Function("dsum", opts...)
}

// compareFunction declares dcmp(a, b): -1, 0 or 1. Decimal text does not compare
// as text: "9.50" is less than "10".
func compareFunction() cel.EnvOption {
	var opts []cel.FunctionOpt
	for n, t := range decimalTypes {
		for m, u := range decimalTypes {
			opts = append(opts, cel.Overload("dcmp_"+n+"_"+m, []*cel.Type{t, u}, cel.IntType))
		}
	}
	opts = append(opts, cel.SingletonBinaryBinding(func(a, b ref.Val) ref.Val {
		x, err := decimalOf(a)
		if err != nil {
			return types.WrapErr(fmt.Errorf("dcmp(): %w", err))
		}
		y, err := decimalOf(b)
		if err != nil {
			return types.WrapErr(fmt.Errorf("dcmp(): %w", err))
		}
		return types.Int(x.Cmp(y))
	}))
	return cel.Function("dcmp", opts...)
}
