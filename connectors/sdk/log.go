package sdk

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
	session  *session
	instance string
	redact   func(string) string
	attrs    []*protocol.KV
	group    string
}

func newLogger(s *session, instance string, redact func(string) string) *slog.Logger {
	return slog.New(&logHandler{session: s, instance: instance, redact: redact})
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
	return append(to, &protocol.KV{K: clean(group + a.Key), V: h.clean(v.String())})
}

func (h *logHandler) clean(s string) string {
	if h.redact != nil {
		s = h.redact(s)
	}
	return clean(cut(s, maxMessage))
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

// redactor replaces the instance's secrets wherever they would leave the
// process as text. Values under four characters are too likely to be ordinary
// words.
func redactor(secrets []string) func(string) string {
	var pairs []string
	for _, s := range secrets {
		if len(s) >= 4 {
			pairs = append(pairs, s, "***")
		}
	}
	if len(pairs) == 0 {
		return func(s string) string { return s }
	}
	return strings.NewReplacer(pairs...).Replace
}
