package sdk

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// hostVariable makes this test binary a host process that a test may kill; its
// value says whether the host opens a session.
const hostVariable = "SDK_TEST_HOST" // read by TestMain

// playHost starts a plugin, prints its process id and waits to be killed.
func playHost(session bool) error {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), hostVariable+"=")
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig: protocol.Handshake(), Plugins: protocol.Plugins(nil), Cmd: command, SkipHostEnv: true,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC}, Logger: hclog.NewNullLogger(),
	})
	rpc, err := client.Client()
	if err != nil {
		return err
	}
	raw, err := rpc.Dispense(protocol.PluginName)
	if err != nil {
		return err
	}
	if session {
		s, err := raw.(protocol.ConnectorClient).Session(context.Background())
		if err != nil {
			return err
		}
		if err := s.Send(&protocol.SessionFromHost{Msg: &protocol.SessionFromHost_Ping_{Ping: &protocol.SessionFromHost_Ping{T: 1}}}); err != nil {
			return err
		}
		if _, err := s.Recv(); err != nil {
			return err
		}
	}
	fmt.Println(command.Process.Pid)
	select {}
}

// A plugin does not outlive a host that was killed without warning, whether or
// not the host had opened the session.
func TestOrphansEnd(t *testing.T) {
	for _, session := range []bool{true, false} {
		t.Run(fmt.Sprint("session=", session), func(t *testing.T) {
			host := exec.Command(os.Args[0])
			host.Env = append(os.Environ(), hostVariable+"="+strconv.FormatBool(session))
			host.Stderr = os.Stderr
			out, err := host.StdoutPipe()
			if err == nil {
				err = host.Start()
			}
			if err != nil {
				t.Fatal(err)
			}
			line, err := bufio.NewReader(out).ReadString('\n')
			pid, convErr := strconv.Atoi(strings.TrimSpace(line))
			if err != nil || convErr != nil {
				t.Fatalf("the host said %q: %v", line, err)
			}
			if !alive(pid) {
				t.Fatalf("the plugin %d is not running", pid)
			}
			if err := host.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = host.Wait() // it was killed
			for deadline := time.Now().Add(10 * time.Second); alive(pid); time.Sleep(5 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("plugin %d still runs although its host was killed", pid)
				}
			}
		})
	}
}

// alive is false for a process that has ended, also while nobody collects it.
func alive(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}
