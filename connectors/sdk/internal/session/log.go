package session

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/crossdock/crossdock/plugins/protocol"
)

// logHandler sends log records to the host over the session.
type logHandler struct {
	session  *Session
	instance string
	clean    func(string) string
	attrs    []*protocol.KV
	group    string
}

// Logger returns a logger whose records go to the host with an instance's name,
// or with none for the process itself. clean makes messages and values fit to
// leave the process: valid UTF-8, of bounded length, without secrets. Logging
// never blocks.
func (s *Session) Logger(instance string, clean func(string) string) *slog.Logger {
	return slog.New(&logHandler{session: s, instance: instance, clean: clean})
}

func (h *logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.session.level.Level()
}

func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	l := &protocol.SessionFromPlugin_Log{
		Level:      levelName(r.Level),
		Message:    h.clean(r.Message),
		InstanceId: h.instance,
		T:          uint64(r.Time.UnixNano()),
		Attrs:      append([]*protocol.KV(nil), h.attrs...),
	}
	if r.Time.IsZero() {
		l.T = uint64(time.Now().UnixNano())
	}
	r.Attrs(func(a slog.Attr) bool {
		l.Attrs = h.append(l.Attrs, h.group, a)
		return true
	})
	h.session.offer(&protocol.SessionFromPlugin{Msg: &protocol.SessionFromPlugin_Log_{Log: l}})
	return nil
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = append([]*protocol.KV(nil), h.attrs...)
	for _, a := range attrs {
		c.attrs = h.append(c.attrs, h.group, a)
	}
	return &c
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	c := *h
	if name != "" {
		c.group = h.group + name + "."
	}
	return &c
}

func (h *logHandler) append(to []*protocol.KV, group string, a slog.Attr) []*protocol.KV {
	v := a.Value.Resolve()
	if v.Kind() == slog.KindGroup {
		if a.Key != "" {
			group += a.Key + "."
		}
		for _, inner := range v.Group() {
			to = h.append(to, group, inner)
		}
		return to
	}
	if a.Equal(slog.Attr{}) {
		return to
	}
	return append(to, &protocol.KV{K: strings.ToValidUTF8(group+a.Key, "\uFFFD"), V: h.clean(v.String())})
}

// levelName is the nearest of the protocol's four levels.
func levelName(l slog.Level) string {
	switch {
	case l < slog.LevelInfo:
		return "debug"
	case l < slog.LevelWarn:
		return "info"
	case l < slog.LevelError:
		return "warn"
	default:
		return "error"
	}
}

func dropped(n int) *protocol.KV {
	return &protocol.KV{K: "log_records_dropped", V: strconv.Itoa(n)}
}
