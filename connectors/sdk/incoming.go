package sdk

import (
	"iter"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/crossdock/crossdock/connectors/sdk/internal/wire"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// incoming is a message of a Write stream after its Start. Its records are
// decoded straight from the wire into one slice of Records: most of what the SDK
// cost went into protobuf's objects, eight for each record, that were thrown away
// at once (measured). Strings and payloads alias the received buffer, as they do
// with protocol.Codec, which calls UnmarshalVTUnsafe; nobody writes to either.
//
// The codec's other methods are those of protocol.WriteBatch.
type incoming struct {
	protocol.WriteBatch
	data *delivery // nil when the message is no Data
}

// delivery is protocol.WriteBatch_Data, decoded.
type delivery struct {
	seq      uint64
	records  []Record
	deadline time.Duration
}

// keys are the keys of the records that have one.
func (d *delivery) keys() iter.Seq[string] {
	return func(yield func(string) bool) {
		for n := range d.records {
			if k := d.records[n].Key; k != "" && !yield(k) {
				return
			}
		}
	}
}

// The field numbers of records.proto.
const (
	writeBatchStart protowire.Number = 1
	writeBatchData  protowire.Number = 2

	dataSeq      protowire.Number = 1
	dataRecords  protowire.Number = 2
	dataDeadline protowire.Number = 3

	recordID          protowire.Number = 1
	recordPosition    protowire.Number = 2
	recordEntity      protowire.Number = 3
	recordOperation   protowire.Number = 4
	recordMeta        protowire.Number = 5
	recordKey         protowire.Number = 6
	recordPayload     protowire.Number = 7
	recordContentType protowire.Number = 8
	recordEventTime   protowire.Number = 9

	kvKey   protowire.Number = 1
	kvValue protowire.Number = 2
)

// UnmarshalVTUnsafe decodes one message.
func (m *incoming) UnmarshalVTUnsafe(message []byte) error {
	f := wire.Scan(message)
	for f.Next() {
		switch {
		case f.Is(writeBatchStart, protowire.BytesType):
			m.data = nil // the last of a oneof counts
		case f.Is(writeBatchData, protowire.BytesType):
			if m.data == nil {
				m.data = &delivery{}
			}
			if err := m.data.decode(f.Bytes); err != nil {
				return err
			}
		}
	}
	return f.Err
}

func (d *delivery) decode(message []byte) error {
	n := 0
	f := wire.Scan(message)
	for f.Next() {
		if f.Is(dataRecords, protowire.BytesType) {
			n++
		}
	}
	d.records = slices.Grow(d.records, n)
	pairs := 0 // records of a batch tend to have as many as the one before
	f = wire.Scan(message)
	for f.Next() {
		switch {
		case f.Is(dataRecords, protowire.BytesType):
			d.records = d.records[:len(d.records)+1]
			r := &d.records[len(d.records)-1]
			if err := r.decode(f.Bytes, pairs); err != nil {
				return err
			}
			pairs = len(r.Meta)
		case f.Is(dataSeq, protowire.VarintType):
			d.seq = f.Integer
		case f.Is(dataDeadline, protowire.BytesType):
			var t durationpb.Duration
			if err := proto.Unmarshal(f.Bytes, &t); err != nil {
				return err
			}
			d.deadline = t.AsDuration()
		}
	}
	return f.Err
}

// decode fills an empty record.
func (r *Record) decode(message []byte, pairs int) error {
	f := wire.Scan(message)
	for f.Next() {
		if f.Is(recordEventTime, protowire.Fixed64Type) {
			r.EventTime = eventTime(f.Integer)
		}
		if f.Kind != protowire.BytesType {
			continue
		}
		switch f.Number {
		case recordID:
			r.ID = alias(f.Bytes)
		case recordPosition:
			r.Position = f.Bytes
		case recordEntity:
			r.Entity = alias(f.Bytes)
		case recordOperation:
			r.Operation = alias(f.Bytes)
		case recordMeta:
			k, v, err := decodePair(f.Bytes)
			if err != nil {
				return err
			}
			if r.Meta == nil {
				r.Meta = make(map[string]string, pairs)
			}
			r.Meta[k] = v
		case recordKey:
			r.Key = alias(f.Bytes)
		case recordPayload:
			r.Payload = f.Bytes
		case recordContentType:
			r.ContentType = alias(f.Bytes)
		}
	}
	return f.Err
}

func decodePair(message []byte) (k, v string, err error) {
	f := wire.Scan(message)
	for f.Next() {
		switch {
		case f.Is(kvKey, protowire.BytesType):
			k = alias(f.Bytes)
		case f.Is(kvValue, protowire.BytesType):
			v = alias(f.Bytes)
		}
	}
	return k, v, f.Err
}
