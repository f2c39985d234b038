package x12

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Document is a set as named JSON: what mappings read. Decimals are text with
// implied decimal points resolved, dates are ISO 8601; segments that have no
// name here stand under "_extra" and are never dropped.
type Document map[string]any

// Document names the contents of a set that was not rejected.
func (i *Interchange) Document(g *Group, s *Set) (Document, error) {
	d := Document{
		"interchange": obj("sender", i.Sender(), "receiver", i.Receiver(), "date", isoDate("20"+i.Header.E(9)), "time", i.Header.E(10),
			"version", i.Header.E(12), "control_number", i.Control(), "usage", i.Header.E(15)),
		"group": obj("functional_id", g.Header.E(1), "sender", g.Header.E(2), "receiver", g.Header.E(3), "date", isoDate(g.Header.E(4)),
			"control_number", g.Header.E(6), "version", g.Header.E(8)),
		"transaction": obj("set", s.ID, "control_number", s.Control),
	}
	n := &namer{segs: s.Segments[1 : len(s.Segments)-1]}
	switch s.ID {
	case "850":
		d["purchase_order"] = n.purchaseOrder()
	case "855":
		d["order_acknowledgement"] = n.orderAcknowledgement()
	case "846":
		d["inventory"] = n.inventory()
	case "997":
		d["acknowledgement"] = n.acknowledgement()
	default:
		return nil, fmt.Errorf("the set %s has no named form", s.ID)
	}
	if len(n.extra) > 0 {
		d["_extra"] = n.extra
	}
	return d, nil
}

// JSON encodes the document.
func (d Document) JSON() ([]byte, error) { return json.Marshal(d) }

// obj builds an object from pairs and leaves out what is empty.
func obj(pairs ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		switch v := pairs[i+1].(type) {
		case string:
			if v == "" {
				continue
			}
		case []map[string]any:
			if len(v) == 0 {
				continue
			}
		case map[string]any:
			if len(v) == 0 {
				continue
			}
		}
		out[pairs[i].(string)] = pairs[i+1]
	}
	return out
}

func isoDate(v string) string {
	if len(v) != 8 {
		return ""
	}
	return v[:4] + "-" + v[4:6] + "-" + v[6:]
}

// decimalText writes an R element the canonical way: no leading zeros, no bare
// point.
func decimalText(v string) string {
	if v == "" {
		return ""
	}
	sign := ""
	if v[0] == '-' {
		sign, v = "-", v[1:]
	}
	whole, frac, _ := strings.Cut(v, ".")
	if whole = strings.TrimLeft(whole, "0"); whole == "" {
		whole = "0"
	}
	if frac != "" {
		whole += "." + frac
	}
	return sign + whole
}

// hundredths resolves an N2 element, whose last two digits are decimals.
func hundredths(v string) string {
	if v == "" {
		return ""
	}
	sign := ""
	if v[0] == '-' {
		sign, v = "-", v[1:]
	}
	for len(v) < 3 {
		v = "0" + v
	}
	return sign + decimalText(v[:len(v)-2]+"."+v[len(v)-2:])
}

// idNames are the product id qualifiers (data element 235) that retail uses.
var idNames = map[string]string{
	"UP": "upc", "UK": "gtin", "EN": "ean", "UA": "case_upc", "VN": "vendor_item", "VP": "vendor_part", "IN": "buyer_item",
	"BP": "buyer_part", "SK": "sku", "CB": "buyer_catalog", "MG": "manufacturer_part", "PI": "purchaser_item",
}

func ids(s Segment, from int) map[string]any {
	out := map[string]any{}
	for i := from; i+1 <= len(s.Elements); i += 2 {
		q, v := s.E(i), s.E(i+1)
		if v == "" {
			continue
		}
		name, ok := idNames[q]
		if !ok {
			name = "x_" + strings.ToLower(q)
		}
		out[name] = v
	}
	return out
}

// namer walks a set's segments in order; every segment is named or kept.
type namer struct {
	segs  []Segment
	extra []map[string]any
}

func (n *namer) keep(s Segment) {
	n.extra = append(n.extra, map[string]any{"segment": s.Tag, "position": s.Position, "elements": s.Elements})
}

// header names the segments that several sets have in common and reports
// whether this was one of them.
func (n *namer) header(into map[string]any, s Segment, parties *[]map[string]any) bool {
	list := func(key string, v map[string]any) { add(into, key, v) }
	switch s.Tag {
	case "CUR":
		into["currency"] = s.E(2)
	case "REF":
		target := into
		if len(*parties) > 0 {
			target = (*parties)[len(*parties)-1]
		}
		add(target, "references", obj("qualifier", s.E(1), "value", s.E(2), "description", s.E(3)))
	case "DTM":
		list("dates", obj("qualifier", s.E(1), "date", isoDate(s.E(2)), "time", s.E(3)))
	case "PER":
		list("contacts", obj("function", s.E(1), "name", s.E(2), "number_qualifier", s.E(3), "number", s.E(4)))
	case "ITD":
		list("terms", obj("type", s.E(1), "basis", s.E(2), "discount_percent", decimalText(s.E(3)), "discount_days", s.E(5), "net_days", s.E(7)))
	case "TD5":
		list("carriers", obj("qualifier", s.E(2), "code", s.E(3), "method", s.E(4), "routing", s.E(5)))
	case "N1":
		*parties = append(*parties, obj("role", s.E(1), "name", s.E(2), "id_qualifier", s.E(3), "id", s.E(4)))
	case "N2", "N3", "N4":
		if len(*parties) == 0 {
			return false
		}
		p := (*parties)[len(*parties)-1]
		switch s.Tag {
		case "N2":
			p["name_2"] = s.E(1)
		case "N3":
			lines, _ := p["address"].([]string)
			p["address"] = append(lines, s.Elements...)
		case "N4":
			set(p, "city", s.E(1), "state", s.E(2), "postal_code", s.E(3), "country", s.E(4))
		}
	default:
		return false
	}
	return true
}

// form is how a set with lines is named: its own heading, what begins a line,
// and what belongs to one.
type form struct {
	heading func(out map[string]any, s Segment) bool
	lineTag string
	line    func(s Segment) map[string]any
	detail  func(line map[string]any, s Segment) bool
}

// walk names a set's segments by a form; what the form does not know is named
// as every heading is, or kept.
func (n *namer) walk(f form) map[string]any {
	out := map[string]any{}
	var parties, lines []map[string]any
	for _, s := range n.segs {
		var line map[string]any
		if len(lines) > 0 {
			line = lines[len(lines)-1]
		}
		switch {
		case s.Tag == f.lineTag:
			lines = append(lines, f.line(s))
		case s.Tag == "CTT":
			out["totals"] = obj("line_count", s.E(1), "hash_total", decimalText(s.E(2)))
		case f.heading(out, s):
		case line != nil && f.detail(line, s):
		case line == nil && n.header(out, s, &parties):
		default:
			n.keep(s)
		}
	}
	if lines == nil {
		lines = []map[string]any{}
	}
	out["lines"] = lines
	if len(parties) > 0 {
		out["parties"] = parties
	}
	return out
}

// set puts pairs into an object and leaves out what is empty.
func set(out map[string]any, pairs ...any) bool {
	for k, v := range obj(pairs...) {
		out[k] = v
	}
	return true
}

// add appends to a list in an object.
func add(out map[string]any, list string, v map[string]any) bool {
	l, _ := out[list].([]map[string]any)
	out[list] = append(l, v)
	return true
}

func orderLine(s Segment) map[string]any {
	return obj("number", s.E(1), "quantity", decimalText(s.E(2)), "uom", s.E(3), "unit_price", decimalText(s.E(4)), "ids", ids(s, 6))
}

func (n *namer) purchaseOrder() map[string]any {
	return n.walk(form{
		heading: func(out map[string]any, s Segment) bool {
			switch s.Tag {
			case "BEG":
				return set(out, "purpose", s.E(1), "type", s.E(2), "number", s.E(3), "release", s.E(4), "date", isoDate(s.E(5)), "contract", s.E(6))
			case "AMT":
				return set(out, "total_amount", decimalText(s.E(2)))
			}
			return false
		},
		lineTag: "PO1", line: orderLine,
		detail: func(line map[string]any, s Segment) bool {
			switch s.Tag {
			case "PID":
				return set(line, "description", s.E(5))
			case "SAC":
				return add(line, "charges", obj("indicator", s.E(1), "code", s.E(2), "amount", hundredths(s.E(5)), "description", s.E(15)))
			}
			return false
		},
	})
}

func (n *namer) orderAcknowledgement() map[string]any {
	return n.walk(form{
		heading: func(out map[string]any, s Segment) bool {
			return s.Tag == "BAK" && set(out, "purpose", s.E(1), "type", s.E(2), "number", s.E(3), "date", isoDate(s.E(4)), "acknowledged", isoDate(s.E(9)))
		},
		lineTag: "PO1", line: orderLine,
		detail: func(line map[string]any, s Segment) bool {
			return s.Tag == "ACK" && add(line, "statuses", obj("status", s.E(1), "quantity", decimalText(s.E(2)), "uom", s.E(3), "date", isoDate(s.E(5))))
		},
	})
}

func (n *namer) inventory() map[string]any {
	return n.walk(form{
		heading: func(out map[string]any, s Segment) bool {
			return s.Tag == "BIA" && set(out, "purpose", s.E(1), "report_type", s.E(2), "reference", s.E(3), "date", isoDate(s.E(4)), "time", s.E(5))
		},
		lineTag: "LIN",
		line:    func(s Segment) map[string]any { return obj("number", s.E(1), "ids", ids(s, 2)) },
		detail: func(line map[string]any, s Segment) bool {
			return s.Tag == "QTY" && add(line, "quantities", obj("qualifier", s.E(1), "quantity", decimalText(s.E(2)), "uom", s.E(3)))
		},
	})
}

func (n *namer) acknowledgement() map[string]any {
	out := map[string]any{}
	var sets []map[string]any
	for _, s := range n.segs {
		switch {
		case s.Tag == "AK1":
			out["functional_id"], out["group_control_number"] = s.E(1), s.E(2)
		case s.Tag == "AK2":
			sets = append(sets, obj("set", s.E(1), "control_number", s.E(2)))
		case s.Tag == "AK5" && len(sets) > 0:
			sets[len(sets)-1]["status"] = s.E(1)
		case s.Tag == "AK9":
			out["status"], out["included"], out["received"], out["accepted"] = s.E(1), s.E(2), s.E(3), s.E(4)
		default:
			n.keep(s)
		}
	}
	if len(sets) > 0 {
		out["sets"] = sets
	}
	return out
}
