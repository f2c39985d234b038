package rest

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/crossdock/crossdock/connectors/sdk"
)

// position is where polling goes on. One look at the list, from its first page
// to its last, asks for everything since the same watermark; the next look asks
// since the highest watermark that this one saw.
type position struct {
	// After is the last record of the page at Cursor that was handed over, when
	// the page was cut: its records up to this one are left out, if the page is
	// still the same, whose fingerprint is Page.
	After string `json:"after,omitempty"`
	Page  string `json:"page,omitempty"`
	// Cursor is the next page: an address, a value, a number. Empty: the first.
	Cursor string `json:"cursor,omitempty"`
	// Since is the watermark that the list is asked with, and Seen the records
	// that had exactly this watermark: many APIs include the bound, and records
	// read before are left out.
	Since string   `json:"since,omitempty"`
	Seen  []string `json:"seen,omitempty"`
	// High and HighSeen become Since and Seen at the end of the list.
	High     string   `json:"high,omitempty"`
	HighSeen []string `json:"highSeen,omitempty"`
	// Last is the page that ended the list.
	Last *lastPage `json:"last,omitempty"`
}

// lastPage lets the next look find out that nothing has changed.
type lastPage struct {
	Address string `json:"address"` // SHA-256, because it may hold a key
	ETag    string `json:"etag,omitempty"`
	Changed string `json:"changed,omitempty"` // Last-Modified
	Body    string `json:"body"`              // SHA-256
}

// maxSeen bounds the position. Records beyond it are read again, which their ids
// make harmless.
const maxSeen = 500

func parsePosition(from []byte) (position, error) {
	var p position
	if len(from) == 0 {
		return p, nil
	}
	if err := json.Unmarshal(from, &p); err != nil {
		return p, sdk.Failf(sdk.BadConfig, "rest.position", "the stored position is not one of this source: %w; reset the position of the endpoint", err)
	}
	return p, nil
}

func (p position) encode() ([]byte, error) {
	b, err := json.Marshal(p)
	if err != nil {
		return nil, sdk.Fail(sdk.Bug, "rest.position", err)
	}
	return b, nil
}

// within returns what makes a position in the middle of the page at p, given the
// record that was handed over last. The rest of p is encoded once for all.
func (p position) within(page string) (func(id string) []byte, error) {
	p.After, p.Page = "", page
	base, err := p.encode()
	if err != nil {
		return nil, err
	}
	return func(id string) []byte {
		out := append([]byte(`{"after":"`), short(id)...)
		out = append(out, '"')
		if len(base) > len("{}") {
			out = append(out, ',')
		}
		return append(out, base[1:]...)
	}, nil
}

// short is enough of an id to tell the records of a page apart.
func short(id string) string { return fingerprint([]byte(id))[:16] }

// saw notes a record. It returns false for one that the look before had.
func (p *position) saw(id, watermark string) bool {
	if watermark == "" {
		return true
	}
	tag := short(id)
	known := watermark == p.Since && slices.Contains(p.Seen, tag)
	switch c := compareWatermarks(watermark, p.High); {
	case p.High == "" || c > 0:
		p.High, p.HighSeen = watermark, []string{tag}
	case c == 0 && len(p.HighSeen) < maxSeen && !slices.Contains(p.HighSeen, tag):
		// A clone, because positions already handed out share the array.
		p.HighSeen = append(slices.Clone(p.HighSeen), tag)
	}
	return !known
}

// ended moves on after the last page.
func (p *position) ended() {
	if p.High != "" {
		p.Since, p.Seen = p.High, p.HighSeen
	}
	p.Cursor = ""
}

// compareWatermarks orders numbers by value, times by instant, and all else as
// text.
func compareWatermarks(a, b string) int {
	if a == b {
		return 0
	}
	x, okX := number(a)
	y, okY := number(b)
	if okX && okY {
		return x.Cmp(y)
	}
	s, errS := time.Parse(time.RFC3339, a)
	t, errT := time.Parse(time.RFC3339, b)
	if errS == nil && errT == nil {
		return s.Compare(t)
	}
	return strings.Compare(a, b)
}

// number reads digits with an optional sign and fraction. Exponents are left to
// text: "1e999999999" would be a number of a gigabyte.
func number(s string) (*big.Rat, bool) {
	if s == "" || len(s) > 40 || strings.Trim(s, "+-.0123456789") != "" {
		return nil, false
	}
	return new(big.Rat).SetString(s)
}
