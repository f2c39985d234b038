package node

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/crossdock/crossdock/core/mapping"
	"github.com/crossdock/crossdock/plugins/protocol"
)

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
