package estate

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// drop writes a file the way a careful partner does: under a temporary name,
// then renamed.
func (e *Estate) drop(user, folder, name string, content []byte) error {
	final := filepath.Join(e.o.Dir, "sftp", user, folder, name)
	temp := filepath.Join(e.o.Dir, "sftp", user, folder, ".upload-"+name)
	if err := os.WriteFile(temp, content, 0o600); err != nil {
		return err
	}
	return os.Rename(temp, final)
}

// purchaseOrders drops one X12 file with some 850s.
func (e *Estate) purchaseOrders(now time.Time) error {
	control := e.next()
	w := newInterchange(acme, retailer, "PO", control, now.UTC())
	var numbers []string
	for i := range 1 + e.pick(3) {
		number := fmt.Sprintf("PO%06d%d", control, i)
		numbers = append(numbers, number)
		e.expect(number, e.purchaseOrder(w, number, now))
	}
	content, err := w.bytes()
	if err != nil {
		return err
	}
	for _, n := range numbers {
		e.note("partner-orders", n)
	}
	name := fmt.Sprintf("850_%06d.edi", control)
	e.mu.Lock()
	e.groups[strconv.Itoa(control)] = name
	e.mu.Unlock()
	return e.drop("acme", "outbox", name, content)
}

// purchaseOrder writes one 850 and returns its lines.
func (e *Estate) purchaseOrder(w *interchange, number string, now time.Time) []line {
	w.begin("850")
	w.segment("BEG", "00", "SA", number, "", now.UTC().Format("20060102"))
	w.segment("CUR", "BY", "USD")
	w.segment("N1", "BY", "ACME OUTFITTERS", "92", "0017")
	lines := e.lines()
	for _, l := range lines {
		w.segment("PO1", fmt.Sprint(l.number), fmt.Sprint(l.quantity), "EA", l.price, "", "UK", l.gtin, "VN", l.sku)
		w.segment("PID", "F", "08", "", "", strings.ToUpper(l.title))
	}
	w.segment("CTT", fmt.Sprint(len(lines)))
	w.end()
	return lines
}

// brokenFile drops a purchase order that is cut off in the middle.
func (e *Estate) brokenFile(now time.Time) error {
	control := e.next()
	w := newInterchange(acme, retailer, "PO", control, now.UTC())
	e.purchaseOrder(w, fmt.Sprintf("PO%06dX", control), now)
	content, err := w.bytes()
	if err != nil {
		return err
	}
	name := fmt.Sprintf("850_%06d_broken.edi", control)
	e.note("partner-orders", name)
	e.doom("partner-orders", name)
	return e.drop("acme", "outbox", name, content[:len(content)*2/3])
}

// storeSales drops a CSV file with some receipts, one row for each line.
func (e *Estate) storeSales(now time.Time) error {
	file := e.next()
	store := fmt.Sprintf("%03d", 1+e.pick(9))
	var b strings.Builder
	b.WriteString("store,receipt,sold_at,currency,line,sku,quantity,price\n")
	for i := range 1 + e.pick(4) {
		receipt := fmt.Sprintf("R%s%06d%d", store, file, i)
		lines := e.lines()
		e.expect(receipt, lines)
		for _, l := range lines {
			fmt.Fprintf(&b, "%s,%s,%s,USD,%d,%s,%d,%s\n", store, receipt, stamp(now), l.number, l.sku, l.quantity, l.price)
		}
		e.note("store-sales", receipt)
	}
	return e.drop("stores", "sales", fmt.Sprintf("sales_%s_%06d.csv", store, file), []byte(b.String()))
}
