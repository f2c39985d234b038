package sdk

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// startProcess starts this test binary as a plugin (see TestMain).
func startProcess(t *testing.T, stdout io.Writer) (*plugin.Client, protocol.ConnectorClient) {
	t.Helper()
	config := &plugin.ClientConfig{
		HandshakeConfig: protocol.Handshake(), Plugins: protocol.Plugins(nil), Cmd: exec.Command(os.Args[0]),
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, GRPCDialOptions: protocol.DialOptions(), Logger: hclog.NewNullLogger(),
	}
	if stdout != nil {
		config.SyncStdout = stdout
	}
	client := plugin.NewClient(config)
	t.Cleanup(client.Kill)
	rpc, err := client.Client()
	if err != nil {
		t.Fatalf("the plugin process did not start although it only prints: %v", err)
	}
	raw, err := rpc.Dispense(protocol.PluginName)
	if err != nil {
		t.Fatal(err)
	}
	return client, raw.(protocol.ConnectorClient)
}

func waitExit(t *testing.T, c *plugin.Client) {
	t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !c.Exited(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the plugin process is still there")
		}
	}
}

func TestProcessEndsWithSession(t *testing.T) {
	client, connector := startProcess(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	session, err := connector.Session(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Send(&protocol.SessionFromHost{Msg: &protocol.SessionFromHost_Ping_{Ping: &protocol.SessionFromHost_Ping{T: 1}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := session.Recv(); err != nil {
		t.Fatal(err)
	}
	cancel()
	waitExit(t, client)
}

func TestProcessEndsWithoutSession(t *testing.T) {
	client, _ := startProcess(t, nil)
	client.Kill()
	waitExit(t, client)
}

func TestStartedByHand(t *testing.T) {
	if isPlugin() {
		t.Fatal("the tests run as a plugin")
	}
	out, err := exec.Command("go", "run", "./testdata/byhand").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "byhand is a Crossdock connector. It is started by crossdock") {
		t.Errorf("started by hand: %v\n%s", err, out)
	}
}

// What a connector prints while it serves reaches the host's log, and a
// connector that exits breaks its streams and nothing else.
func TestProcessPrintsAndCrashes(t *testing.T) {
	var mu sync.Mutex
	var printed strings.Builder
	client, connector := startProcess(t, writerFunc(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return printed.Write(p)
	}))
	r := &rig{t: t, client: connector}
	r.open("sink")
	s := r.write()
	for _, entity := range []string{"print", "exit"} {
		if err := sendBatch(s, &protocol.WriteBatch_Data{Seq: 1, Records: []*protocol.Record{{Id: "1", Entity: entity}}}); err != nil {
			t.Fatal(err)
		}
		_, err := s.Recv()
		if entity == "exit" && protocol.ProblemOf(err).GetClass() != protocol.Problem_NOT_CONNECTED {
			t.Errorf("after the crash the stream says %v", err)
		}
		if entity == "print" {
			r.eventually("the print arrives", func() bool {
				mu.Lock()
				defer mu.Unlock()
				return strings.Contains(printed.String(), "printed while serving")
			})
		}
	}
	waitExit(t, client)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
