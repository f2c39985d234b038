package direct

import (
	"math"
	"strconv"

	"github.com/crossdock/crossdock/core/mapping/internal/form"
	"github.com/crossdock/crossdock/core/mapping/internal/schema"
)

// kind is what a value is. Numbers are digits as long as nothing computes with
// them: a document's 1.50 stays 1.50 when it is copied.
type kind uint8

const (
	absent  kind = iota // missing
	null                //
	boolean             // n is 0 or 1
	integer             // n
	double              // n has the bits
	number              // s has the digits
	text                // s
	object              // see value
	list                // n is where it begins << 32 | how many
	opaque              // an object that was not read, because no schema says what is in it
)

// value is one JSON value. It has no more fields than fit into registers twice, for
// functions of two values: so n says three things of an object.
type value struct {
	kind kind
	n    int64
	s    string // of an object of the source: as it stood
}

// What n has of an object: where it begins in the arena, its shape, and whether it
// has members without a place.
const (
	placeBits = 32
	shapeBits = 16
	openBit   = 1 << (placeBits + shapeBits)
)

func (v value) at() int    { return int(v.n & (1<<placeBits - 1)) }
func (v value) shape() int { return int(v.n>>placeBits) & (1<<shapeBits - 1) }
func (v value) open() bool { return v.n&openBit != 0 }

// shape is where the members of an object stand: one for each object of the
// source's schema, and one for each object that a rule makes.
type shape struct {
	id    int
	names []string
	at    map[string]int
	quote []string // the names as JSON, with the colon
	kids  []*shape // of the source: of the members, nil for plain values
	item  *shape   // of a list of the source
	guess *guesses // which member comes next
}

const maxShapes = math.MaxUint16

func (f *frame) items(v value) []value {
	if v.kind != list {
		return nil
	}
	at := int(v.n >> 32)
	return f.arena[at : at+int(v.n&math.MaxUint32)]
}

func (f *frame) member(v value, i int) value { return f.arena[v.at()+i] }

// keep makes a list of what was put on the stack from base on.
func (f *frame) keep(base int) value {
	at, n := len(f.arena), len(f.stack)-base
	f.arena = append(f.arena, f.stack[base:]...)
	f.stack = f.stack[:base]
	return value{kind: list, n: int64(at)<<32 | int64(n)}
}

// record makes room for an object's members.
func (f *frame) record(s *shape) value {
	at := len(f.arena)
	n := len(s.names)
	if cap(f.arena)-at >= n {
		f.arena = f.arena[:at+n] // cleared when the frame was released
	} else {
		f.arena = append(f.arena, make([]value, n)...)
	}
	return value{kind: object, n: int64(s.id)<<placeBits | int64(at)}
}

// computable turns what a document has into what expressions compute with, by the
// schema's type. What the schema does not allow is for the interpreter.
func (f *frame) computable(v value, s *schema.Schema) value {
	if v.kind == absent {
		return v
	}
	kind := schema.Any
	if s != nil {
		kind = s.Kind
	}
	if v.kind == null {
		if kind == schema.Any || s.Nullable {
			return v
		}
		return value{}
	}
	switch kind {
	case schema.Text:
		if v.kind == text {
			return v
		}
	case schema.Boolean:
		if v.kind == boolean {
			return v
		}
	case schema.Object:
		if v.kind == object {
			return v
		}
	case schema.List:
		if v.kind == list {
			return v
		}
	case schema.Integer:
		if n, ok := f.whole(v); ok {
			return n
		}
	case schema.Number:
		if n, ok := f.float(v); ok {
			return n
		}
	case schema.Any:
		switch v.kind {
		case text, boolean:
			return v
		case number, integer, double:
			if n, ok := f.whole(v); ok {
				return n
			}
		}
	}
	return f.giveUp()
}

// whole reads a number without a fraction.
func (f *frame) whole(v value) (value, bool) {
	switch v.kind {
	case integer:
		return v, true
	case number:
		n, err := strconv.ParseInt(v.s, 10, 64)
		return value{kind: integer, n: n}, err == nil
	}
	return v, false
}

func (f *frame) float(v value) (value, bool) {
	switch v.kind {
	case double:
		return v, true
	case integer:
		at := len(f.scratch)
		f.scratch = strconv.AppendInt(f.scratch, v.n, 10)
		v = f.made(at)
	case number:
	default:
		return v, false
	}
	x, err := strconv.ParseFloat(v.s, 64)
	return value{kind: double, n: int64(math.Float64bits(x))}, err == nil && form.Exact(v.s)
}

// digits is a scalar as the text that code lists, lookups and decimals take.
func (f *frame) digits(v value) (string, bool) {
	switch v.kind {
	case text, number:
		return v.s, true
	case integer:
		at := len(f.scratch)
		f.scratch = strconv.AppendInt(f.scratch, v.n, 10)
		return f.made(at).s, true
	case double:
		at := len(f.scratch)
		var ok bool
		f.scratch, ok = appendDouble(f.scratch, math.Float64frombits(uint64(v.n)))
		return f.made(at).s, ok
	}
	return "", false
}

func appendDouble(b []byte, x float64) ([]byte, bool) {
	return strconv.AppendFloat(b, x, 'f', -1, 64), !math.IsNaN(x) && !math.IsInf(x, 0)
}

// append writes a value as JSON without spaces.
func (f *frame) append(b []byte, v value) []byte {
	switch v.kind {
	case null:
		return append(b, "null"...)
	case boolean:
		return strconv.AppendBool(b, v.n == 1)
	case integer:
		return strconv.AppendInt(b, v.n, 10)
	case double:
		b, ok := appendDouble(b, math.Float64frombits(uint64(v.n)))
		f.gaveUp = f.gaveUp || !ok
		return b
	case number:
		return append(b, v.s...)
	case text:
		return form.AppendText(b, v.s)
	case list:
		b = append(b, '[')
		for i, item := range f.items(v) {
			if i > 0 {
				b = append(b, ',')
			}
			b = f.append(b, item)
		}
		return append(b, ']')
	case opaque:
		return form.AppendCompact(b, v.s)
	case object:
		if v.s != "" {
			return form.AppendCompact(b, v.s)
		}
		s := f.m.shapes[v.shape()]
		b = append(b, '{')
		first := true
		for i, name := range s.quote {
			member := f.member(v, i)
			if member.kind == absent {
				continue
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			b = f.append(append(b, name...), member)
		}
		return append(b, '}')
	}
	f.gaveUp = true
	return b
}
