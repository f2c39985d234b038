package schema

import (
	"regexp"

	"github.com/crossdock/crossdock/core/mapping/internal/document"
)

// Codes lists the values that text may have, in the order of the schema; nil
// when any text may stand there.
func (s *Schema) Codes() []string {
	if s = s.Resolved(); s == nil || s.Kind != Text {
		return nil
	}
	var out []string
	for _, n := range s.enum {
		if n.Kind == document.Text {
			out = append(out, n.Text)
		}
	}
	return out
}

// IsDecimal tells that the text is a decimal number, as money is in canonical
// documents.
func (s *Schema) IsDecimal() bool {
	s = s.Resolved()
	if s == nil || s.Kind != Text || s.pattern == nil {
		return false
	}
	return s.pattern.MatchString("1") && s.pattern.MatchString("0.5") && !s.pattern.MatchString("1e5") && !s.pattern.MatchString("x")
}

// identifying are the members whose digits are a name and not an amount: a
// leading zero belongs to them.
var identifying = regexp.MustCompile(`(?i)^(.*[_.])?(gtin(_?\d+)?|upc|ean|gln|sscc|isbn|sku|duns|vat|zip|zip_?code|postal_?code|phone|iban|asin|mpn|scac|barcode)$`)

// IsIdentifier tells by the name of a member that its value is an identifier.
func IsIdentifier(member string) bool { return identifying.MatchString(member) }
