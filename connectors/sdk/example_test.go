package sdk_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// A sink that posts every document to an address, in full: what is not here is
// the SDK's.

type WebhookConfig struct {
	URL   string `json:"url" doc:"Address that receives the documents" required:"true" format:"uri"`
	Token string `json:"token" doc:"Bearer token" secret:"true"`
}

type webhook struct{ cfg WebhookConfig }

func (w webhook) Write(ctx context.Context, recs []sdk.Record) []sdk.Result {
	results := make([]sdk.Result, len(recs))
	for i, r := range recs {
		results[i].Err = w.post(ctx, r)
	}
	return results
}

func (w webhook) post(ctx context.Context, r sdk.Record) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.cfg.URL, bytes.NewReader(r.Payload))
	if err != nil {
		return sdk.Fail(sdk.Permanent, "webhook.request", err)
	}
	req.Header.Set("Authorization", "Bearer "+w.cfg.Token)
	req.Header.Set("Idempotency-Key", r.ID)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return sdk.Fail(sdk.NotConnected, "webhook.post", err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(res.Body, 4096))
	return sdk.FromHTTP(res.StatusCode, res.Header.Get("Retry-After"), body)
}

func (webhook) Close() error { return nil }

func Example_sink() {
	connector := sdk.Connector[WebhookConfig]{
		Spec: sdk.Spec{Name: "webhook", Version: "1.0.0", Summary: "Posts each document"},
		Sink: func(_ context.Context, cfg WebhookConfig, _ sdk.Env) (sdk.Sink, error) { return webhook{cfg}, nil },
	}
	// func main() { sdk.Serve(connector) }
	var schema struct{ Required []string }
	_ = json.Unmarshal(connector.Schema(), &schema)
	fmt.Println(connector.Describe().Name, "requires", schema.Required)
	// Output: webhook requires [url]
}

// A source that counts. Its position says where to go on after a restart.

type CounterConfig struct {
	Until int `json:"until" doc:"The last number" default:"10" min:"1"`
}

type counter struct{ next, until int }

func (c *counter) Read(context.Context) (sdk.Batch, error) {
	if c.next > c.until {
		return sdk.Batch{}, io.EOF
	}
	n := fmt.Sprint(c.next)
	c.next++
	return sdk.Batch{Records: []sdk.Record{{ID: n, Payload: []byte(n), Position: []byte(n)}}}, nil
}

func (c *counter) Close() error { return nil }

func Example_source() {
	connector := sdk.Connector[CounterConfig]{
		Spec: sdk.Spec{Name: "counter", Version: "1.0.0", Summary: "Counts"},
		Source: func(_ context.Context, cfg CounterConfig, from []byte, _ sdk.Env) (sdk.Source, error) {
			last := 0
			if from != nil {
				if _, err := fmt.Sscan(string(from), &last); err != nil {
					return nil, sdk.Fail(sdk.Permanent, "counter.position", err)
				}
			}
			return &counter{next: last + 1, until: cfg.Until}, nil
		},
	}
	fmt.Println(connector.Describe().Summary)
	// Output: Counts
}
