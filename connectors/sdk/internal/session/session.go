// Package session is the plugin's side of the protocol's Session stream: its
// lease on life, and the way of its log records and requests to the host.
//
// The host opens the stream once and pings on it. A host that is stopped or hung
// still has its sockets open, so the lease decides: without a ping the session
// ends, and with it all that the host had opened.
package session

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// Session has at most one stream at a time. Without one, log records wait in a
// bounded queue and requests fail. The zero value is ready to use, by several
// goroutines.
type Session struct {
	level slog.LevelVar

	mu      sync.Mutex
	out     chan *protocol.SessionFromPlugin // nil without a stream
	gone    chan struct{}                    // closed with the stream
	waiting map[uint64]chan *protocol.SessionFromHost
	nextID  uint64
	queued  []*protocol.SessionFromPlugin // log records from before the stream
	dropped int
	opened  bool
}

// maxQueued bounds the log records that wait for the host. Logging never
// blocks a connector: beyond it records are dropped and counted.
const maxQueued = 1024

// ErrNone is the answer to requests while there is no stream.
var ErrNone = errors.New("the connector has no session with the crossdock process, which keeps its state; it is starting, stopping or gone")

// Run serves one stream until it breaks. A second one at the same time is refused
// with FailedPrecondition.
func (s *Session) Run(stream protocol.Connector_SessionServer) error {
	out, gone, err := s.attach()
	if err != nil {
		return err
	}
	defer s.detach(gone)

	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	sender := make(chan error, 1)
	go func() { sender <- s.send(ctx, stream, out) }()

	received := make(chan error, 1)
	go func() { received <- s.receive(ctx, stream, out, newLease(cancel)) }()

	select {
	case err = <-received:
	case err = <-sender:
	case <-ctx.Done():
		err = ctx.Err()
	}
	return err
}

// WasOpened says whether a host ever opened the session.
func (s *Session) WasOpened() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

func (s *Session) attach() (chan *protocol.SessionFromPlugin, chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out != nil {
		return nil, nil, protocol.StatusError(&protocol.Problem{
			Class: protocol.Problem_PERMANENT, Code: "session.taken",
			Message: "this plugin process already has a session; it serves one host",
		})
	}
	s.out = make(chan *protocol.SessionFromPlugin, maxQueued)
	s.gone = make(chan struct{})
	s.waiting = map[uint64]chan *protocol.SessionFromHost{}
	s.opened = true
	for _, m := range s.queued {
		s.out <- m
	}
	s.queued = nil
	return s.out, s.gone, nil
}

func (s *Session) detach(gone chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(gone)
	s.out, s.gone, s.waiting = nil, nil, nil
}

func (s *Session) send(ctx context.Context, stream protocol.Connector_SessionServer, out <-chan *protocol.SessionFromPlugin) error {
	for {
		select {
		case m := <-out:
			if err := stream.Send(m); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *Session) receive(ctx context.Context, stream protocol.Connector_SessionServer, out chan<- *protocol.SessionFromPlugin, l *lease) error {
	defer l.stop()
	for {
		m, err := stream.Recv()
		if err != nil {
			return err
		}
		switch v := m.Msg.(type) {
		case *protocol.SessionFromHost_Hello_:
			l.length = v.Hello.GetLease().AsDuration()
			s.setLevel(v.Hello.LogLevel)
		case *protocol.SessionFromHost_LogLevel_:
			s.setLevel(v.LogLevel.Level)
		case *protocol.SessionFromHost_Ping_:
			l.renew()
			select {
			case out <- pong(v.Ping.T):
			case <-ctx.Done():
				return ctx.Err()
			}
		default:
			s.answer(m)
		}
	}
}

func pong(t uint64) *protocol.SessionFromPlugin {
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	return &protocol.SessionFromPlugin{Msg: &protocol.SessionFromPlugin_Pong_{Pong: &protocol.SessionFromPlugin_Pong{
		T: t, Rss: mem.Sys - mem.HeapReleased, Goroutines: uint32(runtime.NumGoroutine()),
	}}}
}

func (s *Session) setLevel(name string) {
	var l slog.Level
	if name == "" || l.UnmarshalText([]byte(name)) != nil {
		return
	}
	s.level.Set(l)
}

func (s *Session) answer(m *protocol.SessionFromHost) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.waiting[m.ReplyTo]; ok {
		delete(s.waiting, m.ReplyTo)
		c <- m
	}
}

// Ask sends a request, to which it gives an id, and waits for the answer. The
// answer may say that the host could not do it; err is ErrNone when it may never
// have heard of it.
func (s *Session) Ask(ctx context.Context, m *protocol.SessionFromPlugin) (*protocol.SessionFromHost, error) {
	s.mu.Lock()
	if s.out == nil {
		s.mu.Unlock()
		return nil, ErrNone
	}
	s.nextID++
	m.Id = s.nextID
	reply := make(chan *protocol.SessionFromHost, 1)
	s.waiting[m.Id] = reply
	out, gone := s.out, s.gone
	s.mu.Unlock()
	defer s.forget(m.Id)

	select {
	case out <- m:
	case <-gone:
		return nil, ErrNone
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case a := <-reply:
		return a, nil
	case <-gone:
		return nil, ErrNone
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *Session) forget(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, id)
}

// offer passes a log record on, or counts it as dropped.
func (s *Session) offer(m *protocol.SessionFromPlugin) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out == nil {
		if len(s.queued) < maxQueued/2 {
			s.queued = append(s.queued, m)
		} else {
			s.dropped++
		}
		return
	}
	if s.dropped > 0 {
		if l := m.GetLog(); l != nil {
			l.Attrs = append(l.Attrs, dropped(s.dropped))
		}
	}
	select {
	case s.out <- m:
		s.dropped = 0
	default:
		s.dropped++
	}
}

// lease ends the session of a host that is stopped or hung: its sockets are
// open, but it no longer pings. The clock starts with the first ping, so a
// host that never pings is judged by its connection alone.
type lease struct {
	length time.Duration
	timer  *time.Timer
	expire func()
}

func newLease(expire func()) *lease { return &lease{expire: expire} }

func (l *lease) renew() {
	if l.length <= 0 {
		return
	}
	if l.timer == nil {
		l.timer = time.AfterFunc(l.length, l.expire)
		return
	}
	l.timer.Reset(l.length)
}

func (l *lease) stop() {
	if l.timer != nil {
		l.timer.Stop()
	}
}
