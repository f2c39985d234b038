package routing

import (
	"strings"
	"testing"

	"github.com/crossdock/crossdock/core/engine"
)

const good = "route: notes\nfrom: shop.notes\nmap: mappings/note.yaml\nto:\n  - endpoint: erp.notes\n    map: mappings/out.yaml\n"

func TestCompile(t *testing.T) {
	routes, found := compileRoutes(t, good+"  - endpoint: erp.notes\nretry: {attempts: 3}\nonError: hold\n")
	if found != "" || len(routes) != 1 {
		t.Fatalf("found %s", found)
	}
	r := routes[0]
	if r.Entity != "location" || r.Priority != "normal" || len(r.Targets) != 2 {
		t.Errorf("found %+v", r)
	}
	// Two lanes to one endpoint have names of their own; defaults are the route's.
	if r.Targets[0].Lane != "notes/erp.notes" || r.Targets[1].Lane != "notes/erp.notes#2" {
		t.Errorf("lanes %s and %s", r.Targets[0].Lane, r.Targets[1].Lane)
	}
	if r.Targets[1].Retry.Attempts != 3 || r.Targets[1].OnError != "hold" {
		t.Errorf("target %+v", r.Targets[1].Target)
	}
}

func TestLint(t *testing.T) {
	for _, c := range []struct{ name, route, want string }{
		{"without a mapping", "route: r\nfrom: shop.notes\nto: [{endpoint: erp.notes}]\n", "routes/1.yaml:1:1: the route carries documents of shop.notes without a canonical entity"},
		{"to another system's format", "route: r\nfrom: shop.notes\nmap: mappings/straight.yaml\n", "routes/1.yaml:3:6: the mapping mappings/straight.yaml goes straight to the format of another system"},
		{"target from another system's format", "route: r\nfrom: shop.notes\nmap: mappings/note.yaml\nto:\n  - {endpoint: erp.notes, map: mappings/straight.yaml}\n", "does not begin at a canonical entity"},
		{"target from another entity", "route: r\nfrom: {entity: order}\nto:\n  - {endpoint: erp.notes, map: mappings/out.yaml}\n", "begins at location, but the route carries order"},
		{"unknown entity", "route: r\nfrom: {entity: ordr}\nto: [{endpoint: erp.notes}]\n", `hint: did you mean "order"?`},
		{"map from an entity", "route: r\nfrom: {entity: order}\nmap: mappings/note.yaml\nto: [{endpoint: erp.notes}]\n", `"map" has no meaning`},
		{"entity to nowhere", "route: r\nfrom: {entity: order}\n", "the route goes nowhere"},
		{"unknown source", strings.Replace(good, "shop.notes", "shop.none", 1), `routes/1.yaml:2:7: there is no source "shop.none"`},
		{"unknown sink", strings.Replace(good, "erp.notes", "erp.none", 1), `routes/1.yaml:5:15: there is no sink "erp.none"`},
		{"unknown call", good + "enrich: [{call: erp.none, as: x}]\n", `there is no call "erp.none"`},
		{"unknown mapping", strings.Replace(good, "note.yaml", "none.yaml", 1), "mappings/none.yaml:1:1:"},
		{"bad expression", good + "where: src.a ==\n", "routes/1.yaml:7:8:"},
		{"bad key", good + "key: '1 +'\n", "routes/1.yaml:7:7:"},
		{"bad split", good + "split: '['\n", "routes/1.yaml:7:9:"},
		{"bad name", strings.Replace(good, "route: notes", "route: My Notes", 1), `"My Notes" cannot be a route's name`},
		{"retry", good + "retry: {attempts: 3, multiplier: 0.5}\n", "multiplier is at least 1"},
		{"concurrency", good + "    concurrency: 5000\n", "between 1 and 1024"},
		{"no from", "route: r\n", `the key "from" is missing`},
	} {
		t.Run(c.name, func(t *testing.T) {
			routes, found := compileRoutes(t, c.route)
			if !strings.Contains(found, c.want) {
				t.Errorf("found:\n%s\nexpected: %s", found, c.want)
			}
			if len(routes) != 0 {
				t.Error("a route with errors was compiled")
			}
		})
	}
}

func TestRouteNamesAreUnique(t *testing.T) {
	_, found := compileRoutes(t, good, good)
	if !strings.Contains(found, `routes/2.yaml:1:8: the route "notes" is also defined in routes/1.yaml:1:8`) {
		t.Error(found)
	}
}

func TestOwnsSubscription(t *testing.T) {
	for name, want := range map[string]bool{durable("in", "a"): true, durable("lane", "a/b.c#2"): true, "inventory": false, "console": false} {
		if got := OwnsSubscription(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	// The names of the longest route and endpoint are shortened by the engine; to
	// whom they belong stays visible.
	lane := durable("lane", strings.Repeat("r", 63)+"/"+strings.Repeat("c", 63)+"."+strings.Repeat("s", 63))
	if token := engine.SubjectToken(lane); token == lane || !OwnsSubscription(token) {
		t.Errorf("%s is not known as a lane's", token)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("route: r\nfrom: {entity: order, event: [x]}\nto: [{endpoint: {}}, ~]\nretry: ~\n"))
	f.Add([]byte("route: ~\nfrom: ~\nenrich: [{with: {a: [b]}}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, fs := Parse("r.yaml", data)
		if r == nil && !fs.Failed() {
			t.Fatal("no route and no error")
		}
	})
}
