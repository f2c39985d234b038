package sftp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// document is a parsed record that values are looked up in.
type document struct{ root any }

func parseDocument(payload []byte) (document, error) {
	decoder := json.NewDecoder(bytes.NewReader(payload))
	decoder.UseNumber()
	var d document
	if err := decoder.Decode(&d.root); err != nil {
		return d, fmt.Errorf("the payload is not JSON: %w", err)
	}
	return d, nil
}

// text gives the plain value at a JSON pointer (RFC 6901), or in the field of
// a name without slash; false when there is none.
func (d document) text(pointer string) (string, bool) {
	parts := []string{pointer}
	if strings.HasPrefix(pointer, "/") {
		parts = strings.Split(pointer[1:], "/")
		for i, part := range parts {
			parts[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		}
	}
	value := d.root
	for _, part := range parts {
		switch v := value.(type) {
		case map[string]any:
			value = v[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(v) {
				return "", false
			}
			value = v[i]
		default:
			return "", false
		}
	}
	switch v := value.(type) {
	case string:
		return v, v != ""
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	default:
		return "", false
	}
}
