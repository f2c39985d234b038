// Package wire reads protobuf messages field by field, for the one place where
// building protobuf's objects costs more than everything done with them.
//
//	f := wire.Scan(message)
//	for f.Next() {
//		if f.Is(1, protowire.BytesType) {
//			name = string(f.Bytes)
//		}
//	}
//	return f.Err
//
// Fields that the caller does not ask for are passed over, as protobuf wants it:
// they are newer than the reader.
package wire

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// Fields passes over the fields of a message, like a bufio.Scanner.
type Fields struct {
	Number  protowire.Number
	Kind    protowire.Type
	Bytes   []byte // of BytesType; part of the message
	Integer uint64 // of VarintType and Fixed64Type
	Err     error  // why Next stopped before the end

	rest []byte
}

// Is says that the current field has this number and kind. A field of another kind
// is not the one that is meant.
func (f *Fields) Is(number protowire.Number, kind protowire.Type) bool {
	return f.Number == number && f.Kind == kind
}

// Scan begins to read a message.
func Scan(message []byte) Fields { return Fields{rest: message} }

// Next goes to the next field. It returns false at the end and at a field that is
// damaged or cut.
func (f *Fields) Next() bool {
	if len(f.rest) == 0 {
		return false
	}
	// Nearly all tags and lengths are one byte.
	if len(f.rest) > 1 && f.rest[0] < 0x80 && f.rest[0]&7 == byte(protowire.BytesType) && f.rest[0] > 7 {
		if n := int(f.rest[1]); n < 0x80 && 2+n <= len(f.rest) {
			f.Number, f.Kind = protowire.Number(f.rest[0]>>3), protowire.BytesType
			f.Bytes, f.rest = f.rest[2:2+n:2+n], f.rest[2+n:]
			return true
		}
	}
	return f.slow()
}

func (f *Fields) slow() bool {
	number, kind, tag := protowire.ConsumeTag(f.rest)
	if tag < 0 {
		f.Err = fmt.Errorf("connector protocol: a message is damaged: %w", protowire.ParseError(tag))
		return false
	}
	f.Number, f.Kind = number, kind
	var n int
	switch value := f.rest[tag:]; kind {
	case protowire.BytesType:
		f.Bytes, n = protowire.ConsumeBytes(value)
	case protowire.VarintType:
		f.Integer, n = protowire.ConsumeVarint(value)
	case protowire.Fixed64Type:
		f.Integer, n = protowire.ConsumeFixed64(value)
	default:
		n = protowire.ConsumeFieldValue(number, kind, value)
	}
	if n < 0 {
		f.Err = fmt.Errorf("connector protocol: field %d of a message is damaged: %w", number, protowire.ParseError(n))
		return false
	}
	f.rest = f.rest[tag+n:]
	return true
}
