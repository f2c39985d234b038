package rest

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/crossdock/crossdock/connectors/httpexchange"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// client makes requests to one other side.
type client struct {
	http        *http.Client
	login       *login
	headers     map[string]string
	query       map[string]string
	statuses    statuses
	timeout     time.Duration
	maxResponse int64
}

// outgoing is one request.
type outgoing struct {
	method      string
	url         string
	body        []byte
	contentType string
	headers     map[string]string
	gzip        bool
	// anonymous leaves out the connection's own headers, query and login.
	anonymous      bool
	user, password string
}

// answer is what came back, whatever its status.
type answer struct {
	status int
	header http.Header
	body   []byte
	// short says that the body is not complete, and why.
	short error
	// url is where the answer came from, after redirects.
	url *url.URL
}

func newClient(cfg Config) (*client, error) {
	tlsConfig, err := clientTLS(cfg)
	if err != nil {
		return nil, err
	}
	st, err := parseStatuses(cfg.Statuses)
	if err != nil {
		return nil, sdk.Fail(sdk.BadConfig, "config.value", err)
	}
	dialer := &net.Dialer{Timeout: cfg.ConnectTimeout, KeepAlive: 30 * time.Second}
	c := &client{
		headers: cfg.Headers, query: cfg.Query, statuses: st,
		timeout: cfg.Timeout, maxResponse: cfg.MaxResponse,
		http: &http.Client{
			CheckRedirect: sameHost,
			Transport: &http.Transport{
				DialContext: dialer.DialContext, TLSClientConfig: tlsConfig,
				TLSHandshakeTimeout: cfg.ConnectTimeout, ForceAttemptHTTP2: true,
				// One per request at once, so that none is opened anew.
				MaxIdleConnsPerHost: max(16, cfg.Concurrency), IdleConnTimeout: 90 * time.Second,
				MaxResponseHeaderBytes: 256 << 10,
			},
		},
	}
	c.login = newLogin(cfg.Auth, c.once)
	return c, nil
}

func clientTLS(cfg Config) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg.CA != "" {
		pem, err := os.ReadFile(cfg.CA)
		if err != nil {
			return nil, &sdk.Error{Class: sdk.BadConfig, Code: "tls.ca", Field: "/ca", Err: err}
		}
		t.RootCAs = x509.NewCertPool()
		if !t.RootCAs.AppendCertsFromPEM(pem) {
			return nil, &sdk.Error{Class: sdk.BadConfig, Code: "tls.ca", Field: "/ca", Message: fmt.Sprintf("%s holds no certificate in PEM", cfg.CA)}
		}
	}
	if cfg.ClientCert != "" {
		pair, err := tls.LoadX509KeyPair(cfg.ClientCert, cfg.ClientKey)
		if err != nil {
			return nil, &sdk.Error{Class: sdk.BadConfig, Code: "tls.client_cert", Field: "/clientCert", Err: err}
		}
		t.Certificates = []tls.Certificate{pair}
	}
	return t, nil
}

// sameHost follows redirects only where they cannot change what is meant:
// within scheme and host, because credentials go along, and with the same
// method, because 301 and 302 would turn a POST into a GET that "succeeds".
func sameHost(r *http.Request, via []*http.Request) error {
	first := via[0]
	if r.URL.Scheme != first.URL.Scheme || r.URL.Host != first.URL.Host || r.Method != first.Method || len(via) > 5 {
		return http.ErrUseLastResponse
	}
	return nil
}

func (c *client) close() { c.http.CloseIdleConnections() }

// send makes the request and, when its token was refused, once more with a new
// one: a token may be revoked before its time.
func (c *client) send(ctx context.Context, out outgoing) (*answer, error) {
	a, token, err := c.try(ctx, out)
	if err != nil || a.status != http.StatusUnauthorized || token == "" {
		return a, err
	}
	c.login.tokens.refuse(token)
	a, _, err = c.try(ctx, out)
	return a, err
}

func (c *client) once(ctx context.Context, out outgoing) (*answer, error) {
	a, _, err := c.try(ctx, out)
	return a, err
}

func (c *client) try(ctx context.Context, out outgoing) (a *answer, token string, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	r, err := c.request(ctx, out)
	if err != nil {
		return nil, "", err
	}
	if !out.anonymous {
		if token, err = c.login.apply(ctx, r); err != nil {
			return nil, "", err
		}
	}
	resp, err := httpexchange.Do(c.http, r, c.hide)
	if err != nil {
		return nil, token, err
	}
	defer func() { _ = resp.Body.Close() }() // the answer is read; nothing depends on it
	a = &answer{status: resp.StatusCode, header: resp.Header, url: resp.Request.URL}
	a.body, a.short = httpexchange.Body(resp.Body, c.maxResponse)
	return a, token, nil
}

func (c *client) request(ctx context.Context, out outgoing) (*http.Request, error) {
	body := out.body
	if out.gzip && len(body) > 0 {
		var z bytes.Buffer
		w := gzip.NewWriter(&z)
		if _, err := w.Write(body); err != nil {
			return nil, sdk.Fail(sdk.Bug, "rest.gzip", err)
		}
		if err := w.Close(); err != nil {
			return nil, sdk.Fail(sdk.Bug, "rest.gzip", err)
		}
		body = z.Bytes()
	}
	r, err := http.NewRequestWithContext(ctx, out.method, out.url, bytes.NewReader(body))
	if err != nil {
		return nil, sdk.Failf(sdk.BadConfig, "rest.address", "cannot make a request to %s: %s", httpexchange.Address(out.url), c.hide(httpexchange.Cause(err).Error()))
	}
	if len(body) == 0 {
		r.Body, r.GetBody, r.ContentLength = nil, nil, 0
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "Crossdock")
	if !out.anonymous {
		q := r.URL.Query()
		for k, v := range c.query {
			q.Set(k, v)
		}
		if len(c.query) > 0 {
			r.URL.RawQuery = q.Encode()
		}
		for k, v := range c.headers {
			r.Header.Set(k, v)
		}
	}
	if out.user != "" {
		r.SetBasicAuth(out.user, out.password)
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", out.contentType)
		if out.gzip {
			r.Header.Set("Content-Encoding", "gzip")
		}
	}
	for k, v := range out.headers {
		r.Header.Set(k, v)
	}
	return r, nil
}

// hide removes the credentials from text that the other side wrote: some APIs
// quote the token they refuse.
func (c *client) hide(text string) string { return hide(text, c.secrets()) }

func (c *client) secrets() []string {
	s := c.login.secrets()
	for k, v := range c.headers {
		if !strings.EqualFold(k, "Accept") && !strings.EqualFold(k, "Content-Type") {
			s = append(s, v)
		}
	}
	for _, v := range c.query { // many APIs take their key here
		s = append(s, v)
	}
	return s
}

// hide leaves texts of a few characters alone: they would be everywhere.
func hide(text string, secrets []string) string {
	for _, s := range secrets {
		if len(s) < 6 {
			continue
		}
		for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s)} {
			text = strings.ReplaceAll(text, form, "***")
		}
	}
	return text
}
