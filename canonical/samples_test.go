package canonical

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// want is what the error about each invalid sample must say: where and what.
var want = map[string]string{
	"BAD-acknowledgement-time-without-zone.json":  `/at: `,
	"BAD-acknowledgement-unknown-level.json":      `/level: value must be one of 'transport', 'syntax', 'business'`,
	"BAD-availability-number.json":                `/atp: got number, expected string: A decimal quantity as text`,
	"BAD-availability-unknown-part.json":          `/parts: unknown field "buffer"`,
	"BAD-customer-language-name.json":             `/language: "German" is not valid, expected: A BCP 47 language tag`,
	"BAD-customer-unknown-status.json":            `/status: value must be one of 'active'`,
	"BAD-inventory-nobasis.json":                  `(document): required field "basis" is missing`,
	"BAD-inventory-number-quantity.json":          `/quantities/onHand: got number`,
	"BAD-invoice-date-format.json":                `/issuedOn: "23.11.2026" is not a valid date, expected: A calendar date`,
	"BAD-invoice-without-total.json":              `/totals: required field "total" is missing`,
	"BAD-location-country-name.json":              `/address/country: "Germany" is not valid, expected: An ISO 3166-1`,
	"BAD-location-gln-check-digit.json":           `/identifiers/0/value: GLN "4012345000000" has check digit '0', expected '9'`,
	"BAD-order-currency.json":                     `/currency: "usd" is not valid, expected: An ISO 4217`,
	"BAD-order-exp.json":                          `/totals/total: "1e3" is not valid, expected: An exact decimal`,
	"BAD-order-leading.json":                      `/totals/total: "007" is not valid`,
	"BAD-order-nolines.json":                      `/lines: has 0 items, expected at least 1`,
	"BAD-order-nozone.json":                       `/placedAt: "2026-05-12T10:00:00" is not a valid date-time, expected: A point in time`,
	"BAD-order-number-money.json":                 `/totals/total: got number`,
	"BAD-order-typo.json":                         `unknown field "lineTotl"`,
	"BAD-price-comma.json":                        `/amount: "13,00" is not valid`,
	"BAD-price-empty-product.json":                `/product: has 0 members, expected at least 1`,
	"BAD-product-gtin-check-digit.json":           `/identifiers/0/value: GTIN "4006381333932" has check digit '2', expected '1'`,
	"BAD-product-gtin-length.json":                `/packs/0/identifiers/0/value: GTIN "123456" has 6 characters, expected 8, 12, 13 or 14 digits`,
	"BAD-product-uom-lower-case.json":             `/baseUom: "ea" is not valid, expected: A UN/ECE`,
	"BAD-promotion-release-unknown-policy.json":   `/policy: value must be one of 'all-or-quarantine'`,
	"BAD-promotion-release-without-deadline.json": `required field "ackDeadline" is missing`,
	"BAD-promotion-schedule.json":                 `/schedule: required field "localStart", "localEnd" is missing`,
	"BAD-promotion-without-reward.json":           `/rewards: has 0 items, expected at least 1`,
	"BAD-reconciliation-text-count.json":          `/totals/leftCount: got string, expected integer`,
	"BAD-reconciliation-window-without-end.json":  `/window: required field "to" is missing`,
	"BAD-reservation-short-key.json":              `/idempotencyKey: has 2 characters, expected at least 8`,
	"BAD-reservation-without-owner-id.json":       `/owner: required field "id" is missing`,
	"BAD-return-unknown-condition.json":           `/lines/0/condition: value must be one of 'sellable'`,
	"BAD-return-without-lines.json":               `/lines: has 0 items`,
	"BAD-shipment-sscc-check-digit.json":          `/packages/0/identifiers/0/value: SSCC `,
	"BAD-shipment-without-order.json":             `required field "order" is missing`,
}

func samples(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("samples", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = b
	}
	return out
}

// entityOf reads the entity from a document's schema member: "order/1.0".
func entityOf(t *testing.T, doc []byte) string {
	t.Helper()
	var v struct{ Schema string }
	if err := json.Unmarshal(doc, &v); err != nil {
		t.Fatal(err)
	}
	name, _, ok := strings.Cut(v.Schema, "/")
	if !ok {
		t.Fatalf("sample has no schema member: %s", doc)
	}
	return name
}

func TestSamplesAreAcceptedOrRefusedWithAReason(t *testing.T) {
	valid, invalid := map[string]int{}, map[string]int{}
	seen := map[string]bool{}
	for file, doc := range samples(t) {
		entity := entityOf(t, doc)
		err := Validate(entity, doc)
		if !strings.HasPrefix(file, "BAD-") {
			valid[entity]++
			if err != nil {
				t.Errorf("%s: %v", file, err)
			}
			continue
		}
		invalid[entity]++
		seen[file] = true
		var bad *InvalidError
		switch {
		case want[file] == "":
			t.Errorf("%s: nothing says what its error must be; it is %v", file, err)
		case !errors.As(err, &bad):
			t.Errorf("%s: Validate = %v, expected an InvalidError", file, err)
		case len(bad.Problems) != 1:
			t.Errorf("%s has one fault, but %d are reported: %v", file, len(bad.Problems), err)
		case !strings.Contains(err.Error(), want[file]):
			t.Errorf("%s:\n got %v\nwant %s", file, err, want[file])
		}
	}
	for file := range want {
		if !seen[file] {
			t.Errorf("sample %s is missing", file)
		}
	}
	for _, e := range Names() {
		if valid[e] < 2 || invalid[e] < 2 {
			t.Errorf("%s has %d valid and %d invalid samples, expected two of each", e, valid[e], invalid[e])
		}
	}
}

// goTypes are the generated types by entity.
func goTypes() map[string]any {
	return map[string]any{
		"acknowledgement": &Acknowledgement{}, "availability": &Availability{}, "customer": &Customer{},
		"inventory": &Inventory{}, "invoice": &Invoice{}, "location": &Location{}, "order": &Order{},
		"price": &Price{}, "product": &Product{}, "promotion": &Promotion{},
		"promotion-release": &PromotionRelease{}, "reconciliation": &Reconciliation{},
		"reservation": &Reservation{}, "return": &Return{}, "shipment": &Shipment{},
	}
}

// TestGoTypesLoseNothing reads every valid sample into its Go type and back: the
// document must be the same, with absent, false and empty kept apart.
func TestGoTypesLoseNothing(t *testing.T) {
	if got, names := len(goTypes()), Names(); got != len(names) {
		t.Fatalf("%d Go types are tested, there are %d entities", got, len(names))
	}
	for file, doc := range samples(t) {
		if strings.HasPrefix(file, "BAD-") {
			continue
		}
		v := goTypes()[entityOf(t, doc)]
		dec := json.NewDecoder(bytes.NewReader(doc))
		dec.DisallowUnknownFields()
		if err := dec.Decode(v); err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		if err := Validate(entityOf(t, doc), again); err != nil {
			t.Errorf("%s after a round trip: %v", file, err)
		}
		if a, b := generic(t, doc), generic(t, again); !reflect.DeepEqual(a, b) {
			t.Errorf("%s changed in a round trip:\n before %v\n after  %v", file, a, b)
		}
	}
}

// generic decodes a document, with instants in one notation.
func generic(t *testing.T, doc []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(doc, &v); err != nil {
		t.Fatal(err)
	}
	var walk func(any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				v[k] = walk(x)
			}
		case []any:
			for i, x := range v {
				v[i] = walk(x)
			}
		case string:
			if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
				return at.UTC().Format(time.RFC3339Nano)
			}
		}
		return v
	}
	return walk(v)
}

func TestValidateRefusesWhatIsNoDocument(t *testing.T) {
	for doc, want := range map[string]string{
		``:                   "is not JSON",
		`{"schema":`:         "is not JSON",
		`[]`:                 "got array, expected object",
		`{} {}`:              "is not JSON",
		`"order"`:            "got string, expected object",
		"\xff\xfe{\x00}\x00": "is not JSON",
	} {
		if err := Validate("order", []byte(doc)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Validate(%q) = %v, want %s", doc, err, want)
		}
	}
	err := Validate("ordre", []byte(`{}`))
	if err == nil || !strings.Contains(err.Error(), `"ordre" does not exist: expected one of acknowledgement, availability`) {
		t.Errorf("unknown entity: %v", err)
	}
}

func TestNames(t *testing.T) {
	for in, out := range map[string]string{"Order": "order", "PromotionRelease": "promotion-release", "promotion-release": "promotion-release"} {
		if got, ok := Name(in); !ok || got != out {
			t.Errorf("Name(%q) = %q, %v", in, got, ok)
		}
		if s, ok := Schema(in); !ok || !json.Valid(s) {
			t.Errorf("Schema(%q) is missing", in)
		}
	}
	for _, in := range []string{"common", "envelope", "", "order.json"} {
		if _, ok := Schema(in); ok {
			t.Errorf("Schema(%q) exists, but it is no entity", in)
		}
	}
	if len(Names()) != 15 {
		t.Errorf("Names() = %v", Names())
	}
}
