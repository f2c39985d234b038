package node

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/crossdock/crossdock/connectors/sdk"
	"github.com/crossdock/crossdock/core/ledger"
	"github.com/crossdock/crossdock/core/mapping"
)

// asking adds a call endpoint to the project, a table lookup to its outgoing
// mapping and a question to its route.
func asking(t *testing.T, cache string) (dir string) {
	dir = project(t)
	write(t, dir, "connections/w.yaml", connectionFile+"calls: {lookup: {}, price: {}}\n")
	write(t, dir, "mappings/out.yaml", strings.Replace(outFile, "fields: {id: src.id}",
		"lookups: {names: {table: places, connection: w, key: place, value: title"+cache+"}}\nfields: {id: src.id, name: {from: src.id, lookup: names}}", 1))
	write(t, dir, "mappings/note.yaml", strings.Replace(mappingFile, "  status:", "  name: meta[\"price.amount\"]\n  status:", 1))
	write(t, dir, "routes/notes.yaml", route("notes", "w.places")+"enrich: [{call: w.price, operation: today, as: price, with: {of: src.id}}]\n")
	return dir
}

// A lookup asks the connection's call endpoint for the table, with the key under
// its column's name; what it found is not asked again while the cache says so.
func TestLookupThroughAConnection(t *testing.T) {
	leaks(t)
	for name, c := range map[string]struct {
		cache string
		asked int // 3 times for the price, and then for the table
	}{"always asked": {"", 3 + 3}, "kept": {", cache: 1h", 3 + 2}} {
		t.Run(name, func(t *testing.T) {
			dir, w, log := asking(t, c.cache), newWorld(), &logged{}
			w.answer = func(operation string, in sdk.Record) (string, error) {
				switch operation + " " + string(in.Payload) {
				case `today {"of":"1"}`, `today {"of":"2"}`:
					return `{"amount": "9.90"}`, nil
				case `places {"place":"1"}`:
					return `[{"place": "1", "title": "Berlin"}]`, nil
				case `places {"place":"2"}`:
					return `{"place": "2", "title": 22}`, nil
				}
				return "", sdk.Failf(sdk.Permanent, "world.unknown", "not asked so: %s %s", operation, in.Payload)
			}
			n, stop := start(t, dir, w, log)
			defer stop()
			w.offer("a", `{"id": "1"}`)
			w.wait(t, 1)
			w.offer("b", `{"id": "1"}`)
			w.wait(t, 2)
			w.offer("c", `{"id": "2"}`)
			docs := w.wait(t, 3)
			if got := strings.Join(docs, " "); got != `{"id":"1","name":"Berlin"} {"id":"1","name":"Berlin"} {"id":"2","name":"22"}` {
				t.Errorf("arrived: %s", got)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.asked != c.asked {
				t.Errorf("%d questions, expected %d", w.asked, c.asked)
			}
			if dead, err := n.Ledger.DeadList(t.Context(), ledger.DeadFilter{}); err != nil || len(dead) != 0 {
				t.Errorf("dead letters %+v, %v", dead, err)
			}
		})
	}
}

// While the system that is asked is away, messages wait, both before and behind
// the canonical event; nothing becomes a dead letter.
func TestAskedSystemIsAway(t *testing.T) {
	leaks(t)
	for _, away := range []string{"today", "places"} {
		t.Run(away, func(t *testing.T) {
			dir, w, log := asking(t, ""), newWorld(), &logged{}
			write(t, dir, "routes/notes.yaml", route("notes", "w.places")+"retry: {attempts: 2, initial: 1ms, max: 1ms}\nenrich: [{call: w.price, operation: today, as: price, with: {of: src.id}}]\n")
			refusals := 0
			w.answer = func(operation string, _ sdk.Record) (string, error) {
				if operation == away && refusals < 4 {
					refusals++
					return "", sdk.Failf(sdk.NotConnected, "world.away", "nobody is at home")
				}
				return `{"amount": "1", "title": "Berlin"}`, nil
			}
			n, stop := start(t, dir, w, log)
			defer stop()
			w.offer("a", `{"id": "1"}`)
			w.wait(t, 1)
			if dead, err := n.Ledger.DeadList(t.Context(), ledger.DeadFilter{}); err != nil || len(dead) != 0 {
				t.Errorf("dead letters %+v, %v", dead, err)
			}
		})
	}
}

// A reply that makes no sense is told with the place to look at.
func TestLookupWithoutSense(t *testing.T) {
	leaks(t)
	dir, w, log := asking(t, ""), newWorld(), &logged{}
	w.answer = func(operation string, _ sdk.Record) (string, error) {
		if operation == "places" {
			return `{"title": ["not", "one"]}`, nil
		}
		return `{"amount": "1"}`, nil
	}
	n, stop := start(t, dir, w, log)
	defer stop()
	w.offer("a", `{"id": "1"}`)
	eventually(t, "a dead letter", func() bool {
		dead, err := n.Ledger.DeadList(t.Context(), ledger.DeadFilter{})
		return err == nil && len(dead) == 1 && dead[0].Stage == "deliver" && dead[0].Class == "PERMANENT" && dead[0].Attempts == 1 && strings.Contains(dead[0].Reason, `the column "title" of the reply is not a single value`)
	})
}

func TestLookupCache(t *testing.T) {
	now := time.Unix(0, 0)
	c := lookupCache{now: func() time.Time { return now }}
	kept := mapping.Lookup{Connection: "w", Table: "places", Key: "place", Value: "title", Cache: time.Minute}
	other, never := kept, kept
	other.Value, never.Cache = "code", 0
	c.put(kept, "1", "Berlin")
	c.put(never, "2", "Köln")
	for _, x := range []struct {
		what   string
		lookup mapping.Lookup
		key    string
		found  bool
	}{{"kept", kept, "1", true}, {"another column", other, "1", false}, {"another key", kept, "3", false}, {"without a cache", never, "1", false}, {"never kept", kept, "2", false}} {
		if _, ok := c.get(x.lookup, x.key); ok != x.found {
			t.Errorf("%s: found %v", x.what, ok)
		}
	}
	now = now.Add(time.Minute)
	if _, ok := c.get(kept, "1"); ok {
		t.Error("kept for longer than the mapping allows")
	}
	for i := range 2 * mostKept {
		c.put(kept, fmt.Sprint(i), "x")
	}
	if len(c.kept) > mostKept {
		t.Errorf("%d answers are kept", len(c.kept))
	}
}
