package conformance

import (
	"time"

	"github.com/crossdock/crossdock/plugins/protocol"
)

func processChecks() []check {
	return []check{
		{name: "session/ping", run: sessionPing},
		{name: "session/logs well formed", run: sessionLogs},
		{name: "session/second is refused", run: sessionSecond},
		{name: "process/ends with its session", needs: needsProcess, run: processEnds},
		{name: "process/restarts", needs: needsProcess, run: processRestarts},
	}
}

func sessionPing(h *host) {
	for n := uint64(1); n <= 3; n++ {
		if err := h.session.send(&protocol.SessionFromHost{Msg: &protocol.SessionFromHost_Ping_{Ping: &protocol.SessionFromHost_Ping{T: n}}}); err != nil {
			h.t.Fatalf("sending a ping: %v", err)
		}
		select {
		case got := <-h.session.pongs:
			if got != n {
				h.t.Errorf("ping %d was answered by pong %d", n, got)
			}
		case <-time.After(h.wait):
			h.t.Fatalf("ping %d was not answered", n)
		}
	}
}

func sessionLogs(h *host) {
	role, cfg := h.anyRole()
	h.open(instanceID, role, cfg)
	_, _ = h.check(instanceID)
	h.close(instanceID)
	for _, l := range h.session.logged() {
		switch l.Level {
		case "debug", "info", "warn", "error":
		default:
			h.t.Errorf("a log record has the level %q; use debug, info, warn or error", l.Level)
		}
		if l.Message == "" {
			h.t.Error("a log record has no message")
		}
	}
}

func sessionSecond(h *host) {
	sessionPing(h) // the first one is established
	ctx, cancel := h.context()
	defer cancel()
	stream, err := h.client.Session(ctx)
	if err == nil {
		_, err = stream.Recv()
	}
	if err == nil || ctx.Err() != nil {
		h.t.Error("a second session was accepted beside the first; a plugin serves one host")
	}
	sessionPing(h)
}

func processEnds(h *host) {
	role, cfg := h.anyRole()
	h.open(instanceID, role, cfg)
	h.session.cancel()
	h.until("the plugin process ended after its session broke", h.exited)
}

// processRestarts kills the process without warning and starts another.
func processRestarts(h *host) {
	role, cfg := h.anyRole()
	h.open(instanceID, role, cfg)
	h.cut()
	h2 := h.world.start(h.t)
	h2.open(instanceID, role, cfg)
	if _, err := h2.check(instanceID); err != nil {
		h.t.Errorf("Check after a kill and a restart: %v", err)
	}
}
