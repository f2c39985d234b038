package database

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// position is how far a source has read: the watermark and the tie-breaker of the
// last row. Both are kept in the form in which the database gets them back.
type position struct {
	Watermark bound `json:"watermark"`
	ID        bound `json:"id"`
}

func (p position) encode() ([]byte, error) { return json.Marshal(p) }

// decodePosition reads a stored position; nil when there is none.
func decodePosition(b []byte) (*position, error) {
	if len(b) == 0 {
		return nil, nil
	}
	var p position
	if err := json.Unmarshal(b, &p); err != nil {
		return nil, fmt.Errorf("the stored position is not one of this connector: %w", err)
	}
	if p.Watermark.value == nil {
		return nil, fmt.Errorf("the stored position %s has no watermark", b)
	}
	return &p, nil
}

// bound is a value that survives the way into a position and back to the database
// as a parameter: int64, float64, text or bytes.
type bound struct{ value any }

// boundOf takes a value as the driver returned it.
func boundOf(d dialect, v any) bound {
	switch v := v.(type) {
	case time.Time:
		if d.name == "mysql" {
			return bound{v.UTC().Format("2006-01-02 15:04:05.999999")}
		}
		return bound{v.UTC().Format(time.RFC3339Nano)}
	case []byte:
		if utf8.Valid(v) && !bytes.ContainsRune(v, 0) {
			return bound{string(v)}
		}
		return bound{bytes.Clone(v)}
	case nil, int64, float64, string:
		return bound{v}
	}
	return bound{fmt.Sprint(v)}
}

func (b bound) MarshalJSON() ([]byte, error) {
	switch v := b.value.(type) {
	case []byte:
		return json.Marshal(map[string][]byte{"base64": v})
	case float64:
		s := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		return []byte(s), nil
	}
	return json.Marshal(b.value)
}

func (b *bound) UnmarshalJSON(raw []byte) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return err
	}
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			b.value = i
			return nil
		}
		f, err := v.Float64()
		b.value = f
		return err
	case map[string]any:
		var m map[string][]byte
		if err := json.Unmarshal(raw, &m); err != nil {
			return err
		}
		b.value = m["base64"]
	default:
		b.value = v
	}
	return nil
}

// parameter is the value as the driver takes it. PostgreSQL reads a text as
// whatever the column is; a number would have to match the column's own type.
func (b bound) parameter(d dialect) any {
	if d.name == "postgres" {
		switch v := b.value.(type) {
		case int64:
			return strconv.FormatInt(v, 10)
		case float64:
			return strconv.FormatFloat(v, 'g', -1, 64)
		}
	}
	return b.value
}
