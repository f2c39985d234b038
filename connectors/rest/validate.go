package rest

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"github.com/crossdock/crossdock/connectors/jsonpointer"
	"github.com/crossdock/crossdock/connectors/rest/internal/signature"
	"github.com/crossdock/crossdock/connectors/rest/internal/template"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// problems collects what is wrong with a configuration.
type problems []error

func (p *problems) add(field, hint, format string, args ...any) {
	*p = append(*p, &sdk.Error{Class: sdk.BadConfig, Code: "config.value", Field: field, Hint: hint, Message: fmt.Sprintf(format, args...)})
}

func (p *problems) check(field string, err error) {
	if err != nil {
		p.add(field, "", "%s", err.Error())
	}
}

// validate finds every mistake that shows without the other side.
func validate(cfg Config, role string) []error {
	var p problems
	p.shared(cfg)
	switch role {
	case "source":
		p.source(cfg)
	case "sink":
		p.sink(cfg)
	case "call":
		p.call(cfg)
	}
	return p
}

func (p *problems) shared(cfg Config) {
	if cfg.Base != "" {
		_, err := template.Resolve(cfg.Base, "")
		p.check("/base", err)
		if strings.ContainsAny(cfg.Base, "{}?#") {
			p.add("/base", "put parameters under query", "base is an address without placeholders and query")
		}
	}
	_, err := parseStatuses(cfg.Statuses)
	p.check("/statuses", err)
	for name, v := range cfg.Headers {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(v) {
			p.add("/headers/"+name, "", "the header %q has a name or value that HTTP does not allow", name)
		}
	}
	if (cfg.ClientCert == "") != (cfg.ClientKey == "") {
		p.add("/clientCert", "", "clientCert and clientKey belong together")
	}
	if h := cfg.IdempotencyHeader; h != "" && !httpguts.ValidHeaderFieldName(h) {
		p.add("/idempotencyHeader", "", "%q is no name of a header", h)
	}
	p.login(cfg.Auth)
}

func (p *problems) login(a Auth) {
	need := func(field, value string) {
		if value == "" {
			p.add("/auth/"+field, "take it from the environment: ${env:NAME}", "auth.kind %s needs %s", a.Kind, field)
		}
	}
	switch a.Kind {
	case "bearer":
		need("token", a.Token)
	case "basic":
		need("user", a.User)
	case "apiKey":
		need("key", a.Key)
	case "oauth2":
		need("tokenUrl", a.TokenURL)
		need("clientId", a.ClientID)
		need("clientSecret", a.ClientSecret)
		if a.TokenURL != "" {
			_, err := template.Resolve("", a.TokenURL)
			p.check("/auth/tokenUrl", err)
		}
	case "", "none":
		if a.Token+a.Password+a.Key+a.ClientSecret != "" {
			p.add("/auth/kind", "write bearer, basic, apiKey or oauth2", "auth has credentials, but no kind, and would not use them")
		}
	}
	for _, secret := range []string{a.Token, a.Key} {
		if !httpguts.ValidHeaderFieldValue(secret) {
			p.add("/auth", "a line end at the end of a secret's file is a frequent reason", "a credential contains characters that HTTP does not allow")
		}
	}
}

func (p *problems) source(cfg Config) {
	_, err := template.ParseValue(cfg.ID)
	p.check("/id", err)
	_, err = template.ParseValue(cfg.Key)
	p.check("/key", err)
	for name, path := range cfg.Keys {
		_, err = jsonpointer.Parse(path)
		p.check("/keys/"+name, err)
	}
	_, err = jsonpointer.Parse(cfg.EventTime)
	p.check("/eventTime", err)
	switch {
	case cfg.Listen == "" && cfg.URL == "":
		p.add("/listen", "listen: 127.0.0.1:8080 for a webhook; url: https://host/path to poll", "a source needs either listen or url")
	case cfg.Listen != "" && cfg.URL != "":
		p.add("/url", "make two endpoints of it", "a source either listens or polls a url, not both")
	case cfg.Listen != "":
		p.webhook(cfg)
	default:
		p.polling(cfg)
	}
}

// largestBody leaves room for what goes with a record of the SDK's limit, 32 MiB:
// a larger one would be answered and could not be passed on.
const largestBody = 31 << 20

func (p *problems) webhook(cfg Config) {
	if _, _, err := net.SplitHostPort(cfg.Listen); err != nil {
		p.add("/listen", "write host:port, such as 127.0.0.1:8080", "%q is no address to listen on", cfg.Listen)
	}
	if !strings.HasPrefix(cfg.Path, "/") || strings.ContainsAny(cfg.Path, "?#{} ") {
		p.add("/path", "write /webhooks/orders", "%q is no path", cfg.Path)
	}
	_, err := jsonpointer.Parse(cfg.Records)
	p.check("/records", err)
	if (cfg.Cert == "") != (cfg.CertKey == "") {
		p.add("/cert", "", "cert and certKey belong together")
	}
	if cfg.ID != "" && cfg.IDHeader != "" {
		p.add("/idHeader", "", "the identity comes from id or from idHeader, not from both")
	}
	if cfg.MaxBody > largestBody {
		p.add("/maxBody", "have the sender split larger events", "maxBody is %d, and a record cannot be larger than %d bytes", cfg.MaxBody, largestBody)
	}
	if s := cfg.Signature; s != nil {
		_, err := signature.New(*s, time.Now)
		p.check("/signature", err)
	}
	if m := cfg.Method; m == http.MethodGet || m == http.MethodHead || m == http.MethodDelete {
		p.add("/method", "use POST, PUT or PATCH", "a webhook cannot be sent with %s, which has no body", m)
	}
}

func (p *problems) polling(cfg Config) {
	if strings.ContainsAny(cfg.URL, "{}") {
		p.add("/url", "", "the url of a source has no placeholders: there is no document yet")
	} else {
		_, err := template.Resolve(cfg.Base, cfg.URL)
		p.check("/url", err)
	}
	_, err := jsonpointer.Parse(cfg.Items)
	p.check("/items", err)
	if g := cfg.Pagination; g != nil {
		path, err := jsonpointer.Parse(g.Next)
		p.check("/pagination/next", err)
		if (g.Kind == "next" || g.Kind == "cursor") && path == nil && err == nil {
			p.add("/pagination/next", "next: /meta/next_cursor", "pagination by %s needs next, where the answer says how it goes on", g.Kind)
		}
		if g.Continue && g.Kind != "cursor" {
			p.add("/pagination/continue", "", "only a cursor can outlive the end of the list")
		}
	}
	if s := cfg.Since; s != nil {
		path, err := jsonpointer.Parse(s.Field)
		p.check("/since/field", err)
		if err == nil && path == nil {
			p.add("/since/field", "field: /updated_at", "since needs the place of the watermark in each record")
		}
	}
}

func (p *problems) sink(cfg Config) {
	if cfg.URL == "" {
		p.add("/url", "url: https://host/path", "a sink needs a url")
		return
	}
	p.check("/url", template.CheckAddress(cfg.Base, cfg.URL))
	if m := cfg.Method; m == http.MethodGet || m == http.MethodHead {
		p.add("/method", "use POST, PUT, PATCH or DELETE", "%s writes nothing", m)
	}
	_, err := jsonpointer.Parse(cfg.ExternalID)
	p.check("/externalId", err)
	if r := cfg.ReadBeforeWrite; r != nil {
		p.check("/readBeforeWrite/url", template.CheckAddress(cfg.Base, r.URL))
		_, err = jsonpointer.Parse(r.Found)
		p.check("/readBeforeWrite/found", err)
		if t, err := template.Parse(r.URL); err == nil && !t.Varies() {
			p.add("/readBeforeWrite/url", "readBeforeWrite: {url: /orders/{/orderNumber}}", "this address is the same for every document and cannot tell whether one of them is there")
		}
	}
	if b := cfg.Batch; b != nil {
		if strings.Contains(cfg.URL, "{") {
			p.add("/url", "", "with batch, the url has no placeholders: one request carries many documents")
		}
		if cfg.ReadBeforeWrite != nil {
			p.add("/readBeforeWrite", "", "batch and readBeforeWrite exclude each other: looking is done document by document")
		}
		_, err = jsonpointer.Parse(b.Results)
		p.check("/batch/results", err)
		_, err = jsonpointer.Parse(b.Status)
		p.check("/batch/status", err)
	}
}

func (p *problems) call(cfg Config) {
	if cfg.Base == "" && cfg.URL == "" && len(cfg.Operations) == 0 {
		p.add("/base", "base: https://host/api", "a call needs base, url or operations")
	}
	if cfg.URL != "" {
		p.check("/url", template.CheckAddress(cfg.Base, cfg.URL))
	}
	for name, op := range cfg.Operations {
		p.check("/operations/"+name+"/url", template.CheckAddress(cfg.Base, op.URL))
	}
}
