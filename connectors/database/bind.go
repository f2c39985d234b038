package database

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/crossdock/crossdock/connectors/database/internal/parameters"
	"github.com/crossdock/crossdock/connectors/jsonpointer"
	"github.com/crossdock/crossdock/connectors/sdk"
)

// scope is what the parameters of one execution refer to.
type scope struct {
	doc   any // the whole document, for :{/pointer}
	item  any // what :name looks into: the document, or one item of each
	at    string
	index int // of the item, from 1; 0 without each
	rec   sdk.Record
}

// binder turns parameters into driver values.
type binder struct {
	dialect dialect
	types   map[string]string
	zone    *time.Location
}

// decode reads a payload; numbers keep their digits.
func decode(rec sdk.Record) (any, error) {
	if rec.ContentType != "" && rec.ContentType != "application/json" {
		return nil, sdk.Failf(sdk.Permanent, "sql.payload", "the payload is %s, expected application/json: add a mapping to the route", rec.ContentType)
	}
	doc, err := jsonpointer.Decode(rec.Payload)
	if err != nil {
		return nil, sdk.Failf(sdk.Permanent, "sql.payload", "the payload is not JSON: %w", err)
	}
	return doc, nil
}

// bind returns the driver values of a statement's parameters.
func (b binder) bind(st *parameters.Statement, sc scope) ([]any, error) {
	params := st.Parameters()
	out := make([]any, len(params))
	for i, p := range params {
		v, pointer, err := b.lookup(p, sc)
		if err != nil {
			return nil, err
		}
		kind := b.types[p.Text]
		if out[i], err = b.value(v, kind); err != nil {
			return nil, &sdk.Error{Class: sdk.Permanent, Code: "sql.parameter", Field: pointer, Message: fmt.Sprintf("parameter :%s: %v", p.Text, err)}
		}
	}
	return out, nil
}

// lookup finds a parameter's value and where it stands in the document.
func (b binder) lookup(p parameters.Parameter, sc scope) (v any, pointer string, err error) {
	if name, ok := strings.CutPrefix(p.Text, "@"); ok {
		return sc.special(name)
	}
	from, at := sc.item, sc.at
	if strings.HasPrefix(p.Text, "/") {
		from, at = sc.doc, ""
	}
	if v, found := p.Path.Find(from); found {
		return v, at + p.Path.String(), nil
	}
	if p.Optional {
		return nil, at + p.Path.String(), nil
	}
	return nil, "", missing(p, from, at)
}

// missing tells how far a parameter's path leads into the document, and what is
// there instead.
func missing(p parameters.Parameter, from any, at string) error {
	parent, n := from, 0
	for ; n < len(p.Path)-1; n++ {
		next, found := p.Path[n : n+1].Find(parent)
		if !found {
			break
		}
		parent = next
	}
	return &sdk.Error{
		Class: sdk.Permanent, Code: "sql.parameter", Field: at + p.Path[:n+1].String(),
		Message: fmt.Sprintf("parameter :%s has no value: the document has no %s here%s; write :%s? where it may be missing", p.Text, p.Path[n], present(parent), p.Text),
	}
}

// special resolves :@name, what is known of the record beside its payload.
func (sc scope) special(name string) (any, string, error) {
	switch name {
	case "id":
		return sc.rec.ID, "", nil
	case "key":
		return sc.rec.Key, "", nil
	case "entity":
		return sc.rec.Entity, "", nil
	case "operation":
		return sc.rec.Operation, "", nil
	case "index":
		return json.Number(strconv.Itoa(sc.index)), "", nil
	}
	return nil, "", sdk.Failf(sdk.BadConfig, "sql.parameter", "parameter :@%s is unknown, expected :@id, :@key, :@entity, :@operation or :@index", name)
}

// present lists what is there instead of a missing field.
func present(v any) string {
	m, ok := v.(map[string]any)
	if !ok || len(m) == 0 {
		return ""
	}
	names := make([]string, 0, len(m))
	for k := range m {
		names = append(names, k)
	}
	slices.Sort(names)
	if len(names) > 12 {
		names = append(names[:12], "…")
	}
	return " (it has " + strings.Join(names, ", ") + ")"
}

// The types that a parameter can be given.
func typeNames() []string {
	return []string{"time", "date", "bytes", "json", "integer", "number", "text"}
}

func knownType(s string) bool { return slices.Contains(typeNames(), s) }

// value turns a JSON value into what the driver is given. Numbers go as their
// digits, so that no decimal is rounded on its way.
func (b binder) value(v any, kind string) (any, error) {
	if v == nil {
		return nil, nil
	}
	if kind == "json" {
		raw, err := json.Marshal(v)
		return string(raw), err
	}
	switch v := v.(type) {
	case string:
		return b.text(v, kind)
	case json.Number:
		return b.number(v, kind)
	case bool:
		if b.dialect.name == "postgres" {
			return strconv.FormatBool(v), nil
		}
		return v, nil
	default:
		raw, err := json.Marshal(v)
		return string(raw), err
	}
}

func (b binder) number(n json.Number, kind string) (any, error) {
	if kind == "text" || b.dialect.name == "postgres" {
		// PostgreSQL reads a text parameter as whatever the column is.
		return n.String(), nil
	}
	if i, err := n.Int64(); err == nil {
		return i, nil
	}
	if kind == "integer" {
		return nil, fmt.Errorf("%s is no integer", n)
	}
	// MySQL converts the digits exactly to the column's DECIMAL; SQLite has no
	// decimals and lets the column's affinity decide.
	return n.String(), nil
}

func (b binder) text(s, kind string) (any, error) {
	switch kind {
	case "time":
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return nil, fmt.Errorf("%q is no time, expected RFC 3339 such as 2026-11-27T08:00:00+01:00", s)
		}
		switch b.dialect.name {
		case "mysql":
			return t.In(b.zone).Format("2006-01-02 15:04:05.999999"), nil
		case "sqlite":
			return t.In(b.zone).Format("2006-01-02 15:04:05.999999999"), nil
		}
		return t.In(b.zone).Format(time.RFC3339Nano), nil
	case "date":
		if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
			return t.In(b.zone).Format(time.DateOnly), nil
		}
		if _, err := time.Parse(time.DateOnly, s); err != nil {
			return nil, fmt.Errorf("%q is no date, expected such as 2026-11-27", s)
		}
		return s, nil
	case "bytes":
		raw, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return nil, fmt.Errorf("is not base64: %w", err)
		}
		return raw, nil
	case "integer":
		i, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no integer", s)
		}
		if b.dialect.name == "postgres" {
			return s, nil
		}
		return i, nil
	case "number":
		if !json.Valid([]byte(s)) || s == "" || strings.ContainsAny(s[:1], `"{[tfn`) {
			return nil, fmt.Errorf("%q is no number", s)
		}
		return s, nil
	}
	return s, nil
}
