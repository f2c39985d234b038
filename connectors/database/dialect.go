package database

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"
	"github.com/jmoiron/sqlx"
	_ "modernc.org/sqlite" // registers the driver "sqlite"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// dialect is what differs between the databases.
type dialect struct {
	name   string // sqlite, postgres, mysql
	driver string // name in database/sql
	quote  string // around names
}

func dialectOf(driver string) (dialect, error) {
	switch driver {
	case "sqlite":
		return dialect{"sqlite", "sqlite", `"`}, nil
	case "postgres":
		return dialect{"postgres", "pgx", `"`}, nil
	case "mysql", "mariadb":
		return dialect{"mysql", "mysql", "`"}, nil
	}
	return dialect{}, fmt.Errorf("driver %q is unknown, expected sqlite, postgres, mysql or mariadb", driver)
}

// open prepares a pool. It does not connect.
func (d dialect) open(cfg Config) (*sqlx.DB, error) {
	dsn, err := d.dsn(cfg)
	if err != nil {
		// The error of a DSN parser may quote the password.
		return nil, sdk.Failf(sdk.BadConfig, "sql.dsn", "the dsn is not one of %s: check its notation", cfg.Driver)
	}
	db, err := sqlx.Open(d.driver, dsn)
	if err != nil {
		return nil, sdk.Failf(sdk.BadConfig, "sql.dsn", "the dsn is not one of %s: check its notation", cfg.Driver)
	}
	db.SetMaxOpenConns(4)
	db.SetConnMaxIdleTime(5 * time.Minute)
	if d.name == "sqlite" {
		// SQLite has one writer; a second connection would only wait for the first.
		db.SetMaxOpenConns(1)
	}
	return db, nil
}

// dsn adds the settings without which values would change on their way: MySQL
// must return times as times, count found rows and refuse what does not fit, SQLite must check foreign keys
// and wait for other writers.
func (d dialect) dsn(cfg Config) (string, error) {
	switch d.name {
	case "mysql":
		c, err := mysql.ParseDSN(cfg.DSN)
		if err != nil {
			return "", err
		}
		c.ParseTime, c.Loc, c.ClientFoundRows = true, time.UTC, true
		if c.Timeout == 0 {
			c.Timeout = 10 * time.Second
		}
		if _, set := c.Params["sql_mode"]; !set {
			if c.Params == nil {
				c.Params = map[string]string{}
			}
			c.Params["sql_mode"] = "CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')"
		}
		return c.FormatDSN(), nil
	case "postgres":
		if !strings.Contains(cfg.DSN, "connect_timeout") {
			if u, err := url.Parse(cfg.DSN); err == nil && u.Scheme != "" {
				q := u.Query()
				q.Set("connect_timeout", "10")
				u.RawQuery = q.Encode()
				return u.String(), nil
			}
		}
		return cfg.DSN, nil
	}
	path, query, _ := strings.Cut(strings.TrimPrefix(cfg.DSN, "sqlite://"), "?")
	if path == "" {
		return "", fmt.Errorf("no file")
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return "", err
	}
	for _, pragma := range []string{"busy_timeout(5000)", "foreign_keys(1)"} {
		name, _, _ := strings.Cut(pragma, "(")
		if !slices.ContainsFunc(values["_pragma"], func(s string) bool { return strings.HasPrefix(s, name) }) {
			values.Add("_pragma", pragma)
		}
	}
	if !values.Has("_txlock") {
		// A transaction that begins as a reader and turns into a writer cannot wait.
		values.Set("_txlock", "immediate")
	}
	return path + "?" + values.Encode(), nil
}

// placeholder returns the n-th placeholder, from 1.
func (d dialect) placeholder(n int) string {
	if d.name == "postgres" {
		return "$" + strconv.Itoa(n)
	}
	return "?"
}

var namePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_$ -]{0,62}(\.[A-Za-z_][A-Za-z0-9_$ -]{0,62})*$`)

// checkName refuses what is no table or column name. Names are quoted as well;
// this is the first of two bolts.
func checkName(name string) error {
	if !namePattern.MatchString(name) {
		return fmt.Errorf("%q is no name of a table or column: expected letters, digits and underscores, with the schema before a dot", name)
	}
	return nil
}

// ident quotes a checked name, each part by itself.
func (d dialect) ident(name string) string {
	parts := strings.Split(name, ".")
	for i, p := range parts {
		parts[i] = d.quote + strings.ReplaceAll(p, d.quote, d.quote+d.quote) + d.quote
	}
	return strings.Join(parts, ".")
}

// upsert writes an Upsert as SQL with named parameters.
func (d dialect) upsert(u *Upsert) (string, error) {
	cols := make([]string, 0, len(u.Columns))
	for c := range u.Columns {
		cols = append(cols, c)
	}
	slices.Sort(cols)
	for _, name := range append([]string{u.Table}, cols...) {
		if err := checkName(name); err != nil {
			return "", err
		}
	}
	if len(u.Keys) == 0 || len(cols) == 0 {
		return "", fmt.Errorf("an upsert needs keys and columns")
	}
	for _, k := range u.Keys {
		if u.Columns[k] == "" {
			return "", fmt.Errorf("key column %q is not among the columns", k)
		}
	}
	if u.Version != "" && u.Columns[u.Version] == "" {
		return "", fmt.Errorf("version column %q is not among the columns", u.Version)
	}
	var names, values, rest []string
	for _, c := range cols {
		names, values = append(names, d.ident(c)), append(values, u.Columns[c])
		if !slices.Contains(u.Keys, c) && c != u.Version {
			rest = append(rest, c)
		}
	}
	if u.Version != "" {
		// MySQL assigns from left to right: the version is compared until it is last.
		rest = append(rest, u.Version)
	}
	sql := "INSERT INTO " + d.ident(u.Table) + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(values, ", ") + ") "
	return sql + d.onConflict(u, rest), nil
}

func (d dialect) onConflict(u *Upsert, rest []string) string {
	var sets, keys []string
	for _, c := range rest {
		col := d.ident(c)
		switch {
		case d.name != "mysql":
			sets = append(sets, col+" = excluded."+col)
		case u.Version != "":
			v := d.ident(u.Version)
			sets = append(sets, fmt.Sprintf("%s = IF(VALUES(%s) > %s, VALUES(%s), %s)", col, v, v, col, col))
		default:
			sets = append(sets, col+" = VALUES("+col+")")
		}
	}
	for _, k := range u.Keys {
		keys = append(keys, d.ident(k))
	}
	if d.name == "mysql" {
		if len(sets) == 0 {
			sets = []string{keys[0] + " = " + keys[0]}
		}
		return "ON DUPLICATE KEY UPDATE " + strings.Join(sets, ", ")
	}
	target := "ON CONFLICT (" + strings.Join(keys, ", ") + ") DO "
	if len(sets) == 0 {
		return target + "NOTHING"
	}
	sql := target + "UPDATE SET " + strings.Join(sets, ", ")
	if u.Version != "" {
		v := d.ident(u.Version)
		sql += " WHERE excluded." + v + " > " + d.ident(u.Table) + "." + v
	}
	return sql
}

// remove writes the deletion of an Upsert's row.
func (d dialect) remove(u *Upsert) string {
	var conds []string
	for _, k := range u.Keys {
		conds = append(conds, d.ident(k)+" = "+u.Columns[k])
	}
	return "DELETE FROM " + d.ident(u.Table) + " WHERE " + strings.Join(conds, " AND ")
}

// createInbox is the inbox table. The id is compared byte by byte: MySQL's usual
// collations would take "A" and "a" for the same message.
func (d dialect) createInbox(table string) string {
	text := "VARCHAR(255)"
	if d.name == "mysql" {
		text = "VARBINARY(255)"
	}
	at := map[string]string{"sqlite": "TEXT", "postgres": "TIMESTAMPTZ", "mysql": "DATETIME(6)"}[d.name]
	return "CREATE TABLE IF NOT EXISTS " + d.ident(table) + " (instance " + text + " NOT NULL, message_id " + text +
		" NOT NULL, at " + at + " NOT NULL, external_id " + text + ", PRIMARY KEY (instance, message_id))"
}

// insertInbox adds an id; no row is affected when it is there already. MySQL has
// no such form that leaves other errors alone, so there the duplicate is an error.
func (d dialect) insertInbox(table string) string {
	ph := func(n int) string { return d.placeholder(n) }
	sql := "INSERT INTO " + d.ident(table) + " (instance, message_id, at) VALUES (" + ph(1) + ", " + ph(2) + ", " + ph(3) + ")"
	if d.name == "mysql" {
		return sql
	}
	return sql + " ON CONFLICT (instance, message_id) DO NOTHING"
}
