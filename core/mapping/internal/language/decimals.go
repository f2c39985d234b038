package language

import (
	"fmt"
	"strings"

	"github.com/crossdock/crossdock/core/mapping/internal/document"
	"github.com/govalues/decimal"
)

// Rounding is how digits beyond a scale are dropped.
type Rounding uint8

const (
	halfEven Rounding = iota // to the nearest, halves to the even digit: the banker's rule, and the default
	halfUp                   // to the nearest, halves away from zero: the shopkeeper's rule
	towardZero
	awayFromZero
	ceiling
	floor
)

// Roundings are the words for them in mapping files.
var Roundings = map[string]Rounding{
	"half-even": halfEven, "half-up": halfUp, "down": towardZero, "up": awayFromZero, "ceiling": ceiling, "floor": floor,
}

// Round returns d with exactly scale digits after the point.
func (r Rounding) Round(d decimal.Decimal, scale int) (decimal.Decimal, error) {
	if d.Scale() > scale {
		switch r {
		case halfEven:
			d = d.Round(scale)
		case halfUp:
			half, err := decimal.New(5, scale+1)
			if err == nil && d.IsNeg() {
				half = half.Neg()
			}
			if err == nil {
				d, err = d.Add(half)
			}
			if err != nil {
				return d, err
			}
			d = d.Trunc(scale)
		case towardZero:
			d = d.Trunc(scale)
		case awayFromZero:
			if d.IsNeg() {
				d = d.Floor(scale)
			} else {
				d = d.Ceil(scale)
			}
		case ceiling:
			d = d.Ceil(scale)
		case floor:
			d = d.Floor(scale)
		}
	}
	if d = d.Pad(scale); d.Scale() < scale {
		return d, fmt.Errorf("%s has too many digits for %d after the point; %d in all are the limit", d, scale, decimal.MaxPrec)
	}
	return d, nil
}

// ParseDecimal reads decimal text exactly, or not at all.
func ParseDecimal(s string) (decimal.Decimal, error) {
	if significant(s) > decimal.MaxPrec {
		return decimal.Decimal{}, fmt.Errorf("%q has more than %d digits", document.Shorten(s, 40), decimal.MaxPrec)
	}
	d, err := decimal.Parse(s)
	if err != nil {
		return d, fmt.Errorf("%q is not a decimal number such as 12.50", document.Shorten(s, 40))
	}
	if _, frac, ok := strings.Cut(s, "."); ok && !strings.ContainsAny(frac, "eE") && len(frac) > d.Scale() && strings.TrimRight(frac[d.Scale():], "0") != "" {
		return d, fmt.Errorf("%q has more than %d digits after the point", document.Shorten(s, 40), d.Scale())
	}
	return d, nil
}

// currencyScales are the ISO 4217 currencies whose minor unit is not a hundredth.
var currencyScales = map[string]int{
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0,
	"RWF": 0, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
}

// DefaultScale is the number of digits after the point where no currency says
// otherwise.
const DefaultScale = 2

// CurrencyScale is the number of digits of a currency's minor unit (ISO 4217).
func CurrencyScale(code string) int {
	if s, ok := currencyScales[code]; ok {
		return s
	}
	return DefaultScale
}
