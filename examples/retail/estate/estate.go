// Package estate is a small retailer on loopback: an ERP with a database and a
// SOAP service, a web shop, a marketplace, and an SFTP server where stores and
// an EDI partner drop their files. Every protocol is the real one.
//
// It plays three parts. It drives: orders, sales files, stock changes and
// shipments come at a steady rate from a seeded generator. It misbehaves, on a
// schedule: see Faults. And it judges: every document that it sent is looked up
// where it must have arrived, so that what is lost or applied twice is found by
// the receivers and not by the middleware's own counters.
package estate

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/crossdock/crossdock/connectors/filedrop/sftptest"
)

// Options configure an estate.
type Options struct {
	// Dir is where its files and its database live; it must exist.
	Dir string
	// Seed makes the same documents again.
	Seed uint64
	// Rate is documents a second over all sources; default 20.
	Rate float64
	// LoseAnswers makes the web systems apply every n-th change and cut the
	// connection instead of answering; 0 for never.
	LoseAnswers int
	// Log receives what a person would want to know; nil discards it.
	Log *slog.Logger
}

// Estate is the running retailer.
type Estate struct {
	o      Options
	sftp   *sftptest.Server
	shop   *shop
	mkt    *marketplace
	acme   *partner
	soap   *soapERP
	db     *sql.DB
	dbAt   string
	hook   string // address that the middleware's webhook listens on
	items  []item
	client *http.Client // of the shop, for webhooks

	mu   sync.Mutex
	rng  *rand.Rand
	sent map[string]map[string]bool // route: document id
	// doomed are documents that must end as dead letters.
	doomed map[string]map[string]bool
	// content is what each document says, groups the purchase order files by
	// their group control number.
	content map[string]content
	groups  map[string]string
	seq     int
}

// item is a product that the ERP knows.
type item struct{ sku, gtin, title, price string }

// secrets of the estate; they are as public as this file.
const (
	webhookSecret  = "demo-webhook-secret"
	shopToken      = "demo-shop-token"
	marketplaceKey = "demo-marketplace-key"
	acmePassword   = "demo-acme-password"
	storesPassword = "demo-stores-password"
)

// Start starts every system of the estate.
func Start(ctx context.Context, o Options) (*Estate, error) {
	if o.Rate <= 0 {
		o.Rate = 20
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	e := &Estate{
		o: o, rng: rand.New(rand.NewPCG(o.Seed, 1)), sent: map[string]map[string]bool{}, doomed: map[string]map[string]bool{},
		content: map[string]content{}, groups: map[string]string{},
		items: catalogue(40), client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	var err error
	if e.sftp, err = e.startSFTP(); err != nil {
		return nil, fmt.Errorf("the SFTP server: %w", err)
	}
	if e.acme, err = startPartner(o.Dir); err != nil {
		return nil, errors.Join(fmt.Errorf("the EDI partner: %w", err), e.Close())
	}
	if err = e.openERP(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("the ERP database: %w", err), e.Close())
	}
	if e.soap, err = startSOAP(e.items, o.LoseAnswers); err != nil {
		return nil, errors.Join(fmt.Errorf("the SOAP ERP: %w", err), e.Close())
	}
	if e.shop, err = startShop(o.LoseAnswers); err != nil {
		return nil, errors.Join(fmt.Errorf("the shop: %w", err), e.Close())
	}
	if e.mkt, err = startMarketplace(o.LoseAnswers); err != nil {
		return nil, errors.Join(fmt.Errorf("the marketplace: %w", err), e.Close())
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // a port that is free now
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	e.hook = l.Addr().String()
	return e, l.Close()
}

func (e *Estate) startSFTP() (*sftptest.Server, error) {
	var users []sftptest.User
	for name, p := range map[string]struct {
		password string
		folders  []string
	}{"acme": {acmePassword, []string{"outbox", "inbox"}}, "stores": {storesPassword, []string{"sales"}}} {
		root := filepath.Join(e.o.Dir, "sftp", name)
		for _, f := range p.folders {
			if err := os.MkdirAll(filepath.Join(root, f), 0o700); err != nil {
				return nil, err
			}
		}
		users = append(users, sftptest.User{Name: name, Password: p.password, Root: root})
	}
	return sftptest.Start(sftptest.Options{Users: users})
}

// Env is what the project's connections refer to as ${env:NAME}.
func (e *Estate) Env() map[string]string {
	return map[string]string{
		"SFTP_PORT": strconv.Itoa(e.sftp.Port()), "SFTP_HOST_KEY": e.sftp.Fingerprint(),
		"ACME_PASSWORD": acmePassword, "STORES_PASSWORD": storesPassword,
		"WEBHOOK_LISTEN": e.hook, "SHOP_WEBHOOK_SECRET": webhookSecret, "SHOP_URL": e.shop.url(), "SHOP_TOKEN": shopToken,
		"MARKETPLACE_URL": e.mkt.url(), "MARKETPLACE_KEY": marketplaceKey,
		"ERP_URL": e.soap.url(), "ERP_DB": e.dbAt,
	}
}

// WriteEnv writes Env as the .env file of a project.
func (e *Estate) WriteEnv(project string) error {
	var lines []string
	for k, v := range e.Env() {
		lines = append(lines, k+"="+v)
	}
	sort.Strings(lines)
	return os.WriteFile(filepath.Join(project, ".env"), []byte(strings.Join(lines, "\n")+"\n"), 0o600)
}

// Close stops every system. The files stay.
func (e *Estate) Close() error {
	var errs []error
	if e.shop != nil {
		errs = append(errs, e.shop.close())
	}
	if e.mkt != nil {
		errs = append(errs, e.mkt.close())
	}
	if e.soap != nil {
		errs = append(errs, e.soap.close())
	}
	if e.acme != nil {
		e.acme.close()
	}
	if e.sftp != nil {
		errs = append(errs, e.sftp.Close())
	}
	if e.db != nil {
		errs = append(errs, e.db.Close())
	}
	return errors.Join(errs...)
}

// catalogue makes items with valid GTIN-14s (GS1 General Specifications, 7.9).
func catalogue(n int) []item {
	titles := []string{"Crew sock 6-pack", "Fleece throw", "Oxford shirt", "Linen trousers", "Rain jacket", "Canvas tote", "Wool scarf", "Running cap"}
	out := make([]item, n)
	for i := range out {
		base := fmt.Sprintf("00614141%05d", 10000+i)
		sum := 0
		for j, c := range base {
			d := int(c - '0')
			if j%2 == 0 {
				d *= 3
			}
			sum += d
		}
		out[i] = item{
			sku: fmt.Sprintf("SKU-%03d", i+1), gtin: base + strconv.Itoa((10-sum%10)%10),
			title: titles[i%len(titles)], price: fmt.Sprintf("%d.%02d", 5+i%30, (i*37)%100),
		}
	}
	return out
}

// note remembers that a document was sent on a route.
func (e *Estate) note(route, id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sent[route] == nil {
		e.sent[route] = map[string]bool{}
	}
	e.sent[route][id] = true
}

// doom remembers that a document must become a dead letter.
func (e *Estate) doom(route, id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.doomed[route] == nil {
		e.doomed[route] = map[string]bool{}
	}
	e.doomed[route][id] = true
}

// content is what a receiver must have of a document, however it was
// translated on the way: lines and pieces of an order, or pieces of a stock
// level.
type content struct{ lines, pieces int }

func (c content) String() string { return fmt.Sprintf("%d lines, %d pieces", c.lines, c.pieces) }

// expect remembers what an order says.
func (e *Estate) expect(id string, lines []line) {
	c := content{lines: len(lines)}
	for _, l := range lines {
		c.pieces += l.quantity
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.content[id] = c
}

func (e *Estate) next() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.seq++
	return e.seq
}

func (e *Estate) pick(n int) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rng.IntN(n)
}

// Sent is how many documents were sent so far.
func (e *Estate) Sent() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, ids := range e.sent {
		n += len(ids)
	}
	return n
}

// Orders is how many orders and receipts were sent so far.
func (e *Estate) Orders() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.sent["partner-orders"]) + len(e.sent["shop-orders"]) + len(e.sent["store-sales"])
}

// lines picks items for an order.
func (e *Estate) lines() []line {
	out := make([]line, 1+e.pick(4))
	for i := range out {
		out[i] = line{item: e.items[e.pick(len(e.items))], quantity: 1 + e.pick(5), number: i + 1}
	}
	return out
}

type line struct {
	item
	quantity, number int
}

// cents is a price as a whole number.
func cents(price string) int {
	n, err := strconv.Atoi(strings.Replace(price, ".", "", 1))
	if err != nil {
		return 0
	}
	return n
}

func total(lines []line) string {
	sum := 0
	for _, l := range lines {
		sum += l.quantity * cents(l.price)
	}
	return fmt.Sprintf("%d.%02d", sum/100, sum%100)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
