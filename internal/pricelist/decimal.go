package pricelist

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"tollgate/internal/money"
)

// decimalForm is a number as JSON and people write it. It bounds what reading it
// costs.
var decimalForm = regexp.MustCompile(`^(-?)([0-9]{1,40})(?:\.([0-9]{1,60}))?(?:[eE]([+-]?[0-9]{1,3}))?$`)

var (
	errForm     = errors.New("is not a number")
	errNegative = errors.New("is less than nothing")
	errAbsurd   = errors.New("is beyond reason")
)

// decimal is a number, exactly.
type decimal struct {
	r     *big.Rat
	noise bool // so many digits only come from floating point arithmetic
}

// noisy is how many significant digits no price has: a double has no more than 17,
// and prints that many only for what was calculated, such as 1.5000000000000002e-07.
const noisy = 16

// readDecimal reads a number, or text that is one.
func readDecimal(v jsontext.Value) (decimal, error) {
	text := string(v)
	if v.Kind() == '"' {
		b, err := jsontext.AppendUnquote(nil, v)
		if err != nil {
			return decimal{}, errForm
		}
		text = strings.TrimSpace(string(b))
	}
	m := decimalForm.FindStringSubmatch(text)
	if m == nil {
		return decimal{}, errForm
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return decimal{}, errForm
	}
	return decimal{r, len(strings.Trim(m[2]+m[3], "0")) >= noisy}, nil
}

// times is d by a factor.
func (d decimal) times(n int64) decimal {
	return decimal{new(big.Rat).Mul(d.r, new(big.Rat).SetInt64(n)), d.noise}
}

// by is d by another number.
func (d decimal) by(o decimal) decimal {
	return decimal{new(big.Rat).Mul(d.r, o.r), d.noise || o.noise}
}

// most is the dearest price that is believed: ten thousand dollars for a million
// tokens or characters, or for one of anything else. Lists have mistakes, a price of
// a thousand where it should be of one; the dearest model known costs less than a
// tenth of it.
const most = 10_000

// price is d dollars as a price of whole millionths, rounded up; note says so if it
// was.
func (d decimal) price() (p money.Price, note string, err error) {
	if d.r.Sign() < 0 {
		return 0, "", errNegative
	}
	if d.r.Cmp(new(big.Rat).SetInt64(most)) > 0 {
		return 0, "", errAbsurd
	}
	scaled := new(big.Rat).Mul(d.r, big.NewRat(1_000_000, 1))
	if d.noise {
		if near, ok := nearest(scaled); ok {
			return money.Price(near), fmt.Sprintf("%s is taken for %s", digits(d.r), money.Price(near)), nil
		}
	}
	q, rest := new(big.Int).QuoRem(scaled.Num(), scaled.Denom(), new(big.Int))
	if rest.Sign() == 0 {
		return money.Price(q.Int64()), "", nil
	}
	p = money.Price(q.Int64() + 1)
	return p, fmt.Sprintf("%s is rounded up to %s", digits(d.r), p), nil
}

// nearest is the whole number that r is, but for what floating point arithmetic adds
// or takes off: less than a part in 10^12.
func nearest(r *big.Rat) (int64, bool) {
	near := new(big.Rat).Add(r, big.NewRat(1, 2))
	n := new(big.Int).Quo(near.Num(), near.Denom())
	off := new(big.Rat).Sub(r, new(big.Rat).SetInt(n))
	off.Abs(off)
	return n.Int64(), off.Cmp(new(big.Rat).Mul(r, big.NewRat(1, 1_000_000_000_000))) <= 0
}

// digits is a number for people.
func digits(r *big.Rat) string {
	text := r.FloatString(24)
	if len(text) > 60 {
		return text[:20] + "…"
	}
	return strings.TrimRight(strings.TrimRight(text, "0"), ".")
}
