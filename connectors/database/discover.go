package database

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/jmoiron/sqlx"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// column is one column of a table as the database's catalogue describes it.
type column struct {
	Table    string `db:"table_name"`
	Name     string `db:"column_name"`
	Type     string `db:"data_type"`
	Nullable bool   `db:"nullable"`
	Key      bool   `db:"is_key"`
}

// The queries of the catalogues: tables and views that the user may see, without
// the database's own.
const (
	postgresColumns = `SELECT CASE WHEN c.table_schema = current_schema() THEN c.table_name ELSE c.table_schema || '.' || c.table_name END AS table_name,
  c.column_name, c.data_type, c.is_nullable = 'YES' AS nullable,
  EXISTS (SELECT 1 FROM information_schema.table_constraints t JOIN information_schema.key_column_usage k
    ON k.constraint_name = t.constraint_name AND k.table_schema = t.table_schema AND k.table_name = t.table_name
    WHERE t.constraint_type = 'PRIMARY KEY' AND t.table_schema = c.table_schema AND t.table_name = c.table_name AND k.column_name = c.column_name) AS is_key
FROM information_schema.columns c WHERE c.table_schema NOT IN ('pg_catalog', 'information_schema')
ORDER BY 1, c.ordinal_position`
	mysqlColumns = `SELECT table_name AS table_name, column_name AS column_name, column_type AS data_type, is_nullable = 'YES' AS nullable, column_key = 'PRI' AS is_key
FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position`
	sqliteColumns = `SELECT m.name AS table_name, p.name AS column_name, p.type AS data_type, p."notnull" = 0 AS nullable, p.pk > 0 AS is_key
FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite_%'
ORDER BY m.name, p.cid`
)

// discover lists tables and views with their columns. filter keeps those whose
// name contains it.
func discover(ctx context.Context, d dialect, db *sqlx.DB, filter string) (sdk.Discovery, error) {
	query := map[string]string{"postgres": postgresColumns, "mysql": mysqlColumns, "sqlite": sqliteColumns}[d.name]
	var cols []column
	if err := db.SelectContext(ctx, &cols, query); err != nil {
		return sdk.Discovery{}, classify("list the tables", err)
	}
	var out sdk.Discovery
	for _, part := range tables(cols) {
		if !strings.Contains(strings.ToLower(part[0].Table), strings.ToLower(filter)) {
			continue
		}
		e, err := entityOf(part)
		if err != nil {
			return sdk.Discovery{}, err
		}
		out.Entities = append(out.Entities, e)
	}
	return out, nil
}

// tables groups the columns, which come ordered by table.
func tables(cols []column) [][]column {
	var out [][]column
	for i, c := range cols {
		if i == 0 || c.Table != cols[i-1].Table {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], c)
	}
	return out
}

func entityOf(cols []column) (sdk.Entity, error) {
	props, required := map[string]any{}, []string{}
	e := sdk.Entity{Name: cols[0].Table, Directions: []string{"source", "sink"}}
	for _, c := range cols {
		s := schemaOf(c.Type)
		s["description"] = c.Type
		if c.Nullable {
			s["type"] = []any{s["type"], "null"}
		}
		props[c.Name] = s
		required = append(required, c.Name)
		if c.Key {
			e.Keys = append(e.Keys, c.Name)
		}
		e.Incremental = e.Incremental || s["format"] == "date-time" || c.Key && s["type"] == "integer"
	}
	schema, err := json.Marshal(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": e.Name, "type": "object",
		"properties": props, "required": required,
	})
	e.Schema = schema
	return e, err
}

// schemaOf describes how a column's values are written; see columns.json.
func schemaOf(sqlType string) map[string]any {
	t := strings.ToLower(sqlType)
	base, _, _ := strings.Cut(t, "(")
	base = strings.TrimSpace(strings.TrimSuffix(base, " unsigned"))
	switch {
	case strings.HasPrefix(base, "timestamp") || base == "datetime":
		return map[string]any{"type": "string", "format": "date-time"}
	case base == "date":
		return map[string]any{"type": "string", "format": "date"}
	case base == "boolean" || base == "bool":
		return map[string]any{"type": "boolean"}
	case base == "decimal" || base == "numeric" || base == "money":
		return map[string]any{"type": "string", "pattern": `^-?[0-9]+(\.[0-9]+)?$`}
	case strings.Contains(base, "int") || strings.HasSuffix(base, "serial") || base == "year":
		return map[string]any{"type": "integer"}
	case strings.HasPrefix(base, "double") || base == "real" || base == "float":
		return map[string]any{"type": "number"}
	case base == "json" || base == "jsonb":
		return map[string]any{"type": "object"}
	case strings.Contains(base, "blob") || strings.HasSuffix(base, "binary") || base == "bytea":
		return map[string]any{"type": "string", "contentEncoding": "base64"}
	}
	return map[string]any{"type": "string"}
}

// Discover lists the tables and views.
func (s *source) Discover(ctx context.Context, filter string) (sdk.Discovery, error) {
	return discover(ctx, s.d, s.db, filter)
}

// Discover lists the tables and views.
func (s *sink) Discover(ctx context.Context, filter string) (sdk.Discovery, error) {
	return discover(ctx, s.d, s.db, filter)
}

// Discover lists the tables and views, and the endpoint's queries as operations.
func (c *caller) Discover(ctx context.Context, filter string) (sdk.Discovery, error) {
	d, err := discover(ctx, c.d, c.db, filter)
	for _, name := range c.operations() {
		d.Operations = append(d.Operations, sdk.Operation{Name: name, Kind: "query", Idempotent: true})
	}
	return d, err
}
