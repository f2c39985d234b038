package conformance

import (
	"context"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// hostSession answers the plugin as the core does.
type hostSession struct {
	stream protocol.Connector_SessionClient
	cancel context.CancelFunc
	pongs  chan uint64
	sendMu sync.Mutex
	mu     sync.Mutex
	logs   []*protocol.SessionFromPlugin_Log
	ended  chan struct{}
}

// The first heartbeat, and how long its answer may take.
const (
	firstPing   = 1 << 32
	firstAnswer = 20 * time.Second
)

func openSession(t testing.TB, client protocol.ConnectorClient, store *store) *hostSession {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := client.Session(ctx)
	if err == nil {
		err = stream.Send(&protocol.SessionFromHost{Msg: &protocol.SessionFromHost_Hello_{Hello: &protocol.SessionFromHost_Hello{
			HostVersion: "conformance", ProtocolMinor: protocol.Minor, RunId: "conformance",
			Lease: durationpb.New(time.Minute), LogLevel: "debug",
		}}})
	}
	if err != nil {
		cancel()
		t.Fatalf("opening the session: %v", err)
	}
	s := &hostSession{stream: stream, cancel: cancel, pongs: make(chan uint64, 16), ended: make(chan struct{})}
	go s.serve(store)
	t.Cleanup(cancel)
	// As the core does: nothing else before the plugin answered a heartbeat.
	if err := s.send(&protocol.SessionFromHost{Msg: &protocol.SessionFromHost_Ping_{Ping: &protocol.SessionFromHost_Ping{T: firstPing}}}); err != nil {
		t.Fatalf("sending the first heartbeat: %v", err)
	}
	select {
	case <-s.pongs:
	case <-s.ended:
		t.Fatal("the session ended before the first heartbeat was answered")
	case <-time.After(firstAnswer):
		t.Fatalf("the first heartbeat was not answered within %v", firstAnswer)
	}
	return s
}

func (s *hostSession) serve(store *store) {
	defer close(s.ended)
	for {
		m, err := s.stream.Recv()
		if err != nil {
			return
		}
		switch v := m.Msg.(type) {
		case *protocol.SessionFromPlugin_Pong_:
			select {
			case s.pongs <- v.Pong.T:
			default:
			}
		case *protocol.SessionFromPlugin_Log_:
			s.mu.Lock()
			s.logs = append(s.logs, v.Log)
			s.mu.Unlock()
		default:
			if reply := store.answer(m); reply != nil {
				reply.ReplyTo = m.Id
				if s.send(reply) != nil {
					return
				}
			}
		}
	}
}

func (s *hostSession) send(m *protocol.SessionFromHost) error {
	s.sendMu.Lock()
	defer s.sendMu.Unlock()
	return s.stream.Send(m)
}

func (s *hostSession) logged() []*protocol.SessionFromPlugin_Log {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*protocol.SessionFromPlugin_Log(nil), s.logs...)
}

// store keeps state and sequences as the ledger does.
type store struct {
	mu     sync.Mutex
	values map[string]value
	next   map[string]uint64
	bound  map[string]uint64
}

type value struct {
	data []byte
	rev  uint64
}

func newStore() *store {
	return &store{values: map[string]value{}, next: map[string]uint64{}, bound: map[string]uint64{}}
}

func (s *store) answer(m *protocol.SessionFromPlugin) *protocol.SessionFromHost {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch v := m.Msg.(type) {
	case *protocol.SessionFromPlugin_StateGet_:
		at := s.values[v.StateGet.InstanceId+"\x00"+v.StateGet.Key]
		return stateReply(v.StateGet.Key, at)
	case *protocol.SessionFromPlugin_StatePut_:
		return s.put(v.StatePut)
	case *protocol.SessionFromPlugin_SequenceNext_:
		name := v.SequenceNext.InstanceId + "\x00" + v.SequenceNext.Name
		bind := name + "\x00" + v.SequenceNext.Bind
		n, ok := s.bound[bind]
		if !ok {
			s.next[name]++
			n = s.next[name]
			s.bound[bind] = n
		}
		return &protocol.SessionFromHost{Msg: &protocol.SessionFromHost_Sequence{Sequence: &protocol.SessionFromHost_SequenceValue{Value: n}}}
	}
	return nil
}

func (s *store) put(p *protocol.SessionFromPlugin_StatePut) *protocol.SessionFromHost {
	key := p.InstanceId + "\x00" + p.Key
	at := s.values[key]
	if at.rev != p.IfRev {
		return &protocol.SessionFromHost{Msg: &protocol.SessionFromHost_Error{Error: &protocol.Problem{
			Class: protocol.Problem_RETRYABLE, Code: "state.conflict", Message: "the key was changed by another writer",
		}}}
	}
	if p.Value == nil {
		delete(s.values, key)
		return stateReply(p.Key, value{})
	}
	at = value{data: p.Value, rev: at.rev + 1}
	s.values[key] = at
	return stateReply(p.Key, at)
}

func stateReply(key string, v value) *protocol.SessionFromHost {
	return &protocol.SessionFromHost{Msg: &protocol.SessionFromHost_State{State: &protocol.SessionFromHost_StateValue{Key: key, Value: v.data, Rev: v.rev}}}
}
