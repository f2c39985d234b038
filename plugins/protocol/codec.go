package protocol

import (
	"fmt"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"
)

// dataMessage is what vtprotobuf generates for the messages of records.proto.
type dataMessage interface {
	SizeVT() int
	MarshalToSizedBufferVT([]byte) (int, error)
	UnmarshalVTUnsafe([]byte) error
}

// codec encodes plain protobuf faster than gRPC's default codec does. The
// bytes on the wire are the same, so the other side may be any language and
// any codec; that is why it is forced on a connection under the ordinary name
// "proto" and never registered under a name of its own.
//
// Decoded data-plane messages alias the received buffer, which is allocated
// for that message alone: keeping one record of a batch keeps the whole batch
// in memory, at most MaxMessageBytes.
type codec struct{}

// Codec returns the codec both ends of the boundary force.
func Codec() encoding.CodecV2 { return codec{} }

func (codec) Name() string { return "proto" }

func (codec) Marshal(v any) (mem.BufferSlice, error) {
	m, ok := v.(dataMessage)
	if !ok {
		p, ok := v.(proto.Message)
		if !ok {
			return nil, fmt.Errorf("connector protocol: cannot encode %T, which is not a protobuf message", v)
		}
		b, err := proto.Marshal(p)
		if err != nil {
			return nil, err
		}
		return mem.BufferSlice{mem.SliceBuffer(b)}, nil
	}
	n := m.SizeVT()
	if mem.IsBelowBufferPoolingThreshold(n) {
		b := make([]byte, n)
		if _, err := m.MarshalToSizedBufferVT(b); err != nil {
			return nil, err
		}
		return mem.BufferSlice{mem.SliceBuffer(b)}, nil
	}
	pool := mem.DefaultBufferPool()
	b := pool.Get(n)
	if _, err := m.MarshalToSizedBufferVT((*b)[:n]); err != nil {
		pool.Put(b)
		return nil, err
	}
	return mem.BufferSlice{mem.NewBuffer(b, pool)}, nil
}

func (codec) Unmarshal(data mem.BufferSlice, v any) error {
	if m, ok := v.(dataMessage); ok {
		return m.UnmarshalVTUnsafe(data.Materialize())
	}
	p, ok := v.(proto.Message)
	if !ok {
		return fmt.Errorf("connector protocol: cannot decode into %T, which is not a protobuf message", v)
	}
	return proto.Unmarshal(data.Materialize(), p)
}
