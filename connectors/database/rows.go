package database

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// columns knows how to write the rows of one result as JSON.
type columns struct {
	names []string
	types []string // database type, upper case, without length
	scale []int    // digits after the point, -1 unknown
	zone  *time.Location
}

func columnsOf(rows *sql.Rows, zone *time.Location) (columns, error) {
	types, err := rows.ColumnTypes()
	if err != nil {
		return columns{}, err
	}
	c := columns{zone: zone}
	for _, t := range types {
		name, args, _ := strings.Cut(strings.ToUpper(t.DatabaseTypeName()), "(")
		scale := -1
		if _, s, ok := strings.Cut(strings.TrimSuffix(args, ")"), ","); ok {
			if n, err := strconv.Atoi(strings.TrimSpace(s)); err == nil {
				scale = n
			}
		}
		c.names, c.types, c.scale = append(c.names, t.Name()), append(c.types, strings.TrimSpace(name)), append(c.scale, scale)
	}
	return c, nil
}

// index returns the position of a column, -1 when there is none. Databases fold
// the case of unquoted names differently, so case is ignored.
func (c columns) index(name string) int {
	for i, n := range c.names {
		if strings.EqualFold(n, name) {
			return i
		}
	}
	return -1
}

// scan reads the current row.
func (c columns) scan(rows *sql.Rows) ([]any, error) {
	values, dests := make([]any, len(c.names)), make([]any, len(c.names))
	for i := range values {
		dests[i] = &values[i]
	}
	if err := rows.Scan(dests...); err != nil {
		return nil, err
	}
	for i, v := range values {
		switch v := v.(type) {
		case uint64:
			if v <= math.MaxInt64 {
				values[i] = int64(v)
			}
		case time.Time:
			if v.IsZero() {
				// MySQL's 0000-00-00, which stands for no date.
				values[i] = nil
			}
		}
	}
	return values, nil
}

// object writes a row as a JSON object in column order, leaving out the columns
// behind the n-th.
func (c columns) object(values []any, n int) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(c.names[i])
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		v, err := c.json(i, values[i])
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", c.names[i], err)
		}
		b.Write(v)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// json writes one value: decimals as text, times as RFC 3339, bytes as base64,
// NULL as null, JSON columns as what they hold.
func (c columns) json(i int, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return []byte("null"), nil
	case bool:
		return strconv.AppendBool(nil, v), nil
	case int64:
		switch {
		case c.types[i] == "BOOLEAN" || c.types[i] == "BOOL":
			return strconv.AppendBool(nil, v != 0), nil
		case c.decimal(i):
			return json.Marshal(c.fixed(i, strconv.FormatInt(v, 10)))
		}
		return strconv.AppendInt(nil, v, 10), nil
	case uint64:
		return strconv.AppendUint(nil, v, 10), nil
	case float64:
		if c.types[i] == "FLOAT4" {
			return c.float(i, v, 32)
		}
		return c.float(i, v, 64)
	case float32:
		return c.float(i, float64(v), 32)
	case time.Time:
		return json.Marshal(c.time(i, v))
	case []byte:
		return c.raw(i, v)
	case string:
		if c.types[i] == "JSON" || c.types[i] == "JSONB" {
			return c.raw(i, []byte(v))
		}
		return json.Marshal(v)
	}
	return json.Marshal(fmt.Sprint(v))
}

func (c columns) decimal(i int) bool {
	switch c.types[i] {
	case "DECIMAL", "NUMERIC", "MONEY", "NUMBER":
		return true
	}
	return false
}

// fixed appends the zeros that a database without decimals has lost: 12.5 in a
// DECIMAL(10,2) column is "12.50".
func (c columns) fixed(i int, digits string) string {
	if c.scale[i] <= 0 || strings.ContainsAny(digits, "eE") {
		return digits
	}
	whole, frac, _ := strings.Cut(digits, ".")
	if len(frac) < c.scale[i] {
		frac += strings.Repeat("0", c.scale[i]-len(frac))
	}
	return whole + "." + frac
}

func (c columns) float(i int, f float64, bits int) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return json.Marshal(fmt.Sprint(f))
	}
	if c.decimal(i) {
		return json.Marshal(c.fixed(i, strconv.FormatFloat(f, 'f', -1, bits)))
	}
	if bits == 32 {
		return json.Marshal(float32(f))
	}
	return json.Marshal(f)
}

// time writes a time by its column: a date without a clock, a time without a zone
// in the configured one.
func (c columns) time(i int, t time.Time) string {
	switch c.types[i] {
	case "DATE":
		return t.Format(time.DateOnly)
	case "TIMESTAMPTZ":
		return t.UTC().Format(time.RFC3339Nano)
	}
	return c.zoned(t).Format(time.RFC3339Nano)
}

// zoned reads the wall clock of a time without a zone in the configured zone.
func (c columns) zoned(t time.Time) time.Time {
	if c.zone == nil || c.zone == time.UTC || t.Location() != time.UTC {
		return t
	}
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), c.zone)
}

func (c columns) raw(i int, b []byte) ([]byte, error) {
	switch c.types[i] {
	case "JSON", "JSONB":
		if json.Valid(b) {
			return bytes.Clone(b), nil
		}
	case "BLOB", "TINYBLOB", "MEDIUMBLOB", "LONGBLOB", "BINARY", "VARBINARY", "BYTEA", "GEOMETRY", "":
		return json.Marshal(base64.StdEncoding.EncodeToString(b))
	case "BIT":
		n := uint64(0)
		for _, x := range b {
			n = n<<8 | uint64(x)
		}
		return strconv.AppendUint(nil, n, 10), nil
	}
	if !utf8.Valid(b) {
		return json.Marshal(base64.StdEncoding.EncodeToString(b))
	}
	return json.Marshal(string(b))
}

// plain writes a value for ids, keys and positions: the same text for the same
// value, whichever way the driver returns it.
func (c columns) plain(i int, v any) (string, error) {
	raw, err := c.json(i, v)
	if err != nil {
		return "", err
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s, nil
	}
	return string(raw), nil
}
