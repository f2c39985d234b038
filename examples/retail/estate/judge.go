package estate

import (
	"context"
	"fmt"
	"sort"
	"strings"
)

// Verdict is what the receivers saw of one route.
type Verdict struct {
	Route string `json:"route"`
	// Sent documents, those of them that must become dead letters, and those
	// that arrived whole at every target.
	Sent    int `json:"sent"`
	Doomed  int `json:"doomed"`
	Arrived int `json:"arrived"`
	// Missing documents arrived nowhere, not everywhere, or not as they were
	// sent, which is said behind their id. An 850 file that was never
	// acknowledged is missing its 997.
	Missing []string `json:"missing,omitempty"`
	// Twice were applied more than once by some target.
	Twice []string `json:"twice,omitempty"`
}

// receiver is what one target has: how often, and for targets that keep it,
// what each document says.
type receiver struct {
	times map[string]int
	says  map[string]content
}

// Judge compares what was sent with what every receiver has.
func (e *Estate) Judge(ctx context.Context) ([]Verdict, error) {
	times, says, err := e.ordersInERP(ctx)
	if err != nil {
		return nil, err
	}
	erp := receiver{times, says}
	acme, err := e.partnerInbox()
	if err != nil {
		return nil, fmt.Errorf("the partner's inbox: %w", err)
	}
	soap, shipped := e.soap.booked()
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sent["shipments"] = map[string]bool{}
	for id, c := range shipped {
		e.sent["shipments"][id], e.content[id] = true, c
	}
	var out []Verdict
	for _, r := range []struct {
		route   string
		targets []receiver
	}{
		{"partner-orders", []receiver{erp}},
		{"shop-orders", []receiver{soap}},
		{"stock", []receiver{e.mkt.stock.copy(), {times: acme.advices}}},
		{"store-sales", []receiver{erp}},
		{"shipments", []receiver{e.shop.fulfilled.copy()}},
	} {
		v := e.verdict(r.route, r.targets)
		if r.route == "partner-orders" {
			e.acknowledged(&v, acme.acks)
		}
		sort.Strings(v.Missing)
		sort.Strings(v.Twice)
		out = append(out, v)
	}
	return out, nil
}

func (e *Estate) verdict(route string, targets []receiver) Verdict {
	v := Verdict{Route: route, Sent: len(e.sent[route]), Doomed: len(e.doomed[route])}
	for id := range e.sent[route] {
		everywhere, twice, wrong := true, false, ""
		for _, t := range targets {
			everywhere = everywhere && t.times[id] > 0
			twice = twice || t.times[id] > 1
			if has, sent := t.says[id], e.content[id]; t.says != nil && t.times[id] > 0 && has != sent {
				wrong = fmt.Sprintf(" (%s arrived, %s were sent)", has, sent)
			}
		}
		switch {
		case everywhere && wrong == "":
			v.Arrived++
		case !e.doomed[route][id]:
			v.Missing = append(v.Missing, id+wrong)
		}
		if twice {
			v.Twice = append(v.Twice, id)
		}
	}
	return v
}

// acknowledged expects one 997 for each purchase order file.
func (e *Estate) acknowledged(v *Verdict, acks map[string]int) {
	for group, file := range e.groups {
		switch n := acks[group]; {
		case n == 0:
			v.Missing = append(v.Missing, "997 for "+file)
		case n > 1:
			v.Twice = append(v.Twice, "997 for "+file)
		}
	}
}

// OutOfOrder lists the stock levels that came after a newer one of the same
// SKU: at the marketplace, or at the partner, by its control numbers.
func (e *Estate) OutOfOrder() []string {
	e.mkt.mu.Lock()
	out := append([]string(nil), e.mkt.stale...)
	e.mkt.mu.Unlock()
	e.acme.mu.Lock()
	defer e.acme.mu.Unlock()
	type advice struct {
		id       string
		revision int
		control  uint64
	}
	bySKU := map[string][]advice{}
	for id, control := range e.acme.controls {
		sku, revision := splitRevision(id)
		bySKU[sku] = append(bySKU[sku], advice{id, revision, control})
	}
	for _, list := range bySKU {
		sort.Slice(list, func(i, j int) bool { return list[i].control < list[j].control })
		for i := 1; i < len(list); i++ {
			if list[i].revision < list[i-1].revision {
				out = append(out, fmt.Sprintf("846 %s (control number %d) after %s", list[i].id, list[i].control, list[i-1].id))
			}
		}
	}
	sort.Strings(out)
	return out
}

// splitRevision takes a stock level's id apart, "SKU-001-17".
func splitRevision(id string) (sku string, revision int) {
	i := strings.LastIndexByte(id, '-')
	if i < 0 {
		return id, 0
	}
	if _, err := fmt.Sscan(id[i+1:], &revision); err != nil {
		return id, 0
	}
	return id[:i], revision
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
