package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// verdict is what an error number means.
type verdict struct {
	class sdk.Class
	code  string
	next  string // what to do
}

// The verdicts that the databases share.
func verdictOf(code string) verdict {
	return map[string]verdict{
		"unique":       {sdk.Permanent, "sql.unique", "a row with this key is there already, written by someone else: use an upsert, or correct the document"},
		"foreign_key":  {sdk.Permanent, "sql.foreign_key", "the document refers to something the database does not know, such as a product or customer: create it there and replay"},
		"not_null":     {sdk.Permanent, "sql.not_null", "a value that the table requires is missing in the document"},
		"check":        {sdk.Permanent, "sql.check", "the value is not allowed by a rule of the table"},
		"value":        {sdk.Permanent, "sql.value", "the value does not fit the column: check its type, length and range; times may need types: {field: time}"},
		"raised":       {sdk.Permanent, "sql.raised", "a trigger or procedure refused the document"},
		"conflict":     {sdk.Retryable, "sql.conflict", "another transaction was in the way"},
		"busy":         {sdk.Retryable, "sql.busy", "another transaction held a lock for too long"},
		"disk_full":    {sdk.Retryable, "sql.disk_full", "the database has no space left: the administrator must free some"},
		"timeout":      {sdk.Retryable, "sql.timeout", "the statement was not done in time"},
		"unavailable":  {sdk.NotConnected, "sql.unavailable", "the database does not answer: check that it runs and that host and port are right"},
		"auth":         {sdk.Auth, "sql.auth", "check user and password in the dsn"},
		"rights":       {sdk.Auth, "sql.rights", "the database user lacks the right: grant it"},
		"no_database":  {sdk.BadConfig, "sql.no_database", "check the database's name in the dsn"},
		"statement":    {sdk.BadConfig, "sql.statement", "the database does not accept the statement: check table and column names and the SQL"},
		"unclassified": {sdk.Retryable, "sql.error", ""},
	}[code]
}

// classify turns a driver's error into one that the core can act upon. what says
// what was attempted.
func classify(what string, err error) error {
	if err == nil {
		return nil
	}
	var known *sdk.Error
	if errors.As(err, &known) {
		return err
	}
	var (
		pg   *pgconn.PgError
		my   *mysql.MySQLError
		lite *sqlite.Error
		netw net.Error
	)
	switch {
	case errors.As(err, &pg) && pg.Code == "0A000" && strings.Contains(pg.Message, "cached plan"):
		// The table was altered; the statement is prepared anew next time.
		return failure(what, verdictOf("conflict"), err, "sqlstate", pg.Code)
	case errors.As(err, &pg):
		return failure(what, postgresVerdict(pg.Code), err, "sqlstate", pg.Code, "constraint", pg.ConstraintName, "table", pg.TableName, "column", pg.ColumnName)
	case errors.As(err, &my):
		n := strconv.Itoa(int(my.Number))
		return failure(what, mysqlVerdict(my.Number), err, "number", n, "sqlstate", string(my.SQLState[:]), "constraint", mysqlConstraint(my.Message))
	case errors.As(err, &lite):
		return failure(what, sqliteVerdict(lite.Code()), err, "number", strconv.Itoa(lite.Code()), "constraint", sqliteConstraint(lite.Error()))
	case errors.Is(err, context.DeadlineExceeded):
		return failure(what, verdictOf("timeout"), err)
	case errors.Is(err, context.Canceled):
		return failure(what, verdictOf("unclassified"), err)
	case errors.As(err, &netw), errors.Is(err, driver.ErrBadConn), errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), pgconn.SafeToRetry(err), connectError(err):
		return failure(what, verdictOf("unavailable"), err)
	}
	return failure(what, verdictOf("unclassified"), err)
}

func connectError(err error) bool {
	var c *pgconn.ConnectError
	return errors.As(err, &c) || strings.Contains(err.Error(), "conn closed")
}

// failure builds the error; detail is pairs of name and value.
func failure(what string, v verdict, err error, detail ...string) error {
	e := &sdk.Error{Class: v.class, Code: v.code, Message: what, Detail: map[string]string{}, Err: err}
	for i := 0; i+1 < len(detail); i += 2 {
		if detail[i+1] != "" {
			e.Detail[detail[i]] = detail[i+1]
		}
	}
	if v.next != "" {
		e.Hint = v.next
		e.Err = fmt.Errorf("%w (%s)", err, v.next)
	}
	return e
}

// postgresVerdict reads a SQLSTATE (PostgreSQL documentation, appendix A).
func postgresVerdict(state string) verdict {
	switch state {
	case "23505":
		return verdictOf("unique")
	case "23503":
		return verdictOf("foreign_key")
	case "23502":
		return verdictOf("not_null")
	case "23514", "23P01", "44000":
		return verdictOf("check")
	case "40001", "40P01":
		return verdictOf("conflict")
	case "55P03", "55006":
		return verdictOf("busy")
	case "53100":
		return verdictOf("disk_full")
	case "57014":
		return verdictOf("timeout")
	case "42501":
		return verdictOf("rights")
	case "3D000":
		return verdictOf("no_database")
	case "25006":
		// A replica after a failover: writable again when the address follows.
		return verdictOf("unavailable")
	}
	if len(state) != 5 {
		return verdictOf("unclassified")
	}
	switch state[:2] {
	case "08", "57", "53":
		return verdictOf("unavailable")
	case "28":
		return verdictOf("auth")
	case "22", "23":
		return verdictOf("value")
	case "P0":
		return verdictOf("raised")
	case "42", "3F", "0A":
		return verdictOf("statement")
	}
	return verdictOf("unclassified")
}

// mysqlVerdict reads an error number (MySQL and MariaDB error references).
func mysqlVerdict(number uint16) verdict {
	switch number {
	case 1022, 1062, 1586:
		return verdictOf("unique")
	case 1216, 1217, 1451, 1452:
		return verdictOf("foreign_key")
	case 1048, 1263, 1364:
		return verdictOf("not_null")
	case 3819, 4025:
		return verdictOf("check")
	case 1264, 1265, 1292, 1366, 1406, 1411, 1690, 3140, 4038:
		return verdictOf("value")
	case 1644, 1643, 1642:
		return verdictOf("raised")
	case 1213, 1020:
		return verdictOf("conflict")
	case 1205:
		return verdictOf("busy")
	case 1021, 1114, 1041, 1037, 1038:
		return verdictOf("disk_full")
	case 1969, 3024, 1317:
		return verdictOf("timeout")
	case 1045, 1698, 1251, 1524, 1820, 1862, 3118, 3955:
		return verdictOf("auth")
	case 1044, 1142, 1143, 1227, 1370:
		return verdictOf("rights")
	case 1049:
		return verdictOf("no_database")
	case 1040, 1043, 1053, 1129, 1158, 1159, 1160, 1161, 1203, 1226, 1290, 1836, 1927, 4031:
		return verdictOf("unavailable")
	case 1054, 1060, 1064, 1136, 1146, 1149, 1210, 1305, 1318:
		return verdictOf("statement")
	}
	return verdictOf("unclassified")
}

// sqliteVerdict reads an extended result code (sqlite.org/rescode.html).
func sqliteVerdict(code int) verdict {
	switch code {
	case 2067, 1555, 2579: // UNIQUE, PRIMARYKEY, ROWID
		return verdictOf("unique")
	case 787: // FOREIGNKEY
		return verdictOf("foreign_key")
	case 1299: // NOTNULL
		return verdictOf("not_null")
	case 275: // CHECK
		return verdictOf("check")
	case 1811: // TRIGGER
		return verdictOf("raised")
	case 3091: // DATATYPE
		return verdictOf("value")
	}
	switch code & 0xff {
	case 5, 6: // BUSY, LOCKED
		return verdictOf("busy")
	case 13: // FULL
		return verdictOf("disk_full")
	case 18, 20, 25: // TOOBIG, MISMATCH, RANGE
		return verdictOf("value")
	case 10, 14: // IOERR, CANTOPEN
		return verdictOf("unavailable")
	case 3, 8, 23: // PERM, READONLY, AUTH
		return verdictOf("rights")
	case 1, 11, 17, 26: // ERROR, CORRUPT, SCHEMA, NOTADB
		return verdictOf("statement")
	case 19:
		return verdictOf("value")
	case 9: // INTERRUPT
		return verdictOf("timeout")
	}
	return verdictOf("unclassified")
}

// mysqlConstraint finds the name in "… CONSTRAINT `fk_sku` FOREIGN KEY …" and in
// "Duplicate entry 'x' for key 'orders.number'".
func mysqlConstraint(message string) string {
	if _, rest, ok := strings.Cut(message, "CONSTRAINT `"); ok {
		name, _, _ := strings.Cut(rest, "`")
		return name
	}
	if _, rest, ok := strings.Cut(message, "for key '"); ok {
		name, _, _ := strings.Cut(rest, "'")
		return name
	}
	return ""
}

// sqliteConstraint finds the columns in "UNIQUE constraint failed: orders.number (2067)".
func sqliteConstraint(message string) string {
	_, rest, ok := strings.Cut(message, "constraint failed: ")
	if !ok {
		return ""
	}
	// The message may repeat itself: "constraint failed: UNIQUE constraint failed: t.c (2067)".
	if _, inner, ok := strings.Cut(rest, "constraint failed: "); ok {
		rest = inner
	}
	name, _, _ := strings.Cut(rest, " (")
	return name
}
