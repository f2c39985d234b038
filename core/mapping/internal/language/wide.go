package language

import (
	"fmt"
	"math/big"

	"github.com/govalues/decimal"
)

// Product multiplies and rounds once. A product with more digits than a decimal
// holds would be rounded to those first, and then a second time: 4.5 cents become 4
// or 5 by digits that are gone. It is computed with integers of any size instead.
func Product(a, b decimal.Decimal, scale int, r Rounding) (decimal.Decimal, error) {
	if p, err := a.MulExact(b, a.Scale()+b.Scale()); err == nil {
		return r.Round(p, scale)
	}
	n := new(big.Int).Mul(new(big.Int).SetUint64(a.Coef()), new(big.Int).SetUint64(b.Coef()))
	return r.fraction(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(a.Scale()+b.Scale())), nil), a.IsNeg() != b.IsNeg(), scale)
}

// Quotient divides and rounds once.
func Quotient(a, b decimal.Decimal, scale int, r Rounding) (decimal.Decimal, error) {
	ten := big.NewInt(10)
	n, d := new(big.Int).SetUint64(a.Coef()), new(big.Int).SetUint64(b.Coef())
	n.Mul(n, new(big.Int).Exp(ten, big.NewInt(int64(b.Scale())), nil))
	d.Mul(d, new(big.Int).Exp(ten, big.NewInt(int64(a.Scale())), nil))
	return r.fraction(n, d, a.IsNeg() != b.IsNeg(), scale)
}

// fraction rounds n/d to a decimal.
func (r Rounding) fraction(n, d *big.Int, negative bool, scale int) (decimal.Decimal, error) {
	n = new(big.Int).Mul(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
	q, rest := new(big.Int).QuoRem(n, d, new(big.Int))
	up := false
	switch half := new(big.Int).Lsh(rest, 1).Cmp(d); r {
	case halfEven:
		up = half > 0 || half == 0 && q.Bit(0) == 1
	case halfUp:
		up = half >= 0
	case awayFromZero:
		up = rest.Sign() > 0
	case ceiling:
		up = rest.Sign() > 0 && !negative
	case floor:
		up = rest.Sign() > 0 && negative
	}
	if up {
		q.Add(q, big.NewInt(1))
	}
	if negative {
		q.Neg(q)
	}
	text := q.String() + "e-" + big.NewInt(int64(scale)).String()
	if significant(q.String()) > decimal.MaxPrec {
		return decimal.Decimal{}, tooLong(text)
	}
	out, err := decimal.Parse(text)
	if err != nil {
		return out, tooLong(text)
	}
	return out.Pad(scale), nil
}

func tooLong(text string) error {
	return fmt.Errorf("the result %s has more than %d digits, more than a decimal holds", text, decimal.MaxPrec)
}
