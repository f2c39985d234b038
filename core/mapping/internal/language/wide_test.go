package language

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/govalues/decimal"
)

// Results are those of arithmetic without a limit, rounded once.
func TestProductAndQuotientRoundOnce(t *testing.T) {
	for _, c := range []struct {
		a, b     string
		scale    int
		rounding Rounding
		product  string
		quotient string
	}{
		{"2.5", "1.01", 2, halfEven, "2.52", "2.48"},
		{"2.5", "-1.01", 2, halfUp, "-2.53", "-2.48"},
		{"2", "3", 2, towardZero, "6.00", "0.66"},
		{"2", "3", 2, awayFromZero, "6.00", "0.67"},
		{"-2", "3", 2, ceiling, "-6.00", "-0.66"},
		{"-2", "3", 2, floor, "-6.00", "-0.67"},
		{"0.0449999999999999999", "0.1", 3, halfUp, "0.004", "0.450"}, // 20 digits behind the point
		{"1234567890123.4567", "1000.005", 2, halfEven, "1234574062962907.32", "1234561717.31"},
	} {
		a, b := decimal.MustParse(c.a), decimal.MustParse(c.b)
		if got, err := Product(a, b, c.scale, c.rounding); err != nil || got.String() != c.product {
			t.Errorf("%s × %s: %s, %v, expected %s", c.a, c.b, got, err, c.product)
		}
		if got, err := Quotient(a, b, c.scale, c.rounding); err != nil || got.String() != c.quotient {
			t.Errorf("%s ÷ %s: %s, %v, expected %s", c.a, c.b, got, err, c.quotient)
		}
	}
	if _, err := Product(decimal.MustParse("9999999999999999999"), decimal.MustParse("10"), 0, halfEven); err == nil {
		t.Error("20 digits are taken for a decimal")
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20_000 {
		a, b := decimal.MustNew(r.Int64N(1e18)>>r.IntN(58), r.IntN(10)), decimal.MustNew(1+r.Int64N(1e18)>>r.IntN(58), r.IntN(10))
		x, _ := new(big.Rat).SetString(a.String())
		y, _ := new(big.Rat).SetString(b.String())
		if y.Sign() == 0 {
			continue
		}
		if got, err := Product(a, b, 3, halfUp); err == nil && got.String() != new(big.Rat).Mul(x, y).FloatString(3) {
			t.Errorf("%s × %s: %s, expected %s", a, b, got, new(big.Rat).Mul(x, y).FloatString(3))
		}
		if got, err := Quotient(a, b, 3, halfUp); err == nil && got.String() != new(big.Rat).Quo(x, y).FloatString(3) {
			t.Errorf("%s ÷ %s: %s, expected %s", a, b, got, new(big.Rat).Quo(x, y).FloatString(3))
		}
	}
}
