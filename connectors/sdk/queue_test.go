package sdk

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// A record that cannot be passed on is acknowledged with its batch, so that the
// core must get all of it: for a webhook there is no other copy.
func TestSetAsideRecordsAreKeptWhole(t *testing.T) {
	payload := bytes.Repeat([]byte("x"), 4<<20)
	var q queue
	q.add(Batch{Records: []Record{{Payload: payload}, {ID: "2", Payload: []byte("fine")}, {ID: "\xff", Payload: payload}}}, slog.New(slog.DiscardHandler))
	kept := 0
	for limits := (BatchLimits{}).withDefaults(); !q.empty(); {
		m, _ := q.take(limits)
		for _, u := range m.GetUnreadable() {
			kept++
			if !bytes.Equal(u.GetContent(), payload) {
				t.Errorf("%d of %d bytes are kept", len(u.GetContent()), len(payload))
			}
		}
	}
	if kept != 2 {
		t.Errorf("%d records were set aside", kept)
	}
}

// What is larger than anything that passes is cut, and says so.
func TestCutContentSaysSo(t *testing.T) {
	u := encodeUnreadable(&Unreadable{ID: "1", Err: Failf(Permanent, "file.size", "too large"), Content: make([]byte, protocol.MaxRecordBytes+1)}, nil)
	if len(u.GetContent()) != protocol.MaxRecordBytes || !strings.Contains(u.GetProblem().GetMessage(), "too large") || !strings.Contains(u.GetProblem().GetMessage(), "of 33554433 bytes") {
		t.Errorf("%d bytes, %s", len(u.GetContent()), u.GetProblem().GetMessage())
	}
}

// Reasons become dead letters, which many people read: secrets stay out of those
// of unreadable inputs as out of all other errors.
func TestSecretsStayOutOfReasons(t *testing.T) {
	r := newRig(t, Connector[secretConfig]{
		Spec: Spec{Name: "test", Version: "1", Summary: "test"},
		Source: func(_ context.Context, cfg secretConfig, _ []byte, _ Env) (Source, error) {
			bad := Unreadable{ID: "u1", Err: Failf(Permanent, "test.row", "refused with %s", cfg.Token), Content: []byte("x")}
			return &script{read: batches(io.EOF, Batch{Unreadable: []Unreadable{bad}})}, nil
		},
	})
	cfg, err := structpb.NewStruct(map[string]any{"token": "hunter22"})
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := r.client.Open(t.Context(), &protocol.OpenRequest{InstanceId: "a.b", Role: "source", Config: cfg}); err != nil || len(resp.Diagnostics) > 0 {
		t.Fatal(err, resp)
	}
	m := r.next(r.read(1, 0, 0))
	if got := m.GetUnreadable()[0].GetProblem().GetMessage(); got != "refused with ***" {
		t.Errorf("the reason is %q", got)
	}
}
