package rest

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/crossdock/crossdock/connectors/httpexchange"
	"github.com/crossdock/crossdock/connectors/rest/internal/template"
	"github.com/crossdock/crossdock/connectors/sdk"
)

func timed(name string, f func() error) sdk.Step {
	start := time.Now()
	err := f()
	return sdk.Step{Name: name, Err: err, Took: time.Since(start)}
}

func failed(steps []sdk.Step) bool { return len(steps) > 0 && steps[len(steps)-1].Err != nil }

// reach takes the way to an address step by step: name, connection, TLS, and the
// token where there is one.
func (c *client) reach(ctx context.Context, address string) []sdk.Step {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	u, err := url.Parse(address)
	if err != nil {
		return []sdk.Step{{Name: "resolve", Err: sdk.Failf(sdk.BadConfig, "rest.address", "%s is no address", httpexchange.Address(address))}}
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	steps := []sdk.Step{timed("resolve", func() error {
		if _, err := net.DefaultResolver.LookupHost(ctx, u.Hostname()); err != nil {
			return sdk.Fail(sdk.NotConnected, "http.resolve", err)
		}
		return nil
	})}
	if failed(steps) {
		return steps
	}
	var conn net.Conn
	steps = append(steps, timed("connect", func() (err error) {
		if conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port)); err != nil {
			return sdk.Fail(sdk.NotConnected, "http.connect", err)
		}
		return nil
	}))
	if failed(steps) {
		return steps
	}
	defer func() { _ = conn.Close() }() // opened only to see whether it opens
	if u.Scheme == "https" {
		steps = append(steps, timed("TLS", func() error { return c.handshake(ctx, conn, u.Hostname()) }))
	}
	if c.login.tokens != nil && !failed(steps) {
		steps = append(steps, timed("get token", func() error {
			_, err := c.login.tokens.get(ctx)
			return err
		}))
	}
	return steps
}

func (c *client) handshake(ctx context.Context, conn net.Conn, host string) error {
	t, ok := c.http.Transport.(*http.Transport)
	if !ok {
		return sdk.Failf(sdk.Bug, "rest.transport", "unknown transport")
	}
	config := t.TLSClientConfig.Clone()
	config.ServerName = host
	if err := tls.Client(conn, config).HandshakeContext(ctx); err != nil {
		return sdk.Fail(sdk.NotConnected, "tls.certificate", err)
	}
	return nil
}

// check is the check of a sink or a caller. Without an address made for checks,
// it can only see whether the login is refused: a request that does something
// must not be tried.
func (c *client) check(ctx context.Context, cfg Config, address string) []sdk.Step {
	if cfg.Check != "" {
		u, err := template.Resolve(cfg.Base, cfg.Check)
		if err != nil {
			return []sdk.Step{{Name: "address", Err: &sdk.Error{Class: sdk.BadConfig, Code: "config.value", Field: "/check", Err: err}}}
		}
		address = u.String()
	}
	steps := c.reach(ctx, address)
	if failed(steps) {
		return steps
	}
	return append(steps, timed("authenticate", func() error {
		method := http.MethodGet
		if cfg.Check == "" {
			method = http.MethodHead
		}
		a, err := c.send(ctx, outgoing{method: method, url: address})
		if err != nil {
			return err
		}
		if cfg.Check == "" && a.status != http.StatusUnauthorized && a.status != http.StatusForbidden {
			return nil
		}
		_, err = c.judge(method, a)
		return err
	}))
}
