package estate

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/x12"
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
	w, err := x12.NewWriter(x12.Address{
		Sender: x12.Party{Qualifier: "ZZ", ID: "ACMEOUTFIT"}, Receiver: x12.Party{Qualifier: "08", ID: "9254110060"},
		Control: uint64(control), Usage: "T", At: now.UTC(), Newline: true,
	}, "PO")
	if err != nil {
		return err
	}
	var numbers []string
	for i := range 1 + e.pick(3) {
		number := fmt.Sprintf("PO%06d%d", control, i)
		numbers = append(numbers, number)
		e.purchaseOrder(w, number, now)
	}
	content, err := w.Bytes()
	if err != nil {
		return err
	}
	for _, n := range numbers {
		e.note("partner-orders", n)
	}
	return e.drop("acme", "outbox", fmt.Sprintf("850_%06d.edi", control), content)
}

func (e *Estate) purchaseOrder(w *x12.Writer, number string, now time.Time) {
	w.Begin("850")
	w.Segment("BEG", "00", "SA", number, "", now.UTC().Format("20060102"))
	w.Segment("CUR", "BY", "USD")
	w.Segment("N1", "BY", "ACME OUTFITTERS", "92", "0017")
	lines := e.lines()
	for _, l := range lines {
		w.Segment("PO1", fmt.Sprint(l.number), fmt.Sprint(l.quantity), "EA", l.price, "", "UK", l.gtin, "VN", l.sku)
		w.Segment("PID", "F", "08", "", "", strings.ToUpper(l.title))
	}
	w.Segment("CTT", fmt.Sprint(len(lines)))
	w.End()
}

// brokenFile drops a purchase order that is cut off in the middle.
func (e *Estate) brokenFile(now time.Time) error {
	control := e.next()
	w, err := x12.NewWriter(x12.Address{
		Sender: x12.Party{Qualifier: "ZZ", ID: "ACMEOUTFIT"}, Receiver: x12.Party{Qualifier: "08", ID: "9254110060"},
		Control: uint64(control), Usage: "T", At: now.UTC(), Newline: true,
	}, "PO")
	if err != nil {
		return err
	}
	e.purchaseOrder(w, fmt.Sprintf("PO%06dX", control), now)
	content, err := w.Bytes()
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
		for _, l := range e.lines() {
			fmt.Fprintf(&b, "%s,%s,%s,USD,%d,%s,%d,%s\n", store, receipt, stamp(now), l.number, l.sku, l.quantity, l.price)
		}
		e.note("store-sales", receipt)
	}
	return e.drop("stores", "sales", fmt.Sprintf("sales_%s_%06d.csv", store, file), []byte(b.String()))
}

// partnerInbox reads what the partner got: how often each inventory advice came,
// and how many acknowledgements.
func (e *Estate) partnerInbox() (advices map[string]int, acknowledgements int, err error) {
	advices = map[string]int{}
	dir := filepath.Join(e.o.Dir, "sftp", "acme", "inbox")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, 0, err
	}
	for _, entry := range entries {
		if entry.IsDir() || !strings.HasSuffix(entry.Name(), ".edi") {
			continue
		}
		content, err := os.ReadFile(filepath.Join(dir, entry.Name()))
		if err != nil {
			return nil, 0, err
		}
		ics, err := x12.Parse(content)
		if err != nil {
			return nil, 0, fmt.Errorf("the partner cannot read %s: %w", entry.Name(), err)
		}
		for _, ic := range ics {
			for _, g := range ic.Groups {
				for _, s := range g.Sets {
					switch s.ID {
					case "997":
						acknowledgements++
					case "846":
						advices[s.Segments[1].E(3)]++
					}
				}
			}
		}
	}
	return advices, acknowledgements, nil
}
