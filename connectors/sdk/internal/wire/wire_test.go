package wire

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

func TestFields(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 300)
	m := protowire.AppendTag(nil, 1, protowire.BytesType)
	m = protowire.AppendString(m, "short")
	m = protowire.AppendTag(m, 2, protowire.BytesType)
	m = protowire.AppendBytes(m, long)
	m = protowire.AppendTag(m, 3, protowire.VarintType)
	m = protowire.AppendVarint(m, 1<<40)
	m = protowire.AppendTag(m, 4, protowire.Fixed64Type)
	m = protowire.AppendFixed64(m, 1<<63)
	m = protowire.AppendTag(m, 5000, protowire.BytesType)
	m = protowire.AppendString(m, "")
	m = protowire.AppendTag(m, 6, protowire.StartGroupType)
	m = protowire.AppendTag(m, 6, protowire.EndGroupType)
	f := Scan(m)
	for n, ok := range []func() bool{
		func() bool {
			return f.Is(1, protowire.BytesType) && string(f.Bytes) == "short" && !f.Is(1, protowire.VarintType)
		},
		func() bool { return f.Is(2, protowire.BytesType) && bytes.Equal(f.Bytes, long) },
		func() bool { return f.Is(3, protowire.VarintType) && f.Integer == 1<<40 },
		func() bool { return f.Is(4, protowire.Fixed64Type) && f.Integer == 1<<63 },
		func() bool { return f.Is(5000, protowire.BytesType) && len(f.Bytes) == 0 },
		func() bool { return f.Is(6, protowire.StartGroupType) },
	} {
		if !f.Next() || !ok() {
			t.Fatalf("field %d: %+v", n+1, f)
		}
	}
	if f.Next() || f.Err != nil {
		t.Errorf("after the end: %+v", f)
	}
}

func TestDamaged(t *testing.T) {
	for name, m := range map[string][]byte{
		"no length": {0x0a}, "cut bytes": {0x0a, 5, 'a'}, "cut varint": {0x08, 0x80}, "cut fixed": {0x09, 1}, "field 0": {0x02, 0}, "end without group": {0x0c},
	} {
		f := Scan(m)
		if f.Next() || f.Err == nil {
			t.Errorf("%s: read as %+v", name, f)
		}
	}
}
