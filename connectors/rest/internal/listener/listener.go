// Package listener lets several webhook endpoints share one address: the first
// to come opens the port, each has a path of its own, the last to go closes it.
package listener

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// Address is where an endpoint listens: address and path, and the files of a
// certificate where it speaks TLS.
type Address struct{ Listen, Path, Cert, CertKey string }

// Ports are the listeners of one connector value. Endpoints with the same
// address share a listener, which lives as long as one of them does.
type Ports struct {
	mu   sync.Mutex
	Open map[string]*Port
}

// New returns a registry without open ports.
func New() *Ports { return &Ports{Open: map[string]*Port{}} }

// Port is one listener with its endpoints by path.
type Port struct {
	address   string // as configured
	cert, key string
	Listener  net.Listener
	server    *http.Server
	served    chan struct{}

	mu    sync.RWMutex
	paths map[string]http.Handler
}

// headTimeout and bodyTimeout end requests of senders that never finish.
const (
	headTimeout = 10 * time.Second
	bodyTimeout = 60 * time.Second
	idleTimeout = 2 * time.Minute
)

// Join adds an endpoint, and opens the listener for the first.
func (p *Ports) Join(cfg Address, h http.Handler, log *slog.Logger) (*Port, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if o, ok := p.Open[cfg.Listen]; ok {
		if o.cert != cfg.Cert || o.key != cfg.CertKey {
			return nil, &sdk.Error{Class: sdk.BadConfig, Code: "listen.tls", Field: "/cert", Message: fmt.Sprintf("another endpoint listens on %s with a different certificate; endpoints that share an address share cert and certKey", cfg.Listen)}
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		if _, taken := o.paths[cfg.Path]; taken {
			return nil, &sdk.Error{Class: sdk.BadConfig, Code: "listen.path", Field: "/path", Message: fmt.Sprintf("another endpoint already takes %s on %s; give this one a path of its own", cfg.Path, cfg.Listen)}
		}
		o.paths[cfg.Path] = h
		return o, nil
	}
	o, err := openPort(cfg, h, log)
	if err != nil {
		return nil, err
	}
	p.Open[cfg.Listen] = o
	return o, nil
}

func openPort(cfg Address, h http.Handler, log *slog.Logger) (*Port, error) {
	ln, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, cannotListen(cfg.Listen, err)
	}
	if cfg.Cert != "" {
		pair, err := tls.LoadX509KeyPair(cfg.Cert, cfg.CertKey)
		if err != nil {
			_ = ln.Close() // never served; the certificate is what is wrong
			return nil, &sdk.Error{Class: sdk.BadConfig, Code: "tls.cert", Field: "/cert", Err: err}
		}
		ln = tls.NewListener(ln, &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2", "http/1.1"}})
	}
	o := &Port{
		address: cfg.Listen, cert: cfg.Cert, key: cfg.CertKey, Listener: ln,
		served: make(chan struct{}), paths: map[string]http.Handler{cfg.Path: h},
	}
	o.server = &http.Server{
		Handler: o, ReadHeaderTimeout: headTimeout, ReadTimeout: bodyTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	go func() {
		defer close(o.served)
		if err := o.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			log.Error("the webhook listener stopped", "address", cfg.Listen, "error", err)
		}
	}()
	log.Info("listening for webhooks", "address", ln.Addr().String(), "tls", cfg.Cert != "")
	return o, nil
}

func cannotListen(address string, err error) error {
	e := &sdk.Error{Class: sdk.BadConfig, Code: "listen.address", Field: "/listen", Message: fmt.Sprintf("cannot listen on %s", address), Err: err}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		// Retryable: after a crash the old process may hold it a moment longer.
		e.Class, e.Code = sdk.Retryable, "listen.in_use"
		e.Message += ": another program has this port; stop it or choose another port"
	case errors.Is(err, syscall.EACCES):
		e.Message += ": ports below 1024 need a privilege; choose a higher one"
	}
	return e
}

// shutdownGrace is how long answers that are being written may take.
const shutdownGrace = 5 * time.Second

// Leave removes an endpoint; with the last one the listener closes. It returns
// after the answers under way are written.
func (p *Ports) Leave(o *Port, path string) {
	p.mu.Lock()
	o.mu.Lock()
	delete(o.paths, path)
	last := len(o.paths) == 0
	o.mu.Unlock()
	if last {
		delete(p.Open, o.address)
		// Inside the lock, so that an endpoint that opens next can bind.
		_ = o.Listener.Close() // Shutdown reports what matters
	}
	p.mu.Unlock()
	if !last {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	if o.server.Shutdown(ctx) != nil {
		_ = o.server.Close() // a sender that does not read its answer
	}
	<-o.served
}

// ServeHTTP finds the endpoint of a path.
func (o *Port) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.RLock()
	h, ok := o.paths[r.URL.Path]
	o.mu.RUnlock()
	if !ok {
		Refuse(w, http.StatusNotFound, "not_found", fmt.Sprintf("nothing listens on the path %s; check the address", r.URL.Path))
		return
	}
	h.ServeHTTP(w, r)
}

// Refuse answers with an error that tells the sender what to do.
func Refuse(w http.ResponseWriter, status int, code, message string) {
	Reply(w, status, map[string]any{"error": map[string]string{"code": code, "message": message}})
}

// Reply answers with a JSON document.
func Reply(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		// Only texts and numbers are passed here.
		body = []byte("{}")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a sender that is gone sends again
}
