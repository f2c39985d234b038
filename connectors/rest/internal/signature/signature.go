// Package signature checks that a webhook was sent by who shares a secret with
// us: an HMAC over the body, and over the time of sending where the sender gives
// it. It knows the ways of writing them that shops and marketplaces use.
package signature

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Config says how a sender signs the raw body with an HMAC.
type Config struct {
	Header          string        `json:"header" doc:"Header with the signature." required:"true" example:"X-Hub-Signature-256"`
	Secrets         []string      `json:"secrets" doc:"Shared secrets. Several while they are changed: each is good." required:"true" secret:"true" min:"1"`
	SecretEncoding  string        `json:"secretEncoding" doc:"How the secrets are written." enum:"text,base64,hex" default:"text"`
	Algorithm       string        `json:"algorithm" doc:"Hash function." enum:"sha256,sha1,sha512" default:"sha256"`
	Encoding        string        `json:"encoding" doc:"How the signature is written." enum:"hex,base64" default:"hex"`
	Prefix          string        `json:"prefix" doc:"What stands before each signature." example:"sha256="`
	Separator       string        `json:"separator" doc:"What stands between several signatures in the header." default:","`
	Signed          string        `json:"signed" doc:"What is signed: {body}, {timestamp}, {header:Name} and text. Unless stated {body}, or {timestamp}.{body} where there is a time stamp." example:"v0:{timestamp}:{body}"`
	TimestampHeader string        `json:"timestampHeader" doc:"Header with the time of sending, in Unix seconds or RFC 3339." example:"X-Slack-Request-Timestamp"`
	TimestampPrefix string        `json:"timestampPrefix" doc:"What stands before the time of sending where it is part of the signature header." example:"t="`
	Tolerance       time.Duration `json:"tolerance" doc:"How old or early the time of sending may be." default:"5m" min:"1s"`
}

// Verifier checks the signatures of one endpoint's senders (HMAC, RFC 2104).
type Verifier struct {
	cfg     Config
	secrets [][]byte
	hash    func() hash.Hash
	signed  []piece
	now     func() time.Time
}

// piece is a part of what is signed: text, or one of the names below.
type piece struct{ text, name string }

// New prepares a check; now is the clock that times of sending are compared with.
func New(s Config, now func() time.Time) (*Verifier, error) {
	v := &Verifier{cfg: s, now: now}
	switch s.Algorithm {
	case "sha1":
		v.hash = sha1.New
	case "sha512":
		v.hash = sha512.New
	default:
		v.hash = sha256.New
	}
	for i, secret := range s.Secrets {
		key := []byte(secret)
		var err error
		switch s.SecretEncoding {
		case "base64":
			key, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		case "hex":
			key, err = hex.DecodeString(secret)
		}
		if err != nil || len(key) == 0 {
			return nil, fmt.Errorf("signature.secrets[%d] is empty or not written in %s", i, s.SecretEncoding)
		}
		v.secrets = append(v.secrets, key)
	}
	layout := s.Signed
	if layout == "" {
		layout = "{body}"
		if v.timed() {
			layout = "{timestamp}.{body}"
		}
	}
	var err error
	if v.signed, err = parseSigned(layout); err != nil {
		return nil, err
	}
	if v.timed() != strings.Contains(layout, "{timestamp}") {
		return nil, errors.New("signature: {timestamp} in signed and one of timestampHeader and timestampPrefix belong together: an unsigned time stamp proves nothing")
	}
	if !strings.Contains(layout, "{body}") {
		return nil, errors.New("signature.signed must contain {body}: otherwise the content is not protected")
	}
	return v, nil
}

func (v *Verifier) timed() bool { return v.cfg.TimestampHeader != "" || v.cfg.TimestampPrefix != "" }

func parseSigned(layout string) ([]piece, error) {
	var out []piece
	for rest := layout; rest != ""; {
		open := strings.IndexByte(rest, '{')
		if open != 0 {
			end := len(rest)
			if open > 0 {
				end = open
			}
			out = append(out, piece{text: rest[:end]})
			rest = rest[end:]
			continue
		}
		end := strings.IndexByte(rest, '}')
		name := ""
		if end > 0 {
			name = rest[1:end]
		}
		if name != "body" && name != "timestamp" && (!strings.HasPrefix(name, "header:") || len(name) == len("header:")) {
			return nil, fmt.Errorf("signature.signed: %q has an unknown placeholder; known are {body}, {timestamp} and {header:Name}", layout)
		}
		out = append(out, piece{name: name})
		rest = rest[end+1:]
	}
	return out, nil
}

// Check returns nil for a body that one of the secrets has signed recently. Its
// errors go to the sender, who may be anyone: they tell how to sign, and
// nothing about the secret.
func (v *Verifier) Check(h http.Header, body []byte) error {
	values := h.Values(v.cfg.Header)
	if len(values) == 0 {
		return fmt.Errorf("the header %s with the signature is missing", v.cfg.Header)
	}
	candidates, stamp := v.Parse(strings.Join(values, v.cfg.Separator))
	if v.cfg.TimestampHeader != "" {
		stamp = h.Get(v.cfg.TimestampHeader)
	}
	if v.timed() {
		if err := v.recent(stamp); err != nil {
			return err
		}
	}
	if len(candidates) == 0 {
		return fmt.Errorf("the header %s holds no signature written as %s%s", v.cfg.Header, v.cfg.Prefix, v.cfg.Encoding)
	}
	good := false
	for _, secret := range v.secrets {
		mac := hmac.New(v.hash, secret)
		for _, p := range v.signed {
			switch {
			case p.name == "body":
				mac.Write(body)
			case p.name == "timestamp":
				mac.Write([]byte(stamp))
			case p.name != "":
				mac.Write([]byte(h.Get(strings.TrimPrefix(p.name, "header:"))))
			default:
				mac.Write([]byte(p.text))
			}
		}
		want := mac.Sum(nil)
		for _, c := range candidates {
			// No early end: time must not tell which secret was nearly right.
			good = hmac.Equal(want, c) || good
		}
	}
	if !good {
		return fmt.Errorf("the signature in %s does not match the body; check the shared secret, and that the raw body is signed", v.cfg.Header)
	}
	return nil
}

// MaxSignatures bounds the work for a header full of guesses.
const MaxSignatures = 16

// Parse takes the signatures and the time stamp out of the header.
func (v *Verifier) Parse(header string) (candidates [][]byte, stamp string) {
	items := []string{header}
	if v.cfg.Separator != "" {
		items = strings.Split(header, v.cfg.Separator)
	}
	for _, item := range items {
		item = strings.TrimSpace(item)
		if p := v.cfg.TimestampPrefix; p != "" && strings.HasPrefix(item, p) {
			stamp = item[len(p):]
			continue
		}
		text, ok := strings.CutPrefix(item, v.cfg.Prefix)
		if !ok || text == "" || len(candidates) == MaxSignatures {
			continue
		}
		var sig []byte
		var err error
		if v.cfg.Encoding == "base64" {
			sig, err = base64.StdEncoding.DecodeString(text)
		} else {
			sig, err = hex.DecodeString(text)
		}
		if err == nil && len(sig) > 0 {
			candidates = append(candidates, sig)
		}
	}
	return candidates, stamp
}

// recent refuses a recorded request that is sent again later.
func (v *Verifier) recent(stamp string) error {
	if stamp == "" {
		return errors.New("the time of sending is missing")
	}
	var at time.Time
	if seconds, err := strconv.ParseInt(stamp, 10, 64); err == nil {
		at = time.Unix(seconds, 0)
	} else if at, err = time.Parse(time.RFC3339, stamp); err != nil {
		return errors.New("the time of sending is neither Unix seconds nor RFC 3339")
	}
	if age := v.now().Sub(at); age > v.cfg.Tolerance || age < -v.cfg.Tolerance {
		return fmt.Errorf("the time of sending is more than %s away from now; check the clocks, and sign each delivery anew", v.cfg.Tolerance)
	}
	return nil
}
