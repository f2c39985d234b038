package estate

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, o Options) *Estate {
	t.Helper()
	o.Dir = t.TempDir()
	e, err := Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		e.client.CloseIdleConnections()
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func judge(t *testing.T, e *Estate) map[string]Verdict {
	t.Helper()
	verdicts, err := e.Judge(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]Verdict{}
	for _, v := range verdicts {
		out[v.Route] = v
	}
	return out
}

// TestNothingListens drives the estate while there is no middleware: every
// document is missing, and the judge says so.
func TestNothingListens(t *testing.T) {
	e := start(t, Options{Seed: 1, Rate: 100})
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := e.Drive(ctx, time.Minute, Faults{}); err != nil {
		t.Fatal(err)
	}
	for route, v := range judge(t, e) {
		if route == "shipments" { // the ERP ships what was ordered: nothing
			if v.Sent != 0 {
				t.Errorf("shipments without orders: %+v", v)
			}
			continue
		}
		if v.Sent == 0 || v.Arrived != 0 || len(v.Missing) < v.Sent || len(v.Twice) != 0 {
			t.Errorf("%s: sent %d, arrived %d, missing %d, twice %v", route, v.Sent, v.Arrived, len(v.Missing), v.Twice)
		}
	}
	verdicts, err := e.Judge(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if Settled(verdicts) {
		t.Error("settled, though everything is missing")
	}
	if v := judge(t, e)["partner-orders"]; !strings.Contains(strings.Join(v.Missing, " "), "997 for 850_") {
		t.Errorf("no missing acknowledgement among %v", v.Missing)
	}
}

// TestDroppedFilesAreGood reads what the partner and the stores drop.
func TestDroppedFilesAreGood(t *testing.T) {
	e := start(t, Options{Seed: 3})
	now := time.Now()
	if err := e.purchaseOrders(now); err != nil {
		t.Fatal(err)
	}
	if err := e.storeSales(now); err != nil {
		t.Fatal(err)
	}
	if err := e.brokenFile(now); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(e.o.Dir, "sftp", "*", "*", "*.*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		switch name := filepath.Base(f); {
		case strings.HasSuffix(name, ".csv"):
			if !bytes.HasPrefix(content, []byte("store,receipt,")) || bytes.Count(content, []byte("\n")) < 2 {
				t.Errorf("%s: %s", name, content)
			}
		default:
			var read translator
			if err := read.read(newTranslator(), content); err != nil || read.control == "" {
				t.Fatalf("%s: %v", name, err)
			}
			if broken := strings.Contains(name, "broken"); (len(read.broken) > 0) != broken {
				t.Errorf("%s: findings %v", name, read.broken)
			}
		}
	}
}

func send(t *testing.T, method, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err.Error()
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(b)
}

func soapOrder(number, sku string) string {
	return fmt.Sprintf(envelope, `<CreateSalesOrder xmlns="urn:example:erp"><externalOrderNumber>`+number+
		`</externalOrderNumber><line><lineNumber>1</lineNumber><sku>`+sku+`</sku><quantity>2</quantity></line></CreateSalesOrder>`)
}

// TestSOAPFaultsAreTyped: a caller can tell an order that exists from an item
// that does not, and an order is entered once.
func TestSOAPFaultsAreTyped(t *testing.T) {
	e := start(t, Options{})
	for _, c := range []struct {
		name, body string
		status     int
		want       string
	}{
		{"new", soapOrder("S1", "SKU-001"), 200, "<salesOrderNumber>SO-000001</salesOrderNumber>"},
		{"again", soapOrder("S1", "SKU-001"), 500, `<DuplicateOrder xmlns="urn:example:erp"><salesOrderNumber>SO-000001</salesOrderNumber>`},
		{"unknown item", soapOrder("S2", "SKU-999"), 500, `<UnknownItem xmlns="urn:example:erp"><sku>SKU-999</sku>`},
		{"unknown operation", fmt.Sprintf(envelope, "<Nonsense/>"), 500, "<faultcode>s:Client</faultcode>"},
		{"no XML", "{}", 500, "<faultcode>s:Client</faultcode>"},
	} {
		res, body := send(t, "POST", e.soap.url(), c.body)
		if res == nil || res.StatusCode != c.status || !strings.Contains(body, c.want) {
			t.Errorf("%s: %s", c.name, body)
		}
	}
	if orders, shipped := e.soap.booked(); orders.times["S1"] != 1 || len(orders.times) != 1 || len(shipped) != 1 {
		t.Errorf("booked %v, shipped %v", orders.times, shipped)
	}
}

// TestERPComesBackOnItsPort: the outage refuses connections and then is over.
func TestERPComesBackOnItsPort(t *testing.T) {
	e := start(t, Options{})
	before := e.soap.url()
	if err := e.soap.close(); err != nil {
		t.Fatal(err)
	}
	if res, body := send(t, "GET", before+"/orders?wsdl", ""); res != nil {
		t.Fatalf("answered while it was down: %s", body)
	}
	if err := e.soap.reopen(); err != nil {
		t.Fatal(err)
	}
	if res, body := send(t, "GET", before+"/orders?wsdl", ""); res == nil || !strings.Contains(body, "CreateSalesOrder") {
		t.Errorf("after the outage: %s", body)
	}
}

func fulfil(t *testing.T, e *Estate, shipment, key string) (*http.Response, string) {
	t.Helper()
	return send(t, "POST", e.shop.url()+"/fulfilments", `{"shipment_id":"`+shipment+`","line_items":[{"quantity":2}]}`,
		"Authorization", "Bearer "+shopToken, "Idempotency-Key", key)
}

// TestShopRepeatsItsAnswer: the same key has one effect; every 25th call fails
// once, before any effect.
func TestShopRepeatsItsAnswer(t *testing.T) {
	e := start(t, Options{})
	failed := 0
	for i := range 24 {
		if res, body := fulfil(t, e, fmt.Sprint("SH-", i/2), fmt.Sprint("key-", i/2)); res == nil || res.StatusCode != http.StatusCreated {
			t.Fatalf("call %d: %s", i+1, body)
		}
	}
	for range 2 {
		if res, _ := fulfil(t, e, "SH-25", "key-25"); res.StatusCode == http.StatusInternalServerError {
			failed++
		}
	}
	got := e.shop.fulfilled.copy()
	for id, n := range got.times {
		if n != 1 {
			t.Errorf("%s was applied %d times", id, n)
		}
	}
	if failed != 1 || got.times["SH-25"] != 1 {
		t.Errorf("the 25th call failed %d times and was applied %d times", failed, got.times["SH-25"])
	}
	if res, _ := send(t, "POST", e.shop.url()+"/fulfilments", "{}"); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a token: %s", res.Status)
	}
}

// TestTwiceIsSeen: a target that is given another key applies it again, and
// the judge names it.
func TestTwiceIsSeen(t *testing.T) {
	e := start(t, Options{})
	send(t, "POST", e.soap.url(), soapOrder("S1", "SKU-001"))
	fulfil(t, e, "shipment:erp:SH-000001", "key-1")
	if v := judge(t, e)["shipments"]; len(v.Twice) != 0 || v.Arrived != 1 {
		t.Errorf("once: %+v", v)
	}
	fulfil(t, e, "shipment:erp:SH-000001", "key-2")
	if v := judge(t, e)["shipments"]; len(v.Twice) != 1 || v.Twice[0] != "shipment:erp:SH-000001" {
		t.Errorf("twice: %+v", v)
	}
}

// TestLostAnswersTakeEffect: with LoseAnswers the caller hears nothing, and
// the effect is there.
func TestLostAnswersTakeEffect(t *testing.T) {
	e := start(t, Options{LoseAnswers: 1})
	if res, _ := send(t, "POST", e.soap.url(), soapOrder("S1", "SKU-001")); res != nil {
		t.Errorf("the ERP answered %s", res.Status)
	}
	if res, _ := fulfil(t, e, "SH-1", "key-1"); res != nil {
		t.Errorf("the shop answered %s", res.Status)
	}
	orders, _ := e.soap.booked()
	if orders.times["S1"] != 1 || e.shop.fulfilled.copy().times["SH-1"] != 1 {
		t.Error("the effect is missing")
	}
}

// TestMarketplaceNotesOrder: a level after a newer one of its SKU is named;
// other SKUs do not matter; after 40 calls it asks for a pause once.
func TestMarketplaceNotesOrder(t *testing.T) {
	e := start(t, Options{})
	put := func(sku string, revision int) *http.Response {
		t.Helper()
		res, body := send(t, "PUT", e.mkt.url()+"/offers/"+sku+"/stock", fmt.Sprintf(`{"sku":%q,"revision":%d,"quantity":1}`, sku, revision),
			"X-Api-Key", marketplaceKey, "Idempotency-Key", fmt.Sprint(sku, revision))
		if res == nil {
			t.Fatal(body)
		}
		return res
	}
	for _, c := range []struct {
		sku      string
		revision int
	}{{"SKU-001", 5}, {"SKU-002", 3}, {"SKU-001", 5}, {"SKU-001", 4}, {"SKU-001", 7}} {
		put(c.sku, c.revision)
	}
	if got := e.OutOfOrder(); len(got) != 1 || got[0] != "SKU-001-4" {
		t.Errorf("out of order: %v", got)
	}
	busy := 0
	for i := range 60 {
		if res := put("SKU-003", i); res.StatusCode == http.StatusTooManyRequests && res.Header.Get("Retry-After") != "" {
			busy++
		}
	}
	if busy != 1 {
		t.Errorf("it was busy %d times", busy)
	}
}

// advice writes an 846 as the middleware does.
func advice(t *testing.T, control int, reference string) []byte {
	t.Helper()
	w := newInterchange(retailer, acme, "IB", control, time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC))
	w.begin("846")
	w.segment("BIA", "00", "DD", reference, "20260105")
	w.segment("LIN", "1", "VN", "SKU-001")
	w.segment("QTY", "17", "5", "EA")
	w.segment("CTT", "1")
	w.end()
	b, err := w.bytes()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestPartnerKnowsItsControlNumbers: the same document again is recognised,
// another one under its number is not accepted, and gaps and order are seen.
func TestPartnerKnowsItsControlNumbers(t *testing.T) {
	e := start(t, Options{})
	drop := func(name string, content []byte) {
		t.Helper()
		if err := e.drop("acme", "inbox", name, content); err != nil {
			t.Fatal(err)
		}
		if err := e.acme.collect(); err != nil {
			t.Fatal(err)
		}
	}
	drop("846_1.edi", advice(t, 1, "SKU-001-7"))
	drop("846_1.edi", advice(t, 1, "SKU-001-7"))
	drop("846_3.edi", advice(t, 3, "SKU-001-6"))
	in, err := e.partnerInbox()
	if err != nil {
		t.Fatal(err)
	}
	if in.advices["SKU-001-7"] != 1 || e.Repeated() != 1 || len(e.Irregular(false)) != 0 {
		t.Errorf("advices %v, repeated %d, irregular %v", in.advices, e.Repeated(), e.Irregular(false))
	}
	if got := e.OutOfOrder(); len(got) != 1 || !strings.Contains(got[0], "846 SKU-001-6") {
		t.Errorf("out of order: %v", got)
	}
	if got := e.Irregular(true); len(got) != 1 || got[0] != "control number 000000002 was left out" {
		t.Errorf("gaps: %v", got)
	}
	drop("846_1.edi", advice(t, 1, "SKU-001-8"))
	drop("846_4.edi", []byte("nonsense"))
	if got := strings.Join(e.Irregular(false), "\n"); !strings.Contains(got, "with other content") || !strings.Contains(got, "846_4.edi cannot be read") {
		t.Errorf("irregular: %s", got)
	}
}

// TestPartnerLeavesFilesThatAreBeingWritten: what has its temporary name still is
// not taken, however long the writer takes.
func TestPartnerLeavesFilesThatAreBeingWritten(t *testing.T) {
	e := start(t, Options{})
	temp := filepath.Join(e.acme.inbox, ".upload-846_1.edi")
	if err := os.WriteFile(temp, advice(t, 1, "SKU-001-7")[:40], 0o600); err != nil {
		t.Fatal(err)
	}
	if err := e.acme.collect(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(temp); err != nil || len(e.Irregular(false)) != 0 {
		t.Errorf("%v, irregular %v", err, e.Irregular(false))
	}
}

// TestHalfAnOrderIsMissing: an order without all its lines has not arrived.
func TestHalfAnOrderIsMissing(t *testing.T) {
	e := start(t, Options{})
	lines := []line{{item: e.items[0], quantity: 2, number: 1}, {item: e.items[1], quantity: 1, number: 2}}
	e.expect("R1", lines)
	e.note("store-sales", "R1")
	insert := func(query string, args ...any) {
		t.Helper()
		if _, err := e.db.Exec(query, args...); err != nil {
			t.Fatal(err)
		}
	}
	const order = `INSERT INTO orders (order_number, channel, customer, currency, placed_at, total) VALUES ('R1', 'store', 'walk-in', 'USD', '', '')`
	const row = `INSERT INTO order_lines (order_number, line_number, sku, quantity, unit_price) VALUES ('R1', ?, ?, ?, '1')`
	insert(order)
	insert(row, "1", "SKU-001", "2")
	if v := judge(t, e)["store-sales"]; v.Arrived != 0 || len(v.Missing) != 1 || v.Missing[0] != "R1 (1 lines, 2 pieces arrived, 2 lines, 3 pieces were sent)" {
		t.Errorf("half: %+v", v)
	}
	insert(row, "2", "SKU-002", "1")
	if v := judge(t, e)["store-sales"]; v.Arrived != 1 || len(v.Missing) != 0 {
		t.Errorf("whole: %+v", v)
	}
	insert(order)
	if v := judge(t, e)["store-sales"]; len(v.Twice) != 1 {
		t.Errorf("twice: %+v", v)
	}
}
