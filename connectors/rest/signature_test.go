package rest

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/rest/internal/signature"
)

func sign(h func() hash.Hash, key, text string) []byte {
	m := hmac.New(h, []byte(key))
	m.Write([]byte(text))
	return m.Sum(nil)
}

// The layouts are those of the named services' documentation.
func TestSignatures(t *testing.T) {
	const body = `{"order_number":"4711"}`
	now := time.Unix(1_800_000_000, 0)
	const stamp, old, early = "1800000000", "1799999000", "1800000400"
	hexed := hex.EncodeToString
	based := base64.StdEncoding.EncodeToString
	github := signature.Config{Header: "X-Hub-Signature-256", Secrets: []string{"new", "old"}, Prefix: "sha256=", Separator: ","}
	stripe := signature.Config{Header: "Stripe-Signature", Secrets: []string{"new"}, Prefix: "v1=", TimestampPrefix: "t=", Separator: ",", Tolerance: 5 * time.Minute}
	slack := signature.Config{
		Header: "X-Slack-Signature", Secrets: []string{"new"}, Prefix: "v0=", Signed: "v0:{timestamp}:{body}",
		TimestampHeader: "X-Slack-Request-Timestamp", Tolerance: 5 * time.Minute,
	}
	standard := signature.Config{
		Header: "Webhook-Signature", Secrets: []string{"whsec_" + based([]byte("new"))}, SecretEncoding: "base64", Encoding: "base64",
		Prefix: "v1,", Separator: " ", Signed: "{header:Webhook-Id}.{timestamp}.{body}", TimestampHeader: "Webhook-Timestamp", Tolerance: 5 * time.Minute,
	}
	for _, test := range []struct {
		name    string
		cfg     signature.Config
		headers map[string]string
		wrong   string // part of the error; empty: good
	}{
		{"GitHub", github, map[string]string{"X-Hub-Signature-256": "sha256=" + hexed(sign(sha256.New, "new", body))}, ""},
		{"GitHub, previous secret", github, map[string]string{"X-Hub-Signature-256": "sha256=" + hexed(sign(sha256.New, "old", body))}, ""},
		{"GitHub, other secret", github, map[string]string{"X-Hub-Signature-256": "sha256=" + hexed(sign(sha256.New, "guess", body))}, "does not match"},
		{"GitHub, other body", github, map[string]string{"X-Hub-Signature-256": "sha256=" + hexed(sign(sha256.New, "new", body+" "))}, "does not match"},
		{"GitHub, cut", github, map[string]string{"X-Hub-Signature-256": "sha256=" + hexed(sign(sha256.New, "new", body)[:8])}, "does not match"},
		{"GitHub, other prefix", github, map[string]string{"X-Hub-Signature-256": "sha1=" + hexed(sign(sha256.New, "new", body))}, "holds no signature"},
		{"GitHub, not hex", github, map[string]string{"X-Hub-Signature-256": "sha256=zz"}, "holds no signature"},
		{"GitHub, empty", github, map[string]string{"X-Hub-Signature-256": "sha256="}, "holds no signature"},
		{"GitHub, unsigned", github, nil, "is missing"},
		{
			"Shopify",
			signature.Config{Header: "X-Shopify-Hmac-Sha256", Secrets: []string{"new"}, Encoding: "base64"},
			map[string]string{"X-Shopify-Hmac-Sha256": based(sign(sha256.New, "new", body))},
			"",
		},
		{"SHA-1", signature.Config{Header: "X-Sig", Secrets: []string{"new"}, Algorithm: "sha1"}, map[string]string{"X-Sig": hexed(sign(sha1.New, "new", body))}, ""},
		{"SHA-512", signature.Config{Header: "X-Sig", Secrets: []string{"new"}, Algorithm: "sha512"}, map[string]string{"X-Sig": hexed(sign(sha512.New, "new", body))}, ""},
		{"SHA-512 expected, SHA-1 sent", signature.Config{Header: "X-Sig", Secrets: []string{"new"}, Algorithm: "sha512"}, map[string]string{"X-Sig": hexed(sign(sha1.New, "new", body))}, "does not match"},
		{"Stripe", stripe, map[string]string{"Stripe-Signature": "t=" + stamp + ",v1=" + hexed(sign(sha256.New, "new", stamp+"."+body)) + ",v0=aa"}, ""},
		{"Stripe, second signature", stripe, map[string]string{"Stripe-Signature": "t=" + stamp + ", v1=00ff, v1=" + hexed(sign(sha256.New, "new", stamp+"."+body))}, ""},
		{"Stripe, replayed", stripe, map[string]string{"Stripe-Signature": "t=" + old + ",v1=" + hexed(sign(sha256.New, "new", old+"."+body))}, "more than 5m0s away"},
		{"Stripe, from the future", stripe, map[string]string{"Stripe-Signature": "t=" + early + ",v1=" + hexed(sign(sha256.New, "new", early+"."+body))}, "more than 5m0s away"},
		{"Stripe, new time on old signature", stripe, map[string]string{"Stripe-Signature": "t=" + stamp + ",v1=" + hexed(sign(sha256.New, "new", old+"."+body))}, "does not match"},
		{"Stripe, without time", stripe, map[string]string{"Stripe-Signature": "v1=" + hexed(sign(sha256.New, "new", "."+body))}, "time of sending is missing"},
		{"Stripe, time is text", stripe, map[string]string{"Stripe-Signature": "t=now,v1=00"}, "neither Unix seconds"},
		{"Slack", slack, map[string]string{"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": "v0=" + hexed(sign(sha256.New, "new", "v0:"+stamp+":"+body))}, ""},
		{"Standard Webhooks", standard, map[string]string{
			"Webhook-Id": "msg_1", "Webhook-Timestamp": stamp,
			"Webhook-Signature": "v1,AAAA v1," + based(sign(sha256.New, "new", "msg_1."+stamp+"."+body)),
		}, ""},
		{"Standard Webhooks, other id", standard, map[string]string{
			"Webhook-Id": "msg_2", "Webhook-Timestamp": stamp, "Webhook-Signature": "v1," + based(sign(sha256.New, "new", "msg_1."+stamp+"."+body)),
		}, "does not match"},
	} {
		t.Run(test.name, func(t *testing.T) {
			v, err := signature.New(test.cfg, func() time.Time { return now })
			if err != nil {
				t.Fatal(err)
			}
			h := http.Header{}
			for k, value := range test.headers {
				h.Set(k, value)
			}
			err = v.Check(h, []byte(body))
			if test.wrong == "" && err != nil {
				t.Errorf("a good signature was refused: %v", err)
			}
			if test.wrong != "" && (err == nil || !strings.Contains(err.Error(), test.wrong)) {
				t.Errorf("got %v, expected an error with %q", err, test.wrong)
			}
		})
	}
}

func TestSignatureSettings(t *testing.T) {
	for _, test := range []struct {
		name, want string
		cfg        signature.Config
	}{
		{"time that is not signed", "belong together", signature.Config{Header: "X", Secrets: []string{"s"}, Signed: "{body}", TimestampHeader: "T"}},
		{"signed time from nowhere", "belong together", signature.Config{Header: "X", Secrets: []string{"s"}, Signed: "{timestamp}{body}"}},
		{"body that is not signed", "must contain {body}", signature.Config{Header: "X", Secrets: []string{"s"}, Signed: "{header:Date}"}},
		{"unknown part", "unknown placeholder", signature.Config{Header: "X", Secrets: []string{"s"}, Signed: "{url}{body}"}},
		{"open brace", "unknown placeholder", signature.Config{Header: "X", Secrets: []string{"s"}, Signed: "{body"}},
		{"empty secret", "secrets[1] is empty", signature.Config{Header: "X", Secrets: []string{"s", ""}}},
		{"secret in another notation", "secrets[0]", signature.Config{Header: "X", Secrets: []string{"no hex!"}, SecretEncoding: "hex"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := signature.New(test.cfg, time.Now)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, expected an error with %q", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "no hex!") {
				t.Errorf("the error shows the secret: %v", err)
			}
		})
	}
}

// Whatever the header holds, only the right signature is accepted.
func FuzzSignature(f *testing.F) {
	for _, s := range []string{"", "t=1,v1=00", "v1=,v1=zz", "t=,", strings.Repeat("v1=00,", 100), "t=1800000000,v1=00ff"} {
		f.Add(s)
	}
	v, err := signature.New(signature.Config{Header: "S", Secrets: []string{"s3cret"}, Prefix: "v1=", TimestampPrefix: "t=", Separator: ",", Tolerance: time.Hour},
		func() time.Time { return time.Unix(1_800_000_000, 0) })
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if v.Check(http.Header{"S": {header}}, []byte("body")) == nil {
			t.Errorf("%q was accepted", header)
		}
		if c, _ := v.Parse(header); len(c) > signature.MaxSignatures {
			t.Errorf("%d signatures are compared", len(c))
		}
	})
}
