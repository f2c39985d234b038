// Package console is the HTTP side of a node: metrics for Prometheus, health
// for load balancers and people, and the questions of `crossdock route list`,
// `trace` and `dead list` as JSON.
//
//	GET /metrics            Prometheus text format
//	GET /health             503 when a lane is stale: no business effect although there should be
//	GET /live               200 while the process serves
//	GET /api/routes         routes with counts, lag and state
//	GET /api/trace/{key}    every hop of a document
//	GET /api/dead           dead letters, newest first
//
// It listens on loopback unless told otherwise and asks for no login: put it
// behind the reverse proxy that does.
package console

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/core/telemetry"
)

// Options are what the console shows.
type Options struct {
	// Listen is the address, such as "127.0.0.1:8470".
	Listen  string
	Metrics prometheus.Gatherer
	Ledger  *ledger.Ledger
	// Health and Routes describe the node at this moment.
	Health func(context.Context) telemetry.Health
	Routes func(context.Context) (any, error)
	Log    *slog.Logger
}

// Server is a listening console.
type Server struct {
	http *http.Server
	addr string
	log  *slog.Logger
}

// Start listens and serves until Close.
func Start(o Options) (*Server, error) {
	l, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, err
	}
	s := &Server{http: &http.Server{Handler: Handler(o), ReadHeaderTimeout: 10 * time.Second}, addr: l.Addr().String(), log: o.Log}
	go func() {
		if err := s.http.Serve(l); err != nil && !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("the console ended", "error", err)
		}
	}()
	return s, nil
}

// Addr is the address that the console listens on.
func (s *Server) Addr() string { return s.addr }

// Close stops serving; requests under way are given until ctx ends.
func (s *Server) Close(ctx context.Context) error { return s.http.Shutdown(ctx) }

// Handler answers the console's requests.
func Handler(o Options) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", telemetry.Handler(o.Metrics))
	mux.HandleFunc("GET /live", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, r *http.Request) {
		h := o.Health(r.Context())
		status := http.StatusOK
		if h.State == telemetry.Stale {
			status = http.StatusServiceUnavailable
		}
		write(w, status, h)
	})
	mux.HandleFunc("GET /api/routes", func(w http.ResponseWriter, r *http.Request) {
		routes, err := o.Routes(r.Context())
		answer(w, routes, err)
	})
	mux.HandleFunc("GET /api/trace/{key}", func(w http.ResponseWriter, r *http.Request) {
		hops, err := o.Ledger.Trace(r.Context(), r.PathValue("key"))
		answer(w, hops, err)
	})
	mux.HandleFunc("GET /api/dead", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		list, err := o.Ledger.DeadList(r.Context(), ledger.DeadFilter{Route: q.Get("route"), State: q.Get("state"), Limit: 200})
		answer(w, list, err)
	})
	return mux
}

func answer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		write(w, http.StatusInternalServerError, map[string]string{"error": err.Error()})
		return
	}
	write(w, http.StatusOK, v)
}

func write(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status, b = http.StatusInternalServerError, []byte(`{"error":"the answer cannot be written as JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // the client may have gone
}
