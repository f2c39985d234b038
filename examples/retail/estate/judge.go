package estate

import (
	"context"
	"sort"
)

// Verdict is what the receivers saw of one route.
type Verdict struct {
	Route string `json:"route"`
	// Sent documents, those of them that must become dead letters, and those
	// that arrived at every target.
	Sent    int `json:"sent"`
	Doomed  int `json:"doomed"`
	Arrived int `json:"arrived"`
	// Missing documents arrived nowhere or not everywhere.
	Missing []string `json:"missing,omitempty"`
	// Twice were applied more than once by some target.
	Twice []string `json:"twice,omitempty"`
}

// Judge compares what was sent with what every receiver has.
func (e *Estate) Judge(ctx context.Context) ([]Verdict, error) {
	erp, err := e.ordersInERP(ctx)
	if err != nil {
		return nil, err
	}
	advices, _, err := e.partnerInbox()
	if err != nil {
		return nil, err
	}
	e.soap.mu.Lock()
	created, shipped := map[string]int{}, map[string]bool{}
	for k, v := range e.soap.created {
		created[k] = v
	}
	for _, s := range e.soap.shipments {
		shipped["shipment:erp:"+s.Number] = true
	}
	e.soap.mu.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sent["shipments"] = shipped
	var out []Verdict
	for _, r := range []struct {
		route   string
		targets []map[string]int
	}{
		{"partner-orders", []map[string]int{erp}},
		{"shop-orders", []map[string]int{created}},
		{"stock", []map[string]int{e.mkt.stock.copy(), advices}},
		{"store-sales", []map[string]int{erp}},
		{"shipments", []map[string]int{e.shop.fulfilled.copy()}},
	} {
		out = append(out, e.verdict(r.route, r.targets))
	}
	return out, nil
}

func (e *Estate) verdict(route string, targets []map[string]int) Verdict {
	v := Verdict{Route: route, Sent: len(e.sent[route]), Doomed: len(e.doomed[route])}
	for id := range e.sent[route] {
		everywhere, twice := true, false
		for _, t := range targets {
			everywhere = everywhere && t[id] > 0
			twice = twice || t[id] > 1
		}
		if everywhere {
			v.Arrived++
		} else if !e.doomed[route][id] {
			v.Missing = append(v.Missing, id)
		}
		if twice {
			v.Twice = append(v.Twice, id)
		}
	}
	sort.Strings(v.Missing)
	sort.Strings(v.Twice)
	return v
}

// Settled reports whether every document that must arrive has arrived.
func Settled(vs []Verdict) bool {
	for _, v := range vs {
		if len(v.Missing) > 0 || v.Sent == 0 {
			return false
		}
	}
	return true
}
