package sdk

import (
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// session is the plugin's side of the Session stream: its lease on life, and
// the way of its log records and state requests to the host. There is at most
// one stream at a time; without one, log records wait in a bounded queue and
// state requests fail as NotConnected.
type session struct {
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

var errNoSession = &Error{
	Class: NotConnected, Code: "session.none",
	Message: "the connector has no session with the crossdock process, which keeps its state; it is starting, stopping or gone",
}

// run serves one stream until it breaks.
func (s *session) run(stream protocol.Connector_SessionServer) error {
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

// wasOpened says whether a host ever opened the session.
func (s *session) wasOpened() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

func (s *session) attach() (chan *protocol.SessionFromPlugin, chan struct{}, error) {
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

func (s *session) detach(gone chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(gone)
	s.out, s.gone, s.waiting = nil, nil, nil
}

func (s *session) send(ctx context.Context, stream protocol.Connector_SessionServer, out <-chan *protocol.SessionFromPlugin) error {
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

func (s *session) receive(ctx context.Context, stream protocol.Connector_SessionServer, out chan<- *protocol.SessionFromPlugin, l *lease) error {
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

func (s *session) setLevel(name string) {
	var l slog.Level
	if name == "" || l.UnmarshalText([]byte(name)) != nil {
		return
	}
	s.level.Set(l)
}

func (s *session) answer(m *protocol.SessionFromHost) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.waiting[m.ReplyTo]; ok {
		delete(s.waiting, m.ReplyTo)
		c <- m
	}
}

// ask sends a request and waits for its answer.
func (s *session) ask(ctx context.Context, m *protocol.SessionFromPlugin) (*protocol.SessionFromHost, error) {
	s.mu.Lock()
	if s.out == nil {
		s.mu.Unlock()
		return nil, errNoSession
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
		return nil, errNoSession
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case a := <-reply:
		if p := a.GetError(); p != nil {
			return nil, decodeProblem(p)
		}
		return a, nil
	case <-gone:
		return nil, errNoSession
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *session) forget(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.waiting, id)
}

// offer passes a log record on, or counts it as dropped.
func (s *session) offer(m *protocol.SessionFromPlugin) {
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

// decodeProblem turns the host's answer into the SDK's errors.
func decodeProblem(p *protocol.Problem) error {
	if p.Code == "state.conflict" {
		return ErrConflict
	}
	return &Error{
		Class: decodeClass(p.Class), Code: p.Code, Message: p.Message, Field: p.Field,
		RetryAfter: p.RetryAfter.AsDuration(), Detail: p.Detail,
	}
}

func decodeClass(c protocol.Problem_Class) Class {
	for _, known := range []Class{Retryable, Permanent, Throttled, Auth, BadConfig, NotConnected, Duplicate, Bug} {
		if encodeClass(known) == c {
			return known
		}
	}
	return Unclassified
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

// instanceState is the State of one instance.
type instanceState struct {
	session  *session
	instance string
}

func (s instanceState) Get(ctx context.Context, key string) ([]byte, uint64, error) {
	if err := checkKey(key); err != nil {
		return nil, 0, err
	}
	a, err := s.session.ask(ctx, &protocol.SessionFromPlugin{Msg: &protocol.SessionFromPlugin_StateGet_{
		StateGet: &protocol.SessionFromPlugin_StateGet{InstanceId: s.instance, Key: key},
	}})
	if err != nil {
		return nil, 0, err
	}
	return a.GetState().GetValue(), a.GetState().GetRev(), nil
}

func (s instanceState) CompareAndSet(ctx context.Context, key string, value []byte, rev uint64) (uint64, error) {
	if err := checkKey(key); err != nil {
		return 0, err
	}
	a, err := s.session.ask(ctx, &protocol.SessionFromPlugin{Msg: &protocol.SessionFromPlugin_StatePut_{
		StatePut: &protocol.SessionFromPlugin_StatePut{InstanceId: s.instance, Key: key, Value: value, IfRev: rev},
	}})
	if err != nil {
		return 0, err
	}
	return a.GetState().GetRev(), nil
}

func (s instanceState) Next(ctx context.Context, sequence, bind string) (uint64, error) {
	if err := checkKey(sequence); err != nil {
		return 0, err
	}
	a, err := s.session.ask(ctx, &protocol.SessionFromPlugin{Msg: &protocol.SessionFromPlugin_SequenceNext_{
		SequenceNext: &protocol.SessionFromPlugin_SequenceNext{InstanceId: s.instance, Name: sequence, Bind: bind},
	}})
	if err != nil {
		return 0, err
	}
	return a.GetSequence().GetValue(), nil
}

func checkKey(key string) error {
	if key == "" || clean(key) != key {
		return Fail(Bug, "state.key", errors.New("a state key or sequence name must be non-empty UTF-8"))
	}
	return nil
}
