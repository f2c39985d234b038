package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// maxPayload is the largest message including its headers that the embedded server takes; its streams take a little
// less (maxRecord). Batches are split by intake long before this.
const maxPayload = 32 << 20

// embedded is a NATS server inside this process and the lock that keeps other processes off its directory.
type embedded struct {
	server *server.Server
	lock   *dirLock
}

func startEmbedded(opts Options) (*embedded, error) {
	if err := os.MkdirAll(opts.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("engine: create store directory: %w", err)
	}
	// Two servers on one directory would each believe to own the files.
	lock, err := lockDir(filepath.Join(opts.Dir, "engine.lock"))
	if err != nil {
		return nil, fmt.Errorf("engine: store directory %s is in use by another process: %w", opts.Dir, err)
	}
	e := &embedded{lock: lock}
	so := &server.Options{
		ServerName: "crossdock",
		JetStream:  true,
		StoreDir:   opts.Dir,
		DontListen: true,
		NoSigs:     true,
		NoLog:      true,
		MaxPayload: maxPayload,
		MaxPending: 256 << 20, // a connection with more unread bytes is cut; ours may hold several large messages
	}
	if opts.Listen != "" {
		if err := listenOn(so, opts.Listen); err != nil {
			return nil, errors.Join(err, e.stop())
		}
	}
	if e.server, err = server.NewServer(so); err != nil {
		return nil, errors.Join(fmt.Errorf("engine: embedded message server: %w", err), e.stop())
	}
	e.server.SetLoggerV2(serverLog{opts.Log}, false, false, false)
	e.server.Start()
	if !e.server.ReadyForConnections(connectTimeout) {
		return nil, errors.Join(fmt.Errorf("engine: the embedded message server in %s was not ready after %s: see its log lines above", opts.Dir, connectTimeout), e.stop())
	}
	return e, nil
}

func listenOn(so *server.Options, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("engine: listen address %q: %w (write host:port)", address, err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return fmt.Errorf("engine: listen address %q: port must be a number from 0 (any free port) to 65535", address)
	}
	so.DontListen, so.Host, so.Port = false, host, int(n)
	if n == 0 {
		so.Port = server.RANDOM_PORT
	}
	return nil
}

func (e *embedded) stop() error {
	if e.server != nil {
		e.server.Shutdown()
		e.server.WaitForShutdown()
	}
	return e.lock.release()
}

// serverLog hands the server's warnings and errors to slog; its notices are debug information to our users.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Noticef(format string, v ...any) { l.log.Debug("nats: " + line(format, v)) }
func (l serverLog) Debugf(format string, v ...any)  { l.log.Debug("nats: " + line(format, v)) }
func (l serverLog) Tracef(format string, v ...any)  { l.log.Debug("nats: " + line(format, v)) }

// Warnf leaves out the warning about large payloads: documents may be large, and nobody can change it.
func (l serverLog) Warnf(format string, v ...any) {
	if text := line(format, v); !strings.HasPrefix(text, "Maximum payloads over") {
		l.log.Warn("nats: " + text)
	}
}

func (l serverLog) Errorf(format string, v ...any) { l.log.Error("nats: " + line(format, v)) }
func (l serverLog) Fatalf(format string, v ...any) { l.log.Error("nats: " + line(format, v)) }

func line(format string, v []any) string { return strings.TrimSpace(fmt.Sprintf(format, v...)) }
