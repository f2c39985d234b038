package sdk

import (
	"context"
	"errors"

	"github.com/crossdock/crossdock/connectors/sdk/internal/session"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// instanceState is the State of one instance.
type instanceState struct {
	session  *session.Session
	instance string
}

func (s instanceState) Get(ctx context.Context, key string) ([]byte, uint64, error) {
	if err := checkKey(key); err != nil {
		return nil, 0, err
	}
	a, err := s.ask(ctx, &protocol.SessionFromPlugin{Msg: &protocol.SessionFromPlugin_StateGet_{
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
	a, err := s.ask(ctx, &protocol.SessionFromPlugin{Msg: &protocol.SessionFromPlugin_StatePut_{
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
	a, err := s.ask(ctx, &protocol.SessionFromPlugin{Msg: &protocol.SessionFromPlugin_SequenceNext_{
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

func (s instanceState) ask(ctx context.Context, m *protocol.SessionFromPlugin) (*protocol.SessionFromHost, error) {
	a, err := s.session.Ask(ctx, m)
	if errors.Is(err, session.ErrNone) {
		return nil, &Error{Class: NotConnected, Code: "session.none", Message: err.Error()}
	}
	if p := a.GetError(); p != nil {
		return nil, decodeProblem(p)
	}
	return a, err
}
