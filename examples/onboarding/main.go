// Command onboarding takes up a trading partner: from a sample file to a purchase
// order in the ERP's database and a 997 in the partner's folder, with YAML files
// alone. It builds crossdock and runs the commands of README.md in a new folder,
// shows what they print, and fails when anything is not as it is to be.
//
//	go run ./examples/onboarding
package main

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	_ "modernc.org/sqlite" // the ERP

	"github.com/crossdock/crossdock/mappings"
)

//go:embed project
var project embed.FS

//go:embed sample.edi
var sample []byte

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "onboarding:", err)
		os.Exit(1)
	}
}

// shop is the folder in which the example plays.
type shop struct {
	dir, crossdock string
}

func run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "crossdock-onboarding-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // the system's own clean-up is the second chance
	s := &shop{dir: dir, crossdock: filepath.Join(dir, "crossdock")}
	build := exec.CommandContext(ctx, "go", "build", "-o", s.crossdock, "github.com/crossdock/crossdock")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building crossdock: %w\n%s", err, out)
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	for _, step := range [][]string{
		{"partner", "new", "northwind", "--from", "sample.edi", "--transport", "folder"},
		{"validate"},
		{"partner", "check", "northwind"},
		{"partner", "test", "northwind", "sample.edi", "--brief"},
	} {
		if err := s.do(ctx, step...); err != nil {
			return err
		}
	}
	return s.live(ctx)
}

// prepare writes what the retailer has before the partner comes: the ERP's
// connection, the route, and the mappings that ship with Crossdock.
func (s *shop) prepare(ctx context.Context) error {
	own, err := fs.Sub(project, "project")
	if err != nil {
		return err
	}
	if err := os.CopyFS(s.dir, own); err != nil {
		return err
	}
	if err := os.CopyFS(filepath.Join(s.dir, "mappings"), mappings.FS); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.dir, "sample.edi"), sample, 0o600); err != nil {
		return err
	}
	for _, folder := range []string{"in", "out"} {
		if err := os.MkdirAll(filepath.Join(s.dir, "exchange", "northwind", folder), 0o700); err != nil {
			return err
		}
	}
	db, err := sql.Open("sqlite", s.erp())
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `
		CREATE TABLE orders (order_number TEXT PRIMARY KEY, channel TEXT, customer TEXT, currency TEXT, placed_at TEXT, total TEXT);
		CREATE TABLE order_lines (order_number TEXT, line_number TEXT, sku TEXT, quantity TEXT, unit_price TEXT)`)
	return errors.Join(err, db.Close())
}

func (s *shop) erp() string { return filepath.Join(s.dir, "erp.db") }

func (s *shop) command(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, s.crossdock, args...)
	c.Dir = s.dir
	c.Env = append(os.Environ(), "ERP_DB="+s.erp())
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	c.WaitDelay = 30 * time.Second
	return c
}

// do runs a command and shows what it prints.
func (s *shop) do(ctx context.Context, args ...string) error {
	fmt.Printf("\n$ crossdock %s\n", strings.Join(args, " "))
	out, err := s.command(ctx, args...).CombinedOutput()
	fmt.Print(string(out))
	if err != nil {
		return fmt.Errorf("crossdock %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// live runs the project, lets the partner drop the file, and looks at what comes
// of it.
func (s *shop) live(ctx context.Context) error {
	running, stop := context.WithCancel(ctx)
	defer stop()
	node := s.command(running, "run")
	var log bytes.Buffer
	node.Stdout, node.Stderr = &log, &log
	fmt.Printf("\n$ crossdock run &\n$ cp sample.edi exchange/northwind/in/\n")
	if err := node.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- node.Wait() }()
	mailbox := filepath.Join(s.dir, "exchange", "northwind")
	// Written under a hidden name, then renamed: the file is whole when it is seen.
	hidden := filepath.Join(mailbox, "in", ".sample.edi")
	if err := errors.Join(os.WriteFile(hidden, sample, 0o600), os.Rename(hidden, filepath.Join(mailbox, "in", "sample.edi"))); err != nil {
		return err
	}
	answer, err := s.answered(ctx, mailbox, ended, &log)
	if err != nil {
		return err
	}
	fmt.Printf("\nexchange/northwind/out/%s:\n%s", filepath.Base(answer), read(answer))
	if err := s.ordered(ctx); err != nil {
		return err
	}
	for _, step := range [][]string{{"trace", "NW-20017"}, {"partner", "status", "northwind"}} {
		if err := s.do(ctx, step...); err != nil {
			return err
		}
	}
	stop()
	if err := <-ended; err != nil && running.Err() == nil {
		return err
	}
	if !strings.Contains(read(answer), "AK9*A*1*1*1~") {
		return errors.New("the 997 does not accept the order")
	}
	return nil
}

func read(name string) string {
	b, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// patience is how long the example waits for a file or row.
const patience = 90 * time.Second

// answered waits for the 997.
func (s *shop) answered(ctx context.Context, mailbox string, ended <-chan error, log *bytes.Buffer) (string, error) {
	limit := time.After(patience)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if found, err := filepath.Glob(filepath.Join(mailbox, "out", "997_*.edi")); err != nil || len(found) > 0 {
			return append(found, "")[0], err
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case err := <-ended:
			return "", fmt.Errorf("crossdock run ended: %w\n%s", err, log)
		case <-limit:
			return "", errors.New("no 997 was written")
		case <-tick.C:
		}
	}
}

// ordered waits for the order in the ERP's database, and shows it.
func (s *shop) ordered(ctx context.Context) error {
	db, err := sql.Open("sqlite", s.erp())
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }() // nothing was written
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	const query = `SELECT o.order_number || ' for ' || o.customer || ', ' || o.total || ' ' || o.currency || ', ' || count(*) || ' lines'
		FROM orders o JOIN order_lines l ON l.order_number = o.order_number GROUP BY o.order_number`
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		var row string
		err := db.QueryRowContext(ctx, query).Scan(&row)
		if err == nil {
			fmt.Printf("\nin the ERP's database: %s\n", row)
			if row != "NW-20017 for NORTHWIND OUTFITTERS, 498.00 USD, 2 lines" {
				return errors.New("that is not what was ordered")
			}
			return nil
		}
		if !errors.Is(err, sql.ErrNoRows) && !strings.Contains(err.Error(), "locked") {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the order did not arrive: %w", ctx.Err())
		case <-tick.C:
		}
	}
}
