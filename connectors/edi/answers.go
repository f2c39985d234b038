package edi

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/crossdock/crossdock/connectors/edi/exchange"
	"github.com/crossdock/crossdock/connectors/edi/syntax"
	"github.com/crossdock/crossdock/connectors/sdk"
)

var (
	keyTA1 = syntax.KeyOf("TA1")
	keyAK1 = syntax.KeyOf("AK1")
	keyAK2 = syntax.KeyOf("AK2")
	keyAK3 = syntax.KeyOf("AK3")
	keyIK3 = syntax.KeyOf("IK3")
	keyAK4 = syntax.KeyOf("AK4")
	keyIK4 = syntax.KeyOf("IK4")
	keyAK5 = syntax.KeyOf("AK5")
	keyIK5 = syntax.KeyOf("IK5")
	keyAK9 = syntax.KeyOf("AK9")
	keyUCI = syntax.KeyOf("UCI")
	keyUCM = syntax.KeyOf("UCM")
	keyUCS = syntax.KeyOf("UCS")
	keyUCD = syntax.KeyOf("UCD")
)

// ackStatus reads data elements 715 and 717 of X12 and TA104.
var ackStatus = map[string]exchange.Status{
	"A": exchange.Accepted, "E": exchange.AcceptedWithErrors, "P": exchange.PartiallyAccepted,
	"R": exchange.Rejected, "M": exchange.Rejected, "W": exchange.Rejected, "X": exchange.Rejected,
}

// readAnswer takes a segment of an acknowledgement (X12 TA1, 997, 999; CONTRL)
// and adds it to what the stream said before. control is the interchange's own
// number. Segments of other documents are passed over.
func readAnswer(all []exchange.Answer, seg *syntax.Segment, control string) []exchange.Answer {
	v := func(n int) string { return strings.TrimSpace(seg.Value(n)) }
	begin := func(kind, of string, status exchange.Status) []exchange.Answer {
		return append(all, exchange.Answer{Kind: kind, Of: strings.TrimLeft(of, "0"), Control: control, Status: status, Sets: map[string]exchange.Status{}})
	}
	switch seg.Key {
	case keyTA1:
		all = begin("TA1", v(1), ackStatus[v(4)])
		if code := v(5); code != "" && code != "000" {
			all[len(all)-1].Notes = []string{"TA105 " + code}
		}
		return all
	case keyAK1:
		return begin("997", v(2), "")
	case keyUCI:
		// 0083: 4 rejected, 7 and 8 received and, unless said otherwise, accepted.
		status := exchange.Accepted
		if v(4) == "4" {
			status = exchange.Rejected
		}
		return begin("CONTRL", v(1), status)
	}
	if len(all) == 0 {
		return all
	}
	a := &all[len(all)-1]
	if a.Control != control || a.Kind == "TA1" {
		return all
	}
	set := func(control string, status exchange.Status) {
		a.Sets[strings.TrimLeft(control, "0")] = status
	}
	switch seg.Key {
	case keyAK2:
		set(v(2), "")
	case keyAK5, keyIK5:
		if seg.Key == keyIK5 {
			a.Kind = "999"
		}
		for c, s := range a.Sets { // the one that has no status yet
			if s == "" {
				a.Sets[c] = ackStatus[v(1)]
			}
		}
	case keyAK9:
		a.Status = ackStatus[v(1)]
	case keyUCM:
		status := exchange.Accepted
		if v(3) == "4" {
			status = exchange.Rejected
			if a.Status == exchange.Accepted {
				a.Status = exchange.PartiallyAccepted
			}
		}
		set(v(1), status)
	case keyAK3, keyIK3, keyAK4, keyIK4, keyUCS, keyUCD:
		const most = 20
		if len(a.Notes) < most {
			a.Notes = append(a.Notes, strings.ToValidUTF8(string(seg.Raw()), "?"))
		}
	}
	return all
}

// StatusEntity is the entity of the events that tell how far the acknowledgement
// of a document is that we sent.
const StatusEntity = "edi.acknowledgement"

// status is such an event.
type status struct {
	Partner  string            `json:"partner"`
	Status   exchange.Status   `json:"status"`
	Document exchange.Document `json:"document"`
	// Control is our interchange's control number.
	Control string     `json:"control_number"`
	File    string     `json:"file,omitempty"`
	Sent    time.Time  `json:"sent"`
	Due     *time.Time `json:"due,omitempty"`
	Kind    string     `json:"answered_by,omitempty"`
	Answer  string     `json:"answer_control_number,omitempty"`
	Notes   []string   `json:"notes,omitempty"`
	At      time.Time  `json:"at"`
}

// statusRecords makes an event for every document of an entry. what tells events
// of one entry apart.
func statusRecords(partner, what string, e exchange.Entry, at time.Time) ([]sdk.Record, error) {
	out := make([]sdk.Record, 0, len(e.Documents))
	for _, d := range e.Documents {
		s := status{
			Partner: partner, Status: e.Status, Document: d, Control: e.Control, File: e.File, Sent: e.At,
			Kind: e.Kind, Answer: e.Answer, Notes: e.Notes, At: at.UTC(),
		}
		if d.Status != "" {
			s.Status = d.Status
		}
		if !e.Due.IsZero() {
			s.Due = &e.Due
		}
		payload, err := json.Marshal(map[string]status{"acknowledgement": s})
		if err != nil {
			return nil, sdk.Fail(sdk.Bug, "edi.status", err)
		}
		r := sdk.Record{
			ID:     "status/" + what + "/" + e.Control + "/" + d.Control + "/" + e.At.UTC().Format("20060102T150405"),
			Entity: StatusEntity, Operation: "event", Key: d.Key, Payload: payload, ContentType: "application/json", EventTime: at,
			Meta: map[string]string{"key.interchange": e.Control, "edi.status": string(s.Status)},
		}
		if d.Key != "" {
			r.Meta[documentKey(d.Set)] = d.Key
		}
		out = append(out, r)
	}
	return out, nil
}

// orders are the sets whose number is that of an order.
var orders = map[string]bool{"850": true, "855": true, "860": true, "865": true, "875": true, "ORDERS": true, "ORDRSP": true, "ORDCHG": true}

// documentKey names the business key of a set's number.
func documentKey(set string) string {
	if orders[set] {
		return "key.order"
	}
	return "key.document"
}
