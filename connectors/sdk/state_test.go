package sdk

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/crossdock/crossdock/plugins/protocol"
)

type secretConfig struct {
	Token string `json:"token" secret:"true"`
}

// instanceOf opens a sink and returns what the SDK gave it.
func instanceOf(t *testing.T) (*rig, Env) {
	t.Helper()
	var env Env
	r := newRig(t, Connector[secretConfig]{
		Spec: Spec{Name: "test", Version: "1", Summary: "test"},
		Sink: func(_ context.Context, cfg secretConfig, e Env) (Sink, error) {
			env = e
			return sinkFunc(func(_ context.Context, recs []Record) []Result {
				return All(len(recs), Failf(Auth, "http.401", "token %s was refused", cfg.Token))
			}), nil
		},
	})
	cfg, err := structpb.NewStruct(map[string]any{"token": "hunter22"})
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := r.client.Open(t.Context(), &protocol.OpenRequest{InstanceId: "a.b", Role: "sink", Config: cfg}); err != nil || len(resp.Diagnostics) > 0 {
		t.Fatal(err, resp)
	}
	return r, env
}

func (r *rig) reply(to uint64, m *protocol.SessionFromHost) {
	r.t.Helper()
	m.ReplyTo = to
	if err := r.session.Send(m); err != nil {
		r.t.Fatal(err)
	}
}

func TestState(t *testing.T) {
	r, env := instanceOf(t)
	go func() {
		get := <-r.sent
		if g := get.GetStateGet(); g.GetInstanceId() != "a.b" || g.GetKey() != "mark" {
			t.Errorf("asked for %v", get)
		}
		r.reply(get.Id, &protocol.SessionFromHost{Msg: &protocol.SessionFromHost_State{State: &protocol.SessionFromHost_StateValue{Value: []byte("v"), Rev: 4}}})
		put := <-r.sent
		if p := put.GetStatePut(); p.GetIfRev() != 4 || string(p.GetValue()) != "w" {
			t.Errorf("put %v", put)
		}
		r.reply(put.Id, &protocol.SessionFromHost{Msg: &protocol.SessionFromHost_Error{Error: &protocol.Problem{Code: "state.conflict"}}})
		next := <-r.sent
		if n := next.GetSequenceNext(); n.GetName() != "isa" || n.GetBind() != "m1" {
			t.Errorf("sequence %v", next)
		}
		r.reply(next.Id, &protocol.SessionFromHost{Msg: &protocol.SessionFromHost_Sequence{Sequence: &protocol.SessionFromHost_SequenceValue{Value: 42}}})
	}()
	ctx := t.Context()
	if v, rev, err := env.State.Get(ctx, "mark"); err != nil || string(v) != "v" || rev != 4 {
		t.Errorf("Get: %q %d %v", v, rev, err)
	}
	if _, err := env.State.CompareAndSet(ctx, "mark", []byte("w"), 4); !errors.Is(err, ErrConflict) {
		t.Errorf("CompareAndSet: %v, expected ErrConflict", err)
	}
	if n, err := env.State.Next(ctx, "isa", "m1"); err != nil || n != 42 {
		t.Errorf("Next: %d %v", n, err)
	}
	if _, _, err := env.State.Get(ctx, ""); err == nil {
		t.Error("an empty key was accepted")
	}
}

// Who asks for state while the host goes away is told, and does not hang.
func TestStateWithoutHost(t *testing.T) {
	r, env := instanceOf(t)
	result := make(chan error, 1)
	go func() {
		_, _, err := env.State.Get(context.Background(), "mark")
		result <- err
	}()
	<-r.sent
	r.cut()
	var e *Error
	if err := <-result; !errors.As(err, &e) || e.Class != NotConnected {
		t.Errorf("Get during the loss of the host: %v", err)
	}
	if _, _, err := env.State.Get(context.Background(), "mark"); !errors.As(err, &e) || e.Class != NotConnected {
		t.Errorf("Get after the loss of the host: %v", err)
	}
}

// Secrets do not leave the process, neither in logs nor in errors.
func TestSecretsAreRemoved(t *testing.T) {
	r, env := instanceOf(t)
	env.Log.With("header", "Bearer hunter22").WithGroup("http").Warn("refused hunter22", slog.Group("req", "url", "https://x/?t=hunter22"))
	r.eventually("the log record arrives", func() bool {
		return r.logged("warn a.b refused *** header=Bearer *** http.req.url=https://x/?t=***")
	})
	s := r.write()
	if err := sendBatch(s, data(1, "a")); err != nil {
		t.Fatal(err)
	}
	a, err := s.Recv()
	if err != nil || a.Failures[0].Problem.Message != "token *** was refused" {
		t.Errorf("acknowledged %v, %v", a, err)
	}
}

func TestLogLevel(t *testing.T) {
	r, env := instanceOf(t)
	r.reply(0, &protocol.SessionFromHost{Msg: &protocol.SessionFromHost_LogLevel_{LogLevel: &protocol.SessionFromHost_LogLevel{Level: "warn"}}})
	r.eventually("the level is set", func() bool { return !env.Log.Enabled(t.Context(), slog.LevelInfo) })
	env.Log.Info("not this")
	env.Log.Error("but this")
	r.eventually("the error arrives", func() bool { return r.logged("but this") })
	if r.logged("not this") {
		t.Error("a record below the level arrived")
	}
}
