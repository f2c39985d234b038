// Command boundary measures how many records per second cross from the core
// into a connector process: batches of 256 records of 1 KiB over a Unix
// socket, acknowledged, with the host and the plugin sharing one core.
//
// It runs three ways beside each other, so that the numbers are of one machine
// at one time:
//
//	gRPC defaults  the protocol with gRPC's own codec, windows and buffers
//	tuned          the protocol as host and SDK configure it; the plugin reads
//	               each payload's first byte and acknowledges
//	SDK            the same into an sdk.Sink: records decoded to sdk.Record,
//	               order by key kept, results collected
//
//	go run ./examples/bench/boundary -seconds 3
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// The environment variables by which the program starts itself again.
const (
	modeVariable   = "BOUNDARY_MODE"   // in the plugin process
	pinnedVariable = "BOUNDARY_PINNED" // in the host process, once pinned
)

const (
	defaults = "gRPC defaults"
	tuned    = "tuned"
	throughs = "SDK"
)

func main() {
	if mode := os.Getenv(modeVariable); mode != "" {
		servePlugin(mode)
		return
	}
	seconds := flag.Float64("seconds", 2, "duration of each measurement")
	rounds := flag.Int("rounds", 3, "measurements of each way; the median counts")
	size := flag.Int("size", 1024, "payload bytes")
	batch := flag.Int("batch", 256, "records per batch")
	cores := flag.Int("cores", 1, "processor cores for host and plugin together; 0: all")
	flag.Parse()
	if *cores == 1 && os.Getenv(pinnedVariable) == "" {
		if err := runPinned(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	o := options{duration: time.Duration(*seconds * float64(time.Second)), size: *size, batch: *batch}
	if err := report(o, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type options struct {
	duration time.Duration
	size     int
	batch    int
}

func report(o options, rounds int) error {
	rates := map[string][]float64{}
	modes := []string{defaults, tuned, throughs}
	for range rounds {
		for _, mode := range modes {
			rate, err := measure(mode, o)
			if err != nil {
				return fmt.Errorf("%s: %w", mode, err)
			}
			rates[mode] = append(rates[mode], rate)
		}
	}
	fmt.Printf("%d-byte payloads, batches of %d, GOMAXPROCS=%d, median of %d\n\n", o.size, o.batch, runtime.GOMAXPROCS(0), rounds)
	fmt.Printf("%-14s  %12s  %8s  %s\n", "", "records/s", "ratio", "range")
	for _, mode := range modes {
		slices.Sort(rates[mode])
		r := rates[mode]
		fmt.Printf("%-14s  %12.0f  %8.2f  %.0f to %.0f\n", mode, median(r), median(r)/median(rates[defaults]), r[0], r[len(r)-1])
	}
	return nil
}

func median(sorted []float64) float64 { return sorted[len(sorted)/2] }

// measure starts a plugin and writes to it for the duration.
func measure(mode string, o options) (float64, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	command := exec.Command(self)
	command.Env = append(os.Environ(), modeVariable+"="+mode)
	config := &plugin.ClientConfig{
		HandshakeConfig: protocol.Handshake(), Plugins: protocol.Plugins(nil), Cmd: command,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(), SkipHostEnv: true,
	}
	if mode != defaults {
		config.GRPCDialOptions = protocol.DialOptions()
	}
	client := plugin.NewClient(config)
	defer client.Kill()
	rpc, err := client.Client()
	if err != nil {
		return 0, err
	}
	raw, err := rpc.Dispense(protocol.PluginName)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	connector := raw.(protocol.ConnectorClient)
	if mode == throughs {
		if _, err := connector.Open(ctx, &protocol.OpenRequest{InstanceId: "bench.sink", Role: "sink", Config: &structpb.Struct{}}); err != nil {
			return 0, err
		}
	}
	stream, err := connector.Write(ctx)
	if err != nil {
		return 0, err
	}
	return pump(stream, o)
}

// inFlight is how many batches may wait for their acknowledgement.
const inFlight = 8

func pump(stream protocol.Connector_WriteClient, o options) (float64, error) {
	start := &protocol.WriteBatch{Msg: &protocol.WriteBatch_Start_{Start: &protocol.WriteBatch_Start{InstanceId: "bench.sink", MaxInFlight: inFlight}}}
	if err := stream.Send(start); err != nil {
		return 0, err
	}
	records := makeRecords(o.batch, o.size)
	slots := make(chan struct{}, inFlight)
	failed := make(chan error, 1)
	acked := 0
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			a, err := stream.Recv()
			if err != nil {
				if err != io.EOF {
					failed <- err
				}
				return
			}
			if len(a.Failures) > 0 {
				failed <- fmt.Errorf("batch %d: %s", a.Seq, a.Failures[0].Problem.GetMessage())
				return
			}
			acked += o.batch
			<-slots
		}
	}()
	began := time.Now()
	for seq := uint64(1); time.Since(began) < o.duration; seq++ {
		select {
		case slots <- struct{}{}:
		case err := <-failed:
			return 0, err
		}
		m := &protocol.WriteBatch{Msg: &protocol.WriteBatch_Data_{Data: &protocol.WriteBatch_Data{Seq: seq, Records: records}}}
		if err := stream.Send(m); err != nil {
			return 0, err
		}
	}
	if err := stream.CloseSend(); err != nil {
		return 0, err
	}
	<-done
	took := time.Since(began)
	select {
	case err := <-failed:
		return 0, err
	default:
		return float64(acked) / took.Seconds(), nil
	}
}

// makeRecords look like orders: an id, a position, a key, four pairs of
// metadata.
func makeRecords(n, size int) []*protocol.Record {
	out := make([]*protocol.Record, n)
	for i := range out {
		payload := make([]byte, size)
		for j := range payload {
			payload[j] = byte('a' + (i+j)%26)
		}
		out[i] = &protocol.Record{
			Id: fmt.Sprintf("01J9ZK3V9Q8W7X6Y5T4R3E%04d", i), Position: []byte("orders/2026-11-23T09:00:00Z/0001"),
			Entity: "retail.order.v1", Operation: "upsert", Key: fmt.Appendf(nil, "order-%06d", i),
			Meta: []*protocol.KV{
				{K: "tenant", V: "acme-eu"},
				{K: "traceparent", V: "4bf92f3577b34da6a3ce929d0e0e4736"},
				{K: "key.order", V: "100023"},
				{K: "correlation", V: "order-100023-v7"},
			},
			Payload: payload, ContentType: "application/json", EventTimeNs: 1764000000000,
		}
	}
	return out
}

func servePlugin(mode string) {
	if mode == throughs {
		sdk.Serve(connector())
		return
	}
	// The SDK keeps standard output for its own handshake; here it is ours.
	os.Stdout = os.NewFile(1, "stdout")
	config := &plugin.ServeConfig{
		HandshakeConfig: protocol.Handshake(), Plugins: protocol.Plugins(&touch{}), Logger: hclog.NewNullLogger(),
		GRPCServer: protocol.NewServer,
	}
	if mode == defaults {
		config.GRPCServer = func(o []grpc.ServerOption) *grpc.Server { return grpc.NewServer(o...) }
	} else {
		debug.SetGCPercent(400) // as sdk.Serve does
	}
	plugin.Serve(config)
}

// touch reads each payload and acknowledges, without the SDK.
type touch struct {
	protocol.UnimplementedConnectorServer
	sum uint64
}

func (t *touch) Write(stream protocol.Connector_WriteServer) error {
	for {
		m, err := stream.Recv()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		d := m.GetData()
		if d == nil {
			continue
		}
		for _, r := range d.Records {
			t.sum += uint64(r.Payload[0])
		}
		if err := stream.Send(&protocol.WriteAck{Seq: d.Seq}); err != nil {
			return err
		}
	}
}

// sink does through the SDK what touch does without it.
type sink struct{ sum uint64 }

func (s *sink) Write(_ context.Context, recs []sdk.Record) []sdk.Result {
	for i := range recs {
		s.sum += uint64(recs[i].Payload[0])
	}
	return nil
}

func (s *sink) Close() error { return nil }

func connector() sdk.Plugin {
	return sdk.Connector[struct{}]{
		Spec: sdk.Spec{Name: "bench", Version: "1.0.0", Summary: "Takes everything", Batch: sdk.BatchLimits{MaxInFlight: inFlight}},
		Sink: func(context.Context, struct{}, sdk.Env) (sdk.Sink, error) { return &sink{}, nil },
	}
}
