package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// session is the host's end of the lease: it sends heartbeats, answers the
// plugin's requests for state, and passes its logs on. When it ends, the
// process is given up.
type session struct {
	p      *process
	stream protocol.Connector_SessionClient
	cancel context.CancelFunc
	sendMu sync.Mutex
	silent atomic.Int32 // heartbeats since the last answer
}

// openSession opens the session and returns once the plugin answered the first
// heartbeat.
func (p *process) openSession(ctx context.Context) error {
	life, cancel := context.WithCancel(context.Background())
	stream, err := p.client.Session(life)
	if err != nil {
		cancel()
		return fmt.Errorf("opening the session: %w", err)
	}
	s := &session{p: p, stream: stream, cancel: cancel}
	p.sess = s
	ping := p.c.h.o.Deadlines.Ping
	lease := 3 * ping
	if p.pid == 0 {
		lease = 0 // a debugger may stop us for as long as it likes
	}
	hello := &protocol.SessionFromHost_Hello{
		HostVersion: p.c.h.o.Version, ProtocolMinor: protocol.Minor, RunId: p.c.h.o.RunID,
		Lease: durationpb.New(lease), LogLevel: level(p.c.log),
	}
	if err := s.send(&protocol.SessionFromHost{Msg: &protocol.SessionFromHost_Hello_{Hello: hello}}); err != nil {
		cancel()
		return fmt.Errorf("opening the session: %w", err)
	}
	first := make(chan struct{})
	go s.receive(first)
	if err := s.ping(); err != nil {
		cancel()
		return fmt.Errorf("opening the session: %w", err)
	}
	select {
	case <-first:
	case <-p.dead:
		cancel()
		return p.cause()
	case <-ctx.Done():
		cancel()
		return errors.New("it does not answer the first heartbeat")
	}
	go s.beat(life, ping)
	return nil
}

func level(log *slog.Logger) string {
	for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn} {
		if log.Enabled(context.Background(), l) {
			return map[slog.Level]string{slog.LevelDebug: "debug", slog.LevelInfo: "info", slog.LevelWarn: "warn"}[l]
		}
	}
	return "error"
}

func (s *session) stop() { s.cancel() }

func (s *session) send(m *protocol.SessionFromHost) error {
	s.sendMu.Lock()
	defer s.sendMu.Unlock()
	return s.stream.Send(m)
}

func (s *session) ping() error {
	return s.send(&protocol.SessionFromHost{Msg: &protocol.SessionFromHost_Ping_{Ping: &protocol.SessionFromHost_Ping{T: uint64(time.Now().UnixNano())}}})
}

// beat sends heartbeats and gives the process up when they are not answered.
func (s *session) beat(ctx context.Context, deadline time.Duration) {
	// Beats are counted, not clock time: a machine that slept is no hang.
	const beats = 4
	tick := time.NewTicker(deadline / beats)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s.silent.Add(1) > beats+1 && s.p.pid > 0 {
			kill(s.p.pid) // it may be stopped; asking would wait for ever
			s.p.finish(fmt.Errorf("no heartbeat for %s", deadline), true)
			return
		}
		// Send blocks when the plugin does not read; the heartbeat must not.
		go func() { _ = s.ping() }() // a broken stream is noticed by receive
	}
}

// receive handles what the plugin sends until the stream ends.
func (s *session) receive(first chan struct{}) {
	answered := false
	for {
		m, err := s.stream.Recv()
		if err != nil {
			if !answered {
				s.p.mu.Lock()
				s.p.why = err
				s.p.mu.Unlock()
			}
			s.p.crash(fmt.Errorf("the session ended: %w", err))
			return
		}
		switch v := m.GetMsg().(type) {
		case *protocol.SessionFromPlugin_Pong_:
			s.silent.Store(0)
			if !answered {
				answered = true
				close(first)
			}
		case *protocol.SessionFromPlugin_Log_:
			s.log(v.Log)
		case *protocol.SessionFromPlugin_Metric_:
		default:
			go s.answer(m)
		}
	}
}

func (s *session) log(l *protocol.SessionFromPlugin_Log) {
	levels := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}
	attrs := make([]slog.Attr, 0, len(l.GetAttrs())+1)
	if l.GetInstanceId() != "" {
		attrs = append(attrs, slog.String("instance", l.GetInstanceId()))
	}
	for _, kv := range l.GetAttrs() {
		attrs = append(attrs, slog.String(kv.GetK(), kv.GetV()))
	}
	s.p.c.log.LogAttrs(context.Background(), levels[l.GetLevel()], l.GetMessage(), attrs...)
}

// answer answers one request for state or a sequence.
func (s *session) answer(m *protocol.SessionFromPlugin) {
	reply := &protocol.SessionFromHost{ReplyTo: m.GetId()}
	ctx, cancel := context.WithTimeout(s.stream.Context(), s.p.c.h.o.Deadlines.Call)
	defer cancel()
	if err := s.fill(ctx, m, reply); err != nil {
		p := &protocol.Problem{Class: protocol.Problem_RETRYABLE, Code: "state.failed", Message: err.Error()}
		if errors.Is(err, ErrConflict) {
			p.Code = "state.conflict"
		}
		reply.Msg = &protocol.SessionFromHost_Error{Error: p}
	}
	if err := s.send(reply); err != nil {
		s.p.c.log.Debug("answering a connector", "error", err)
	}
}

func (s *session) fill(ctx context.Context, m *protocol.SessionFromPlugin, reply *protocol.SessionFromHost) error {
	store := s.p.c.h.o.State
	if store == nil {
		return errors.New("this host keeps no state for connectors")
	}
	if id, known := asksFor(m); known && !s.p.holds(id) {
		return fmt.Errorf("the instance %q is not open in this connector", id)
	}
	switch v := m.GetMsg().(type) {
	case *protocol.SessionFromPlugin_StateGet_:
		value, rev, err := store.StateGet(ctx, v.StateGet.GetInstanceId(), v.StateGet.GetKey())
		if err != nil {
			return err
		}
		reply.Msg = &protocol.SessionFromHost_State{State: &protocol.SessionFromHost_StateValue{Key: v.StateGet.GetKey(), Value: value, Rev: rev}}
	case *protocol.SessionFromPlugin_StatePut_:
		rev, err := store.StatePut(ctx, v.StatePut.GetInstanceId(), v.StatePut.GetKey(), v.StatePut.GetValue(), v.StatePut.GetIfRev())
		if err != nil {
			return err
		}
		reply.Msg = &protocol.SessionFromHost_State{State: &protocol.SessionFromHost_StateValue{Key: v.StatePut.GetKey(), Rev: rev}}
	case *protocol.SessionFromPlugin_SequenceNext_:
		n, err := store.SequenceNext(ctx, v.SequenceNext.GetInstanceId(), v.SequenceNext.GetName(), v.SequenceNext.GetBind())
		if err != nil {
			return err
		}
		reply.Msg = &protocol.SessionFromHost_Sequence{Sequence: &protocol.SessionFromHost_SequenceValue{Value: n}}
	default:
		return fmt.Errorf("the request %T is not known to this host", v)
	}
	return nil
}

// asksFor is the instance whose state is asked for.
func asksFor(m *protocol.SessionFromPlugin) (instance string, known bool) {
	switch v := m.GetMsg().(type) {
	case *protocol.SessionFromPlugin_StateGet_:
		return v.StateGet.GetInstanceId(), true
	case *protocol.SessionFromPlugin_StatePut_:
		return v.StatePut.GetInstanceId(), true
	case *protocol.SessionFromPlugin_SequenceNext_:
		return v.SequenceNext.GetInstanceId(), true
	}
	return "", false
}

// holds reports whether an instance is open in the process: what others remember
// is not its business.
func (p *process) holds(id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open[id] != nil
}
