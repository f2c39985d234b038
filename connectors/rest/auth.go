package rest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/crossdock/crossdock/connectors/httpexchange"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// login puts credentials on requests.
type login struct {
	auth   Auth
	tokens *tokens // of oauth2
}

func newLogin(a Auth, fetch func(context.Context, outgoing) (*answer, error)) *login {
	l := &login{auth: a}
	if a.Kind == "oauth2" {
		l.tokens = &tokens{auth: a, fetch: fetch, now: time.Now, turn: make(chan struct{}, 1)}
	}
	return l
}

// apply returns the token it used, which is empty unless it can be renewed.
func (l *login) apply(ctx context.Context, r *http.Request) (string, error) {
	switch l.auth.Kind {
	case "bearer":
		r.Header.Set("Authorization", "Bearer "+l.auth.Token)
	case "basic":
		r.SetBasicAuth(l.auth.User, l.auth.Password)
	case "apiKey":
		if l.auth.In == "query" {
			q := r.URL.Query()
			q.Set(l.auth.Name, l.auth.Key)
			r.URL.RawQuery = q.Encode()
			return "", nil
		}
		r.Header.Set(l.auth.Name, l.auth.Key)
	case "oauth2":
		token, err := l.tokens.get(ctx)
		if err != nil {
			return "", err
		}
		r.Header.Set("Authorization", "Bearer "+token)
		return token, nil
	}
	return "", nil
}

// secrets lists what must not appear in errors.
func (l *login) secrets() []string {
	s := []string{l.auth.Token, l.auth.Password, l.auth.Key, l.auth.ClientSecret}
	if l.auth.Password != "" {
		s = append(s, base64.StdEncoding.EncodeToString([]byte(l.auth.User+":"+l.auth.Password)))
	}
	if l.tokens != nil {
		s = append(s, l.tokens.current())
	}
	return s
}

// tokenLeeway is how long before its end a token is renewed: the request that
// carries it must still arrive in time.
const tokenLeeway = 30 * time.Second

// tokens gets and keeps access tokens (RFC 6749, 4.4).
type tokens struct {
	auth  Auth
	fetch func(context.Context, outgoing) (*answer, error)
	now   func() time.Time
	turn  chan struct{} // held while fetching, so that one fetches for all

	mu    sync.Mutex
	token string
	until time.Time // zero: no known end
}

func (t *tokens) current() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.token
}

func (t *tokens) valid() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token != "" && (t.until.IsZero() || t.now().Before(t.until)) {
		return t.token
	}
	return ""
}

// refuse forgets a token that the other side did not accept, unless another
// request has renewed it meanwhile.
func (t *tokens) refuse(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == token {
		t.token = ""
	}
}

func (t *tokens) get(ctx context.Context) (string, error) {
	if token := t.valid(); token != "" {
		return token, nil
	}
	select {
	case t.turn <- struct{}{}:
		defer func() { <-t.turn }()
	case <-ctx.Done():
		return "", sdk.Fail(sdk.Retryable, "oauth2.deadline", context.Cause(ctx))
	}
	if token := t.valid(); token != "" {
		return token, nil
	}
	return t.issue(ctx)
}

func (t *tokens) issue(ctx context.Context) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if len(t.auth.Scopes) > 0 {
		form.Set("scope", strings.Join(t.auth.Scopes, " "))
	}
	if t.auth.Audience != "" {
		form.Set("audience", t.auth.Audience)
	}
	out := outgoing{method: http.MethodPost, url: t.auth.TokenURL, contentType: "application/x-www-form-urlencoded", anonymous: true}
	if t.auth.ClientAuth == "form" {
		form.Set("client_id", t.auth.ClientID)
		form.Set("client_secret", t.auth.ClientSecret)
	} else {
		// Both are form-encoded first (RFC 6749, 2.3.1).
		out.user, out.password = url.QueryEscape(t.auth.ClientID), url.QueryEscape(t.auth.ClientSecret)
	}
	out.body = []byte(form.Encode())
	asked := t.now()
	a, err := t.fetch(ctx, out)
	if err != nil {
		return "", err
	}
	var reply struct {
		AccessToken string  `json:"access_token"`
		TokenType   string  `json:"token_type"`
		ExpiresIn   float64 `json:"expires_in"`
		Error       string  `json:"error"`
		Description string  `json:"error_description"`
	}
	parsed := json.Unmarshal(a.body, &reply)
	if a.status/100 != 2 {
		return "", t.refused(a, reply.Error, reply.Description)
	}
	if parsed != nil || reply.AccessToken == "" {
		return "", sdk.Failf(sdk.Auth, "oauth2.no_token", "the token address %s answered %d without an access_token; check auth.tokenUrl", httpexchange.Address(t.auth.TokenURL), a.status)
	}
	if reply.TokenType != "" && !strings.EqualFold(reply.TokenType, "bearer") {
		return "", sdk.Failf(sdk.Auth, "oauth2.token_type", "the token address %s issues tokens of type %q; only bearer tokens are understood", httpexchange.Address(t.auth.TokenURL), reply.TokenType)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token, t.until = reply.AccessToken, time.Time{}
	if life := time.Duration(reply.ExpiresIn * float64(time.Second)); life > 0 {
		t.until = asked.Add(max(life-tokenLeeway, life/2))
	}
	return t.token, nil
}

// refused classifies an answer without a token. The standard refuses wrong
// credentials with 400 or 401 (RFC 6749, 5.2).
func (t *tokens) refused(a *answer, code, description string) error {
	var e *sdk.Error
	if !errors.As(sdk.FromHTTP(a.status, a.header.Get("Retry-After"), nil), &e) {
		return sdk.Failf(sdk.Bug, "oauth2.status", "unclassified status %d", a.status)
	}
	if e.Class == sdk.Permanent {
		e.Class = sdk.Auth
	}
	if code == "" {
		code = fmt.Sprint(a.status)
	}
	e.Code = "oauth2." + code
	e.Message = fmt.Sprintf("the token address %s refused the client %q with status %d", httpexchange.Address(t.auth.TokenURL), t.auth.ClientID, a.status)
	if description != "" {
		e.Message += ": " + hide(description, []string{t.auth.ClientSecret})
	}
	return e
}
