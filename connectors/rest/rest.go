// Package rest connects shops, marketplaces and other systems through JSON over
// HTTP, in both directions and in four ways.
//
// A webhook source listens. The sender learns that an event was accepted only
// after the core has made it durable: until then its request waits, and if that
// takes too long it hears 503 and sends again. Because the id of a record comes
// from the event itself, the second delivery is the same message and does no
// harm. A sender that can prove who it is does so with a signature over the raw
// body; nothing else is accepted from it.
//
// A polling source asks. It goes through the pages of a list, and its position
// is the page it will ask for next together with the watermark of the changes it
// has seen, so that a restart goes on where the last durable page ended.
//
// A sink sends one document per request, or several as an array. A request may
// be lost after the other side acted on it, so every request carries the
// record's id as its idempotency key; for systems that know no such key, the
// sink looks first whether the document is there already.
//
// A call asks one question and returns the answer, for enrichment in routes.
//
// What goes wrong is told by class. An address that cannot be reached is
// NotConnected, because nothing was sent. A time-out after sending is Retryable:
// whether the effect was made is unknown, and the idempotency key makes asking
// again safe. Statuses have the classes of sdk.FromHTTP unless the configuration
// knows better.
package rest

import (
	"context"
	"time"

	"github.com/crossdock/crossdock/connectors/rest/internal/listener"
	"github.com/crossdock/crossdock/connectors/rest/internal/signature"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// Config is the configuration of a connection and its endpoints. Each endpoint
// repeats or overrides what the connection says.
type Config struct {
	Base           string            `json:"base" doc:"Address that each url of the connection is relative to." format:"uri" example:"https://shop.example/api/"`
	URL            string            `json:"url" doc:"Address of the request. A sink and a call may take parts from the document: {/order/number} by JSON pointer, {@id}, {@key}, {@meta.name}. A source with a url polls." example:"/orders/{/orderNumber}"`
	Method         string            `json:"method" doc:"HTTP method. Unless stated: GET to poll, POST to write and to listen." enum:"GET,HEAD,POST,PUT,PATCH,DELETE"`
	Headers        map[string]string `json:"headers" doc:"Headers of every request. Values never appear in logs or errors."`
	Query          map[string]string `json:"query" doc:"Query parameters of every request." example:"{status: open}"`
	Auth           Auth              `json:"auth" doc:"How to log in."`
	Timeout        time.Duration     `json:"timeout" doc:"Longest time for one request with its answer." default:"30s" min:"1ms"`
	ConnectTimeout time.Duration     `json:"connectTimeout" doc:"Longest time to connect, TLS included." default:"10s" min:"1ms"`
	MaxResponse    int64             `json:"maxResponse" doc:"Largest answer that is read, unpacked." format:"bytes" default:"16MiB" min:"1KiB"`
	CA             string            `json:"ca" doc:"PEM file of the authorities that may sign the other side's certificate, instead of the system's."`
	ClientCert     string            `json:"clientCert" doc:"PEM file of the certificate to show to the other side."`
	ClientKey      string            `json:"clientKey" doc:"PEM file of that certificate's private key."`
	Statuses       map[string]string `json:"statuses" doc:"What a status means where it differs from the usual: ok, duplicate, empty (nothing there), retryable, throttled, permanent, auth, config. A status is a number or a class such as 4xx." example:"{'409': duplicate, '422': permanent}"`
	Check          string            `json:"check" doc:"Address to GET when the connection is checked; without it the check only looks whether the login is refused."`

	// What a record is, for both kinds of source.
	ID        string            `json:"id" doc:"Identity of the event: a JSON pointer (/event_id) or several in a text ({/id}@{/updated_at}). It must change when the document says something new. Without it: SHA-256 of the content." role:"source" example:"/event_id"`
	Key       string            `json:"key" doc:"What the records are ordered by, written like id." role:"source" example:"/order_number"`
	Keys      map[string]string `json:"keys" doc:"Business keys by name and JSON pointer, for crossdock trace." role:"source" example:"{order: /order_number}"`
	Entity    string            `json:"entity" doc:"What a record is, in your own words." role:"source" example:"order"`
	Operation string            `json:"operation" doc:"What a record says: an event, a new state, a full picture, a deletion." enum:"event,upsert,snapshot,delete" default:"event" role:"source"`
	EventTime string            `json:"eventTime" doc:"JSON pointer to when it happened, RFC 3339." role:"source" example:"/created_at"`

	// Listening.
	Listen       string            `json:"listen" doc:"Address and port to listen on. A source with it is a webhook. Endpoints may share one with different paths." role:"source" example:"0.0.0.0:8443"`
	Path         string            `json:"path" doc:"Path that events are sent to." default:"/" role:"source" example:"/webhooks/orders"`
	Cert         string            `json:"cert" doc:"PEM file of the listener's certificate chain; with it the listener speaks TLS." role:"source"`
	CertKey      string            `json:"certKey" doc:"PEM file of the listener's private key." role:"source"`
	Signature    *signature.Config `json:"signature" doc:"How senders sign. Without it everyone who reaches the port is believed." role:"source"`
	MaxBody      int64             `json:"maxBody" doc:"Largest body that is accepted." format:"bytes" default:"4MiB" min:"1" role:"source"`
	ContentTypes []string          `json:"contentTypes" doc:"Accepted content types; application/json and everything ending in +json unless stated." role:"source"`
	Records      string            `json:"records" doc:"JSON pointer to an array in the body: each item becomes a record." role:"source" example:"/events"`
	IDHeader     string            `json:"idHeader" doc:"Header with the identity of the event, instead of id." role:"source" example:"X-Event-Id"`
	Meta         map[string]string `json:"meta" doc:"Metadata by name and request header." role:"source" example:"{topic: X-Topic}"`
	AckTimeout   time.Duration     `json:"ackTimeout" doc:"How long a sender waits for durability before it hears 503." default:"10s" min:"1ms" role:"source"`
	MaxWaiting   int               `json:"maxWaiting" doc:"Requests that may wait for the core; more hear 503 at once." default:"1024" min:"1" role:"source"`

	// Polling.
	Interval   time.Duration `json:"interval" doc:"Pause between two looks at the list." default:"1m" min:"1ms" role:"source"`
	Items      string        `json:"items" doc:"JSON pointer to the array of records in the answer; the whole answer unless stated." role:"source" example:"/orders"`
	Pagination *Pagination   `json:"pagination" doc:"How the list is cut into pages." role:"source"`
	Since      *Since        `json:"since" doc:"Ask only for what changed since the last look." role:"source"`
	Once       bool          `json:"once" doc:"Stop at the end of the list." role:"source"`

	// Writing.
	ContentType       string           `json:"contentType" doc:"Content type of the body, the record's own unless stated." role:"sink,call"`
	IdempotencyHeader string           `json:"idempotencyHeader" doc:"Header that carries the record's id; empty for none." default:"Idempotency-Key" role:"sink,call"`
	IdempotencyFormat string           `json:"idempotencyFormat" doc:"id: the record's id, or its SHA-256 where it does not fit a header. uuid: a UUID made from it." enum:"id,uuid" default:"id" role:"sink,call"`
	ReadBeforeWrite   *ReadBeforeWrite `json:"readBeforeWrite" doc:"Look whether the document is there already, for systems without idempotency keys." role:"sink"`
	Batch             *Batch           `json:"batch" doc:"Send several documents in one request." role:"sink"`
	ExternalID        string           `json:"externalId" doc:"JSON pointer to the other side's id in its answer." role:"sink" example:"/id"`
	ExternalIDHeader  string           `json:"externalIdHeader" doc:"Header of the answer with the other side's id." role:"sink" example:"Location"`
	Gzip              bool             `json:"gzip" doc:"Send bodies compressed." role:"sink"`
	Concurrency       int              `json:"concurrency" doc:"Requests at once; documents of one key never overtake each other." default:"8" min:"1" max:"256" role:"sink"`

	// Asking.
	Operations map[string]Operation `json:"operations" doc:"Questions by name. Without any, an operation is a method and a path: GET /prices/{/sku}." role:"call"`
}

// Auth is how to log in to the other side.
type Auth struct {
	Kind         string   `json:"kind" doc:"none, bearer (token), basic (user, password), apiKey (name, key, in), oauth2 (client credentials: tokenUrl, clientId, clientSecret)." enum:"none,bearer,basic,apiKey,oauth2" default:"none"`
	Token        string   `json:"token" doc:"Bearer token." secret:"true"`
	User         string   `json:"user" doc:"User name."`
	Password     string   `json:"password" doc:"Password." secret:"true"`
	Name         string   `json:"name" doc:"Header or query parameter of the API key." default:"X-Api-Key"`
	Key          string   `json:"key" doc:"API key." secret:"true"`
	In           string   `json:"in" doc:"Where the API key goes." enum:"header,query" default:"header"`
	TokenURL     string   `json:"tokenUrl" doc:"Address that issues tokens (RFC 6749, 4.4)." format:"uri"`
	ClientID     string   `json:"clientId" doc:"Client id."`
	ClientSecret string   `json:"clientSecret" doc:"Client secret." secret:"true"`
	ClientAuth   string   `json:"clientAuth" doc:"How the client shows its secret: in the Authorization header or in the form." enum:"basic,form" default:"basic"`
	Scopes       []string `json:"scopes" doc:"Scopes to ask for."`
	Audience     string   `json:"audience" doc:"Audience to ask for, where the issuer wants one."`
}

// Pagination says how a list is cut into pages.
type Pagination struct {
	Kind          string `json:"kind" doc:"next: the body holds the next page's address. link: the Link header does (RFC 8288). cursor: the body holds a value for a query parameter. page: pages are numbered. offset: records are counted." required:"true" enum:"next,link,cursor,page,offset"`
	Next          string `json:"next" doc:"JSON pointer to the next page's address or cursor; missing, null or empty on the last page." example:"/meta/next_cursor"`
	Parameter     string `json:"parameter" doc:"Query parameter for the cursor, page number or offset; unless stated cursor, page or offset." example:"after"`
	Start         int    `json:"start" doc:"Number of the first page." default:"1" min:"0"`
	Size          int    `json:"size" doc:"Records per page; a shorter page is the last. Without it the first empty page is." min:"1"`
	SizeParameter string `json:"sizeParameter" doc:"Query parameter for the size." example:"limit"`
	Continue      bool   `json:"continue" doc:"The cursor outlives the end of the list: the next look goes on from the last one. For event feeds."`
}

// Since is how a list is asked for changes only.
type Since struct {
	Parameter string `json:"parameter" doc:"Query parameter for the watermark." required:"true" example:"updated_since"`
	Field     string `json:"field" doc:"JSON pointer to the watermark in each record: a time stamp or a number that grows with every change." required:"true" example:"/updated_at"`
	Start     string `json:"start" doc:"Watermark to start with when nothing was read before; without it everything is read." example:"2026-01-01T00:00:00Z"`
}

// ReadBeforeWrite is the request that finds out whether a document is there.
type ReadBeforeWrite struct {
	URL   string `json:"url" doc:"Address that answers 200 when the document is there and 404 when it is not; written like url." required:"true" example:"/orders/{/orderNumber}"`
	Found string `json:"found" doc:"JSON pointer that exists in the answer only when the document is there, for searches that always answer 200." example:"/results/0"`
}

// Batch is how several documents travel in one request. The other side must
// treat a document that comes again as the same one: the idempotency key of a
// batch is that of its documents together.
type Batch struct {
	Size    int    `json:"size" doc:"Documents per request." default:"100" min:"1" max:"1000"`
	Field   string `json:"field" doc:"Name of the array in the body; without it the body is the array." example:"items"`
	Results string `json:"results" doc:"JSON pointer to an array in the answer with one result per document, in order." example:"/results"`
	Status  string `json:"status" doc:"JSON pointer to the HTTP status in each result." default:"/status"`
}

// Operation is a question with a name.
type Operation struct {
	URL    string `json:"url" doc:"Address, written like url: {/sku} comes from the question." required:"true" example:"/prices/{/sku}"`
	Method string `json:"method" doc:"HTTP method." enum:"GET,POST,PUT,PATCH,DELETE" default:"GET"`
	Doc    string `json:"doc" doc:"What is asked, for those who use it."`
}

const effect = "Every request carries the record's id as its idempotency key; for systems without such keys " +
	"readBeforeWrite asks for the document first. A time-out after sending is retried with the same key."

// Connector returns the REST connector. Webhook endpoints of one returned value
// share listeners.
func Connector() sdk.Plugin {
	listeners := listener.New()
	return sdk.Connector[Config]{
		Spec: sdk.Spec{
			Name: "rest", Version: "1.0.0", Vendor: "Crossdock", License: "Apache-2.0",
			Summary: "JSON over HTTP: signed webhooks, polling with pages, writing once, asking",
			Effect:  effect,
			Batch:   sdk.BatchLimits{MaxInFlight: 16},
		},
		Validate: validate,
		Source: func(_ context.Context, cfg Config, from []byte, env sdk.Env) (sdk.Source, error) {
			if cfg.Listen != "" {
				return newWebhook(cfg, env, listeners, time.Now)
			}
			return newPoll(cfg, from, env)
		},
		Sink: func(_ context.Context, cfg Config, env sdk.Env) (sdk.Sink, error) { return newSink(cfg, env) },
		Call: func(_ context.Context, cfg Config, env sdk.Env) (sdk.Caller, error) { return newCaller(cfg, env) },
	}
}
