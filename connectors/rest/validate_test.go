package rest

import (
	"encoding/pem"
	"strings"
	"testing"

	"github.com/crossdock/crossdock/connectors/rest/internal/signature"
	"github.com/crossdock/crossdock/connectors/sdk"
)

func pemOf(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestSchema(t *testing.T) {
	if len(Connector().Schema()) == 0 {
		t.Fatal("the configuration has wrong tags")
	}
}

func TestMistakesAreFound(t *testing.T) {
	for _, test := range []struct {
		name, role string
		cfg        Config
		fields     string
	}{
		{"nothing", "source", Config{}, "/listen"},
		{"both", "source", Config{Listen: "127.0.0.1:1", URL: "https://a"}, "/url"},
		{"several at once", "source", Config{
			Listen: "8080", Path: "orders", ID: "id", Key: "{/a", Keys: map[string]string{"order": "number"},
			Records: "x", EventTime: "x", Cert: "a.pem", IDHeader: "X", Method: "GET",
		}, "/id /key /keys/order /eventTime /listen /path /records /cert /idHeader /method"},
		{"body larger than a record", "source", Config{Listen: ":1", Path: "/", MaxBody: 32 << 20}, "/maxBody"},
		{"constant id", "source", Config{Listen: ":1", Path: "/", ID: "order"}, "/id"},
		{"unsigned time", "source", Config{Listen: ":1", Path: "/", Signature: &signature.Config{Header: "X", Secrets: []string{"s"}, TimestampHeader: "T", Signed: "{body}"}}, "/signature"},
		{"poll", "source", Config{URL: "/x/{/y}", Items: "x", Pagination: &Pagination{Kind: "next", Continue: true}, Since: &Since{Parameter: "s"}}, "/url /items /pagination/next /pagination/continue /since/field"},
		{"relative poll", "source", Config{URL: "/orders"}, "/url"},
		{
			"sink", "sink",
			Config{URL: "https://a/{/x}", Method: "GET", ExternalID: "x", Batch: &Batch{Results: "x", Status: "x"}, ReadBeforeWrite: &ReadBeforeWrite{URL: "https://a/all"}},
			"/method /externalId /readBeforeWrite/url /url /readBeforeWrite /batch/results /batch/status",
		},
		{"sink without url", "sink", Config{}, "/url"},
		{"call", "call", Config{}, "/base"},
		{"operation", "call", Config{Base: "https://a", Operations: map[string]Operation{"x": {URL: "{sku}"}}}, "/operations/x/url"},
		{"shared", "call", Config{Base: "https://a?x=1", Statuses: map[string]string{"999": "ok"}, Headers: map[string]string{"a b": "c"}, ClientCert: "x"}, "/base /statuses /headers/a b /clientCert"},
		{"meaning", "call", Config{Base: "https://a", Statuses: map[string]string{"404": "fine"}}, "/statuses"},
		{"login", "call", Config{Base: "https://a", Auth: Auth{Kind: "oauth2"}}, "/auth/tokenUrl /auth/clientId /auth/clientSecret"},
		{"login without kind", "call", Config{Base: "https://a", Auth: Auth{Token: "x"}}, "/auth/kind"},
		{"line end in a secret", "call", Config{Base: "https://a", Auth: Auth{Kind: "bearer", Token: "s3cret\n"}}, "/auth"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var fields []string
			for _, err := range validate(test.cfg, test.role) {
				e, ok := err.(*sdk.Error)
				if !ok || e.Class != sdk.BadConfig || e.Message == "" || strings.Contains(e.Error(), "s3cret") {
					t.Errorf("%+v is no good error", err)
					continue
				}
				fields = append(fields, e.Field)
			}
			if got := strings.Join(fields, " "); got != test.fields {
				t.Errorf("found mistakes at %s, expected %s", got, test.fields)
			}
		})
	}
}
