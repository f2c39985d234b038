package node

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/crossdock/crossdock/core/delivery"
	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/plugins/protocol"
)

// lookup answers table lookups of mappings through the connection's call
// endpoint "lookup": operation is the table, the request has the key looked for
// under the key column's name.
func (n *Node) lookup(ctx context.Context, l mapping.Lookup, key string) (string, bool, error) {
	if value, ok := n.lookups.get(l, key); ok {
		return value, true, nil
	}
	c, err := n.caller(l.Connection + ".lookup")
	if err != nil {
		return "", false, &delivery.Failure{
			Class: protocol.Problem_CONFIG, Code: "lookup.endpoint",
			Err: fmt.Errorf("lookup %s: %w; add a call endpoint `lookup` with an operation %q", l.Name, err, l.Table),
		}
	}
	request, err := lookupRequest(l, key)
	if err != nil {
		return "", false, delivery.Permanent("lookup.key", err)
	}
	reply, err := c.Call(ctx, l.Table, request, "")
	if err != nil {
		return "", false, err
	}
	value, found, err := lookupReply(l, reply.GetPayload())
	if err != nil {
		return "", false, delivery.Permanent("lookup.reply", err)
	}
	if found {
		n.lookups.put(l, key, value)
	}
	return value, found, nil
}

// mostKept bounds what is kept of all tables together.
const mostKept = 10_000

// lookupCache keeps what was found, for as long as the mapping allows (cache: 5m).
// What was not found is asked for each time: somebody may be adding it.
type lookupCache struct {
	now func() time.Time

	mu   sync.Mutex
	kept map[lookupKey]found
}

type lookupKey struct{ connection, table, key, value, of string }

type found struct {
	value string
	until time.Time
}

func (c *lookupCache) get(l mapping.Lookup, key string) (string, bool) {
	if l.Cache <= 0 {
		return "", false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f, ok := c.kept[lookupKey{l.Connection, l.Table, l.Key, l.Value, key}]
	return f.value, ok && c.now().Before(f.until)
}

func (c *lookupCache) put(l mapping.Lookup, key, value string) {
	if l.Cache <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.kept) >= mostKept || c.kept == nil {
		c.kept = map[lookupKey]found{} // asked again, as they are needed
	}
	c.kept[lookupKey{l.Connection, l.Table, l.Key, l.Value, key}] = found{value, c.now().Add(l.Cache)}
}

// lookupRequest asks by the key column's name, so that a database endpoint can
// bind it: {"gtin12": "036000291452"}.
func lookupRequest(l mapping.Lookup, key string) (*protocol.Record, error) {
	b, err := json.Marshal(map[string]string{l.Key: key})
	if err != nil {
		return nil, err
	}
	return &protocol.Record{Id: l.Name + "/" + key, Payload: b, ContentType: "application/json"}, nil
}

// lookupReply takes the value column of a row, or of the first of several.
func lookupReply(l mapping.Lookup, doc []byte) (string, bool, error) {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var v any
	if len(bytes.TrimSpace(doc)) == 0 {
		return "", false, nil
	}
	if err := d.Decode(&v); err != nil {
		return "", false, fmt.Errorf("lookup %s: the reply is not JSON: %w", l.Name, err)
	}
	if rows, ok := v.([]any); ok {
		if len(rows) == 0 {
			return "", false, nil
		}
		v = rows[0]
	}
	row, ok := v.(map[string]any)
	if !ok {
		return "", false, nil
	}
	switch x := row[l.Value].(type) {
	case nil:
		return "", false, nil
	case string:
		return x, true, nil
	case json.Number:
		return x.String(), true, nil
	}
	return "", false, fmt.Errorf("lookup %s: the column %q of the reply is not a single value", l.Name, l.Value)
}
