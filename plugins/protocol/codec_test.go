package protocol

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
)

func sample(payload int) *ReadBatch {
	return &ReadBatch{
		Seq: 7, Position: []byte("p"), End: true, Lag: durationpb.New(3 * time.Second),
		Records: []*Record{
			{
				Id: "a", Entity: "order", Operation: "upsert", Key: []byte{0, 255}, Payload: bytes.Repeat([]byte("x"), payload),
				ContentType: "application/json", EventTimeNs: 1 << 62, Meta: []*KV{{K: "key.order", V: "Ä注🛒"}, {}},
			},
			{},
		},
		Unreadable: []*Unreadable{{Id: "u", Problem: &Problem{
			Class: Problem_PERMANENT, Code: "csv", Message: "line 7", RetryAfter: durationpb.New(time.Minute),
			Field: "/0", Detail: map[string]string{"a": "b", "c": "d"},
		}}},
	}
}

// The fast codec and protobuf's own read each other's bytes, below and above
// the size from which buffers are pooled, also when they come in pieces.
func TestCodecIsPlainProtobuf(t *testing.T) {
	for _, size := range []int{0, 100, 5000, 3 << 20} {
		want := sample(size)
		encoded, err := Codec().Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		wire := encoded.Materialize()
		got := &ReadBatch{}
		if err := proto.Unmarshal(wire, got); err != nil || !proto.Equal(got, want) {
			t.Errorf("payload %d: protobuf reads something else from the codec's bytes: %v", size, err)
		}
		wire, err = proto.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		half := len(wire) / 2
		got = &ReadBatch{}
		pieces := mem.BufferSlice{mem.SliceBuffer(wire[:half]), mem.SliceBuffer(wire[half:])}
		if err := Codec().Unmarshal(pieces, got); err != nil || !proto.Equal(got, want) {
			t.Errorf("payload %d: the codec reads something else from protobuf's bytes: %v", size, err)
		}
	}
}

func TestCodecRefusesOthers(t *testing.T) {
	if _, err := Codec().Marshal("text"); err == nil || !strings.Contains(err.Error(), "not a protobuf message") {
		t.Errorf("Marshal: %v", err)
	}
	if err := Codec().Unmarshal(nil, new(int)); err == nil {
		t.Error("Unmarshal into an int succeeded")
	}
}

func FuzzCodecUnmarshal(f *testing.F) {
	wire, err := proto.Marshal(sample(10))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wire)
	f.Fuzz(func(t *testing.T, wire []byte) {
		got := &ReadBatch{}
		if Codec().Unmarshal(mem.BufferSlice{mem.SliceBuffer(wire)}, got) != nil {
			return
		}
		if _, err := Codec().Marshal(got); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
	})
}

// echo answers each batch of a Write stream with its own number.
type echo struct{ UnimplementedConnectorServer }

func (echo) Write(stream Connector_WriteServer) error {
	for {
		m, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := stream.Send(&WriteAck{Seq: uint64(len(m.GetData().Records[0].Payload))}); err != nil {
			return err
		}
	}
}

func (echo) Call(context.Context, *CallRequest) (*CallResponse, error) {
	return nil, StatusError(&Problem{Class: Problem_AUTH, Code: "http.401", Message: "refused \xff"})
}

// Either side may use gRPC's defaults, as plugins in other languages do.
func TestEachSideMayUseDefaults(t *testing.T) {
	for name, test := range map[string]struct {
		server func() *grpc.Server
		dial   []grpc.DialOption
	}{
		"both tuned":     {func() *grpc.Server { return NewServer(nil) }, DialOptions()},
		"default plugin": {func() *grpc.Server { return grpc.NewServer(grpc.MaxRecvMsgSize(MaxMessageBytes)) }, DialOptions()},
		"default host":   {func() *grpc.Server { return NewServer(nil) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			client := connect(t, test.server(), test.dial)
			stream, err := client.Write(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, size := range []int{1, 100 << 10, 8 << 20} {
				batch := &WriteBatch{Msg: &WriteBatch_Data_{Data: &WriteBatch_Data{Records: []*Record{{Payload: make([]byte, size)}}}}}
				if err := stream.Send(batch); err != nil {
					t.Fatal(err)
				}
				if a, err := stream.Recv(); err != nil || a.Seq != uint64(size) {
					t.Fatalf("a payload of %d bytes: %v, %v", size, a, err)
				}
			}
			_, err = client.Call(t.Context(), &CallRequest{})
			if p := ProblemOf(err); p.GetClass() != Problem_AUTH || p.Code != "http.401" {
				t.Errorf("the problem crossed as %v", err)
			}
		})
	}
}

func connect(t *testing.T, server *grpc.Server, options []grpc.DialOption) ConnectorClient {
	t.Helper()
	listener := bufconn.Listen(1 << 20)
	RegisterConnectorServer(server, echo{})
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	conn, err := grpc.NewClient("passthrough:///x", append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return NewConnectorClient(conn)
}

func TestProblemOf(t *testing.T) {
	if ProblemOf(nil) != nil {
		t.Error("no error gave a problem")
	}
	if p := ProblemOf(context.DeadlineExceeded); p.Class != Problem_RETRYABLE || p.Code != "plugin.deadline" {
		t.Errorf("deadline: %v", p)
	}
	for class := range Problem_Class_name {
		want := &Problem{Class: Problem_Class(class), Code: "x", Message: "y"}
		if got := ProblemOf(StatusError(want)); !proto.Equal(got, want) {
			t.Errorf("%v became %v", want, got)
		}
	}
}
