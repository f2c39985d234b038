package sdk

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

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
	u := encodeUnreadable(&Unreadable{ID: "1", Err: Failf(Permanent, "file.size", "too large"), Content: make([]byte, protocol.MaxRecordBytes+1)})
	if len(u.GetContent()) != protocol.MaxRecordBytes || !strings.Contains(u.GetProblem().GetMessage(), "too large") || !strings.Contains(u.GetProblem().GetMessage(), "of 33554433 bytes") {
		t.Errorf("%d bytes, %s", len(u.GetContent()), u.GetProblem().GetMessage())
	}
}
