package host

import (
	"strings"
	"testing"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// A connector reads and writes what its own instances remember, and not the
// positions and control numbers of others.
func TestStateOfOthersIsRefused(t *testing.T) {
	r := newRig(t, nil)
	c := &connector{h: r.Host, name: "sample"}
	p := c.newProcess(nil, 0, nil)
	p.open["s.in"] = &opened{}
	s := &session{p: p}
	for _, id := range []string{"s.in", "other.in"} {
		for _, m := range []*protocol.SessionFromPlugin{
			{Msg: &protocol.SessionFromPlugin_StateGet_{StateGet: &protocol.SessionFromPlugin_StateGet{InstanceId: id, Key: "k"}}},
			{Msg: &protocol.SessionFromPlugin_StatePut_{StatePut: &protocol.SessionFromPlugin_StatePut{InstanceId: id, Key: "k", Value: []byte("v")}}},
			{Msg: &protocol.SessionFromPlugin_SequenceNext_{SequenceNext: &protocol.SessionFromPlugin_SequenceNext{InstanceId: id, Name: "n"}}},
		} {
			err := s.fill(t.Context(), m, &protocol.SessionFromHost{})
			if own := id == "s.in"; own != (err == nil) || !own && !strings.Contains(err.Error(), "other.in") {
				t.Errorf("%T of %s: %v", m.GetMsg(), id, err)
			}
		}
	}
}
