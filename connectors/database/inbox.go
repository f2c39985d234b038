package database

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jmoiron/sqlx"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// inbox remembers which records have had their effect, in the same transaction as
// the effect.
type inbox struct {
	d        dialect
	table    string
	instance string
}

// idOf fits a record's id into the table's column.
func idOf(id string) string {
	if len(id) <= 255 {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// ensure creates the table if it is missing and that is wanted.
func (in inbox) ensure(ctx context.Context, db *sqlx.DB, create bool) error {
	probe := "SELECT external_id FROM " + in.d.ident(in.table) + " WHERE 1 = 0"
	exists := func() error {
		rows, err := db.QueryxContext(ctx, probe)
		if err != nil {
			return err
		}
		return errors.Join(rows.Err(), rows.Close())
	}
	err := exists()
	if err == nil {
		return nil
	}
	missing := classify("look for the inbox table "+in.table, err)
	var e *sdk.Error
	if !errors.As(missing, &e) || e.Class != sdk.BadConfig {
		return missing
	}
	if !create {
		return &sdk.Error{
			Class: sdk.BadConfig, Code: "sql.inbox", Field: "/createInbox",
			Message: fmt.Sprintf("the inbox table %s is missing and createInbox is false: create it with %s", in.table, in.d.createInbox(in.table)),
		}
	}
	if _, err := db.ExecContext(ctx, in.d.createInbox(in.table)); err != nil {
		// Somebody else may have created it at the same moment.
		if exists() == nil {
			return nil
		}
		return classify("create the inbox table "+in.table+" (an administrator can do so with "+in.d.createInbox(in.table)+")", err)
	}
	return nil
}

// enter adds a record's id. It returns false, and the external id that was noted,
// when the record had its effect before.
func (in inbox) enter(ctx context.Context, tx *transaction, id string, now time.Time) (fresh bool, externalID string, err error) {
	res, err := tx.exec(ctx, in.d.insertInbox(in.table), in.instance, idOf(id), in.time(now))
	var my *mysql.MySQLError
	switch {
	case errors.As(err, &my) && my.Number == 1062:
	case err != nil:
		return false, "", err
	default:
		n, err := res.RowsAffected()
		if err != nil || n > 0 {
			return true, "", err
		}
	}
	var ext sql.NullString
	rows, err := tx.query(ctx, "SELECT external_id FROM "+in.d.ident(in.table)+" WHERE instance = "+in.d.placeholder(1)+
		" AND message_id = "+in.d.placeholder(2), in.instance, idOf(id))
	if err != nil {
		return false, "", err
	}
	defer rows.Close()
	if rows.Next() {
		err = rows.Scan(&ext)
	}
	return false, ext.String, errors.Join(err, rows.Err())
}

// note keeps the id that the database gave the document.
func (in inbox) note(ctx context.Context, tx *transaction, id, externalID string) error {
	_, err := tx.exec(ctx, "UPDATE "+in.d.ident(in.table)+" SET external_id = "+in.d.placeholder(1)+" WHERE instance = "+
		in.d.placeholder(2)+" AND message_id = "+in.d.placeholder(3), idOf(externalID), in.instance, idOf(id))
	return err
}

// purge removes ids that are older than anything that may still be replayed.
func (in inbox) purge(ctx context.Context, db *sqlx.DB, before time.Time) error {
	_, err := db.ExecContext(ctx, "DELETE FROM "+in.d.ident(in.table)+" WHERE instance = "+in.d.placeholder(1)+" AND at < "+in.d.placeholder(2),
		in.instance, in.time(before))
	return err
}

func (in inbox) time(t time.Time) any {
	if in.d.name == "postgres" {
		return t.UTC()
	}
	return t.UTC().Format("2006-01-02 15:04:05.000000")
}
