package estate

import (
	_ "embed"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed erp.wsdl
var wsdl string

// soapERP is the ERP's order service. It refuses an order number that it has
// and an item that it does not know, each with a typed fault.
type soapERP struct {
	items   map[string]bool
	handler http.Handler

	mu        sync.Mutex
	addr      string
	srv       *http.Server
	orders    map[string]string // external order number: sales order number
	created   effects
	shipments []shipment
	shipAfter time.Duration
}

type shipment struct {
	Number   string
	Order    string
	At       time.Time
	Lines    []soapLine
	listable time.Time
}

type soapLine struct {
	Number   string `xml:"lineNumber"`
	SKU      string `xml:"sku"`
	Quantity string `xml:"quantity"`
}

func startSOAP(items []item, loseAnswers int) (*soapERP, error) {
	s := &soapERP{items: map[string]bool{}, orders: map[string]string{}, shipAfter: 500 * time.Millisecond}
	for _, i := range items {
		s.items[i.sku] = true
	}
	s.handler = lossy(loseAnswers, http.HandlerFunc(s.serve))
	return s, s.open("127.0.0.1:0")
}

func (s *soapERP) open(addr string) error {
	var l net.Listener
	var err error
	// The port was ours a moment ago; give the system time to hand it back.
	for range 50 {
		if l, err = net.Listen("tcp", addr); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second}
	s.mu.Lock()
	s.addr, s.srv = l.Addr().String(), srv
	s.mu.Unlock()
	go func() { _ = srv.Serve(l) }() // ends with ErrServerClosed
	return nil
}

func (s *soapERP) url() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "http://" + s.addr
}

func (s *soapERP) close() error {
	s.mu.Lock()
	srv := s.srv
	s.mu.Unlock()
	return srv.Close()
}

// reopen listens on the same port again after close.
func (s *soapERP) reopen() error { return s.open(strings.TrimPrefix(s.url(), "http://")) }

func (s *soapERP) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	if r.Method == http.MethodGet {
		_, _ = io.WriteString(w, strings.ReplaceAll(wsdl, "{{address}}", s.url()))
		return
	}
	var env struct {
		Body struct {
			Create *createSalesOrder `xml:"CreateSalesOrder"`
			List   *struct {
				Since string `xml:"since"`
			} `xml:"GetShipments"`
		} `xml:"Body"`
	}
	if err := xml.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&env); err != nil {
		s.fault(w, "Client", err.Error(), "")
		return
	}
	switch {
	case env.Body.Create != nil:
		s.create(w, env.Body.Create)
	case env.Body.List != nil:
		s.list(w, env.Body.List.Since)
	default:
		s.fault(w, "Client", "unknown operation", "")
	}
}

type createSalesOrder struct {
	Number string     `xml:"externalOrderNumber"`
	Lines  []soapLine `xml:"line"`
}

func (s *soapERP) create(w http.ResponseWriter, o *createSalesOrder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range o.Lines {
		if !s.items[l.SKU] {
			s.fault(w, "Client", "item "+l.SKU+" is not in the item master", "<UnknownItem xmlns=\"urn:example:erp\"><sku>"+l.SKU+"</sku></UnknownItem>")
			return
		}
	}
	if so, ok := s.orders[o.Number]; ok {
		s.fault(w, "Client", "order "+o.Number+" exists", "<DuplicateOrder xmlns=\"urn:example:erp\"><salesOrderNumber>"+so+"</salesOrderNumber></DuplicateOrder>")
		return
	}
	so := fmt.Sprintf("SO-%06d", len(s.orders)+1)
	s.orders[o.Number] = so
	s.created.add(o.Number, said(o.Lines))
	now := time.Now()
	s.shipments = append(s.shipments, shipment{
		Number: "SH-" + strings.TrimPrefix(so, "SO-"), Order: o.Number, At: now.Add(s.shipAfter), listable: now.Add(s.shipAfter), Lines: o.Lines,
	})
	s.body(w, `<CreateSalesOrderResponse xmlns="urn:example:erp"><salesOrderNumber>`+so+`</salesOrderNumber></CreateSalesOrderResponse>`)
}

// said sums lines up. Quantities are decimals; those of the estate are whole.
func said(lines []soapLine) content {
	c := content{lines: len(lines)}
	for _, l := range lines {
		if n, err := strconv.ParseFloat(l.Quantity, 64); err == nil {
			c.pieces += int(n)
		}
	}
	return c
}

// booked returns the orders that were entered, and what was shipped since.
func (s *soapERP) booked() (orders receiver, shipped map[string]content) {
	s.mu.Lock()
	defer s.mu.Unlock()
	shipped = map[string]content{}
	for _, sh := range s.shipments {
		shipped["shipment:erp:"+sh.Number] = said(sh.Lines)
	}
	return s.created.copy(), shipped
}

func (s *soapERP) list(w http.ResponseWriter, since string) {
	from, err := time.Parse(time.RFC3339, since)
	if err != nil {
		s.fault(w, "Client", "since must be RFC 3339", "")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	b.WriteString(`<GetShipmentsResponse xmlns="urn:example:erp">`)
	for _, sh := range s.shipments {
		if sh.At.Truncate(time.Second).Before(from) || time.Now().Before(sh.listable) {
			continue
		}
		fmt.Fprintf(&b, "<shipment><shipmentNumber>%s</shipmentNumber><orderNumber>%s</orderNumber><shippedAt>%s</shippedAt><carrier>UPSN</carrier><trackingNumber>1Z%s</trackingNumber>",
			sh.Number, sh.Order, stamp(sh.At), sh.Number[3:])
		for _, l := range sh.Lines {
			fmt.Fprintf(&b, "<line><lineNumber>%s</lineNumber><sku>%s</sku><quantity>%s</quantity></line>", l.Number, l.SKU, l.Quantity)
		}
		b.WriteString("</shipment>")
	}
	b.WriteString("</GetShipmentsResponse>")
	s.body(w, b.String())
}

const envelope = `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%s</s:Body></s:Envelope>`

func (s *soapERP) body(w http.ResponseWriter, inner string) { fmt.Fprintf(w, envelope, inner) }

func (s *soapERP) fault(w http.ResponseWriter, code, reason, detail string) {
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprintf(w, envelope, "<s:Fault><faultcode>s:"+code+"</faultcode><faultstring>"+reason+"</faultstring><detail>"+detail+"</detail></s:Fault>")
}
