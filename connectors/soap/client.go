package soap

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/crossdock/crossdock/connectors/httpexchange"
	"github.com/crossdock/crossdock/connectors/sdk"
)

const (
	ns11 = "http://schemas.xmlsoap.org/soap/envelope/"
	ns12 = "http://www.w3.org/2003/05/soap-envelope"

	maxReply = 16 << 20
)

// Fault is a SOAP fault: the service understood the envelope and refused.
type Fault struct {
	// Code is the local name: Client or Server in SOAP 1.1, Sender or Receiver
	// in 1.2, or the service's own.
	Code string `json:"code"`
	// Subcode is SOAP 1.2's, or what follows a dot in a 1.1 code
	// ("Client.Duplicate").
	Subcode string `json:"subcode,omitempty"`
	Reason  string `json:"reason"`
	Actor   string `json:"actor,omitempty"`
	// Detail is the name of the first element of the detail, which is the type
	// of the fault in the WSDL; Content is that element as JSON.
	Detail  string          `json:"detail,omitempty"`
	Content json.RawMessage `json:"content,omitempty"`
}

func (f *Fault) Error() string {
	s := "SOAP fault " + f.Code
	if f.Subcode != "" {
		s += "." + f.Subcode
	}
	if f.Detail != "" {
		s += " (" + f.Detail + ")"
	}
	return s + ": " + f.Reason
}

// client calls the operations of one service over kept-alive connections.
type client struct {
	service *Service
	http    *http.Client
	url     string // overrides the WSDL's address
	headers map[string]string
	user    string
	pass    string
	wsse    bool
	faults  map[string]string
}

// call makes one request and returns the reply's body element as JSON.
func (c *client) call(ctx context.Context, operation string, request []byte, messageID string) ([]byte, error) {
	o, err := c.service.Operation(operation)
	if err != nil {
		return nil, sdk.Fail(sdk.BadConfig, "soap.operation", err)
	}
	body, err := c.service.Encode(o, request)
	if err != nil {
		return nil, sdk.Fail(sdk.Permanent, "soap.request", fmt.Errorf("operation %s: %w", operation, err))
	}
	req, err := c.request(ctx, o, body, messageID)
	if err != nil {
		return nil, sdk.Fail(sdk.BadConfig, "soap.url", err)
	}
	res, err := httpexchange.Do(c.http, req, nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := httpexchange.Body(res.Body, maxReply)
	if err != nil {
		return nil, sdk.Fail(sdk.Retryable, "soap.reply", err)
	}
	out, err := c.service.reply(o, raw)
	var fault *Fault
	switch {
	case errors.As(err, &fault):
		return nil, c.classify(fault, res.StatusCode)
	case err != nil && res.StatusCode/100 != 2:
		return nil, sdk.FromHTTP(res.StatusCode, res.Header.Get("Retry-After"), raw)
	case err != nil:
		return nil, sdk.Fail(sdk.Retryable, "soap.reply", fmt.Errorf("operation %s: %w", operation, err))
	}
	return out, nil
}

func (c *client) request(ctx context.Context, o *Operation, body []byte, messageID string) (*http.Request, error) {
	ns, ct := ns11, `text/xml; charset=utf-8`
	if o.Version == V12 {
		ns, ct = ns12, `application/soap+xml; charset=utf-8; action="`+o.Action+`"`
	}
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?><soap:Envelope xmlns:soap="` + ns + `">`)
	header := ""
	if messageID != "" {
		// WS-Addressing's message id lets a service recognise a repetition.
		header += `<wsa:MessageID xmlns:wsa="http://www.w3.org/2005/08/addressing">urn:crossdock:` + escape(messageID) + `</wsa:MessageID>`
	}
	if c.wsse {
		const oasis = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
		header += `<wsse:Security soap:mustUnderstand="1" xmlns:wsse="` + oasis + `"><wsse:UsernameToken><wsse:Username>` + escape(c.user) +
			`</wsse:Username><wsse:Password>` + escape(c.pass) + `</wsse:Password></wsse:UsernameToken></wsse:Security>`
	}
	if header != "" {
		b.WriteString("<soap:Header>" + header + "</soap:Header>")
	}
	b.WriteString("<soap:Body>")
	b.Write(body)
	b.WriteString("</soap:Body></soap:Envelope>")
	to := c.url
	if to == "" {
		to = o.Address
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to, &b)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", ct)
	if o.Version == V11 {
		req.Header.Set("SOAPAction", `"`+o.Action+`"`)
	}
	for k, v := range c.headers {
		req.Header.Set(k, v)
	}
	if c.user != "" && !c.wsse {
		req.SetBasicAuth(c.user, c.pass)
	}
	return req, nil
}

// reply finds the body's element, or the fault, whatever the HTTP status was:
// some services send faults with 200.
func (s *Service) reply(o *Operation, raw []byte) ([]byte, error) {
	d := xml.NewDecoder(bytes.NewReader(raw))
	inBody := false
	for {
		tok, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("the reply is not a SOAP envelope: %w", err)
		}
		e, ok := tok.(xml.StartElement)
		if !ok {
			if end, ok := tok.(xml.EndElement); ok && end.Name.Local == "Body" {
				return []byte("{}"), nil // a one-way operation
			}
			continue
		}
		switch {
		case e.Name.Local == "Body" && (e.Name.Space == ns11 || e.Name.Space == ns12):
			inBody = true
		case inBody && e.Name.Local == "Fault":
			return nil, s.fault(d, e)
		case inBody:
			var f *field
			if o.output != nil {
				f = &field{el: o.output, schema: s.home[o.output]}
			}
			v, err := s.decode(d, f, 0)
			if err != nil {
				return nil, err
			}
			return json.Marshal(v)
		}
	}
}

func (s *Service) fault(d *xml.Decoder, start xml.StartElement) error {
	var raw struct {
		Code   string    `xml:"faultcode"`
		Reason string    `xml:"faultstring"`
		Actor  string    `xml:"faultactor"`
		Detail faultBody `xml:"detail"`
		Code12 struct {
			Value   string `xml:"Value"`
			Subcode struct {
				Value string `xml:"Value"`
			} `xml:"Subcode"`
		} `xml:"Code"`
		Reason12 []string  `xml:"Reason>Text"`
		Node     string    `xml:"Node"`
		Detail12 faultBody `xml:"Detail"`
	}
	if err := d.DecodeElement(&raw, &start); err != nil {
		return fmt.Errorf("a SOAP fault that cannot be read: %w", err)
	}
	f := &Fault{Code: local(strings.TrimSpace(raw.Code)), Reason: strings.TrimSpace(raw.Reason), Actor: raw.Actor}
	body := raw.Detail
	if raw.Code == "" {
		f.Code, f.Subcode, f.Actor, body = local(raw.Code12.Value), local(raw.Code12.Subcode.Value), raw.Node, raw.Detail12
		if len(raw.Reason12) > 0 {
			f.Reason = strings.TrimSpace(raw.Reason12[0])
		}
	} else if head, sub, ok := strings.Cut(f.Code, "."); ok {
		f.Code, f.Subcode = head, sub
	}
	dd := xml.NewDecoder(bytes.NewReader(body.Inner))
	for {
		tok, err := dd.Token()
		if err != nil {
			break // no element in the detail, or none that can be read
		}
		e, ok := tok.(xml.StartElement)
		if !ok {
			continue
		}
		f.Detail = e.Name.Local
		var fd *field
		if el := s.elements[name{e.Name.Space, e.Name.Local}]; el != nil {
			fd = &field{el: el, schema: s.home[el]}
		}
		if v, err := s.decode(dd, fd, 0); err == nil {
			f.Content, _ = json.Marshal(v) // what decode returns is always JSON
		}
		break
	}
	return f
}

type faultBody struct {
	Inner []byte `xml:",innerxml"`
}

// classes are the names used in the `faults` setting.
var classes = map[string]sdk.Class{
	"retryable": sdk.Retryable, "permanent": sdk.Permanent, "throttled": sdk.Throttled,
	"auth": sdk.Auth, "duplicate": sdk.Duplicate,
}

// classify turns a fault into what the core acts on. The configuration comes
// first: by detail element, by code with subcode, by subcode, by code.
func (c *client) classify(f *Fault, status int) error {
	e := &sdk.Error{Err: f, Code: "soap.fault." + f.Code, Detail: map[string]string{"status": fmt.Sprint(status), "reason": f.Reason}}
	if f.Subcode != "" {
		e.Code += "." + f.Subcode
	}
	if f.Detail != "" {
		e.Detail["fault"] = f.Detail
		e.Detail["content"] = string(f.Content)
	}
	for _, k := range []string{f.Detail, f.Code + "." + f.Subcode, f.Subcode, f.Code} {
		if class, ok := c.faults[k]; ok && k != "" {
			e.Class = classes[class]
			return e
		}
	}
	switch f.Code {
	case "Client", "Sender", "VersionMismatch", "MustUnderstand", "DataEncodingUnknown":
		e.Class = sdk.Permanent
	default:
		e.Class = sdk.Retryable
	}
	if strings.Contains(f.Subcode+f.Code, "FailedAuthentication") || strings.Contains(f.Subcode+f.Code, "InvalidSecurity") {
		e.Class = sdk.Auth
	}
	return e
}

func newHTTP(timeout time.Duration) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = 64
	return &http.Client{Transport: t, Timeout: timeout}
}
