package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// LogOptions configure the logger.
type LogOptions struct {
	Level   string   // debug, info, warn or error; empty means info
	Format  string   // text or json; empty means text
	Secrets *Secrets // values that must not appear; nil means none
}

// NewLogger makes a logger that writes to w. Secret values are replaced in messages, attribute values (at any depth,
// whatever their type) and attributes whose name says that they are secret, such as "password".
func NewLogger(w io.Writer, opts LogOptions) (*slog.Logger, error) {
	var level slog.Level
	switch opts.Level {
	case "":
	case "debug", "info", "warn", "error":
		if err := level.UnmarshalText([]byte(opts.Level)); err != nil {
			return nil, fmt.Errorf("telemetry: log level: %w", err)
		}
	default:
		return nil, fmt.Errorf("telemetry: log level %q is unknown: use debug, info, warn or error", opts.Level)
	}
	settings := &slog.HandlerOptions{Level: level}
	var handler slog.Handler
	switch opts.Format {
	case "", "text":
		handler = slog.NewTextHandler(w, settings)
	case "json":
		handler = slog.NewJSONHandler(w, settings)
	default:
		return nil, fmt.Errorf("telemetry: log format %q is unknown: use text or json", opts.Format)
	}
	secrets := opts.Secrets
	if secrets == nil {
		secrets = new(Secrets)
	}
	return slog.New(redacting{handler, secrets}), nil
}

// Redacted stands in logs where a secret value was.
const Redacted = "[redacted]"

// minSecret is the length below which a value is not searched for: it would be found in ordinary words.
const minSecret = 4

// Secrets is the set of values that must not appear in logs. The zero value is empty and ready; all methods may be
// called from several goroutines.
type Secrets struct {
	mu       sync.Mutex
	values   map[string]bool
	replacer atomic.Pointer[strings.Replacer]
}

// Add adds values, also in the forms they take inside a URL or a JSON string. Values under 4 bytes are not searched for.
func (s *Secrets) Add(values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values == nil {
		s.values = map[string]bool{}
	}
	for _, v := range values {
		v = strings.TrimSpace(v)
		forms := []string{v, url.QueryEscape(v), url.PathEscape(v), url.UserPassword("u", v).String()[2:]}
		if quoted, err := asJSON(v); err == nil {
			forms = append(forms, quoted[1:len(quoted)-1])
		}
		for _, form := range forms {
			if len(form) >= minSecret {
				s.values[form] = true
			}
		}
	}
	// Longer values first: one may contain another.
	all := make([]string, 0, len(s.values))
	for v := range s.values {
		all = append(all, v)
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(all))
	for _, v := range all {
		pairs = append(pairs, v, Redacted)
	}
	s.replacer.Store(strings.NewReplacer(pairs...))
}

// Redact returns text with every secret value replaced.
func (s *Secrets) Redact(text string) string {
	if s == nil {
		return text
	}
	if r := s.replacer.Load(); r != nil {
		return r.Replace(text)
	}
	return text
}

// redacting is a slog.Handler that replaces secrets before another handler formats the record.
type redacting struct {
	next    slog.Handler
	secrets *Secrets
}

func (h redacting) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h redacting) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, r.Level, h.secrets.Redact(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		clean.AddAttrs(h.attr(a))
		return true
	})
	return h.next.Handle(ctx, clean)
}

func (h redacting) WithAttrs(attrs []slog.Attr) slog.Handler {
	clean := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		clean[i] = h.attr(a)
	}
	return redacting{h.next.WithAttrs(clean), h.secrets}
}

func (h redacting) WithGroup(name string) slog.Handler {
	return redacting{h.next.WithGroup(name), h.secrets}
}

func (h redacting) attr(a slog.Attr) slog.Attr {
	if isSecretName(a.Key) {
		return slog.String(a.Key, Redacted)
	}
	value := a.Value.Resolve()
	switch value.Kind() {
	case slog.KindGroup:
		clean := make([]slog.Attr, len(value.Group()))
		for i, member := range value.Group() {
			clean[i] = h.attr(member)
		}
		return slog.Attr{Key: a.Key, Value: slog.GroupValue(clean...)}
	case slog.KindString:
		return slog.String(a.Key, h.secrets.Redact(value.String()))
	case slog.KindAny:
		return slog.Attr{Key: a.Key, Value: h.any(value)}
	default:
		return slog.Attr{Key: a.Key, Value: value}
	}
}

// any keeps a value as it is unless one of the forms a handler may print holds a secret; then it becomes text.
func (h redacting) any(value slog.Value) slog.Value {
	var forms []string
	switch v := value.Any().(type) {
	case []byte:
		forms = []string{string(v)}
	case error, fmt.Stringer:
		forms = []string{fmt.Sprint(v)}
	default:
		forms = []string{fmt.Sprintf("%+v", v)}
		if text, err := asJSON(v); err == nil {
			forms = append(forms, text)
		}
	}
	for _, text := range forms {
		if clean := h.secrets.Redact(text); clean != text {
			return slog.StringValue(clean)
		}
	}
	return value
}

// asJSON formats like slog's JSON handler, which leaves '<', '>' and '&' alone.
func asJSON(v any) (string, error) {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return strings.TrimSpace(b.String()), err
}

// isSecretName recognises attributes whose value must not be shown even if it is not in the set.
func isSecretName(name string) bool {
	switch strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(name)) {
	case "password", "passwd", "passphrase", "secret", "clientsecret", "token", "accesstoken", "refreshtoken",
		"apikey", "authorization", "privatekey", "credentials":
		return true
	}
	return false
}
