package main

// The same mapping by hand, as a good Go programmer writes it: structs, a code map
// for each list, the same functions for decimals and dates.

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/govalues/decimal"
)

// Src is the purchase order as the mapping reads it.
type Src struct {
	ISA struct{ Sender, Receiver, Control, Date, Time, Usage string } `json:"isa"`
	GS  struct{ Code, Control, Version string }                       `json:"gs"`
	BEG struct{ Purpose, Type, Po, Release, Date, Contract string }   `json:"beg"`
	CUR struct{ Entity, Code string }                                 `json:"cur"`
	REF []struct{ Q, V string }                                       `json:"ref"`
	PER struct{ Name, Phone, Email string }                           `json:"per"`
	ITD struct {
		Type     string `json:"type"`
		DiscPct  string `json:"discPct"`
		DiscDays string `json:"discDays"`
		NetDays  string `json:"netDays"`
		Desc     string `json:"desc"`
	} `json:"itd"`
	DTM []struct{ Q, D, T string }                   `json:"dtm"`
	TD5 struct{ Routing, Scac, Method, Desc string } `json:"td5"`
	N1  []SrcParty                                   `json:"n1"`
	PO1 []SrcLine                                    `json:"po1"`
	CTT struct{ Count, Hash string }                 `json:"ctt"`
}

type (
	// SrcParty is a party of the purchase order.
	SrcParty struct{ E, Name, Qual, ID, Addr1, Addr2, City, State, Zip, Country string }
	// SrcLine is a line of it.
	SrcLine struct {
		Line, Qty, Uom, Price, Basis, Desc, Pack string
		IDs                                      struct{ UP, VN, SK string }         `json:"ids"`
		ShipDate                                 string                              `json:"shipDate"`
		Sac                                      *struct{ Ind, Code, Amount string } `json:"sac"`
	}
)

// Party is one of the order that is made.
type Party struct {
	Name       string `json:"name"`
	ID         string `json:"id"`
	IDType     string `json:"idType"`
	Line1      string `json:"line1"`
	Line2      string `json:"line2"`
	City       string `json:"city"`
	Region     string `json:"region"`
	PostalCode string `json:"postalCode"`
	Country    string `json:"country"`
}

// Line is a line of the order that is made.
type Line struct {
	LineNumber  int    `json:"lineNumber"`
	Sku         string `json:"sku"`
	Gtin        string `json:"gtin"`
	VendorSku   string `json:"vendorSku"`
	CustomerSku string `json:"customerSku"`
	Description string `json:"description"`
	Quantity    string `json:"quantity"`
	Uom         string `json:"uom"`
	PackSize    int    `json:"packSize"`
	UnitPrice   string `json:"unitPrice"`
	LineTotal   string `json:"lineTotal"`
	ShipDate    string `json:"shipDate"`
	Allowance   string `json:"allowance,omitempty"`
}

// Order is what the mapping makes.
type Order struct {
	SchemaVersion     string `json:"schemaVersion"`
	ID                string `json:"id"`
	OrderNumber       string `json:"orderNumber"`
	ReleaseNumber     string `json:"releaseNumber"`
	Contract          string `json:"contract"`
	OrderType         string `json:"orderType"`
	Purpose           string `json:"purpose"`
	Channel           string `json:"channel"`
	Test              bool   `json:"test"`
	PartnerID         string `json:"partnerId"`
	Currency          string `json:"currency"`
	OrderedAt         string `json:"orderedAt"`
	RequestedDelivery string `json:"requestedDelivery"`
	RequestedShip     string `json:"requestedShip"`
	CancelAfter       string `json:"cancelAfter"`
	Department        string `json:"department"`
	VendorNumber      string `json:"vendorNumber"`
	PromotionCode     string `json:"promotionCode"`
	CustomerOrder     string `json:"customerOrder"`
	Buyer             struct {
		Name  string `json:"name"`
		Phone string `json:"phone"`
		Email string `json:"email"`
	} `json:"buyer"`
	Terms struct {
		Type            string `json:"type"`
		DiscountPercent string `json:"discountPercent"`
		DiscountDays    int    `json:"discountDays"`
		NetDays         int    `json:"netDays"`
	} `json:"terms"`
	Carrier struct {
		Scac    string `json:"scac"`
		Service string `json:"service"`
		Method  string `json:"method"`
	} `json:"carrier"`
	ShipTo     Party  `json:"shipTo"`
	BillTo     Party  `json:"billTo"`
	BuyerParty Party  `json:"buyerParty"`
	Lines      []Line `json:"lines"`
	LineCount  int    `json:"lineCount"`
	Total      string `json:"total"`
}

func party(n *SrcParty) Party {
	c := n.Country
	if c == "" {
		c = "US"
	}
	return Party{n.Name, n.ID, vmap(map92, n.Qual, "other"), n.Addr1, n.Addr2, n.City, n.State, n.Zip, c}
}

// HandTyped maps by hand.
func HandTyped(s *Src) (*Order, error) {
	o := &Order{SchemaVersion: "order/1.0", Channel: "edi"}
	var err error
	const tz = "America/Chicago"
	o.ID = s.ISA.Sender + ":" + s.BEG.Po
	o.OrderNumber, o.ReleaseNumber, o.Contract = s.BEG.Po, s.BEG.Release, s.BEG.Contract
	o.OrderType, o.Purpose = vmap(orderTypes, s.BEG.Type, "other"), vmap(purposes, s.BEG.Purpose, "original")
	o.Test = s.ISA.Usage == "T"
	if o.PartnerID, err = Xref("partners", s.ISA.Sender); err != nil {
		return nil, err
	}
	if o.Currency = s.CUR.Code; o.Currency == "" {
		o.Currency = "USD"
	}
	if o.OrderedAt, err = Ts(s.BEG.Date, "", tz); err != nil {
		return nil, err
	}
	for i := range s.DTM {
		t, err := Ts(s.DTM[i].D, s.DTM[i].T, tz)
		if err != nil {
			return nil, err
		}
		switch s.DTM[i].Q {
		case "002":
			o.RequestedDelivery = t
		case "010":
			o.RequestedShip = t
		case "001":
			o.CancelAfter = t
		}
	}
	for i := range s.REF {
		v := s.REF[i].V
		switch s.REF[i].Q {
		case "DP":
			o.Department = v
		case "IA":
			o.VendorNumber = v
		case "PD":
			o.PromotionCode = v
		case "CO":
			o.CustomerOrder = v
		}
	}
	o.Buyer.Name, o.Buyer.Phone, o.Buyer.Email = s.PER.Name, s.PER.Phone, s.PER.Email
	o.Terms.Type = s.ITD.Type
	if o.Terms.DiscountPercent, err = Money(s.ITD.DiscPct); err != nil {
		return nil, err
	}
	if o.Terms.DiscountDays, err = strconv.Atoi(s.ITD.DiscDays); err != nil {
		return nil, err
	}
	if o.Terms.NetDays, err = strconv.Atoi(s.ITD.NetDays); err != nil {
		return nil, err
	}
	o.Carrier.Scac, o.Carrier.Method = s.TD5.Scac, s.TD5.Method
	if o.Carrier.Service, err = Xref("carriers", s.TD5.Scac); err != nil {
		return nil, err
	}
	for i := range s.N1 {
		n := &s.N1[i]
		switch n.E {
		case "ST":
			o.ShipTo = party(n)
		case "BT":
			o.BillTo = party(n)
		case "BY":
			o.BuyerParty = party(n)
		}
	}
	o.Lines = make([]Line, len(s.PO1))
	tot := make([]string, len(s.PO1))
	for i := range s.PO1 {
		l, t := &s.PO1[i], &o.Lines[i]
		if t.LineNumber, err = strconv.Atoi(l.Line); err != nil {
			return nil, err
		}
		if t.Sku, err = Xref("sku", l.IDs.UP); err != nil {
			return nil, err
		}
		t.Gtin, t.VendorSku, t.CustomerSku, t.Description, t.Quantity, t.Uom = Gtin14(l.IDs.UP), l.IDs.VN, l.IDs.SK, l.Desc, l.Qty, vmap(uoms, l.Uom, "each")
		if t.PackSize, err = strconv.Atoi(l.Pack); err != nil {
			return nil, err
		}
		if t.UnitPrice, err = Money(l.Price); err != nil {
			return nil, err
		}
		if t.LineTotal, err = Dmul(l.Qty, l.Price); err != nil {
			return nil, err
		}
		if t.ShipDate, err = Ts(l.ShipDate, "", tz); err != nil {
			return nil, err
		}
		if l.Sac != nil && l.Sac.Ind == "A" {
			if t.Allowance, err = Money(l.Sac.Amount); err != nil {
				return nil, err
			}
		}
		tot[i] = t.LineTotal
	}
	if o.LineCount, err = strconv.Atoi(s.CTT.Count); err != nil {
		return nil, err
	}
	o.Total, err = Dsum(tot)
	return o, err
}

func vmap(m map[string]string, k, def string) string {
	if v, ok := m[k]; ok {
		return v
	}
	return def
}

var (
	map92      = map[string]string{"92": "buyer-assigned", "9": "duns4", "UL": "gln"}
	uoms       = map[string]string{"EA": "each", "CA": "case", "BX": "box", "PK": "pack"}
	orderTypes = map[string]string{"SA": "standard", "RL": "release", "KN": "blanket"}
	purposes   = map[string]string{"00": "original", "01": "cancel", "05": "replace"}
	tables     = map[string]map[string]string{
		"partners": {"ACMEWM": "acme-us", "BETA": "beta-eu"},
		"carriers": {"FDEG": "FedEx Ground", "UPSN": "UPS"},
		"sku":      {},
	}
)

func init() {
	for i := 0; i < 2000; i++ {
		s := strconv.Itoa(i)
		s = strings.Repeat("0", 4-len(s)) + s
		tables["sku"]["01234567"+s] = "SKU-" + s
	}
}

var errMiss = errors.New("xref miss")

// Xref looks a key up in a table.
func Xref(table, key string) (string, error) {
	v, ok := tables[table][key]
	if !ok {
		return "", errMiss
	}
	return v, nil
}

var locs = func() map[string]*time.Location {
	l, err := time.LoadLocation("America/Chicago")
	if err != nil {
		panic(err)
	}
	return map[string]*time.Location{"America/Chicago": l}
}()

// Ts puts a date and a time of EDI together.
func Ts(d, t, tz string) (string, error) {
	if t == "" {
		t = "0000"
	}
	if len(d) != 8 || len(t) < 4 {
		return "", errors.New("bad date")
	}
	n := func(s string) int {
		v := 0
		for i := 0; i < len(s); i++ {
			v = v*10 + int(s[i]-'0')
		}
		return v
	}
	tm := time.Date(n(d[:4]), time.Month(n(d[4:6])), n(d[6:8]), n(t[:2]), n(t[2:4]), 0, 0, locs[tz])
	return tm.Format(time.RFC3339), nil
}

// Money rounds to cents.
func Money(s string) (string, error) {
	d, err := decimal.Parse(s)
	if err != nil {
		return "", err
	}
	return d.Round(2).Pad(2).String(), nil
}

// Dmul multiplies and rounds to cents.
func Dmul(a, b string) (string, error) {
	x, err := decimal.Parse(a)
	if err != nil {
		return "", err
	}
	y, err := decimal.Parse(b)
	if err != nil {
		return "", err
	}
	z, err := x.Mul(y)
	if err != nil {
		return "", err
	}
	return z.Round(2).Pad(2).String(), nil
}

// Dsum adds.
func Dsum(v []string) (string, error) {
	var z decimal.Decimal
	for _, s := range v {
		x, err := decimal.Parse(s)
		if err != nil {
			return "", err
		}
		z, err = z.Add(x)
		if err != nil {
			return "", err
		}
	}
	return z.Round(2).Pad(2).String(), nil
}

// Gtin14 pads a GTIN.
func Gtin14(s string) string {
	if len(s) >= 14 {
		return s
	}
	return "00000000000000"[:14-len(s)] + s
}
