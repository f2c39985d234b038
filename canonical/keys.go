package canonical

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxKeysPerName limits how many values one document contributes to a business
// key: a purchase order of 20,000 lines is found by its number and by its first
// products, not by each of them.
const MaxKeysPerName = 32

// Facts is what the middleware needs to know about a document to move it.
type Facts struct {
	// Entity is the entity's name as [Names] writes it.
	Entity string
	// ID is the document's id.
	ID string
	// Key orders: documents of one key stay in order.
	Key string
	// Event says what happened: "placed", "snapshot", "changed", "deleted".
	Event string
	// Keys are the business keys; see [BusinessKeys].
	Keys map[string]string
}

// Inspect reads a document's facts in one pass. It does not validate. It fails
// for an unknown entity and for a document that is not a JSON object.
func Inspect(entity string, doc []byte) (Facts, error) {
	c, err := load()
	if err != nil {
		return Facts{}, err
	}
	e, ok := c.entities[fold(entity)]
	if !ok {
		return Facts{}, unknownEntity(entity, c.names)
	}
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		return Facts{}, fmt.Errorf("%s document is not a JSON object: %w", e.name, err)
	}
	f := Facts{Entity: e.name, Event: event(e, v), Keys: map[string]string{}}
	f.ID, _ = v["id"].(string)
	if f.Key, _ = at(v, e.keyAt).(string); f.Key == "" {
		f.Key = f.ID
	}
	collector{keys: f.Keys, counts: map[string]int{}}.collect(e.keysPlan, v)
	return f, nil
}

// BusinessKeys returns the values by which people look for this document, from
// the schema's x-business-key annotations: {"order": "4711", "sku": "SKU-7"}. A
// name with several values continues as "sku.2", "sku.3" up to [MaxKeysPerName].
// It returns nil for an unknown entity or a document that is not an object.
func BusinessKeys(entity string, doc []byte) map[string]string {
	f, err := Inspect(entity, doc)
	if err != nil {
		return nil
	}
	return f.Keys
}

// Event names what the document reports, in lower case and fit for a topic: the
// value at the schema's x-event ("placed"), "deleted" for a document with
// deleted: true, and "changed" when the schema names no event field or the
// document leaves it out.
func Event(entity string, doc []byte) string {
	f, err := Inspect(entity, doc)
	if err != nil {
		return changed
	}
	return f.Event
}

// Key returns the document's default ordering key: the value at the schema's
// x-key, or its id. Empty when the document has neither.
func Key(entity string, doc []byte) string {
	f, err := Inspect(entity, doc)
	if err != nil {
		return ""
	}
	return f.Key
}

const changed = "changed"

func event(e *entity, doc map[string]any) string {
	if d, _ := doc["deleted"].(bool); d {
		return "deleted"
	}
	if e.eventAt == "" {
		return changed
	}
	if s, ok := at(doc, e.eventAt).(string); ok && s != "" {
		return strings.ToLower(s)
	}
	return changed
}

// plan is the part of a schema that leads to business keys, so that the rest of
// a document is not walked.
type plan struct {
	name       string           // this value is a key of this name
	fromScheme bool             // this object is {scheme, value}: the scheme names the key
	fields     map[string]*plan // members that lead to keys
	order      []string         // of fields, so that keys are numbered the same way each time
	items      *plan
}

// maxDepth stops a schema that refers to itself.
const maxDepth = 12

// plan compiles the annotations below a schema, nil when there are none.
func (d documents) plan(file string, s map[string]any, depth int) *plan {
	if depth > maxDepth || s["x-personal"] == true {
		return nil
	}
	p := &plan{}
	switch name := s["x-business-key"].(type) {
	case bool:
		if !name {
			return nil
		}
	case string:
		p.name = name
	}
	at, target := d.resolve(file, s)
	if target == nil || target["x-personal"] == true {
		return nil
	}
	if p.name == "" {
		p.name, _ = target["x-business-key"].(string)
	}
	if p.name == "{scheme}" {
		p.name, p.fromScheme = "", true
		return p
	}
	if props, ok := target["properties"].(map[string]any); ok {
		for field, sub := range props {
			if sub, ok := sub.(map[string]any); ok {
				if c := d.plan(at, sub, depth+1); c != nil {
					if p.fields == nil {
						p.fields = map[string]*plan{}
					}
					p.fields[field] = c
					p.order = append(p.order, field)
				}
			}
		}
		slices.Sort(p.order)
	}
	if items, ok := target["items"].(map[string]any); ok {
		p.items = d.plan(at, items, depth+1)
	}
	if p.name == "" && p.fields == nil && p.items == nil {
		return nil
	}
	return p
}

type collector struct {
	keys   map[string]string
	counts map[string]int
}

func (c collector) collect(p *plan, v any) {
	if p == nil {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		if p.fromScheme {
			scheme, _ := v["scheme"].(string)
			value, _ := v["value"].(string)
			c.add(strings.TrimSuffix(scheme, "-number"), value)
			return
		}
		for _, field := range p.order {
			if sub, ok := v[field]; ok {
				c.collect(p.fields[field], sub)
			}
		}
	case []any:
		for _, item := range v {
			if p.items != nil {
				c.collect(p.items, item)
			} else if s, ok := item.(string); ok {
				c.add(p.name, s)
			}
		}
	case string:
		c.add(p.name, v)
	case json.Number:
		c.add(p.name, v.String())
	}
}

// add keeps a value under name, name.2, name.3… unless it is there already.
func (c collector) add(name, value string) {
	if name == "" || value == "" || !utf8.ValidString(value) {
		return
	}
	n := c.counts[name]
	if n >= MaxKeysPerName {
		return
	}
	for i := 1; i <= n; i++ {
		if c.keys[numbered(name, i)] == value {
			return
		}
	}
	c.counts[name] = n + 1
	c.keys[numbered(name, n+1)] = value
}

func numbered(name string, n int) string {
	if n == 1 {
		return name
	}
	return name + "." + strconv.Itoa(n)
}
