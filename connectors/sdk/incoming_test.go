package sdk

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/crossdock/crossdock/connectors/sdk/internal/keyorder"
	"github.com/crossdock/crossdock/plugins/protocol"
)

func onWire(tb testing.TB, d *protocol.WriteBatch_Data) []byte {
	tb.Helper()
	m := &protocol.WriteBatch{Msg: &protocol.WriteBatch_Data_{Data: d}}
	b := make([]byte, m.SizeVT())
	if _, err := m.MarshalToSizedBufferVT(b); err != nil {
		tb.Fatal(err)
	}
	return b
}

// byProtobuf decodes with the generated code.
func byProtobuf(wire []byte) (seq uint64, recs []Record, ok bool) {
	var m protocol.WriteBatch
	if m.UnmarshalVTUnsafe(wire) != nil || m.GetData() == nil {
		return 0, nil, false
	}
	for _, r := range m.GetData().Records {
		var out Record
		decodeRecord(r, &out)
		recs = append(recs, out)
	}
	return m.GetData().Seq, recs, true
}

func everyField() *protocol.WriteBatch_Data {
	return &protocol.WriteBatch_Data{
		Seq: 1 << 40, Deadline: durationpb.New(90 * time.Second), Attempt: 3,
		Records: []*protocol.Record{
			{
				Id: "a", Position: []byte("p"), Entity: "order", Operation: "upsert", Key: []byte{0, 255},
				Payload: make([]byte, 300), ContentType: "application/json", EventTimeNs: 1 << 60,
				Meta: []*protocol.KV{{K: "key.order", V: "Ä注🛒"}, {}, {K: "v"}},
			},
			{},
			{Id: "b", Meta: []*protocol.KV{{K: "x", V: "1"}, {K: "x", V: "2"}}},
		},
	}
}

func TestIncoming(t *testing.T) {
	wire := onWire(t, everyField())
	var m incoming
	if err := m.UnmarshalVTUnsafe(wire); err != nil {
		t.Fatal(err)
	}
	_, want, _ := byProtobuf(wire)
	if m.data.seq != 1<<40 || m.data.deadline != 90*time.Second || !reflect.DeepEqual(m.data.records, want) {
		t.Errorf("decoded %+v\nexpected records %+v", m.data, want)
	}
	for n := range wire { // a cut message is refused, never read as a shorter one
		var m incoming
		if err := m.UnmarshalVTUnsafe(wire[:n]); err == nil && m.data != nil {
			t.Errorf("the first %d of %d bytes were taken for a message", n, len(wire))
		}
	}
}

// A newer host may send fields that this SDK does not know.
func TestIncomingFromNewerHost(t *testing.T) {
	record := protowire.AppendTag(nil, 99, protowire.Fixed32Type)
	record = protowire.AppendFixed32(record, 7)
	record = protowire.AppendTag(record, recordID, protowire.BytesType)
	record = protowire.AppendString(record, "a")
	record = protowire.AppendTag(record, 1000, protowire.BytesType)
	record = protowire.AppendString(record, "new")
	data := protowire.AppendTag(nil, 50, protowire.VarintType)
	data = protowire.AppendVarint(data, 1)
	data = protowire.AppendTag(data, dataRecords, protowire.BytesType)
	data = protowire.AppendBytes(data, record)
	wire := protowire.AppendTag(nil, writeBatchData, protowire.BytesType)
	wire = protowire.AppendBytes(wire, data)
	var m incoming
	if err := m.UnmarshalVTUnsafe(wire); err != nil || len(m.data.records) != 1 || m.data.records[0].ID != "a" {
		t.Errorf("decoded %+v, %v", m.data, err)
	}
}

// FuzzIncoming: whatever both decoders accept they read alike.
func FuzzIncoming(f *testing.F) {
	f.Add(onWire(f, everyField()))
	f.Add([]byte{0x0a, 0})
	f.Add([]byte{0x12, 3, 0x12, 1, 0x80})
	f.Fuzz(func(t *testing.T, wire []byte) {
		var m incoming
		err := m.UnmarshalVTUnsafe(slices.Clone(wire))
		seq, want, ok := byProtobuf(slices.Clone(wire))
		if err != nil || !ok {
			return
		}
		if m.data == nil || m.data.seq != seq || len(m.data.records) != len(want) {
			t.Fatalf("decoded %+v, expected batch %d with %d records", m.data, seq, len(want))
		}
		for n := range want {
			if !reflect.DeepEqual(m.data.records[n], want[n]) {
				t.Fatalf("record %d: %+v\nexpected %+v", n, m.data.records[n], want[n])
			}
		}
	})
}

// BenchmarkIncoming is what a batch of 256 records costs on its way into a Sink:
// decoding and order by key, with eight batches in flight.
func BenchmarkIncoming(b *testing.B) {
	wires := make([][]byte, 8)
	for n := range wires {
		d := &protocol.WriteBatch_Data{Seq: uint64(n)}
		for i := range 256 {
			d.Records = append(d.Records, &protocol.Record{
				Id: fmt.Sprintf("01J9ZK3V9Q8W7X6Y5T4R3E%04d", i), Position: []byte("orders/2026-11-23T09:00:00Z/0001"),
				Entity: "retail.order.v1", Operation: "upsert", Key: fmt.Appendf(nil, "order-%d-%06d", n, i),
				Payload: make([]byte, 1024), ContentType: "application/json", EventTimeNs: 1764000000000,
				Meta: []*protocol.KV{{K: "tenant", V: "acme"}, {K: "traceparent", V: "4bf92f"}, {K: "key.order", V: "100023"}, {K: "correlation", V: "v7"}},
			})
		}
		wires[n] = onWire(b, d)
	}
	var order keyorder.Order
	var turns []*keyorder.Turn
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		var m incoming
		if err := m.UnmarshalVTUnsafe(wires[n%len(wires)]); err != nil {
			b.Fatal(err)
		}
		turns = append(turns, order.Enter(m.data.keys()))
		if len(turns) == len(wires) {
			turns[0].Leave()
			turns = turns[1:]
		}
	}
}
