package sdk

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// handshakeOut is the process's real standard output. Its first line belongs
// to the handshake, so in a plugin process everything that is printed before
// Serve (by init functions, by libraries) goes to standard error, which the
// host logs.
var handshakeOut = claimStdout()

func claimStdout() *os.File {
	out := os.Stdout
	if isPlugin() {
		os.Stdout = os.Stderr
	}
	return out
}

func isPlugin() bool { return os.Getenv(protocol.CookieKey) == protocol.CookieValue }

// sessionWait is how long a plugin process lives without a host's session.
const sessionWait = 30 * time.Second

// Serve runs the connector as a plugin process until its host is gone, and
// does not return while it serves. It is all that a connector's main function
// needs:
//
//	func main() { sdk.Serve(Connector()) }
//
// Started by hand it explains itself and exits with status 1. Printing is
// harmless: before Serve it goes to standard error, afterwards to the host's
// log. The process ends when the host closes it, when the session breaks, and
// when no session is opened within 30 seconds; so it never outlives its host.
//
// A panic in a method that the SDK calls becomes an error of class Bug. A
// panic in a goroutine that the connector started ends the process; the host
// starts it again.
func Serve(p Plugin) {
	if !isPlugin() {
		fmt.Fprintf(os.Stderr, "%s is a Crossdock connector. It is started by crossdock and does nothing on its own.\n"+
			"Put it into the plugins directory as crossdock-connector-%s, then run: crossdock connector list\n", p.Describe().Name, p.Describe().Name)
		os.Exit(1)
	}
	if os.Getenv("GOGC") == "" {
		// Batches are short-lived: a larger heap costs little and saves a
		// third of the CPU (measured).
		debug.SetGCPercent(400)
	}
	life := &process{exit: os.Exit}
	s := newServer(p, life.end)
	life.server = s
	slog.SetDefault(s.log)
	dieWithParent()
	life.watch()

	os.Stdout = handshakeOut
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: protocol.Handshake(),
		Plugins:         protocol.Plugins(s),
		GRPCServer:      protocol.NewServer,
		Logger:          hclog.New(&hclog.LoggerOptions{Name: "plugin", Level: hclog.Error, Output: io.Writer(os.Stderr)}),
	})
	life.end()
}

// process ends the plugin process, once.
type process struct {
	server *server
	exit   func(int)
	once   sync.Once
}

// end closes what is open and exits. The author's Close gets closeGrace; then
// the process ends anyway.
func (p *process) end() {
	p.once.Do(func() {
		time.AfterFunc(2*closeGrace, func() { p.exit(1) })
		p.server.closeAll(closeGrace)
		p.exit(0)
	})
}

// watch ends the process when its parent is gone, or never opens a session.
// SIGTERM alone does not end it: a service manager sends that to the host and
// to its plugins at once, and the host still has to drain them.
func (p *process) watch() {
	parent := os.Getppid()
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	wait := time.NewTimer(sessionWait)
	go func() {
		for {
			select {
			case <-term:
				if os.Getppid() != parent || !p.server.session.WasOpened() {
					p.end()
					return
				}
			case <-wait.C:
				if !p.server.session.WasOpened() {
					fmt.Fprintln(os.Stderr, "no session was opened within", sessionWait, "- the host is gone or speaks another protocol; exiting")
					p.end()
					return
				}
			}
		}
	}()
}
