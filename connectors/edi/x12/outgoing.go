package x12

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Outgoing is a document to be written, in the same named form that is read:
// exactly one of its members is set.
type Outgoing struct {
	Inventory       *InventoryAdvice      `json:"inventory"`
	Acknowledgement *OrderAcknowledgement `json:"order_acknowledgement"`
}

// InventoryAdvice is an 846.
type InventoryAdvice struct {
	// Purpose is BIA01 (00 original), ReportType BIA02 (DD distributor
	// inventory report, MB manufacturer's).
	Purpose    string          `json:"purpose"`
	ReportType string          `json:"report_type"`
	Reference  string          `json:"reference"`
	Date       string          `json:"date"`
	Time       string          `json:"time"`
	Parties    []PartyName     `json:"parties"`
	Lines      []InventoryLine `json:"lines"`
}

// InventoryLine is a LIN loop.
type InventoryLine struct {
	Number      string            `json:"number"`
	IDs         map[string]string `json:"ids"`
	Description string            `json:"description"`
	Quantities  []Quantity        `json:"quantities"`
}

// Quantity is a QTY segment: 33 available, 17 on hand, 29 on order.
type Quantity struct {
	Qualifier string `json:"qualifier"`
	Quantity  string `json:"quantity"`
	UOM       string `json:"uom"`
}

// OrderAcknowledgement is an 855.
type OrderAcknowledgement struct {
	Purpose string      `json:"purpose"`
	Type    string      `json:"type"`
	Number  string      `json:"number"`
	Date    string      `json:"date"`
	Parties []PartyName `json:"parties"`
	Lines   []AckLine   `json:"lines"`
}

// AckLine is a PO1 loop of an 855.
type AckLine struct {
	Number    string            `json:"number"`
	Quantity  string            `json:"quantity"`
	UOM       string            `json:"uom"`
	UnitPrice string            `json:"unit_price"`
	IDs       map[string]string `json:"ids"`
	Statuses  []LineStatus      `json:"statuses"`
}

// LineStatus is an ACK segment: IA accepted, IR rejected, IB back-ordered.
type LineStatus struct {
	Status   string `json:"status"`
	Quantity string `json:"quantity"`
	UOM      string `json:"uom"`
	Date     string `json:"date"`
}

// PartyName is an N1 segment.
type PartyName struct {
	Role        string `json:"role"`
	Name        string `json:"name"`
	IDQualifier string `json:"id_qualifier"`
	ID          string `json:"id"`
}

// Decode reads an outgoing document strictly: a field that no segment would
// carry is an error, since it would be lost silently.
func Decode(doc []byte) (*Outgoing, error) {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.DisallowUnknownFields()
	out := &Outgoing{}
	if err := d.Decode(out); err != nil {
		return nil, fmt.Errorf("the document is not an inventory or order_acknowledgement: %w", err)
	}
	if (out.Inventory == nil) == (out.Acknowledgement == nil) {
		return nil, fmt.Errorf("the document must have either inventory (846) or order_acknowledgement (855)")
	}
	return out, nil
}

// Set is the set identifier, Functional the group's.
func (o *Outgoing) Set() (set, functionalID string) {
	if o.Inventory != nil {
		return "846", "IB"
	}
	return "855", "PR"
}

// At is the date of the document, which also dates its envelope: the same
// document is the same file, whenever it is written.
func (o *Outgoing) At() (time.Time, error) {
	var day, clock string
	if o.Inventory != nil {
		day, clock = o.Inventory.Date, o.Inventory.Time
	} else {
		day = o.Acknowledgement.Date
	}
	if clock == "" {
		clock = "0000"
	}
	t, err := time.Parse("2006-01-02 1504", day+" "+clock[:min(len(clock), 4)])
	if err != nil {
		return t, fmt.Errorf("the document's date must be YYYY-MM-DD and its time HHMM, found %q and %q", day, clock)
	}
	return t, nil
}

// Write adds the document as one set.
func (o *Outgoing) Write(w *Writer) error {
	set, _ := o.Set()
	w.Begin(set)
	var err error
	if o.Inventory != nil {
		err = o.Inventory.write(w)
	} else {
		err = o.Acknowledgement.write(w)
	}
	w.End()
	return err
}

func (v *InventoryAdvice) write(w *Writer) error {
	w.Segment("BIA", or(v.Purpose, "00"), or(v.ReportType, "DD"), v.Reference, ediDate(v.Date), v.Time)
	writeParties(w, v.Parties)
	for i, l := range v.Lines {
		ids, err := idElements(l.IDs)
		if err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
		w.Segment("LIN", append([]string{l.Number}, ids...)...)
		if l.Description != "" {
			w.Segment("PID", "F", "08", "", "", clipText(l.Description, 80))
		}
		for _, q := range l.Quantities {
			w.Segment("QTY", q.Qualifier, q.Quantity, q.UOM)
		}
	}
	w.Segment("CTT", fmt.Sprint(len(v.Lines)))
	return nil
}

func (v *OrderAcknowledgement) write(w *Writer) error {
	w.Segment("BAK", or(v.Purpose, "00"), or(v.Type, "AC"), v.Number, ediDate(v.Date))
	writeParties(w, v.Parties)
	for i, l := range v.Lines {
		ids, err := idElements(l.IDs)
		if err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
		w.Segment("PO1", append([]string{l.Number, l.Quantity, l.UOM, l.UnitPrice, ""}, ids...)...)
		for _, s := range l.Statuses {
			qualifier := ""
			if s.Date != "" {
				qualifier = "067" // current schedule delivery
			}
			w.Segment("ACK", s.Status, s.Quantity, s.UOM, qualifier, ediDate(s.Date))
		}
	}
	w.Segment("CTT", fmt.Sprint(len(v.Lines)))
	return nil
}

func writeParties(w *Writer, parties []PartyName) {
	for _, p := range parties {
		w.Segment("N1", p.Role, p.Name, p.IDQualifier, p.ID)
	}
}

// idOrder fixes the order of the qualifier pairs, so that a document is always
// written the same way.
var idOrder = []string{"UP", "UK", "EN", "UA", "VN", "VP", "IN", "BP", "SK", "CB", "MG", "PI"}

func idElements(ids map[string]string) ([]string, error) {
	var out []string
	used := 0
	for _, q := range idOrder {
		if v := ids[idNames[q]]; v != "" {
			out = append(out, q, v)
		}
		if _, ok := ids[idNames[q]]; ok {
			used++
		}
	}
	if used < len(ids) {
		return nil, fmt.Errorf("ids: only %s can be written", strings.Join(namesOf(idOrder), ", "))
	}
	return out, nil
}

func namesOf(qualifiers []string) []string {
	out := make([]string, len(qualifiers))
	for i, q := range qualifiers {
		out[i] = idNames[q]
	}
	return out
}

func or(v, def string) string {
	if v == "" {
		return def
	}
	return v
}

func ediDate(iso string) string { return strings.ReplaceAll(iso, "-", "") }
