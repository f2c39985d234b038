package routing

import (
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/crossdock/crossdock/core/strictyaml"
)

// Route is one file under routes/.
type Route struct {
	strictyaml.Pos
	// Name is unique in the project: lower case letters, digits and dashes.
	Name strictyaml.Text `yaml:"route,required"`
	// Description and Owner are for people: what the route is for and who
	// answers for it.
	Description string `yaml:"description"`
	Owner       string `yaml:"owner"`
	// From is where documents come from.
	From From `yaml:"from,required"`
	// Where is a CEL condition on the document as it came (src); what does not
	// meet it is journaled as filtered and goes no further.
	Where strictyaml.Text `yaml:"where"`
	// Split is a CEL expression that makes a list; each entry becomes a message
	// of its own before it is mapped.
	Split strictyaml.Text `yaml:"split"`
	// Enrich asks other systems before the document is mapped.
	Enrich []Enrich `yaml:"enrich"`
	// Map is a mapping file whose target is a canonical entity.
	Map strictyaml.Text `yaml:"map"`
	// Key is a CEL expression on the canonical document (out): order is kept
	// among messages of one key. Default: the entity's id.
	Key strictyaml.Text `yaml:"key"`
	// Priority is the class of the route's messages; a target's budget goes to
	// critical first.
	Priority string `yaml:"priority" enum:"critical,normal,low"`
	// Cadence is how often an effect is expected at each target at least, such
	// as 15m during opening hours; health reports a lane that is silent for
	// longer. 0: nothing is expected.
	Cadence time.Duration `yaml:"cadence"`
	// Retry and OnError are defaults for the targets.
	Retry   *Retry `yaml:"retry"`
	OnError string `yaml:"onError" enum:"dead,hold"`
	// To are the targets. A route without any only publishes canonical events.
	To []Target `yaml:"to"`
}

// From is the start of a route: a source endpoint, or the canonical events of
// an entity.
type From struct {
	strictyaml.Pos
	// Endpoint is "<connection>.<source>".
	Endpoint string
	// Entity is a canonical entity; Event narrows it to one event ("placed").
	Entity, Event string
}

// DecodeYAML reads `from: shop.orders` and `from: {entity: order, event: placed}`.
func (fr *From) DecodeYAML(f *strictyaml.File, n *yaml.Node, fs *strictyaml.Findings) {
	fr.Pos = f.Pos(n)
	if n.Kind == yaml.ScalarNode {
		fr.Endpoint = n.Value
		return
	}
	var long struct {
		Entity string `yaml:"entity,required"`
		Event  string `yaml:"event"`
	}
	f.DecodeNode(n, &long, fs)
	fr.Entity, fr.Event = long.Entity, long.Event
}

func (fr From) String() string {
	switch {
	case fr.Endpoint != "":
		return fr.Endpoint
	case fr.Event != "":
		return fr.Entity + "." + fr.Event
	}
	return fr.Entity
}

// Target is one receiver of a route.
type Target struct {
	strictyaml.Pos
	// Endpoint is "<connection>.<sink>".
	Endpoint strictyaml.Text `yaml:"endpoint,required"`
	// Where is a CEL condition on the canonical document (src).
	Where strictyaml.Text `yaml:"where"`
	// Enrich asks other systems before the document is mapped.
	Enrich []Enrich `yaml:"enrich"`
	// Map is a mapping file whose source is the route's canonical entity.
	// Without it the canonical document itself is delivered.
	Map strictyaml.Text `yaml:"map"`
	// Retry and OnError override the route's.
	Retry   *Retry `yaml:"retry"`
	OnError string `yaml:"onError" enum:"dead,hold"`
	// Concurrency is how many keys are delivered at a time; default 16.
	Concurrency int `yaml:"concurrency"`
}

// Retry says how often and how fast a retryable failure is tried again.
type Retry struct {
	// Attempts counts the first try; default 8.
	Attempts int `yaml:"attempts"`
	// Initial is the longest wait after the first failure (default 200ms); it
	// grows by Multiplier (default 2) up to Max (default 5m). The wait is drawn
	// at random up to that bound, so that retries do not come in step.
	Initial    time.Duration `yaml:"initial"`
	Max        time.Duration `yaml:"max"`
	Multiplier float64       `yaml:"multiplier"`
}

// Enrich is one request and reply made for a message. Every scalar of the
// reply becomes metadata that expressions read: meta["price.amount"] for
// `as: price` and a reply {"amount": "12.50"}.
type Enrich struct {
	strictyaml.Pos
	// Call is "<connection>.<call>".
	Call strictyaml.Text `yaml:"call,required"`
	// Operation is what is asked for, when the call offers several.
	Operation string `yaml:"operation"`
	As        string `yaml:"as,required"`
	// With are the request's fields, each a CEL expression on the document.
	With map[string]strictyaml.Text `yaml:"with"`
	// OnError skip goes on without the reply; fail (the default) treats it as a
	// failed delivery of the class that the call gave.
	OnError string `yaml:"onError" enum:"fail,skip"`
}

// Parse reads one route file. The route is returned as far as it could be
// read, so that its other problems can be found too.
func Parse(name string, data []byte) (*Route, strictyaml.Findings) {
	f, fs := strictyaml.Parse(name, data)
	if f == nil {
		return nil, fs
	}
	r := &Route{}
	fs = append(fs, f.Decode(r)...)
	if r.Priority == "" {
		r.Priority = "normal"
	}
	for i := range r.To {
		t := &r.To[i]
		if t.Retry == nil {
			t.Retry = r.Retry
		}
		if t.OnError == "" {
			t.OnError = r.OnError
		}
	}
	return r, fs
}
