package direct

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"github.com/crossdock/crossdock/core/mapping/internal/form"
	"github.com/crossdock/crossdock/core/mapping/internal/language"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

func (x *expression) call(e ast.Expr, sc scope) (result, error) {
	c := e.AsCall()
	name := c.FunctionName()
	if name == operators.Index && isMeta(c.Args()[0], sc) {
		if key, ok := constant(c.Args()[1]).(types.String); ok {
			return x.meta(string(key), false)
		}
	}
	args := c.Args()
	if c.IsMemberFunction() {
		args = append([]ast.Expr{c.Target()}, args...)
	}
	in := make([]result, len(args))
	for i, a := range args {
		var err error
		if in[i], err = x.compile(a, sc); err != nil {
			return result{}, err
		}
	}
	switch name {
	case operators.Conditional:
		return x.conditional(in)
	case operators.Index:
		return x.index(in)
	case language.FuncFirst, "first":
		if len(in) == 1 {
			return x.index(append(in, result{fn: func(*frame) value { return value{kind: integer} }}))
		}
	case operators.In:
		return x.in(in)
	}
	fns := make([]fn, len(in))
	for i := range in {
		fns[i] = in[i].fn
	}
	if out, err := x.function(name, fns, args); out != nil || err != nil {
		return result{fn: out}, err
	}
	return result{}, unsupported("the function %s of %d values", name, len(args))
}

func constant(e ast.Expr) any {
	if e.Kind() == ast.LiteralKind {
		return e.AsLiteral()
	}
	return nil
}

// function compiles what takes plain values.
func (x *expression) function(name string, in []fn, args []ast.Expr) (fn, error) {
	switch len(in) {
	case 1:
		if f := ofOne[name]; f != nil {
			return strict1(in[0], f), nil
		}
	case 2:
		switch name {
		case operators.LogicalAnd:
			return both(in[0], in[1], false), nil
		case operators.LogicalOr:
			return both(in[0], in[1], true), nil
		case "matches":
			return matches(in[0], args[1])
		}
		if f := ofTwo[name]; f != nil {
			return strict2(in[0], in[1], f), nil
		}
	}
	switch {
	case name == "substring":
		return substring(in), nil
	case name == "replace" && len(in) == 3:
		return replace(in), nil
	}
	return x.settled(name, in, args)
}

func strict1(a fn, do func(*frame, value) value) fn {
	return func(f *frame) value {
		v := a(f)
		if v.kind == absent {
			return v
		}
		return do(f, v)
	}
}

func strict2(a, b fn, do func(f *frame, a, b value) value) fn {
	return func(f *frame) value {
		v := a(f)
		if v.kind == absent {
			return v
		}
		w := b(f)
		if w.kind == absent {
			return w
		}
		return do(f, v, w)
	}
}

// both compiles && and ||: one side decides, also when the other has no value.
func both(a, b fn, decides bool) fn {
	return func(f *frame) value {
		v := a(f)
		if v.kind == boolean && v.n == 1 == decides {
			return v
		}
		w := b(f)
		switch {
		case v.kind > null && v.kind != boolean || w.kind > null && w.kind != boolean || v.kind == null || w.kind == null:
			return f.giveUp()
		case w.kind == boolean && w.n == 1 == decides:
			return w
		case v.kind == absent || w.kind == absent:
			return value{}
		}
		return truth(!decides)
	}
}

func (x *expression) conditional(in []result) (result, error) {
	cond, yes, no := in[0].fn, in[1], in[2]
	out := result{fn: func(f *frame) value {
		c := cond(f)
		switch {
		case c.kind == absent:
			return c
		case c.kind != boolean:
			return f.giveUp()
		case c.n == 1:
			return yes.fn(f)
		}
		return no.fn(f)
	}}
	if yes.schema == no.schema {
		out.schema = yes.schema
	} else if compound(yes.schema) || compound(no.schema) {
		return out, unsupported("a choice between parts of a document")
	}
	return out, nil
}

func compound(s *schema.Schema) bool {
	return s != nil && (s.Kind == schema.Object || s.Kind == schema.List || s.Kind == schema.Any)
}

// index compiles list[i]; what lies outside is missing.
func (x *expression) index(in []result) (result, error) {
	of, at, s := in[0], in[1].fn, itemSchema(in[0].schema)
	raw := of.schema != nil
	return result{func(f *frame) value {
		l := of.fn(f)
		if l.kind != list {
			return f.noList(l)
		}
		i := at(f)
		switch {
		case i.kind == absent:
			return i
		case i.kind != integer:
			return f.giveUp()
		case i.n < 0 || i.n >= l.n&math.MaxUint32:
			return value{}
		}
		if raw {
			return f.computable(f.items(l)[i.n], s)
		}
		return f.items(l)[i.n]
	}, s}, nil
}

// in compiles the search for a text or whole number in a list.
func (x *expression) in(in []result) (result, error) {
	of, s := in[1], itemSchema(in[1].schema)
	raw := of.schema != nil
	return result{fn: func(f *frame) value {
		v, l := in[0].fn(f), of.fn(f)
		if v.kind == absent || l.kind == absent {
			return value{}
		}
		if l.kind != list || v.kind != text && v.kind != integer {
			return f.giveUp()
		}
		for i := range int(l.n & math.MaxUint32) {
			w := f.items(l)[i]
			if raw {
				w = f.computable(w, s)
			}
			if w.kind != v.kind {
				return f.giveUp()
			}
			if same(v, w) {
				return truth(true)
			}
		}
		return truth(false)
	}}, nil
}

// same compares plain values of one kind.
func same(a, b value) bool {
	switch a.kind {
	case text:
		return a.s == b.s
	case double:
		return math.Float64frombits(uint64(a.n)) == math.Float64frombits(uint64(b.n))
	}
	return a.n == b.n
}

func equal(f *frame, a, b value) (is, ok bool) {
	switch {
	case a.kind == null || b.kind == null:
		return a.kind == b.kind, true
	case a.kind != b.kind || a.kind > text || a.kind == number:
		f.gaveUp = true
		return false, false
	}
	return same(a, b), true
}

// compare orders two plain values of one kind.
func compare(is func(int) bool) func(*frame, value, value) value {
	return func(f *frame, a, b value) value {
		if a.kind != b.kind {
			return f.giveUp()
		}
		switch a.kind {
		case text:
			return truth(is(strings.Compare(a.s, b.s)))
		case integer:
			switch {
			case a.n < b.n:
				return truth(is(-1))
			case a.n > b.n:
				return truth(is(1))
			}
			return truth(is(0))
		}
		return f.giveUp()
	}
}

func whole(do func(a, b int64) (int64, bool)) func(*frame, value, value) value {
	return func(f *frame, a, b value) value {
		if a.kind == integer && b.kind == integer {
			if n, ok := do(a.n, b.n); ok {
				return value{kind: integer, n: n}
			}
		}
		return f.giveUp()
	}
}

func texts(do func(a, b string) bool) func(*frame, value, value) value {
	return func(f *frame, a, b value) value {
		if a.kind != text || b.kind != text {
			return f.giveUp()
		}
		return truth(do(a.s, b.s))
	}
}

// onText lets a function see text only.
func onText(do func(*frame, string) value) func(*frame, value) value {
	return func(f *frame, v value) value {
		if v.kind != text {
			return f.giveUp()
		}
		return do(f, v.s)
	}
}

var ofOne = map[string]func(*frame, value) value{
	operators.LogicalNot: func(f *frame, v value) value {
		if v.kind != boolean {
			return f.giveUp()
		}
		return truth(v.n == 0)
	},
	operators.Negate: func(f *frame, v value) value {
		if v.kind != integer || v.n == math.MinInt64 {
			return f.giveUp()
		}
		return value{kind: integer, n: -v.n}
	},
	"size": func(f *frame, v value) value {
		switch v.kind {
		case text:
			return value{kind: integer, n: int64(utf8.RuneCountInString(v.s))}
		case list:
			return value{kind: integer, n: v.n & math.MaxUint32}
		}
		return f.giveUp()
	},
	"int": func(f *frame, v value) value {
		if v.kind == text {
			n, err := strconv.ParseInt(v.s, 10, 64)
			if err != nil {
				return f.giveUp()
			}
			return value{kind: integer, n: n}
		}
		if v.kind != integer {
			return f.giveUp()
		}
		return v
	},
	"string": func(f *frame, v value) value {
		switch v.kind {
		case text:
			return v
		case integer:
			s, _ := f.digits(v)
			return value{kind: text, s: s}
		case boolean:
			return value{kind: text, s: strconv.FormatBool(v.n == 1)}
		}
		return f.giveUp()
	},
	"upper":      onText(func(_ *frame, s string) value { return value{kind: text, s: strings.ToUpper(s)} }),
	"lower":      onText(func(_ *frame, s string) value { return value{kind: text, s: strings.ToLower(s)} }),
	"lowerAscii": onText(func(f *frame, s string) value { return f.ascii(s, strings.ToLower) }),
	"upperAscii": onText(func(f *frame, s string) value { return f.ascii(s, strings.ToUpper) }),
	"trim":       onText(func(_ *frame, s string) value { return value{kind: text, s: strings.TrimSpace(s)} }),
	"gtin14":     onText(gtin14),
}

// ascii changes text without other characters, in which letters and bytes are the
// same.
func (f *frame) ascii(s string, do func(string) string) value {
	if !form.ASCII(s) {
		return f.giveUp()
	}
	return value{kind: text, s: do(s)}
}

// substring cuts text at places that it has.
func substring(in []fn) fn {
	return func(f *frame) value {
		v, from, to := in[0](f), in[1](f), value{kind: integer, n: math.MaxInt64}
		if len(in) == 3 {
			to = in[2](f)
		}
		if v.kind == absent || from.kind == absent || to.kind == absent {
			return value{}
		}
		if v.kind != text || from.kind != integer || to.kind != integer {
			return f.giveUp()
		}
		n := int64(len(v.s))
		if len(in) == 2 {
			to.n = n
		}
		if from.n < 0 || from.n > to.n || to.n > n {
			return f.giveUp()
		}
		return f.ascii(v.s, func(s string) string { return s[from.n:to.n] })
	}
}

// largestMade is the largest text that a function makes of others here. What could
// grow larger is counted by the interpreter.
const largestMade = 1 << 16

// replace compiles text.replace(old, new).
func replace(in []fn) fn {
	return func(f *frame) value {
		s, old, by := in[0](f), in[1](f), in[2](f)
		switch {
		case s.kind == absent || old.kind == absent || by.kind == absent:
			return value{}
		case s.kind != text || old.kind != text || by.kind != text || old.s == "" || len(s.s)+strings.Count(s.s, old.s)*len(by.s) > largestMade:
			return f.giveUp()
		}
		return value{kind: text, s: strings.ReplaceAll(s.s, old.s, by.s)}
	}
}

// split makes a list of the parts of a text.
func split(f *frame, s, by value) value {
	if s.kind != text || by.kind != text || by.s == "" || len(s.s) > largestMade {
		return f.giveUp()
	}
	base := len(f.stack)
	for part := range strings.SplitSeq(s.s, by.s) {
		f.stack = append(f.stack, value{kind: text, s: part})
	}
	return f.keep(base)
}

func gtin14(f *frame, s string) value {
	at := len(f.scratch)
	var ok bool
	if f.scratch, ok = form.AppendGTIN14(f.scratch, s); !ok {
		return f.giveUp()
	}
	return f.made(at)
}

var ofTwo = map[string]func(f *frame, a, b value) value{
	operators.Equals: func(f *frame, a, b value) value {
		is, ok := equal(f, a, b)
		if !ok {
			return value{}
		}
		return truth(is)
	},
	operators.NotEquals: func(f *frame, a, b value) value {
		is, ok := equal(f, a, b)
		if !ok {
			return value{}
		}
		return truth(!is)
	},
	operators.Less:          compare(func(c int) bool { return c < 0 }),
	operators.LessEquals:    compare(func(c int) bool { return c <= 0 }),
	operators.Greater:       compare(func(c int) bool { return c > 0 }),
	operators.GreaterEquals: compare(func(c int) bool { return c >= 0 }),
	operators.Add:           add,
	operators.Subtract: whole(func(a, b int64) (int64, bool) {
		n := a - b
		return n, (n < a) == (b > 0)
	}),
	operators.Multiply: whole(func(a, b int64) (int64, bool) {
		// What could overflow is for the interpreter.
		const safe = math.MaxInt32
		return a * b, a <= safe && a >= -safe && b <= safe && b >= -safe
	}),
	operators.Divide: whole(func(a, b int64) (int64, bool) {
		if b == 0 || b == -1 {
			return 0, false
		}
		return a / b, true
	}),
	operators.Modulo: whole(func(a, b int64) (int64, bool) {
		if b == 0 || b == -1 {
			return 0, false
		}
		return a % b, true
	}),
	"split":      split,
	"startsWith": texts(strings.HasPrefix),
	"endsWith":   texts(strings.HasSuffix),
	"contains":   texts(strings.Contains),
}

func add(f *frame, a, b value) value {
	switch {
	case a.kind == text && b.kind == text:
		at := len(f.scratch)
		f.scratch = append(append(f.scratch, a.s...), b.s...)
		return f.made(at)
	case a.kind == integer && b.kind == integer:
		if n := a.n + b.n; (n > a.n) == (b.n > 0) {
			return value{kind: integer, n: n}
		}
	}
	return f.giveUp()
}

func matches(in fn, pattern ast.Expr) (fn, error) {
	p, ok := constant(pattern).(types.String)
	if !ok {
		return nil, unsupported("a pattern that an expression makes")
	}
	re, err := regexp.Compile(string(p))
	if err != nil {
		return nil, unsupported("the pattern %q", string(p))
	}
	return strict1(in, onText(func(_ *frame, s string) value { return truth(re.MatchString(s)) })), nil
}
