package telemetry

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

type credentials struct {
	User string
	Pass *string
}

func TestSecretsAreRedacted(t *testing.T) {
	secret := `s3cr&t/pass "word\`
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			var out bytes.Buffer
			secrets := &Secrets{}
			log, err := NewLogger(&out, LogOptions{Format: format, Level: "debug", Secrets: secrets})
			if err != nil {
				t.Fatal(err)
			}
			early := log.With("connection", "erp")
			secrets.Add(secret, "abc")
			early.Info("connect with " + secret)
			early.Info("attribute", "dsn", "postgres://u:"+secret+"@host")
			early.Info("in a URL", "url", "https://h/?p=s3cr%26t%2Fpass+%22word%5C", "path", "s3cr&t%2Fpass%20%22word%5C")
			early.Info("error", "error", fmt.Errorf("login: %w", errors.New("bad password "+secret)))
			early.Info("bytes", "body", []byte("x "+secret))
			early.Info("struct", "config", credentials{"u", &secret})
			early.Info("map", "config", map[string]any{"pass": secret})
			early.Info("group", slog.Group("sftp", slog.String("pass", secret), slog.Group("deep", slog.Any("v", []string{secret}))))
			log.With("dsn", secret).WithGroup("g").Debug("with", "dsn", secret)
			log.Info("by name", "Api-Key", "unregistered-value", "token", 12345)
			log.Info("short values are words", "word", "abcdef")
			got := out.String()
			for _, leak := range []string{secret, "s3cr", "unregistered-value", "12345"} {
				if strings.Contains(got, leak) {
					t.Errorf("the log shows %q:\n%s", leak, got)
				}
			}
			if !strings.Contains(got, "abcdef") || strings.Count(got, "\n") != 11 || !strings.Contains(got, "bad password "+Redacted) {
				t.Errorf("unexpected log:\n%s", got)
			}
		})
	}
}

func TestLoggerOptions(t *testing.T) {
	var out bytes.Buffer
	log, err := NewLogger(&out, LogOptions{Level: "warn", Format: "json"})
	if err != nil {
		t.Fatal(err)
	}
	log.Info("quiet")
	log.Warn("loud", "n", 1)
	if got := out.String(); !strings.Contains(got, `"level":"WARN","msg":"loud","n":1`) || strings.Contains(got, "quiet") {
		t.Errorf("log %s", got)
	}
	for _, opts := range []LogOptions{{Level: "loud"}, {Format: "xml"}} {
		if _, err := NewLogger(&out, opts); err == nil || !strings.Contains(err.Error(), "unknown: use ") {
			t.Errorf("options %+v: error %v, want one that lists what is possible", opts, err)
		}
	}
}
